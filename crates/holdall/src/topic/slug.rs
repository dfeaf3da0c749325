//! Titles, and the slugs that are made of them.

use holdall_store::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest slug, in bytes: with what is put after it, it is still a file's name.
const MAX_SLUG: usize = 200;

/// The longest title, in bytes.
const MAX_TITLE: usize = 1000;

/// What a topic is called by people.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Title(String);

impl Title {
    /// Reads a title; white space around it does not count.
    ///
    /// ```
    /// use holdall::topic::Title;
    /// assert_eq!(Title::parse(" Euler's Formula ")?.as_str(), "Euler's Formula");
    /// # Ok::<(), holdall::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for one that is empty, longer than 1,000 bytes, or has control characters.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let wrong = if text.is_empty() {
            "it is empty"
        } else if text.len() > MAX_TITLE {
            "it is longer than 1000 bytes"
        } else if text.chars().any(char::is_control) {
            "it has a control character"
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(refused("this is no title of a topic", text, wrong).with_hint("a title is one line of text"))
    }

    /// The title as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a topic in keys and URLs: lower-case letters and digits of ASCII, words joined by `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

impl Slug {
    /// Makes the slug of a title: letters of all scripts are written in ASCII, apostrophes go, and all else stands
    /// between words.
    ///
    /// ```
    /// use holdall::topic::{Slug, Title};
    /// assert_eq!(Slug::of(&Title::parse("Bézout's Identity (Part 2)")?)?.as_str(), "bezouts-identity-part-2");
    /// # Ok::<(), holdall::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a title of which nothing is left, or whose slug is longer than 200 bytes: give it another.
    pub fn of(title: &Title) -> Result<Self> {
        let ascii = deunicode::deunicode_with_tofu(title.as_str(), " ");
        let mut slug = String::with_capacity(ascii.len());
        for c in ascii.chars().filter(|c| !matches!(c, '\'' | '`')) {
            if c.is_ascii_alphanumeric() {
                slug.push(c.to_ascii_lowercase());
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        let slug = slug.trim_end_matches('-');
        let wrong = match slug.len() {
            0 => "it has no letter or digit that can be written in ASCII",
            1..=MAX_SLUG => return Ok(Self(slug.to_owned())),
            _ => "its slug is longer than 200 bytes",
        };
        let hint = "give the topic another title, of letters and digits";
        Err(refused("no slug can be made of the title", title.as_str(), wrong).with_hint(hint))
    }

    /// Reads a slug.
    ///
    /// ```
    /// use holdall::topic::Slug;
    /// assert!(Slug::parse("eulers-formula").is_ok() && Slug::parse("../up").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for what is none.
    pub fn parse(text: &str) -> Result<Self> {
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9'));
        if text.len() <= MAX_SLUG && text.split('-').all(is_word) {
            return Ok(Self(text.to_owned()));
        }
        let wrong = "it is not lower-case words of letters and digits, joined by `-`";
        Err(refused("this is no slug of a topic", text, wrong)
            .with_hint("`holdall topic ls` shows the slugs that there are"))
    }

    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn refused(message: &str, text: &str, wrong: &str) -> Error {
    let shown: String = text.chars().take(80).collect();
    Error::new(ErrorKind::InvalidInput, message)
        .with_fact("text", format_args!("{shown:?}"))
        .with_fact("because", wrong)
}

macro_rules! as_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

as_text!(Title);
as_text!(Slug);

#[cfg(test)]
mod tests {
    use super::*;

    fn slug(title: &str) -> Result<String> {
        Slug::of(&Title::parse(title)?).map(String::from)
    }

    /// TOP-3: this table holds for ever, since keys are made by it.
    #[test]
    fn titles_of_all_scripts_have_the_slugs_that_they_always_had() {
        for (title, wanted) in [
            ("Linear Algebra", "linear-algebra"),
            ("  Big-O   notation!  ", "big-o-notation"),
            ("Euler's Formula", "eulers-formula"),
            ("Euler\u{2019}s Formula", "eulers-formula"),
            ("B\u{e9}zout & Stra\u{df}e", "bezout-strasse"),
            ("Be\u{301}zout", "bezout"),
            (
                "\u{422}\u{435}\u{43e}\u{440}\u{435}\u{43c}\u{430} \u{424}\u{435}\u{440}\u{43c}\u{430}",
                "teorema-ferma",
            ),
            ("\u{395}\u{3c5}\u{3ba}\u{3bb}\u{3b5}\u{3af}\u{3b4}\u{3b7}\u{3c2}", "eukleides"),
            ("\u{5fae}\u{79ef}\u{5206}", "wei-ji-fen"),
            ("\u{3072}\u{3089}\u{304c}\u{306a}", "hiragana"),
            ("\u{d55c}\u{ad6d}\u{c5b4}", "hangugeo"),
            ("\u{627}\u{644}\u{62c}\u{628}\u{631}", "ljbr"),
            ("\u{917}\u{923}\u{93f}\u{924}", "gnnit"),
            ("E = mc\u{b2}", "e-mc2"),
            ("C++", "c"),
            ("a/b\\c.d_e", "a-b-c-d-e"),
            ("../../etc", "etc"),
        ] {
            assert_eq!(slug(title).unwrap(), wanted, "{title}");
            Slug::parse(wanted).unwrap();
        }
    }

    /// TOP-3
    #[test]
    fn a_title_without_a_slug_is_refused_and_says_why() {
        let long = "x".repeat(201);
        let too_long = "x".repeat(1001);
        for (title, why) in [
            ("", "empty"),
            (" \u{a0} ", "empty"),
            ("!?!", "no letter"),
            ("\u{200b}", "no letter"),
            ("a\nb", "control"),
            (long.as_str(), "200 bytes"),
            (too_long.as_str(), "1000 bytes"),
        ] {
            let error = slug(title).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{title:?}");
            assert!(error.to_string().contains(why) && error.hint().is_some(), "{error}");
        }
    }

    #[test]
    fn what_is_no_slug_is_refused() {
        for text in
            ["", "A", "a_b", "-a", "a-", "a--b", "a/b", "..", "a.b", "\u{e9}", "a b", &"x".repeat(201)]
        {
            assert_eq!(Slug::parse(text).unwrap_err().kind(), ErrorKind::InvalidInput, "{text:?}");
        }
    }
}
