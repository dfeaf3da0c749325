//! What keeps a version of an object from being deleted: legal holds and retention.
//!
//! A server that does not know these operations takes what sets them for a put of the object itself: ask whether the
//! bucket's objects can be locked first ([`Client::object_lock`]).

use crate::client::{Call, Client, Reply};
use crate::date::parse_iso;
use crate::error::{Error, ErrorKind, Result};
use crate::xml::{Element, XmlWriter};
use http::Method;
use jiff::Timestamp;
use std::time::SystemTime;

/// Lets who may do so delete, or retain for shorter, what is retained in governance mode.
pub(super) const BYPASS: &str = "x-amz-bypass-governance-retention";

/// The codes that say that a version has neither: AWS's and Ceph's.
const ABSENT: [&str; 2] = ["NoSuchObjectLockConfiguration", "ObjectLockConfigurationNotFoundError"];

/// Who may delete a version before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RetentionMode {
    /// Those who have a right of its own, and say that they mean it.
    Governance,
    /// Nobody.
    Compliance,
}

impl RetentionMode {
    fn as_str(self) -> &'static str {
        match self {
            Self::Governance => "GOVERNANCE",
            Self::Compliance => "COMPLIANCE",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Governance, Self::Compliance].into_iter().find(|mode| mode.as_str() == text)
    }
}

/// How long a version of an object is kept from being deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Who may delete it before.
    pub mode: RetentionMode,
    /// From this moment on everybody may who may delete at all.
    pub until: SystemTime,
}

impl Client {
    /// Asks whether a version of an object, or the latest, is under a legal hold.
    pub async fn legal_hold(&self, key: &str, version: Option<&str>) -> Result<bool> {
        let call =
            of_version(Call::on("GetObjectLegalHold", Method::GET, key).query("legal-hold", ""), version);
        let held = self.ask_lock(&call, "LegalHold", |root| Ok(root.text_of("Status") == Some("ON"))).await?;
        Ok(held.unwrap_or(false))
    }

    /// Lays a legal hold on a version of an object, or on the latest, or lifts it.
    pub async fn put_legal_hold(&self, key: &str, version: Option<&str>, on: bool) -> Result<()> {
        let status = Element::of_text("Status", if on { "ON" } else { "OFF" });
        let call = Call::on("PutObjectLegalHold", Method::PUT, key).query("legal-hold", "");
        let call = call.document(XmlWriter::document("LegalHold", &[status])).nothing();
        self.run(&of_version(call, version)).await.map(drop)
    }

    /// Asks how long a version of an object, or the latest, is retained. What has ended may be answered still.
    pub async fn retention(&self, key: &str, version: Option<&str>) -> Result<Option<Retention>> {
        let call =
            of_version(Call::on("GetObjectRetention", Method::GET, key).query("retention", ""), version);
        Ok(self.ask_lock(&call, "Retention", retention_in).await?.flatten())
    }

    /// Retains a version of an object, or the latest. A moment goes to the server in whole seconds.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a moment that no calendar has; `PermissionDenied` also for what would weaken a retention.
    pub async fn put_retention(
        &self,
        key: &str,
        version: Option<&str>,
        retention: &Retention,
        bypass_governance: bool,
    ) -> Result<()> {
        let call = Call::on("PutObjectRetention", Method::PUT, key).query("retention", "");
        let mut call = of_version(call.document(document(retention)?).nothing(), version);
        if bypass_governance {
            call = call.header(BYPASS, "true")?;
        }
        self.run(&call).await.map(drop)
    }

    async fn ask_lock<T>(
        &self,
        call: &Call,
        root: &str,
        read: impl FnOnce(&Element) -> Result<T>,
    ) -> Result<Option<T>> {
        let Reply { bytes, host, attempts, .. } = match self.run(call).await {
            Err(error) if error.code().is_some_and(|code| ABSENT.contains(&code)) => return Ok(None),
            other => other?,
        };
        let answer = Element::parse_named(&bytes, root).and_then(|root| read(&root));
        answer.map(Some).map_err(|e| e.in_operation(call.operation, &host, attempts))
    }
}

fn of_version(call: Call, version: Option<&str>) -> Call {
    match version {
        Some(version) => call.query("versionId", version),
        None => call,
    }
}

fn retention_in(root: &Element) -> Result<Option<Retention>> {
    if root.children.is_empty() {
        return Ok(None);
    }
    let bad = || Error::new(ErrorKind::Protocol, "the retention cannot be read");
    let mode = root.text_of("Mode").and_then(RetentionMode::parse).ok_or_else(bad)?;
    let until = root.text_of("RetainUntilDate").and_then(parse_iso).ok_or_else(bad)?;
    Ok(Some(Retention { mode, until }))
}

fn document(retention: &Retention) -> Result<Vec<u8>> {
    let until = Timestamp::try_from(retention.until).map_err(|e| {
        Error::new(ErrorKind::InvalidInput, "nothing can be retained for so long").with_source(e)
    })?;
    let mode = Element::of_text("Mode", retention.mode.as_str());
    let until = Element::of_text("RetainUntilDate", format!("{until:.0}"));
    Ok(XmlWriter::document("Retention", &[mode, until]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn read(xml: &[u8]) -> Result<Option<Retention>> {
        retention_in(&Element::parse_named(xml, "Retention").unwrap())
    }

    #[test]
    fn a_retention_is_read_as_it_is_written() {
        let until = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        for mode in [RetentionMode::Governance, RetentionMode::Compliance] {
            let retention = Retention { mode, until };
            assert_eq!(read(&document(&retention).unwrap()).unwrap(), Some(retention));
        }
        assert_eq!(read(b"<Retention/>").unwrap(), None);
    }

    #[test]
    fn a_retention_that_cannot_be_read_is_no_absence() {
        for text in [
            "<Mode>GOVERNANCE</Mode>",
            "<Mode>X</Mode><RetainUntilDate>2030-01-01T00:00:00Z</RetainUntilDate>",
        ] {
            let xml = format!("<Retention>{text}</Retention>");
            assert_eq!(read(xml.as_bytes()).unwrap_err().kind(), ErrorKind::Protocol);
        }
    }

    #[test]
    fn a_moment_beyond_all_calendars_is_refused() {
        let until = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        let retention = Retention { mode: RetentionMode::Governance, until };
        assert_eq!(document(&retention).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
