//! What a deletion leaves: `holdall.tombstone/1`. A step that was stored before it and comes later, out of an outbox, is
//! not there.

use super::delete::named;
use super::layout::Entry;
use super::marker::{check_schema, damaged};
use super::moment;
use super::part::StepPart;
use super::sessions::Sessions;
use super::step::Step;
use crate::{SessionId, StepId};
use holdall_store::{Attributes, PutOptions, Result};
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

const SCHEMA: &str = "holdall.tombstone/1";

/// The moment of a deletion that was none: see `Sessions::close`.
pub(super) const NEVER: SystemTime = SystemTime::UNIX_EPOCH;

/// That something was deleted, when, and what of it is still to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tombstone {
    pub(super) session: SessionId,
    /// None where the whole session was deleted.
    pub(super) step: Option<StepId>,
    pub(super) deleted: SystemTime,
    /// When the step was recorded, by which its entry in the index is found.
    pub(super) time: Option<SystemTime>,
    /// When it was to expire, which its entry says too.
    pub(super) expires: Option<SystemTime>,
    /// Objects to remove, as they follow the session's name: those of a deletion that did not come to its end.
    pub(super) left: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Record {
    schema: String,
    session: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    deleted: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    left: Vec<String>,
}

impl Tombstone {
    pub(super) fn write(&self) -> Vec<u8> {
        let record = Record {
            schema: SCHEMA.to_owned(),
            session: self.session.as_str().to_owned(),
            step: self.step.as_ref().map(|step| step.as_str().to_owned()),
            deleted: moment::text(self.deleted),
            time: self.time.map(moment::text),
            expires: self.expires.map(moment::text),
            left: self.left.clone(),
        };
        let mut text = serde_json::to_vec_pretty(&record).expect("its keys are text and its numbers whole");
        text.push(b'\n');
        text
    }

    /// Reads the tombstone of a step, or of a session.
    ///
    /// # Errors
    ///
    /// `Unsupported` for one of a later version, `Integrity` for what is no tombstone of this.
    pub(super) fn read(bytes: &[u8], session: &SessionId, step: Option<&StepId>) -> Result<Self> {
        check_schema(bytes, "holdall.tombstone/", SCHEMA)?;
        let record: Record =
            serde_json::from_slice(bytes).map_err(|e| damaged(&e.to_string()).with_source(e))?;
        let is_own = record.session == session.as_str() && record.step.as_deref() == step.map(StepId::as_str);
        let deleted = moment::parse(&record.deleted).filter(|_| is_own);
        let deleted = deleted.ok_or_else(|| damaged("it is the tombstone of something else"))?;
        let may_go = |key: &String| step.is_some_and(|step| StepPart::belongs_to(key, step));
        if !record.left.iter().all(may_go) {
            return Err(damaged("it names objects that are not its step's"));
        }
        let moment = |text: &Option<String>| text.as_deref().and_then(moment::parse);
        let (time, expires) = (moment(&record.time), moment(&record.expires));
        Ok(Self { session: session.clone(), step: step.cloned(), deleted, time, expires, left: record.left })
    }

    /// The entry of the index that is to go.
    pub(super) fn entry(&self) -> Option<Entry> {
        let (time, step) = (self.time?, self.step.as_ref()?);
        Some(Entry { expires: self.expires, ..Entry::new(time, step) })
    }
}

impl Sessions {
    /// What is to be said of a step that goes.
    pub(super) fn tombstone_of(&self, step: &Step, deleted: SystemTime) -> Tombstone {
        Tombstone {
            session: step.session.clone(),
            step: Some(step.step.clone()),
            deleted,
            time: Some(step.time),
            expires: step.expires,
            left: named(self, step),
        }
    }

    /// Writes a tombstone.
    pub(super) async fn put_tombstone(&self, tombstone: &Tombstone) -> Result<()> {
        let key = match &tombstone.step {
            Some(step) => self.layout.tombstone(&tombstone.session, step)?,
            None => self.layout.session_tombstone(&tombstone.session)?,
        };
        let attributes =
            Attributes { content_type: Some("application/json".to_owned()), ..Attributes::default() };
        let options = PutOptions { attributes, ..PutOptions::default() };
        self.store.put_with(key.as_str(), tombstone.write(), &options).await.map(drop)
    }

    /// Says that nothing is left. What was no deletion, but a sweep's note of what it had to remove, goes itself.
    pub(super) async fn close(&self, tombstone: Tombstone) -> Result<()> {
        match &tombstone.step {
            Some(step) if tombstone.deleted == NEVER => {
                let key = self.layout.tombstone(&tombstone.session, step)?;
                self.store.delete(key.as_str()).await.map(drop)
            }
            _ => {
                let done = Tombstone { left: Vec::new(), time: None, expires: None, ..tombstone };
                self.put_tombstone(&done).await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdall_store::ErrorKind;
    use std::time::{Duration, UNIX_EPOCH};

    const GOLDEN: &str = include_str!("golden/tombstone-1.json");

    #[test]
    fn the_tombstone_of_version_1_is_written_and_read_as_it_ever_was() {
        let (session, step) = (SessionId::parse("run-7").unwrap(), StepId::parse("0003").unwrap());
        let tombstone = Tombstone {
            session: session.clone(),
            step: Some(step.clone()),
            deleted: UNIX_EPOCH + Duration::from_millis(1_735_787_045_678),
            time: Some(UNIX_EPOCH + Duration::from_millis(1_735_787_000_000)),
            expires: None,
            left: vec!["0003/old/page.html".to_owned()],
        };
        assert_eq!(String::from_utf8(tombstone.write()).unwrap(), GOLDEN);
        let read = |text: &str, step: Option<&StepId>| {
            Tombstone::read(text.as_bytes(), &session, step).map_err(|error| error.kind())
        };
        assert_eq!(read(GOLDEN, Some(&step)), Ok(tombstone));
        assert_eq!(read(GOLDEN, None), Err(ErrorKind::Integrity));
        assert_eq!(read(&GOLDEN.replace("0003/old", "0004/old"), Some(&step)), Err(ErrorKind::Integrity));
        assert_eq!(
            read(&GOLDEN.replace("tombstone/1", "tombstone/2"), Some(&step)),
            Err(ErrorKind::Unsupported)
        );
    }
}
