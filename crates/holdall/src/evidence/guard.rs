//! Writes under a condition, on stores that decide one atomically and, where that is asked for, on stores that do not.

use bytes::Bytes;
use holdall_store::{Error, ErrorKind, Key, PutOptions, Receipt, Result, Store, WriteCondition};

/// What is demanded of a store that cannot decide atomically who was first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Exclusive {
    /// It is refused, with `Unsupported`.
    #[default]
    Required,
    /// It is looked first, and then written: of two at the same moment both may believe to have won. Receipts say so.
    BestEffort,
}

impl Exclusive {
    /// The name in output: `best_effort`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::BestEffort => "best_effort",
        }
    }
}

/// A conditional write that took effect.
#[derive(Debug)]
pub(super) struct Guarded {
    pub(super) receipt: Receipt,
    /// Whether the store decided the condition itself.
    pub(super) atomic: bool,
}

/// Puts under a condition; none where it does not hold.
pub(super) async fn put(
    store: &Store,
    key: &Key,
    bytes: Bytes,
    options: &PutOptions,
    exclusive: Exclusive,
) -> Result<Option<Guarded>> {
    match store.put_with(key.as_str(), bytes.clone(), options).await {
        Ok(receipt) => Ok(Some(Guarded { receipt, atomic: true })),
        Err(error) if is_lost(&error, &options.condition) => Ok(None),
        Err(error) if error.kind() == ErrorKind::Unsupported => match exclusive {
            Exclusive::Required => Err(error.with_hint(
                "this store cannot decide who is first: use another, or accept it with exclusive = best_effort",
            )),
            Exclusive::BestEffort => put_after_a_look(store, key, bytes, options).await,
        },
        Err(error) => Err(error),
    }
}

/// Whether an error says that the condition does not hold.
fn is_lost(error: &Error, condition: &WriteCondition) -> bool {
    match error.kind() {
        ErrorKind::Precondition | ErrorKind::AlreadyExists => true,
        // The object that was to be replaced is gone.
        ErrorKind::NotFound => matches!(condition, WriteCondition::Matches(_)),
        _ => false,
    }
}

async fn put_after_a_look(
    store: &Store,
    key: &Key,
    bytes: Bytes,
    options: &PutOptions,
) -> Result<Option<Guarded>> {
    let there = match store.head(key.as_str()).await {
        Ok(object) => Some(object),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let holds = match &options.condition {
        WriteCondition::Always => true,
        WriteCondition::Absent => there.is_none(),
        WriteCondition::Matches(etag) => there.and_then(|object| object.etag).as_ref() == Some(etag),
    };
    if !holds {
        return Ok(None);
    }
    let options = PutOptions { condition: WriteCondition::Always, ..options.clone() };
    let receipt = store.put_with(key.as_str(), bytes, &options).await?;
    Ok(Some(Guarded { receipt, atomic: false }))
}
