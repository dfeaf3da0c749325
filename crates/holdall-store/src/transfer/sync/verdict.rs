//! Whether a file and an object are the same: a function from what is known to what is to be done.

use super::{Digest, Entry};
use crate::object::Metadata;
use crate::transfer::source::Identity;

/// By what a folder's transfer tells files that need not be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compare {
    /// A file that is as it was when it was moved last (device, inode, size, times), while the object is listed with
    /// the same size and `ETag`. Else by digest, where one is known.
    #[default]
    Index,
    /// All files of the same size are read and compared by digest.
    Content,
    /// By nothing: everything is moved.
    Nothing,
}

/// What is to be done about a file and an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::transfer) enum Verdict {
    Move,
    Unchanged,
    /// Unchanged if the file has this digest.
    Hash(Digest),
    /// Unchanged if the file has the digest that the object's own metadata tell.
    Ask,
}

/// Judges by the file, the object as it is listed, and what the index has of them.
pub(in crate::transfer) fn judge(
    compare: Compare,
    file: &Identity,
    listed: Option<&Metadata>,
    entry: Option<&Entry>,
) -> Verdict {
    let Some(listed) = listed.filter(|listed| listed.size == file.size) else { return Verdict::Move };
    if compare == Compare::Nothing {
        return Verdict::Move;
    }
    match entry.filter(|entry| entry.is_of(listed)) {
        Some(entry) if compare == Compare::Index && entry.file == *file => Verdict::Unchanged,
        Some(Entry { digest: Some(digest), .. }) => Verdict::Hash(digest.clone()),
        _ => Verdict::Ask,
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::entry;
    use super::*;
    use crate::key::Key;

    #[test]
    fn only_what_is_known_to_be_the_same_stays() {
        let digest = Digest::Whole(crate::sha256(b"abc"));
        let known = entry("e", Some(digest.clone()));
        let bare = entry("e", None);
        let file = known.file;
        let touched = Identity { changed: (9, 9), ..file };
        let replaced = Identity { inode: 9, ..file };
        let grown = Identity { size: 9, ..file };
        let listed = |etag: Option<&str>| Metadata {
            key: Key::listed("k"),
            size: file.size,
            etag: etag.map(str::to_owned),
            last_modified: None,
            version: None,
            attributes: crate::Attributes::default(),
            sha256: None,
            nonce: None,
            read_from: crate::ReadFrom::Store,
            expires: None,
        };
        let (same, other, nameless) = (listed(Some("e")), listed(Some("x")), listed(None));
        let hash = || Verdict::Hash(digest.clone());
        use Compare::{Content, Index, Nothing};
        use Verdict::{Ask, Move, Unchanged};
        let cases = [
            ("as it was", Index, file, Some(&same), Some(&known), Unchanged),
            ("as it was, without a digest", Index, file, Some(&same), Some(&bare), Unchanged),
            ("touched", Index, touched, Some(&same), Some(&known), hash()),
            ("another inode", Index, replaced, Some(&same), Some(&known), hash()),
            ("touched, without a digest", Index, touched, Some(&same), Some(&bare), Ask),
            ("another size", Index, grown, Some(&same), Some(&known), Move),
            ("another object", Index, file, Some(&other), Some(&known), Ask),
            ("an object without an ETag", Index, file, Some(&nameless), Some(&known), Ask),
            ("no entry", Index, file, Some(&same), None, Ask),
            ("no object", Index, file, None, Some(&known), Move),
            ("as it was, to be read", Content, file, Some(&same), Some(&known), hash()),
            ("to be read, without a digest", Content, file, Some(&same), Some(&bare), Ask),
            ("to be read, no object", Content, file, None, Some(&known), Move),
            ("everything", Nothing, file, Some(&same), Some(&known), Move),
        ];
        for (name, compare, file, listed, entry, wanted) in cases {
            assert_eq!(judge(compare, &file, listed, entry), wanted, "{name}");
        }
    }
}
