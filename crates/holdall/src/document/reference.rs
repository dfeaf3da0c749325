//! What a job's documents belong to.

use crate::id;
use holdall_store::Result;
use std::fmt;

/// The reference of a job, such as `25/00284/F`, and the form of it that is a segment of keys and a folder's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    text: String,
    safe: String,
}

impl Reference {
    /// Checks a reference.
    ///
    /// In its safe form every character but letters, digits, `-`, `_` and `.` is a `_`. Two references may have one safe
    /// form and then lie in one place; a journal is of one reference.
    ///
    /// ```
    /// use holdall::document::Reference;
    /// assert_eq!(Reference::parse("25/00284/F")?.safe(), "25_00284_F");
    /// assert!(Reference::parse("..").is_err());
    /// # Ok::<(), holdall::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for one that is empty, longer than [`MAX_ID`](crate::MAX_ID) bytes, has a control character,
    /// begins or ends with white space, or is a reserved name.
    pub fn parse(text: &str) -> Result<Self> {
        let separators = |c| matches!(c, '/' | '\\');
        id::check("reference", &text.replace(separators, "_"))?;
        Ok(Self { text: text.to_owned(), safe: safe(text) })
    }

    /// The reference as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its form in keys.
    pub fn safe(&self) -> &str {
        &self.safe
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Replaces what is not good in a name, in keys and in URLs.
pub(super) fn safe(text: &str) -> String {
    let good = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.chars().map(|c| if good(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdall_store::ErrorKind;

    /// DOC-4
    #[test]
    fn a_reference_becomes_a_name_that_is_safe() {
        for (text, expected) in [
            ("25/00284/F", "25_00284_F"),
            ("a\\b c", "a_b_c"),
            ("Straße?9", "Straße_9"),
            ("a/../b", "a_.._b"),
        ] {
            assert_eq!(Reference::parse(text).unwrap().safe(), expected);
        }
    }

    #[test]
    fn what_can_be_no_reference_is_refused() {
        let long = "x".repeat(201);
        for text in ["", " 25", "25\n", "..", ".", ".holdall", &long, "a\u{7f}"] {
            assert_eq!(Reference::parse(text).unwrap_err().kind(), ErrorKind::InvalidInput, "{text:?}");
        }
    }
}
