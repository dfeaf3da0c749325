//! What a call answers, as far as every store must answer it alike.

use holdall_store::ErrorKind;
use std::ops::Range;

/// What is known of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) size: u64,
    pub(crate) note: Option<String>,
}

/// An answer. What differs from store to store, as ETags and times do, is not in it: it is checked where it is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    Stored {
        size: u64,
    },
    Read {
        known: Known,
        range: Range<u64>,
        bytes: Vec<u8>,
    },
    Known(Known),
    Listed {
        names: Vec<String>,
        prefixes: Vec<String>,
    },
    /// There is no open upload to do it to.
    Nothing,
    Failed(ErrorKind),
    /// The store contradicts itself.
    Contradiction(String),
}
