//! The newest children of a prefix, which `keep_last` keeps.
//!
//! A child of a prefix is an object right below it, or a folder: all whose keys go on with the same name and a slash. It
//! is as new as its newest object. Of two that are equally new the one whose name sorts later is taken for the newer.

use super::decide::is_own;
use super::policy::{Policy, Rule};
use crate::error::Result;
use crate::object::{ListOptions, Metadata};
use crate::store::{Store, whole};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::time::SystemTime;

/// Which children each rule keeps, by the rule's place in the policy.
#[derive(Debug, Default)]
pub(super) struct Kept(Vec<HashSet<String>>);

impl Kept {
    /// Lists what is below the prefixes of rules that keep the newest. Memory is that of the names that are kept.
    pub(super) async fn of(store: &Store, policy: &Policy) -> Result<Self> {
        let mut kept = Vec::new();
        for rule in policy.rules() {
            kept.push(match rule.keep_last {
                Some(n) => newest(store, rule, n as usize).await?,
                None => HashSet::new(),
            });
        }
        Ok(Self(kept))
    }

    /// Whether a rule takes an object because it is of none of the children that are kept. What has the prefix itself
    /// for its key is of no child.
    pub(super) fn takes(&self, n: usize, rule: &Rule, key: &str) -> bool {
        let Some(child) = child(rule, key).filter(|_| rule.keep_last.is_some()) else { return false };
        !self.0.get(n).is_some_and(|kept| kept.contains(child))
    }
}

/// The child that a key is of: its name, of a folder with the slash.
fn child<'a>(rule: &Rule, key: &'a str) -> Option<&'a str> {
    let rest = key.strip_prefix(rule.prefix.as_str())?;
    let end = rest.find('/').map_or(rest.len(), |slash| slash + 1);
    rest.get(..end).filter(|child| !child.is_empty())
}

/// A listing that leaves something out ends it: what cannot be seen might be what is to be kept.
async fn newest(store: &Store, rule: &Rule, n: usize) -> Result<HashSet<String>> {
    let options = ListOptions { prefix: rule.prefix.clone(), ..ListOptions::default() };
    let mut pages = store.backend().list(options);
    let mut newest = Newest::new(n);
    while let Some(page) = pages.next_page().await {
        for object in &whole(page?)?.objects {
            newest.add(rule, object);
        }
    }
    Ok(newest.finish())
}

/// The newest of children that come in the order of keys, so that the objects of one come together.
#[derive(Debug)]
struct Newest {
    n: usize,
    /// The oldest of those kept on top. An object without a date is taken for newer than all.
    kept: BinaryHeap<Reverse<(Date, String)>>,
    open: Option<(String, Date)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Date {
    Known(SystemTime),
    Unknown,
}

impl Newest {
    fn new(n: usize) -> Self {
        Self { n, kept: BinaryHeap::new(), open: None }
    }

    fn add(&mut self, rule: &Rule, object: &Metadata) {
        let key = object.key.as_str();
        let Some(child) = child(rule, key).filter(|_| !is_own(key)) else { return };
        let date = object.last_modified.map_or(Date::Unknown, Date::Known);
        match &mut self.open {
            Some((open, newest)) if open == child => *newest = date.max(*newest),
            _ => {
                self.close();
                self.open = Some((child.to_owned(), date));
            }
        }
    }

    fn close(&mut self) {
        let Some((child, date)) = self.open.take() else { return };
        self.kept.push(Reverse((date, child)));
        if self.kept.len() > self.n {
            self.kept.pop();
        }
    }

    fn finish(mut self) -> HashSet<String> {
        self.close();
        self.kept.into_iter().map(|Reverse((_, child))| child).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use std::time::{Duration, UNIX_EPOCH};

    fn kept(n: u32, prefix: &str, objects: &[(&str, Option<u64>)]) -> Vec<String> {
        let text = format!("[[rule]]\nname = \"r\"\nprefix = \"{prefix}\"\nkeep_last = {n}\n");
        let policy = Policy::parse(&text).unwrap();
        let rule = &policy.rules()[0];
        let mut newest = Newest::new(n as usize);
        for (key, date) in objects {
            let last_modified = date.map(|date| UNIX_EPOCH + Duration::from_secs(date));
            newest.add(rule, &Metadata { last_modified, ..Metadata::bare(Key::listed(key)) });
        }
        let mut names: Vec<String> = newest.finish().into_iter().collect();
        names.sort();
        names
    }

    #[test]
    fn top_12_a_child_is_as_new_as_its_newest_object() {
        let runs = [("r/1/a", Some(5)), ("r/1/z", Some(90)), ("r/2/a", Some(50)), ("r/3/a", Some(60))];
        assert_eq!(kept(1, "r/", &runs), ["1/"]);
        assert_eq!(kept(2, "r/", &runs), ["1/", "3/"]);
        assert_eq!(kept(9, "r/", &runs), ["1/", "2/", "3/"]);
    }

    #[test]
    fn an_object_and_a_folder_of_one_name_are_two_children() {
        let both = [("a", Some(1)), ("a-b", Some(2)), ("a/x", Some(3)), ("a/y", Some(3)), ("b", Some(1))];
        assert_eq!(kept(2, "", &both), ["a-b", "a/"]);
        // The later name of two that are equally new.
        assert_eq!(kept(3, "", &both), ["a-b", "a/", "b"]);
    }

    #[test]
    fn what_has_no_date_is_kept_and_what_is_holdalls_own_is_no_child() {
        let odd = [("r/", Some(99)), ("r/.holdall-deleted/1", Some(99)), ("r/1", None), ("r/2", Some(98))];
        assert_eq!(kept(1, "r/", &odd), ["1"]);
        assert_eq!(kept(2, "r/", &odd), ["1", "2"]);
    }
}
