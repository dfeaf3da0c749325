//! Which part of a key a listing shows, and where it goes on.

use std::ops::Bound;

/// What a listing is limited to and folded at.
#[derive(Debug, Clone)]
pub(crate) struct Folding {
    pub(crate) prefix: String,
    /// Never empty.
    pub(crate) delimiter: Option<String>,
}

impl Folding {
    pub(crate) fn new(prefix: &str, delimiter: Option<String>) -> Self {
        Self { prefix: prefix.to_owned(), delimiter: delimiter.filter(|d| !d.is_empty()) }
    }

    /// The part of a key up to the first delimiter after the prefix.
    pub(crate) fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter.as_deref()?;
        let found = key.get(self.prefix.len()..)?.find(delimiter)?;
        Some(&key[..self.prefix.len() + found + delimiter.len()])
    }

    /// Where a listing begins: behind the common prefix that `start_after` lies in, as S3 has it. None when nothing can
    /// follow.
    pub(crate) fn begin(&self, start_after: Option<String>) -> Option<Bound<String>> {
        let Some(after) = start_after.filter(|after| *after >= self.prefix) else {
            return Some(Bound::Included(self.prefix.clone()));
        };
        let inside = after.starts_with(&self.prefix).then(|| self.common_prefix(&after)).flatten();
        match inside {
            Some(common) => after_all(common),
            None => Some(Bound::Excluded(after)),
        }
    }
}

/// The first text after all that begin with a prefix; none when there can be no such text.
pub(crate) fn after_all(prefix: &str) -> Option<Bound<String>> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        if let Some(next) = next_char(last) {
            text.push(next);
            return Some(Bound::Included(text));
        }
    }
    None
}

/// UTF-8 sorts as its characters do; there is none from U+D800 to U+DFFF.
fn next_char(c: char) -> Option<char> {
    ((c as u32 + 1)..=(char::MAX as u32)).find_map(char::from_u32)
}
