//! What may be true after operations of which some failed.

use std::collections::BTreeMap;

use holdall_store::{Error, ErrorKind};

/// What a key may hold: each is possible, one of them is so.
type Possible = Vec<Option<Vec<u8>>>;

/// All keys that were ever written, with what each may hold. A key that is not here holds nothing.
#[derive(Default)]
pub(crate) struct Model(BTreeMap<String, Possible>);

/// Whether a failed change may have taken effect all the same.
pub(crate) fn in_doubt(error: &Error) -> bool {
    // An answer that breaks the protocol says nothing of what was done.
    error.is_transient() || matches!(error.kind(), ErrorKind::Protocol | ErrorKind::Incomplete)
}

impl Model {
    pub(crate) fn possible(&self, key: &str) -> Possible {
        self.0.get(key).cloned().unwrap_or_else(|| vec![None])
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// A change that was acknowledged: the key holds one of these.
    pub(crate) fn done(&mut self, key: &str, now: Possible) {
        self.0.insert(key.to_owned(), now);
    }

    /// A change that failed.
    pub(crate) fn failed(&mut self, key: &str, would_be: Possible, error: &Error) {
        let mut possible = self.possible(key);
        if in_doubt(error) {
            possible.extend(would_be);
        }
        self.0.insert(key.to_owned(), possible);
    }

    /// Compares what was seen of a key with what is possible.
    pub(crate) fn check(&self, key: &str, seen: Option<&[u8]>, what: &str) -> Result<(), String> {
        if self.possible(key).iter().any(|one| one.as_deref() == seen) {
            return Ok(());
        }
        let short =
            |bytes: Option<&[u8]>| bytes.map(|b| (b.len(), b.iter().take(12).copied().collect::<Vec<_>>()));
        let possible: Vec<_> = self.possible(key).iter().map(|one| short(one.as_deref())).collect();
        Err(format!("{what}: {key} is {:?}, possible is {possible:?}", short(seen)))
    }
}
