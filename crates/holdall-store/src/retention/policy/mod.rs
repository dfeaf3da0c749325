//! A policy: rules, and what is demanded of each.

mod fields;

use crate::error::{Error, ErrorKind, Result};
use crate::key::Prefix;
use crate::transfer::Filter;
use fields::Fields;
use std::time::Duration;
use toml::de::{DeTable, DeValue};

/// Rules by which objects go, or move to a storage class.
///
/// Several rules may fit one object: the deletion that was due first wins, and a deletion wins over a move.
#[derive(Debug, Clone)]
pub struct Policy {
    rules: Vec<Rule>,
}

/// A rule of a [`Policy`]: what it is about, and what becomes of that.
#[derive(Debug, Clone)]
pub struct Rule {
    pub(super) name: String,
    pub(super) prefix: Prefix,
    /// Of keys as they follow the prefix.
    pub(super) glob: Option<Filter>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) expire: Option<Duration>,
    pub(super) keep_last: Option<u32>,
    pub(super) noncurrent: Option<Noncurrent>,
    pub(super) abort_uploads: Option<Duration>,
    pub(super) transition: Option<Transition>,
}

/// When versions go that are no longer current.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Noncurrent {
    /// So long after they were replaced or deleted.
    pub(super) after: Duration,
    /// But for so many of each key, the newest.
    pub(super) keep: u32,
}

/// When objects move to a storage class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Transition {
    pub(super) after: Duration,
    pub(super) class: String,
}

impl Policy {
    /// Reads a policy: TOML with a table `[[rule]]` for each rule.
    ///
    /// A rule has a `name`, a `prefix` (`""` for the whole store), perhaps a `glob` of what follows the prefix and a
    /// table of `tags`, and at least one of `expire_after`, `keep_last`, `expire_noncurrent_after` (with
    /// `keep_noncurrent`), `abort_uploads_after` and `transition_after` with `storage_class`. Ages are texts such as
    /// `30d` and `12h`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for what is no such policy, naming the rule: nothing of it is guessed or left out.
    pub fn parse(text: &str) -> Result<Self> {
        let table = DeTable::parse(text).map_err(|e| {
            let line = fields::line(text, e.span().unwrap_or_default());
            invalid(format!("the policy is no TOML: {}", e.message())).with_fact("line", line)
        })?;
        let mut rules: Vec<Rule> = Vec::new();
        for (key, value) in table.get_ref() {
            let ("rule", DeValue::Array(all)) = (key.get_ref().as_ref(), value.get_ref()) else {
                return Err(invalid("a policy has rules and nothing else")
                    .with_fact("line", fields::line(text, key.span()))
                    .with_hint("begin each rule with [[rule]]"));
            };
            for one in all {
                let rule = Rule::read(&Fields::of(text, one)?)?;
                if rules.iter().any(|other| other.name == rule.name) {
                    return Err(invalid("two rules of the policy have one name").with_fact("rule", rule.name));
                }
                rules.push(rule);
            }
        }
        if rules.is_empty() {
            return Err(invalid("the policy has no rule").with_hint("begin each rule with [[rule]]"));
        }
        Ok(Self { rules })
    }

    /// The rules, in the order of the text.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

impl Rule {
    fn read(fields: &Fields<'_>) -> Result<Self> {
        let rule = Self {
            name: fields.name().to_owned(),
            prefix: Prefix::parse(&fields.demanded("prefix", "give \"\" for the whole store")?)
                .map_err(|e| fields.refused("prefix", e.message()))?,
            glob: glob(fields)?,
            tags: fields.tags()?,
            expire: fields.age("expire_after")?,
            keep_last: fields.count("keep_last")?,
            noncurrent: noncurrent(fields)?,
            abort_uploads: fields.age("abort_uploads_after")?,
            transition: transition(fields)?,
        };
        rule.check(fields)?;
        Ok(rule)
    }

    /// Refuses what contradicts itself, or could not be carried out exactly.
    fn check(&self, fields: &Fields<'_>) -> Result<()> {
        let narrowed = self.glob.is_some() || !self.tags.is_empty();
        let refuse = |field, why| Err(fields.refused(field, why));
        if !self.takes_objects() && self.noncurrent.is_none() && self.abort_uploads.is_none() {
            return refuse("name", "the rule does nothing: give it an action");
        }
        if self.keep_last.is_some() && (narrowed || self.expire.is_some()) {
            return refuse("keep_last", "it stands without glob, tags and expire_after: write two rules");
        }
        let prefix = self.prefix.as_str();
        if self.keep_last.is_some() && !prefix.is_empty() && !prefix.ends_with('/') {
            return refuse("keep_last", "its prefix is empty or ends with a slash");
        }
        if !self.tags.is_empty() && (self.noncurrent.is_some() || self.abort_uploads.is_some()) {
            return refuse("tags", "old versions and uploads are not told apart by tags: write two rules");
        }
        Ok(())
    }

    /// The rule's name, by which it is told apart.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the rule deletes or moves objects, and not only versions or uploads.
    pub(super) fn takes_objects(&self) -> bool {
        self.expire.is_some() || self.keep_last.is_some() || self.transition.is_some()
    }

    /// Whether a key is one that the rule is about, its tags apart.
    pub(super) fn fits(&self, key: &str) -> bool {
        let Some(rest) = key.strip_prefix(self.prefix.as_str()) else { return false };
        self.glob.as_ref().is_none_or(|glob| glob.takes(rest))
    }
}

fn glob(fields: &Fields<'_>) -> Result<Option<Filter>> {
    let Some(pattern) = fields.text("glob")? else { return Ok(None) };
    Filter::new(&[pattern], &[]).map(Some).map_err(|e| fields.refused("glob", e.message()))
}

fn noncurrent(fields: &Fields<'_>) -> Result<Option<Noncurrent>> {
    let (after, keep) = (fields.age("expire_noncurrent_after")?, fields.count("keep_noncurrent")?);
    match (after, keep) {
        (None, Some(_)) => {
            Err(fields.refused("keep_noncurrent", "it needs expire_noncurrent_after beside it"))
        }
        (after, keep) => Ok(after.map(|after| Noncurrent { after, keep: keep.unwrap_or(0) })),
    }
}

fn transition(fields: &Fields<'_>) -> Result<Option<Transition>> {
    match (fields.age("transition_after")?, fields.text("storage_class")?) {
        (Some(after), Some(class)) => Ok(Some(Transition { after, class })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(fields.refused("transition_after", "it needs storage_class beside it")),
        (None, Some(_)) => Err(fields.refused("storage_class", "it needs transition_after beside it")),
    }
}

pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests;
