//! Where in the folder a key lives: at itself, or under `.holdall/odd/` when it can be no path.
//!
//! Under `odd/` every name between slashes is written in ASCII, behind a letter that says what it is: `f` a file, `d` a
//! folder, `c` the first 80 bytes of a longer name, whose rest is inside. So `a` is `fa` beside the folder `da` of
//! `a/b`, and an empty name is the letter alone. Sorted by what they stand for, the entries of such a folder are in the
//! order of their keys.

use crate::disk::MAX_NAME;
use crate::key::RESERVED;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};

/// The folder of keys that can be no path.
pub(super) const ODD: &str = ".holdall/odd";

/// Names of this many bytes and more are cut: three letters each and the mark still make a name.
const CHUNK: usize = 80;

/// What some file system does not take in a name, and the sign itself.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b'%')
    .add(b'/')
    .add(b'\\')
    .add(b':')
    .add(b'*')
    .add(b'?')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'|')
    .add(b'.')
    .add(b' ');

/// Whether a key can be a path of its own.
pub(super) fn is_path(key: &str) -> bool {
    key.split('/').all(|name| {
        !matches!(name, "" | "." | "..") && name.len() <= MAX_NAME && !name.eq_ignore_ascii_case(RESERVED)
    })
}

/// A path's folder, empty for none, and the name in it.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// The path of a key that can be none. `folds` is for file systems that take `A` and `a` for one name.
pub(super) fn odd(key: &str, folds: bool) -> String {
    let mut path = ODD.to_owned();
    let mut names = key.split('/').peekable();
    while let Some(name) = names.next() {
        let mut rest = name.as_bytes();
        while rest.len() >= CHUNK {
            push(&mut path, 'c', &rest[..CHUNK], folds);
            rest = &rest[CHUNK..];
        }
        push(&mut path, if names.peek().is_some() { 'd' } else { 'f' }, rest, folds);
    }
    path
}

fn push(path: &mut String, mark: char, name: &[u8], folds: bool) {
    path.push('/');
    path.push(mark);
    for piece in percent_encode(name, ESCAPED) {
        match folds {
            false => path.push_str(piece),
            true => piece.chars().for_each(|c| match c {
                // An escape is in capitals, and what it stands for is the same in either case.
                'A'..='Z' if piece.len() == 1 || !piece.starts_with('%') => {
                    path.push_str(&format!("%{:02X}", c as u32));
                }
                c => path.push(c),
            }),
        }
    }
}

/// What an entry of a folder stands for in keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A file: the name ends a key.
    File,
    /// A folder: the name and a slash.
    Folder,
    /// A folder: the first bytes of a longer name.
    Chunk,
}

/// Reads a name under `odd/`; none for what holdall does not write.
pub(super) fn read_odd(name: &str) -> Option<(Mark, Vec<u8>)> {
    let mark = match name.as_bytes().first()? {
        b'f' => Mark::File,
        b'd' => Mark::Folder,
        b'c' => Mark::Chunk,
        _ => return None,
    };
    Some((mark, percent_decode_str(&name[1..]).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a path under `odd/` stands for.
    fn key_of(path: &str) -> Vec<u8> {
        let mut key = Vec::new();
        for name in path.strip_prefix(ODD).unwrap().split('/').skip(1) {
            let (mark, bytes) = read_odd(name).unwrap();
            key.extend(bytes);
            if mark == Mark::Folder {
                key.push(b'/');
            }
        }
        key
    }

    #[test]
    fn golden_paths_of_odd_keys() {
        let long = "n".repeat(300);
        let (c, rest) = ("n".repeat(80), "n".repeat(60));
        let table = [
            ("a", ".holdall/odd/fa"),
            ("a/b", ".holdall/odd/da/fb"),
            ("a//b", ".holdall/odd/da/d/fb"),
            ("/lead", ".holdall/odd/d/flead"),
            ("dir/", ".holdall/odd/ddir/f"),
            ("../x", ".holdall/odd/d%2E%2E/fx"),
            ("é\n", ".holdall/odd/f%C3%A9%0A"),
            ("A b", ".holdall/odd/fA%20b"),
            (&long, &format!(".holdall/odd/c{c}/c{c}/c{c}/f{rest}")),
        ];
        for (key, path) in table {
            assert_eq!(odd(key, false), path, "{key:?}");
        }
        assert_eq!(odd("A é", true), ".holdall/odd/f%41%20%C3%A9");
    }

    #[test]
    fn what_can_be_a_path_is_one() {
        for key in ["a", "a/b.c", "...", ".hidden/x", "a\nb", "é", ".holdallx", &"n".repeat(255)] {
            assert!(is_path(key), "{key:?}");
        }
        for key in ["", "a//b", "/a", "a/", ".", "a/../b", "x/.holdall/y", "x/.HoldAll", &"n".repeat(256)] {
            assert!(!is_path(key), "{key:?}");
        }
    }

    proptest! {
        #[test]
        fn every_key_has_a_path_of_its_own(key in "(\\PC|/|\n|%|[A-Z]){1,400}", folds: bool) {
            let path = odd(&key, folds);
            prop_assert_eq!(key_of(&path), key.as_bytes());
            prop_assert!(path.split('/').all(|name| name.len() <= MAX_NAME && name.is_ascii()));
            prop_assert!(!folds || !path.replace("%", "").contains(|c: char| c.is_ascii_uppercase() && !c.is_ascii_hexdigit()));
        }
    }
}
