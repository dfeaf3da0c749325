//! Whether a file is what it should be: functions from what is known to what is found.

use super::manifest::Expected;
use crate::Sha256;
use crate::object::Metadata;

/// By what it was proved that bytes are the right ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The object has the `ETag` that the manifest noted when it was stored.
    ETag,
    /// The digest that the object was stored with.
    Recorded,
    /// All bytes were read.
    Read,
}

/// In what something is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// Its number of bytes.
    Size {
        /// What it should be.
        expected: u64,
        /// What it is.
        found: u64,
    },
    /// The SHA-256 of its bytes.
    Digest {
        /// What it should be.
        expected: Sha256,
        /// What it is; none where the bytes are not those that were recorded with the object itself.
        found: Option<Sha256>,
    },
    /// The `ETag`: the object was written again, and nothing tells of its bytes but reading them.
    ETag,
}

/// What one side has of a path.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing.
    Absent,
    Same(Proof),
    Differs(Difference),
    /// Nothing that was looked at tells.
    Unproven,
    /// It could not be found out.
    Failed(crate::Error),
}

/// What is known of an object without asking for it, or what is to be done to know more.
#[derive(Debug)]
pub(crate) enum Step {
    Is(Found),
    Ask,
    Read,
}

/// Judges an object by what the listing says.
pub(crate) fn by_listing(expected: &Expected, listed: &Metadata, deep: bool) -> Step {
    if listed.size != expected.size {
        return Step::Is(Found::Differs(Difference::Size { expected: expected.size, found: listed.size }));
    }
    match (&listed.etag, &expected.etag) {
        _ if deep => Step::Read,
        (Some(listed), Some(expected)) if listed == expected => Step::Is(Found::Same(Proof::ETag)),
        _ => Step::Ask,
    }
}

/// Judges an object by the digest that it was stored with, if any.
pub(crate) fn by_record(expected: &Expected, listed: &Metadata, recorded: Option<Sha256>) -> Found {
    match (recorded, &listed.etag, &expected.etag) {
        (Some(recorded), _, _) => by_digest(expected.sha256, recorded, Proof::Recorded),
        (None, Some(listed), Some(expected)) if listed != expected => Found::Differs(Difference::ETag),
        _ => Found::Unproven,
    }
}

/// Judges by the digest of the bytes.
pub(crate) fn by_digest(expected: Sha256, found: Sha256, proof: Proof) -> Found {
    if found == expected {
        Found::Same(proof)
    } else {
        Found::Differs(Difference::Digest { expected, found: Some(found) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    fn listed(size: u64, etag: Option<&str>) -> Metadata {
        Metadata {
            key: Key::listed("k"),
            size,
            etag: etag.map(str::to_owned),
            last_modified: None,
            version: None,
            attributes: crate::Attributes::default(),
            sha256: None,
            nonce: None,
            read_from: crate::ReadFrom::Store,
            expires: None,
        }
    }

    fn expected(etag: Option<&str>) -> Expected {
        Expected {
            path: "k".to_owned(),
            size: 3,
            sha256: crate::sha256(b"abc"),
            etag: etag.map(str::to_owned),
        }
    }

    #[test]
    fn the_listing_says_what_it_can_and_no_more() {
        let cases = [
            ("another size", 4, Some("e"), Some("e"), false, "Is(Differs(Size { expected: 3, found: 4 }))"),
            (
                "another size, deep",
                4,
                Some("e"),
                Some("e"),
                true,
                "Is(Differs(Size { expected: 3, found: 4 }))",
            ),
            ("the same ETag", 3, Some("e"), Some("e"), false, "Is(Same(ETag))"),
            ("the same ETag, deep", 3, Some("e"), Some("e"), true, "Read"),
            ("another ETag", 3, Some("x"), Some("e"), false, "Ask"),
            ("no ETag listed", 3, None, Some("e"), false, "Ask"),
            ("no ETag noted", 3, Some("e"), None, false, "Ask"),
            ("no ETags", 3, None, None, false, "Ask"),
        ];
        for (name, size, found, noted, deep, wanted) in cases {
            let step = by_listing(&expected(noted), &listed(size, found), deep);
            assert_eq!(format!("{step:?}"), wanted, "{name}");
        }
    }

    #[test]
    fn a_recorded_digest_decides_and_without_one_another_etag_is_a_difference() {
        let (same, other) = (crate::sha256(b"abc"), crate::sha256(b"abd"));
        let judge = |noted, etag, recorded| by_record(&expected(noted), &listed(3, etag), recorded);
        assert!(matches!(judge(Some("e"), Some("x"), Some(same)), Found::Same(Proof::Recorded)));
        assert!(matches!(judge(None, None, Some(other)), Found::Differs(Difference::Digest { .. })));
        assert!(matches!(judge(Some("e"), Some("x"), None), Found::Differs(Difference::ETag)));
        for (noted, etag) in [(None, Some("x")), (Some("e"), None), (None, None)] {
            assert!(matches!(judge(noted, etag, None), Found::Unproven));
        }
    }
}
