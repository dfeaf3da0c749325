//! The fields of a rule as they stand in the text.

use super::invalid;
use crate::backend::check_tags;
use crate::error::{Error, Result};
use crate::settings::parse_time;
use std::ops::Range;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

const KNOWN: [&str; 11] = [
    "name",
    "prefix",
    "glob",
    "tags",
    "expire_after",
    "keep_last",
    "expire_noncurrent_after",
    "keep_noncurrent",
    "abort_uploads_after",
    "transition_after",
    "storage_class",
];

const FIELDS: &str = "a rule has name, prefix, glob, tags, expire_after, keep_last, expire_noncurrent_after, \
    keep_noncurrent, abort_uploads_after, transition_after, storage_class";

/// S3 takes an id of 255 characters for a rule, in which the name is to have room.
const LONGEST_NAME: usize = 128;

pub(super) struct Fields<'a> {
    text: &'a str,
    name: &'a str,
    line: usize,
    table: &'a DeTable<'a>,
}

impl<'a> Fields<'a> {
    /// The fields of a value that should be a rule.
    pub(super) fn of(text: &'a str, value: &'a Spanned<DeValue<'a>>) -> Result<Self> {
        let line = line(text, value.span());
        let DeValue::Table(table) = value.get_ref() else {
            return Err(invalid("a rule of the policy is no table").with_fact("line", line));
        };
        let name = match table.get("name").map(Spanned::get_ref) {
            Some(DeValue::String(name)) if is_name(name) => name,
            _ => {
                return Err(invalid("a rule of the policy has no proper name")
                    .with_fact("line", line)
                    .with_hint("give it a name of its own, of letters, digits, '-', '_' and '.'"));
            }
        };
        let fields = Self { text, name, line, table };
        match table.keys().find(|key| !KNOWN.contains(&key.get_ref().as_ref())) {
            None => Ok(fields),
            Some(key) => {
                let field: String = key.get_ref().chars().take(40).flat_map(char::escape_default).collect();
                Err(fields.refused(&field, "there is no such field").with_hint(FIELDS))
            }
        }
    }

    pub(super) fn name(&self) -> &'a str {
        self.name
    }

    /// Why a field is not taken.
    pub(super) fn refused(&self, field: &str, why: &str) -> Error {
        let key = self.table.keys().find(|key| key.get_ref() == field);
        let line = key.map_or(self.line, |key| line(self.text, key.span()));
        invalid(format!("a rule of the policy cannot be used: {why}"))
            .with_fact("rule", self.name)
            .with_fact("field", field)
            .with_fact("line", line)
    }

    fn value(&self, field: &str) -> Option<&'a DeValue<'a>> {
        self.table.get(field).map(Spanned::get_ref)
    }

    pub(super) fn demanded(&self, field: &'static str, hint: &'static str) -> Result<String> {
        match self.value(field) {
            Some(DeValue::String(text)) => Ok(text.to_string()),
            Some(_) => Err(self.refused(field, "it is no text")),
            None => Err(self.refused(field, "it is missing").with_hint(hint)),
        }
    }

    /// A text that is not empty.
    pub(super) fn text(&self, field: &str) -> Result<Option<String>> {
        match self.value(field) {
            None => Ok(None),
            Some(DeValue::String(text)) if !text.is_empty() => Ok(Some(text.to_string())),
            Some(DeValue::String(_)) => Err(self.refused(field, "it is empty: leave it out")),
            Some(_) => Err(self.refused(field, "it is no text")),
        }
    }

    /// An age, which has a unit: a bare number could mean days to one reader and seconds to another.
    pub(super) fn age(&self, field: &str) -> Result<Option<Duration>> {
        let refused =
            |why: &str| self.refused(field, why).with_hint("write an age with its unit, such as \"30d\"");
        let text = match self.value(field) {
            None => return Ok(None),
            Some(DeValue::String(text)) => text.trim(),
            Some(_) => return Err(refused("an age is a text")),
        };
        if !text.ends_with(|c: char| c.is_ascii_alphabetic()) {
            return Err(refused("an age has a unit"));
        }
        match parse_time(text) {
            Ok(age) if age.is_zero() => Err(refused("an age is more than nothing")),
            Ok(age) => Ok(Some(age)),
            Err(why) => Err(refused(&why)),
        }
    }

    /// A number from 1 on.
    pub(super) fn count(&self, field: &str) -> Result<Option<u32>> {
        match self.value(field) {
            None => Ok(None),
            Some(DeValue::Integer(n)) => match u32::from_str_radix(n.as_str(), n.radix()) {
                Ok(n) if n > 0 => Ok(Some(n)),
                _ => Err(self.refused(field, "it is a number from 1 on")),
            },
            Some(_) => Err(self.refused(field, "it is a number from 1 on")),
        }
    }

    pub(super) fn tags(&self) -> Result<Vec<(String, String)>> {
        let table = match self.value("tags") {
            None => return Ok(Vec::new()),
            Some(DeValue::Table(table)) if !table.is_empty() => table,
            Some(_) => return Err(self.refused("tags", "it is a table of names and values")),
        };
        let mut tags = Vec::new();
        for (name, value) in table {
            let DeValue::String(value) = value.get_ref() else {
                return Err(self.refused("tags", "the value of a tag is a text"));
            };
            tags.push((name.get_ref().to_string(), value.to_string()));
        }
        check_tags(&tags).map_err(|e| self.refused("tags", e.message()))?;
        Ok(tags)
    }
}

fn is_name(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_plain)
}

/// The line where something begins.
pub(super) fn line(text: &str, span: Range<usize>) -> usize {
    1 + text[..span.start].matches('\n').count()
}
