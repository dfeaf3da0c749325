//! What S3 takes as an object's tags; every backend asks here, so that all refuse the same ones.

use crate::error::{Error, ErrorKind, Result};
use std::collections::HashSet;

const MAX_TAGS: usize = 10;
const MAX_NAME: usize = 128;
const MAX_VALUE: usize = 256;

/// Checks tags before anything is sent or stored.
///
/// # Errors
///
/// `InvalidInput` for more than 10 tags, a name that is empty, longer than 128 characters or there twice, and a
/// value longer than 256 characters.
pub(crate) fn check_tags(tags: &[(String, String)]) -> Result<()> {
    if tags.len() > MAX_TAGS {
        return Err(invalid("too many tags").with_fact("tags", tags.len()).with_fact("limit", MAX_TAGS));
    }
    let mut seen = HashSet::new();
    for (name, value) in tags {
        check_tag(name, value)?;
        if !seen.insert(name) {
            return Err(invalid("a tag is given twice").with_fact("name", format!("{name:?}")));
        }
    }
    Ok(())
}

fn check_tag(name: &str, value: &str) -> Result<()> {
    if name.is_empty() {
        return Err(invalid("a tag's name is empty"));
    }
    let too_long = |what: &str, limit: usize| {
        let shown: String = name.chars().take(MAX_NAME).collect();
        Err(invalid(what).with_fact("name", format!("{shown:?}")).with_fact("limit", limit))
    };
    if is_longer(name, MAX_NAME) {
        return too_long("a tag's name is too long", MAX_NAME);
    }
    if is_longer(value, MAX_VALUE) {
        return too_long("a tag's value is too long", MAX_VALUE);
    }
    Ok(())
}

fn is_longer(text: &str, limit: usize) -> bool {
    text.chars().nth(limit).is_some()
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(name: impl Into<String>, value: impl Into<String>) -> (String, String) {
        (name.into(), value.into())
    }

    #[test]
    fn tags_up_to_the_bounds_are_taken() {
        let ten: Vec<_> = (0..10).map(|n| tag(n.to_string(), "")).collect();
        check_tags(&ten).unwrap();
        check_tags(&[tag("\u{e9}".repeat(128), "\u{e9}".repeat(256))]).unwrap();
        check_tags(&[tag("a", "1"), tag("A", "1")]).unwrap();
    }

    #[test]
    fn tags_past_the_bounds_are_refused() {
        let table = [
            ("eleven", (0..11).map(|n| tag(n.to_string(), "")).collect()),
            ("no name", vec![tag("", "v")]),
            ("long name", vec![tag("n".repeat(129), "v")]),
            ("long value", vec![tag("n", "v".repeat(257))]),
            ("twice", vec![tag("n", "1"), tag("n", "2")]),
        ];
        for (name, tags) in table {
            assert_eq!(check_tags(&tags).unwrap_err().kind(), ErrorKind::InvalidInput, "{name}");
        }
    }
}
