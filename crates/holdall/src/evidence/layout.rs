//! Where bundles, attachments and their claims lie, below the roots of their collections.
//!
//! Types, years, decisions and names are segments of their own. `by-id` is none of them: as a type it is refused, and
//! a year is four digits.

use super::moment::{Moment, Month};
use crate::id::check;
use crate::{DecisionId, EvidenceType};
use holdall_store::{Error, ErrorKind, Result};
use std::fmt;

/// The segment below which claims lie.
pub(super) const BY_ID: &str = "by-id";

crate::id::id! {
    /// The name of an attachment, unique within its decision.
    AttachmentName, "attachment"
}

/// The place of a bundle: `{type}/{YYYY}/{MM}/{decision id}.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BundlePath {
    pub(super) kind: EvidenceType,
    pub(super) month: Month,
    pub(super) decision: DecisionId,
}

impl BundlePath {
    pub(super) fn new(kind: &EvidenceType, created: Moment, decision: &DecisionId) -> Result<Self> {
        check_type(kind)?;
        Ok(Self { kind: kind.clone(), month: created.month(), decision: decision.clone() })
    }

    /// Reads a path; none where it is not that of a bundle.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let [kind, year, month, name] = segments(path)?;
        let kind = EvidenceType::parse(kind).ok().filter(|kind| kind.as_str() != BY_ID)?;
        let decision = DecisionId::parse(name.strip_suffix(".json")?).ok()?;
        Some(Self { kind, month: Month::parse(year, month)?, decision })
    }
}

impl fmt::Display for BundlePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}.json", self.kind, self.month, self.decision)
    }
}

/// The place of an attachment: `{YYYY}/{MM}/{decision id}/{name}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AttachmentPath {
    pub(super) month: Month,
    pub(super) decision: DecisionId,
    pub(super) name: AttachmentName,
}

impl AttachmentPath {
    /// Reads a path; none where it is not that of an attachment.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let [year, month, decision, name] = segments(path)?;
        let (decision, name) = (DecisionId::parse(decision).ok()?, AttachmentName::parse(name).ok()?);
        Some(Self { month: Month::parse(year, month)?, decision, name })
    }
}

impl fmt::Display for AttachmentPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.month, self.decision, self.name)
    }
}

/// The place of a decision's claim, below the root of evidence.
pub(super) fn bundle_claim(decision: &DecisionId) -> String {
    format!("{BY_ID}/{decision}.json")
}

/// The place of an attachment's claim, below the root of attachments.
pub(super) fn attachment_claim(decision: &DecisionId, name: &AttachmentName) -> String {
    format!("{}{name}.json", attachment_claims(decision))
}

/// What the claims of a decision's attachments begin with.
pub(super) fn attachment_claims(decision: &DecisionId) -> String {
    format!("{BY_ID}/{decision}/")
}

/// Refuses the type whose folder would be that of claims.
pub(super) fn check_type(kind: &EvidenceType) -> Result<()> {
    check("evidence type", kind.as_str())?;
    if kind.as_str() == BY_ID {
        return Err(Error::new(ErrorKind::InvalidInput, "no type of evidence can be called by-id")
            .with_hint("claims lie there: choose another name"));
    }
    Ok(())
}

fn segments(path: &str) -> Option<[&str; 4]> {
    let mut parts = path.split('/');
    let four = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(four)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_read_is_the_one_that_is_written() {
        for path in ["risk/2026/01/d-1.json", "25_00284_F/0999/12/a.json.json"] {
            assert_eq!(BundlePath::parse(path).unwrap().to_string(), path);
        }
        for path in [
            "by-id/2026/01/d.json",
            "by-id/d.json",
            "risk/2026/1/d.json",
            "risk/2026/01/d",
            "risk/2026/01/.json",
            "risk/2026/01/x/d.json",
            "../2026/01/d.json",
            "risk/2026/01/..json.json/",
        ] {
            assert_eq!(BundlePath::parse(path), None, "{path}");
        }
        let path = "2026/01/d-1/report.pdf";
        assert_eq!(AttachmentPath::parse(path).unwrap().to_string(), path);
        for path in ["by-id/01/d/r", "by-id/d/report.pdf.json", "2026/01/d", "2026/01/d/", "2026/01/../r"] {
            assert_eq!(AttachmentPath::parse(path), None, "{path}");
        }
    }

    #[test]
    fn no_type_can_be_called_by_id() {
        let error = check_type(&EvidenceType::parse("by-id").unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.message().contains("by-id"), "{error}");
    }
}
