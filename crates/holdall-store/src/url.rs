//! Where a store is, and which URL an object has.

use crate::error::{Error, ErrorKind, Result};
use crate::key::{Prefix, RESERVED};
use std::fmt;
use std::path::{Path, PathBuf};

/// A store's place, as a URL names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// `s3://bucket/prefix`: keys of the store are below the prefix, with a slash between.
    S3 {
        /// The bucket.
        bucket: String,
        /// The prefix without slashes at its ends; empty for the whole bucket.
        prefix: Prefix,
    },
    /// `file:///folder`.
    Folder(PathBuf),
    /// `memory://name`, shared by name within the process, or `memory://`, private.
    Memory(Option<String>),
}

impl Location {
    /// Reads a store's URL.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for another scheme, a bucket that is missing, a query or fragment, or a relative folder.
    pub fn parse(url: &str) -> Result<Self> {
        Self::parse_part(url, url)
    }

    /// Reads the URL of a store that is a part of what the user gave, which faults are told of.
    fn parse_part(url: &str, given: &str) -> Result<Self> {
        let invalid =
            |message: &str| Err(Error::new(ErrorKind::InvalidInput, message).with_fact("url", shown(given)));
        let Some((scheme, rest)) = url.split_once("://") else {
            return invalid("not a store's URL").map_err(|e: Error| {
                e.with_hint("a store is s3://bucket/prefix, file:///folder or memory://name")
            });
        };
        match scheme.to_ascii_lowercase().as_str() {
            "s3" => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                if bucket.is_empty() {
                    return invalid("the URL names no bucket");
                }
                if bucket.contains(['@', '?', '#', ':']) {
                    return invalid(
                        "the URL's bucket is not a bucket's name; give the endpoint as a setting",
                    );
                }
                let prefix = Prefix::parse(prefix.trim_matches('/'))?;
                Ok(Self::S3 { bucket: bucket.to_owned(), prefix })
            }
            "file" => match rest.starts_with('/') {
                true => Ok(Self::Folder(decode_path(rest)?)),
                false => invalid("a folder's URL is file:/// and an absolute path"),
            },
            "memory" => Ok(Self::Memory(Some(rest.to_owned()).filter(|n| !n.is_empty()))),
            _ => invalid("the URL's scheme is none of s3, file, memory"),
        }
    }

    /// Splits a full object URL such as `s3://bucket/key` into its store and its key.
    ///
    /// The key is everything after the bucket and may be empty. Of `file:///folder/key` the folder is the nearest one
    /// above that holdall keeps objects in, as its `.holdall/` shows, else the one that the file is in; a URL that ends
    /// in a slash is a folder's.
    ///
    /// # Errors
    ///
    /// As for [`Location::parse`].
    pub fn parse_object(url: &str) -> Result<(Self, String)> {
        match url.split_once("://") {
            Some((scheme, rest)) if !scheme.eq_ignore_ascii_case("file") => {
                let (store, key) = rest.split_once('/').unwrap_or((rest, ""));
                Ok((Self::parse_part(&format!("{scheme}://{store}"), url)?, key.to_owned()))
            }
            _ => match Self::parse(url)? {
                Self::Folder(path) => split_path(&path, url.ends_with('/')),
                other => Ok((other, String::new())),
            },
        }
    }
}

/// Finds the store that a path lies in.
fn split_path(path: &Path, is_folder: bool) -> Result<(Location, String)> {
    let path = path.components().as_path();
    let is_store = |folder: &&Path| folder.join(RESERVED).is_dir();
    let inside = if is_folder { Some(path) } else { path.parent() };
    let usual = inside.unwrap_or(path);
    let store = inside.and_then(|inside| inside.ancestors().find(is_store)).unwrap_or(usual);
    let rest = path.strip_prefix(store).unwrap_or(Path::new(""));
    let Some(key) = rest.to_str() else {
        return Err(Error::new(ErrorKind::InvalidInput, "the URL's path is not UTF-8 and can be no key"));
    };
    let slash = if is_folder && !key.is_empty() { "/" } else { "" };
    Ok((Location::Folder(store.to_owned()), format!("{key}{slash}")))
}

/// A URL without what may be a password in it.
fn shown(url: &str) -> String {
    let scheme = url.find("://").map_or("", |at| &url[..at + 3]);
    // A password may hold a slash, so whatever is before the last sign may be one.
    match url.rsplit_once('@') {
        Some((before, after)) if before.len() >= scheme.len() => cut(&format!("{scheme}***@{after}")),
        Some((_, after)) => cut(&format!("***@{after}")),
        None => cut(url),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(100).collect()
}

fn decode_path(path: &str) -> Result<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(path).collect();
    if bytes.contains(&0) {
        return Err(Error::new(ErrorKind::InvalidInput, "the URL's path holds a NUL byte"));
    }
    Ok(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 { bucket, prefix } if prefix.as_str().is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Folder(path) => write!(f, "file://{}", path.display()),
            Self::Memory(name) => write!(f, "memory://{}", name.as_deref().unwrap_or_default()),
        }
    }
}

/// Which URL is given for an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum UrlStrategy {
    /// The CDN's where one is set, else the public one where objects are public, else a presigned one.
    #[default]
    Auto,
    /// Below the public base URL.
    Cdn,
    /// The service's own, unsigned.
    Public,
    /// Presigned for reading.
    Presigned,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_urls_are_read() {
        let s3 = |bucket: &str, prefix: &str| Location::S3 {
            bucket: bucket.into(),
            prefix: Prefix::parse(prefix).unwrap(),
        };
        let table = [
            ("s3://b", s3("b", "")),
            ("s3://b/", s3("b", "")),
            ("s3://b/p/q/", s3("b", "p/q")),
            ("S3://b/p", s3("b", "p")),
            ("file:///tmp/a%20b", Location::Folder("/tmp/a b".into())),
            ("memory://", Location::Memory(None)),
            ("memory://x", Location::Memory(Some("x".into()))),
        ];
        for (url, location) in table {
            assert_eq!(Location::parse(url).unwrap(), location, "{url}");
        }
    }

    #[test]
    fn wrong_urls_say_why_and_hide_passwords() {
        for url in ["b", "http://x", "s3://", "s3:///k", "file://relative", "s3://u:p@b/k", "file:///a%00b"] {
            assert_eq!(Location::parse(url).unwrap_err().kind(), ErrorKind::InvalidInput, "{url}");
        }
        let long = format!("s3://user:hunter2{}@b", "x".repeat(200));
        for url in ["http://user:hunter2@host/", "user:hunter2@host", "s3://u:hunter2/x@b", &long] {
            let text = Location::parse_object(url).unwrap_err().to_string();
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn a_file_lies_in_the_nearest_store_above_it() {
        let bag = tempfile::tempdir().unwrap();
        let root = bag.path().to_str().unwrap();
        std::fs::create_dir_all(bag.path().join("a/b")).unwrap();
        let parse = |rest: &str| {
            let (location, key) = Location::parse_object(&format!("file://{root}{rest}")).unwrap();
            (location.to_string().strip_prefix(&format!("file://{root}")).unwrap().to_owned(), key)
        };
        let pair = |store: &str, key: &str| (store.to_owned(), key.to_owned());
        assert_eq!(parse("/a/b/c.txt"), pair("/a/b", "c.txt"));
        assert_eq!(parse("/a/b/"), pair("/a/b", ""));
        std::fs::create_dir(bag.path().join("a/.holdall")).unwrap();
        assert_eq!(parse("/a/b/c.txt"), pair("/a", "b/c.txt"));
        assert_eq!(parse("/a/b/"), pair("/a", "b/"));
        assert_eq!(parse("/a/"), pair("/a", ""));
        assert_eq!(parse("/x"), pair("", "x"));
    }

    #[test]
    fn object_urls_keep_the_key_exactly() {
        let (location, key) = Location::parse_object("s3://b//lead/a b/").unwrap();
        assert_eq!((location.to_string().as_str(), key.as_str()), ("s3://b", "/lead/a b/"));
        let (location, key) = Location::parse_object("S3://b/k").unwrap();
        assert_eq!((location.to_string().as_str(), key.as_str()), ("s3://b", "k"));
    }
}
