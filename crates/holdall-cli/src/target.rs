//! Keys as the command line names them.

use holdall::{Error, ErrorKind, Location, Result};

/// An object, a prefix or a place to put something: a key of the current store, or of another.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Target {
    /// Another store; none is the current one.
    pub(crate) location: Option<Location>,
    /// A key or a prefix in it.
    pub(crate) key: String,
}

impl Target {
    /// Reads a key or a full URL.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        if is_url(text) {
            let (location, key) = Location::parse_object(text)?;
            return Ok(Self { location: Some(location), key });
        }
        Ok(Self { location: None, key: text.to_owned() })
    }

    /// Whether it names a folder rather than an object: `dir/`, `s3://bucket`.
    pub(crate) fn is_folder(&self) -> bool {
        self.key.ends_with('/') || (self.location.is_some() && self.key.is_empty())
    }

    /// What has this name in the folder.
    pub(crate) fn with_name(mut self, name: &str) -> Self {
        self.key.push_str(name);
        self
    }

    /// The prefix of what lies under this as under a folder: `a` means `a/`, never `ab`.
    pub(crate) fn folder(mut self) -> Self {
        if !self.key.is_empty() && !self.key.ends_with('/') {
            self.key.push('/');
        }
        self
    }

    /// The last name of the key, where a file can have it.
    pub(crate) fn file_name(&self) -> Result<&str> {
        match self.key.rsplit('/').next().unwrap_or_default() {
            "" | "." | ".." => Err(Error::new(ErrorKind::InvalidInput, "key ends in no name for a file")
                .with_key(&self.key)
                .with_hint("give the file's name too")),
            name => Ok(name),
        }
    }
}

fn is_url(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|s| ["s3", "memory", "file"].iter().any(|known| s.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_a_store_and_all_else_is_a_key() {
        let target = Target::parse("s3://b/a//b").unwrap();
        assert_eq!(target.location, Some(Location::parse("s3://b").unwrap()));
        assert_eq!(target.key, "a//b");
        for key in ["a", "https://example.com/page", "s3:/b", "/lead", "://"] {
            assert_eq!(Target::parse(key).unwrap(), Target { location: None, key: key.to_owned() });
        }
    }

    #[test]
    fn folders_end_with_a_slash_or_with_the_bucket() {
        for (text, folder) in [
            ("dir/", true),
            ("dir", false),
            ("s3://b", true),
            ("s3://b/", true),
            ("s3://b/d", false),
            ("", false),
        ] {
            assert_eq!(Target::parse(text).unwrap().is_folder(), folder, "{text}");
        }
    }

    #[test]
    fn a_folder_is_not_the_beginning_of_a_name() {
        for (text, prefix) in [("a", "a/"), ("a/", "a/"), ("", "")] {
            assert_eq!(Target::parse(text).unwrap().folder().key, prefix);
        }
    }

    #[test]
    fn keys_without_a_name_make_no_file() {
        for key in ["dir/", "..", "a/..", "a/.", ""] {
            assert_eq!(Target::parse(key).unwrap().file_name().unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        assert_eq!(Target::parse("a/b.txt").unwrap().file_name().unwrap(), "b.txt");
    }
}
