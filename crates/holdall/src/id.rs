//! Names that users give, each a segment of keys.

use holdall_store::{Error, ErrorKind, Result};

/// The longest, in bytes: with what collections put before and after it, a segment is then still a file's name.
pub const MAX_ID: usize = 200;

/// Checks a name that becomes a segment of keys.
///
/// # Errors
///
/// `InvalidInput` for one that is empty, longer than [`MAX_ID`], has a separator or a control character, begins or ends with
/// white space, or is `.`, `..` or a name of holdall's own.
pub(crate) fn check(what: &'static str, text: &str) -> Result<()> {
    let wrong = if text.is_empty() {
        "it is empty"
    } else if text.len() > MAX_ID {
        "it is longer than 200 bytes"
    } else if text.contains(['/', '\\']) {
        "it has a separator"
    } else if text.chars().any(char::is_control) {
        "it has a control character"
    } else if text.trim() != text {
        "it begins or ends with white space"
    } else if text == "." || text == ".." || text.starts_with(".holdall") {
        "it is a reserved name"
    } else {
        return Ok(());
    };
    let shown: String = text.chars().take(80).collect();
    Err(Error::new(ErrorKind::InvalidInput, "a name cannot be a part of a key")
        .with_fact("of", what)
        .with_fact("name", format_args!("{shown:?}"))
        .with_fact("because", wrong)
        .with_hint("use letters, digits, `-`, `_` and `.`"))
}

/// Makes a type of a kind of names.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Checks a name.
            ///
            /// # Errors
            ///
            /// `InvalidInput` for one that is empty or longer than [`MAX_ID`](crate::MAX_ID) bytes, has a separator or a
            /// control character, begins or ends with white space, or is reserved.
            pub fn parse(text: &str) -> holdall_store::Result<Self> {
                $crate::id::check($what, text)?;
                Ok(Self(text.to_owned()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = holdall_store::Error;

            fn from_str(text: &str) -> holdall_store::Result<Self> {
                Self::parse(text)
            }
        }
    };
}

pub(crate) use id;

id! {
    /// The name of a session.
    SessionId, "session"
}
id! {
    /// The name of a step within its session.
    StepId, "step"
}
id! {
    /// The name of a decision.
    DecisionId, "decision"
}
id! {
    /// A kind of evidence.
    EvidenceType, "evidence type"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_no_segment_of_a_key_is_refused_and_says_why() {
        let long = "x".repeat(201);
        for (text, why) in [
            ("", "empty"),
            (long.as_str(), "200 bytes"),
            ("a/b", "separator"),
            ("a\\b", "separator"),
            ("a\nb", "control"),
            ("a\u{7f}", "control"),
            (" a", "white space"),
            ("..", "reserved"),
            (".holdall", "reserved"),
        ] {
            let error = check("session", text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text:?}");
            assert!(error.to_string().contains(why), "{error}");
        }
        for text in ["a", "25_00284_F", "Straße 9", "x.y", "-", &"x".repeat(200)] {
            check("session", text).unwrap();
        }
    }
}
