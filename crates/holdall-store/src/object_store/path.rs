//! Between keys and paths. What one cannot hold of the other is an error, and never another key.

use super::error::{ObjectResult, of};
use crate::error::{Error, ErrorKind};
use crate::key::{Key, Prefix};
use object_store::path::Path;

/// The key of a path.
pub(super) fn key(location: &Path) -> ObjectResult<Key> {
    Key::parse(location.as_ref()).map_err(|e| of(e, location))
}

/// The path of a key.
pub(super) fn path(key: &str) -> Result<Path, Error> {
    match Path::parse(key) {
        Ok(path) if path.as_ref() == key && !path.is_root() => Ok(path),
        Ok(_) => Err(unheld(key).with_fact("why", "a slash at its beginning or end")),
        Err(error) => Err(unheld(key).with_source(error)),
    }
}

/// The path of what keys have in common up to a slash.
pub(super) fn common(prefix: &str) -> Result<Path, Error> {
    path(prefix.strip_suffix('/').unwrap_or(prefix)).map_err(|_| unheld(prefix))
}

/// What the keys below a path begin with.
pub(super) fn below(location: Option<&Path>) -> ObjectResult<Prefix> {
    let Some(location) = location.filter(|location| !location.is_root()) else {
        return Ok(Prefix::default());
    };
    Prefix::parse(&format!("{location}/")).map_err(|e| of(e, location))
}

fn unheld(key: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "a key of the store cannot be an object_store path")
        .with_key(key)
        .with_hint("list the store itself by Store::list, or leave the key out of what is listed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_its_own_path_or_none() {
        for key in ["a", "a/b", "a b%/c#d", "\u{e9}", "a..b", ".a", "100%25"] {
            assert_eq!(path(key).unwrap().as_ref(), key);
        }
        for key in ["a//b", "/a", "a/", "a/./b", "a/../b", ".", "/"] {
            let error = path(key).unwrap_err();
            assert_eq!((error.kind(), error.key()), (ErrorKind::Unsupported, Some(key)), "{key}");
        }
    }

    #[test]
    fn a_prefix_ends_with_its_slash() {
        assert_eq!(below(None).unwrap().as_str(), "");
        assert_eq!(below(Some(&Path::from("/"))).unwrap().as_str(), "");
        assert_eq!(below(Some(&Path::from("a/b"))).unwrap().as_str(), "a/b/");
        assert_eq!(common("a/b/").unwrap(), Path::from("a/b"));
        assert!(common("a//").is_err() && common("/").is_err());
    }
}
