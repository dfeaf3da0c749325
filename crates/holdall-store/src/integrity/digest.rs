//! Digests of objects that were sent in parts.

use crate::Sha256;
use holdall_s3::sha256;

/// The composite of the parts' digests: the SHA-256 of their concatenation in base64, and `-` and their number, as S3
/// writes a composite checksum.
pub(crate) fn composite(parts: impl Iterator<Item = Sha256>) -> String {
    let mut all = Vec::new();
    let mut n = 0;
    for part in parts {
        all.extend_from_slice(&part.0);
        n += 1;
    }
    format!("{}-{n}", sha256(&all).to_base64())
}
