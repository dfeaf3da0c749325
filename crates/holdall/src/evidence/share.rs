//! Links by which somebody without credentials reads evidence, for a while.

use super::layout::AttachmentName;
use super::retrieve::incomplete;
use super::{Evidence, Exclusive, Moment};
use crate::DecisionId;
use holdall_store::{Error, ErrorKind, Key, PresignMethod, PresignOptions, Result};
use std::time::Duration;

/// Until when a link is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// For so long, from now on.
    After(Duration),
    /// Until a moment.
    At(Moment),
}

impl Expiry {
    /// How long that is from a moment on.
    fn from(self, now: Moment) -> Result<Duration> {
        let left = match self {
            Self::After(duration) => Some(duration).filter(|duration| duration.as_secs() > 0),
            Self::At(moment) => moment.since(now),
        };
        left.ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "the expiry of a link lies in the past")
                .with_hint("give a moment to come, at most 7 days from now")
        })
    }
}

impl Evidence {
    /// Makes a link to the bundle of a decision, or to an attachment of it, that anybody may read it by until it expires.
    ///
    /// It is looked that there is something; the link is to the object, and shows what lies there when it is used.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for an expiry in the past or more than 7 days away; `NotFound`; `Incomplete`; `Unsupported` where no
    /// service would answer the link, as for a folder.
    pub async fn share(
        &self,
        decision: &DecisionId,
        attachment: Option<&AttachmentName>,
        expiry: Expiry,
    ) -> Result<(Key, String)> {
        let expires = expiry.from(Moment::now())?;
        let place = match attachment {
            Some(name) => self.attachment_place(decision, name, Exclusive::Required),
            None => self.bundle_place(decision, Exclusive::Required),
        };
        let found = place.demand().await?;
        let held = found.claim.holds.as_ref().expect("it was demanded");
        let key = place.key(&held.path)?;
        if !self.store.exists(key.as_str()).await? {
            return Err(incomplete(&key, held));
        }
        let options = PresignOptions::new(PresignMethod::Get, expires);
        Ok((key.clone(), self.store.presign(key.as_str(), &options).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_in_the_past_is_refused() {
        let now: Moment = "2026-01-31T23:30:00Z".parse().unwrap();
        for past in [
            Expiry::After(Duration::ZERO),
            Expiry::At(now),
            Expiry::At("2026-01-31T23:29:59Z".parse().unwrap()),
        ] {
            let error = past.from(now).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.message().contains("in the past"), "{error}");
        }
        let left = Expiry::At("2026-02-01T00:30:00+01:00".parse().unwrap()).from(now);
        assert!(left.is_err(), "an offset is honoured");
        let left = Expiry::At("2026-01-31T23:40:00Z".parse().unwrap()).from(now).unwrap();
        assert_eq!(left, Duration::from_secs(600));
    }
}
