//! Names of objects.

use crate::error::{Error, ErrorKind, Result};
use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// The bound that S3 sets on a key, in bytes of UTF-8.
pub(crate) const MAX_KEY: usize = 1024;

/// The folder of a store that is holdall's own and no user's key may name.
pub(crate) const RESERVED: &str = ".holdall";

/// The name of an object: 1 to 1024 bytes of UTF-8, without NUL, outside of `.holdall/`.
///
/// A key is an opaque string. Slashes fold keys into prefixes when listed and mean nothing else: `a//b`, `/lead`,
/// `dir/`, `./x` and `a/../b` are keys of their own, kept exactly, and so are two Unicode spellings of one word.
///
/// ```
/// use holdall_store::Key;
/// assert!(Key::parse("a//b").is_ok());
/// assert!(Key::parse("").is_err());
/// assert!(Key::parse(".holdall/anything").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Arc<str>);

impl Key {
    /// Checks a name.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a text that is empty, too long, holds NUL or lies in `.holdall/`.
    pub fn parse(text: &str) -> Result<Self> {
        check(text)?;
        if text.is_empty() {
            return Err(invalid("key is empty", text));
        }
        Ok(Self(text.into()))
    }

    /// A key of holdall's own, under `.holdall/`.
    pub(crate) fn reserved(rest: &str) -> Self {
        Self(format!("{RESERVED}/{rest}").into())
    }

    /// A key as a server has it: whatever it is, it can be shown, read and deleted.
    pub(crate) fn listed(text: &str) -> Self {
        Self(text.into())
    }

    /// Whether a name is holdall's own and is hidden from listings.
    pub(crate) fn is_reserved(text: &str) -> bool {
        text == RESERVED || text.strip_prefix(RESERVED).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the last slash.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

/// The beginning of keys: up to 1024 bytes, may be empty, may end anywhere in a key.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Prefix(String);

impl Prefix {
    /// Checks a prefix.
    ///
    /// # Errors
    ///
    /// `InvalidInput` as for keys, but that a prefix may be empty.
    pub fn parse(text: &str) -> Result<Self> {
        check(text)?;
        Ok(Self(text.to_owned()))
    }

    /// Takes a prefix that needs no check.
    pub(crate) fn listed(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The prefix as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Makes the key that begins with this prefix; nothing is put between.
    ///
    /// # Errors
    ///
    /// `InvalidInput` as for [`Key::parse`].
    pub fn join(&self, rest: &str) -> Result<Key> {
        Key::parse(&format!("{}{rest}", self.0))
    }
}

fn check(text: &str) -> Result<()> {
    if text.len() > MAX_KEY {
        return Err(invalid("key is too long", text)
            .with_fact("bytes", text.len())
            .with_fact("limit", MAX_KEY));
    }
    if text.contains('\0') {
        return Err(invalid("key holds a NUL byte", text));
    }
    if Key::is_reserved(text) {
        return Err(invalid("key lies in a folder that is kept for holdall itself", text));
    }
    Ok(())
}

fn invalid(message: &str, text: &str) -> Error {
    let shown: String = text.chars().take(80).collect();
    Error::new(ErrorKind::InvalidInput, message).with_key(&shown)
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?})", &*self.0)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prefix({:?})", self.0)
    }
}

/// A key orders and hashes as its text does, so maps of keys can be searched by any text.
impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Key {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_keys_are_keys() {
        for key in [
            "a//b",
            "/lead",
            "dir/",
            "./x",
            "a/../b",
            "..",
            ".holdallx",
            "a/.holdall/b",
            " ",
            "%2F",
            "\n",
            "é",
        ] {
            assert_eq!(Key::parse(key).unwrap().as_str(), key);
        }
        assert!(Key::parse(&"k".repeat(1024)).is_ok());
    }

    #[test]
    fn what_is_no_key_is_refused_by_kind() {
        let long = "k".repeat(1025);
        for key in ["", "a\0b", ".holdall", ".holdall/x", &long] {
            assert_eq!(Key::parse(key).unwrap_err().kind(), ErrorKind::InvalidInput, "{key:?}");
        }
    }
}
