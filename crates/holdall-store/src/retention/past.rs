//! Which versions are no longer what their key has, and since when: pure, over a listing that comes in order.

use super::decide::{is_own, passed};
use super::event::{Action, Due};
use super::policy::{Noncurrent, Policy, Rule};
use crate::key::Key;
use crate::object::Version;
use std::time::SystemTime;

/// A version that may go.
#[derive(Debug)]
pub(super) struct Past {
    pub(super) version: Version,
    /// When it was replaced or deleted; of a mark that is all that a key has, when it was made.
    since: Option<SystemTime>,
    /// How many objects of the key, that are no longer current either, are newer.
    newer: u32,
}

/// Walks versions by key, of each the latest first.
#[derive(Debug, Default)]
pub(super) struct Walk {
    key: Option<Key>,
    /// When the version right before, a newer one, was made.
    replaced: Option<SystemTime>,
    objects: u32,
    /// A mark that is what its key has, of which it is not known yet whether anything is below it.
    mark: Option<Version>,
}

impl Walk {
    /// Takes the next version; answers what it shows to be past, which may be the mark before it.
    pub(super) fn next(&mut self, version: Version) -> Option<Past> {
        if self.key.as_ref() != Some(&version.key) {
            let lone = self.finish();
            *self = Self {
                key: Some(version.key.clone()),
                replaced: version.last_modified,
                objects: 0,
                mark: Some(version).filter(|version| version.is_marker && version.is_latest),
            };
            return lone;
        }
        self.mark = None;
        let since = std::mem::replace(&mut self.replaced, version.last_modified);
        let newer = self.objects;
        self.objects += u32::from(!version.is_marker);
        (!version.is_latest).then_some(Past { version, since, newer })
    }

    /// The mark that is all its key has.
    pub(super) fn finish(&mut self) -> Option<Past> {
        let mark = self.mark.take()?;
        Some(Past { since: mark.last_modified, version: mark, newer: 0 })
    }
}

impl Past {
    /// What is due of it: by the rule that was due first.
    pub(super) fn due(&self, policy: &Policy, until: SystemTime) -> Option<Due> {
        let key = self.version.key.as_str();
        let rules = policy.rules().iter().filter(|rule| rule.fits(key) && !is_own(key));
        let due = rules.filter_map(|rule| Some((self.since_by(rule, until)?, rule)));
        let (since, rule) = due.min_by_key(|(since, _)| *since)?;
        Some(Due {
            key: self.version.key.clone(),
            version: Some(self.version.version.clone()),
            size: Some(self.version.size),
            action: Action::ExpireNoncurrent,
            rule: rule.name.clone(),
            since,
        })
    }

    /// From when on it is due by a rule. Marks take no place among the versions that are kept.
    fn since_by(&self, rule: &Rule, until: SystemTime) -> Option<SystemTime> {
        let Noncurrent { after, keep } = rule.noncurrent?;
        let is_kept = !self.version.is_marker && self.newer < keep;
        passed(self.since.filter(|_| !is_kept)?, Some(after), until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    const DAY: Duration = Duration::from_secs(86_400);

    /// Versions as `key:day`, of each key the latest first; a day with a dash is a mark.
    fn versions(told: &[&str]) -> Vec<Version> {
        let mut before = None;
        let version = |told: &&str| {
            let (key, day) = told.split_once(':').unwrap();
            let is_latest = before.replace(key.to_owned()).as_deref() != Some(key);
            let (is_marker, made) =
                (day.starts_with('-'), day.trim_start_matches('-').parse::<u32>().unwrap());
            Version {
                key: Key::listed(key),
                version: day.to_owned(),
                is_latest,
                is_marker,
                size: u64::from(!is_marker),
                etag: None,
                last_modified: Some(UNIX_EPOCH + DAY * made),
            }
        };
        told.iter().map(version).collect()
    }

    fn due(rule: &str, told: &[&str], day: u32) -> Vec<String> {
        let text = format!("[[rule]]\nname = \"r\"\nprefix = \"\"\n{rule}\n");
        let (policy, mut walk) = (Policy::parse(&text).unwrap(), Walk::default());
        let mut past: Vec<Past> = versions(told).into_iter().filter_map(|v| walk.next(v)).collect();
        past.extend(walk.finish());
        let due = past.iter().filter_map(|past| past.due(&policy, UNIX_EPOCH + DAY * day));
        due.map(|due| format!("{}:{}", due.key, due.version.unwrap())).collect()
    }

    #[test]
    fn a_version_is_past_since_the_one_after_it_was_made() {
        let rule = "expire_noncurrent_after = \"10d\"";
        let told = ["a:50", "a:20", "a:10", "b:5", "c:-40", "c:30"];
        assert_eq!(due(rule, &told, 29), [""; 0]);
        assert_eq!(due(rule, &told, 30), ["a:10"]);
        assert_eq!(due(rule, &told, 50), ["a:10", "c:30"]);
        assert_eq!(due(rule, &told, 60), ["a:20", "a:10", "c:30"]);
    }

    #[test]
    fn the_newest_are_kept_and_marks_take_no_place_among_them() {
        let rule = "expire_noncurrent_after = \"1d\"\nkeep_noncurrent = 2";
        let told = ["a:50", "a:-40", "a:30", "a:20", "a:10", "b:9", "b:8"];
        assert_eq!(due(rule, &told, 99), ["a:-40", "a:10"]);
    }

    #[test]
    fn a_mark_goes_when_it_is_all_that_is_left() {
        let rule = "expire_noncurrent_after = \"10d\"";
        assert_eq!(due(rule, &["a:-5", "b:-5", "b:4", "c:-9"], 16), ["a:-5", "b:4"]);
        assert_eq!(due(rule, &["a:-5"], 14), [""; 0]);
        assert_eq!(due(rule, &["a:-5", "a:-4"], 99), ["a:-4"]);
    }
}
