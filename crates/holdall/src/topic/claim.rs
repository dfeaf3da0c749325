//! Claims a slug for a title, so that two titles never share a folder.

use super::record::{Record, waits};
use super::{Slug, Title};
use holdall_store::{
    Error, ErrorKind, Key, LocalCopy, Metadata, OnRemoteError, PutOptions, Result, State, Store,
    WriteCondition, WriteMode,
};

/// So often the record may be another each time that it is looked at.
const TRIES: usize = 5;

/// How a title came by its slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Claim {
    /// The title had it already.
    Held,
    /// It was claimed now, and the store saw to it that nobody else could.
    Made,
    /// It was claimed now, in a store that cannot create an object only where there is none: of two who claim at the same
    /// moment both may be told so, and the later one has it. Such a claim does not wait for a store that is away.
    BestEffort,
    /// The store is away: the claim waits in the outbox under its condition, with the topic's files behind it. If the
    /// store has another title's by then, all of them are parked.
    Queued,
    /// Nobody has it. Nothing was written, since this was a dry run.
    Free,
}

impl Claim {
    /// The name in output: `best_effort`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Made => "made",
            Self::BestEffort => "best_effort",
            Self::Queued => "queued",
            Self::Free => "free",
        }
    }
}

/// A claim under way.
pub(super) struct Claiming<'a> {
    pub(super) store: &'a Store,
    pub(super) key: &'a Key,
    pub(super) slug: &'a Slug,
    /// None where any title will do.
    pub(super) title: Option<&'a Title>,
}

/// What the record says of a title.
enum Verdict {
    Same,
    Nameless(Box<(Record, Metadata)>),
}

impl Claiming<'_> {
    /// Looks who has the slug, and changes nothing.
    ///
    /// # Errors
    ///
    /// `Conflict` when another title has it.
    pub(super) async fn look(&self) -> Result<Claim> {
        Ok(match Record::read(self.store, self.key).await? {
            None => Claim::Free,
            Some(found) => match self.judge(found)? {
                Verdict::Same => Claim::Held,
                Verdict::Nameless(_) => Claim::Free,
            },
        })
    }

    /// Claims the slug.
    ///
    /// # Errors
    ///
    /// `Conflict` when another title has it.
    pub(super) async fn claim(&self) -> Result<Claim> {
        for _ in 0..TRIES {
            let found = match Record::read(self.store, self.key).await {
                Err(error) if self.store.outbox().is_some() && is_away(&error) => None,
                other => other?,
            };
            let attempt = match found {
                None => {
                    let record = Record::new(self.slug.clone(), self.title.cloned());
                    self.write(&record, WriteCondition::Absent).await?
                }
                Some(found) => {
                    let was_queued = waits(&found.1);
                    match self.judge(found)? {
                        Verdict::Same => return Ok(if was_queued { Claim::Queued } else { Claim::Held }),
                        Verdict::Nameless(found) => self.name(*found).await?,
                    }
                }
            };
            if let Some(claim) = attempt {
                return Ok(claim);
            }
        }
        Err(Error::new(ErrorKind::Conflict, "the topic's record is written again and again")
            .with_key(self.key))
    }

    fn judge(&self, found: (Record, Metadata)) -> Result<Verdict> {
        let record = &found.0;
        if record.slug != *self.slug {
            let message = "the topic's record is of another slug";
            return Err(Error::new(ErrorKind::Integrity, message)
                .with_key(self.key)
                .with_fact("slug", &record.slug));
        }
        match (self.title, &record.title) {
            (Some(title), Some(other)) if title != other => Err(self.conflict(title, other)),
            (Some(_), None) => Ok(Verdict::Nameless(Box::new(found))),
            _ => Ok(Verdict::Same),
        }
    }

    fn conflict(&self, title: &Title, other: &Title) -> Error {
        Error::new(ErrorKind::Conflict, "another title has the topic's slug")
            .with_key(self.key)
            .with_fact("title", format_args!("{:?}", title.as_str()))
            .with_fact("has_it", format_args!("{:?}", other.as_str()))
            .with_hint("give the topic another title, or push it under the one that has the slug")
    }

    /// Gives a record that was adopted its title.
    async fn name(&self, (mut record, metadata): (Record, Metadata)) -> Result<Option<Claim>> {
        record.title = self.title.cloned();
        let condition = metadata.etag.map_or(WriteCondition::Always, WriteCondition::Matches);
        self.write(&record, condition).await
    }

    /// Writes the record; none when somebody else did meanwhile.
    async fn write(&self, record: &Record, condition: WriteCondition) -> Result<Option<Claim>> {
        let options = PutOptions { condition, ..PutOptions::default() };
        match self.put(record, options).await {
            Ok(State::Queued) => Ok(Some(Claim::Queued)),
            Ok(_) => Ok(Some(Claim::Made)),
            Err(error) if is_beaten(&error) => Ok(None),
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                self.write_and_look(record).await.map(Some)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes the record where the store decides no condition: the record was looked at before, and is after. It does not
    /// wait in an outbox, where it would be written over another title's later, unseen.
    async fn write_and_look(&self, record: &Record) -> Result<Claim> {
        let options = PutOptions {
            on_remote_error: Some(OnRemoteError::Raise),
            write: Some(WriteMode::Direct),
            ..PutOptions::default()
        };
        self.put(record, options).await?;
        match Record::read(self.store, self.key).await? {
            Some(found) => self.judge(found).map(|_| Claim::BestEffort),
            None => {
                let message = "the topic's record is gone right after it was written";
                Err(Error::new(ErrorKind::Conflict, message).with_key(self.key))
            }
        }
    }

    async fn put(&self, record: &Record, mut options: PutOptions) -> Result<State> {
        options.attributes.content_type = Some("application/json".to_owned());
        // It is remembered here whose the slug is, for when the store is away.
        options.local_copy = self.store.outbox().map(|_| LocalCopy::Keep);
        let receipt = self.store.put_with(self.key.as_str(), record.text()?, &options).await?;
        Ok(receipt.state)
    }
}

/// Whether somebody else wrote what a condition speaks of.
fn is_beaten(error: &Error) -> bool {
    use ErrorKind as K;
    matches!(error.kind(), K::Precondition | K::Conflict | K::AlreadyExists | K::NotFound)
}

/// Whether a fault says nothing but that the store cannot be asked now.
fn is_away(error: &Error) -> bool {
    use ErrorKind as K;
    matches!(error.kind(), K::Unreachable | K::Timeout | K::Throttled)
        || (error.is_transient() && error.kind() != K::Precondition)
}
