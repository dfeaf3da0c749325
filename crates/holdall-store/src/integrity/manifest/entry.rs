//! What a manifest says of a file, and of itself at its end.

use crate::Sha256;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A file, as it is written.
#[derive(Debug, Serialize)]
pub(crate) struct Entry<'a> {
    /// Below the prefix, and in the folder.
    pub(crate) path: &'a str,
    /// In the store.
    pub(crate) key: &'a str,
    pub(crate) size: u64,
    #[serde(with = "hex")]
    pub(crate) sha256: Sha256,
    pub(crate) content_type: &'a str,
    /// Where it can be read by anybody at any time; none where that needs a signature.
    pub(crate) url: Option<&'a str>,
    /// The object's, when the manifest was written.
    pub(crate) etag: Option<&'a str>,
}

/// A file, as far as it is compared by what a manifest says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Expected {
    pub(crate) path: String,
    pub(crate) size: u64,
    #[serde(with = "hex")]
    pub(crate) sha256: Sha256,
    #[serde(default)]
    pub(crate) etag: Option<String>,
}

/// What follows the files: by it a manifest is known to be whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Trailer {
    /// How many files there are.
    pub(crate) count: u64,
    /// Their sizes together.
    pub(crate) bytes: u64,
    /// The object `SHA256SUMS`, which has the same paths and digests.
    pub(crate) sums: Option<Expected>,
}

/// A digest as 64 digits.
mod hex {
    use super::{Cow, Deserialize, Sha256};
    use serde::de::Error;
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(digest: &Sha256, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&digest.to_hex())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Sha256, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Sha256::from_hex(&text).ok_or_else(|| Error::custom("a sha256 that is not 64 digits"))
    }
}
