//! What is due: pure, from rules and what a listing says to what becomes of it.

use super::event::{Action, Due};
use super::last::Kept;
use super::policy::{Policy, Rule};
use crate::key::Key;
use crate::object::Metadata;
use std::time::{Duration, SystemTime};

/// The class of an object whose listing names none.
const STANDARD: &str = "STANDARD";

/// Something that a rule would do, its tags apart.
#[derive(Debug)]
pub(super) struct Fit<'a> {
    pub(super) rule: &'a Rule,
    pub(super) action: Action,
    pub(super) since: SystemTime,
}

/// What becomes of an object.
#[derive(Debug)]
pub(super) enum Choice<'a> {
    Stays,
    Act(Fit<'a>),
    /// The object's tags decide, whether it is this.
    AskTags(Fit<'a>),
}

/// Whether a key is holdall's own, so that no rule is about it: indexes and tombstones lie in folders of such names,
/// and what they are of goes by commands of its own.
pub(super) fn is_own(key: &str) -> bool {
    Key::is_reserved(key) || key.split('/').any(|segment| segment.starts_with(".holdall-"))
}

/// All that rules would do to an object: what wins first. An object of which nobody says when it was written stays.
pub(super) fn fits<'a>(
    policy: &'a Policy,
    kept: &Kept,
    object: &Metadata,
    until: SystemTime,
) -> Vec<Fit<'a>> {
    let key = object.key.as_str();
    let Some(written) = object.last_modified.filter(|_| !is_own(key)) else { return Vec::new() };
    let mut deletions = Vec::new();
    let mut moves = Vec::new();
    for (n, rule) in policy.rules().iter().enumerate().filter(|(_, rule)| rule.fits(key)) {
        if let Some(since) = passed(written, rule.expire, until) {
            deletions.push(Fit { rule, action: Action::Expire, since });
        }
        if written <= until && kept.takes(n, rule, key) {
            deletions.push(Fit { rule, action: Action::KeepLast, since: written });
        }
        let Some(transition) = &rule.transition else { continue };
        if let Some(since) = passed(written, Some(transition.after), until) {
            let action = Action::Transition(transition.class.clone());
            moves.push(Fit { rule, action, since });
        }
    }
    // Of several moves the last one that the object is old enough for has its place; a deletion that was due first wins.
    deletions.sort_by_key(|fit| fit.since);
    moves.sort_by_key(|fit| std::cmp::Reverse(fit.since));
    deletions.extend(moves);
    deletions
}

/// From when on something is due by an age; none before that.
pub(super) fn passed(from: SystemTime, age: Option<Duration>, until: SystemTime) -> Option<SystemTime> {
    from.checked_add(age?).filter(|since| *since <= until)
}

/// Decides which of the fits it is; `tags` are the object's, once they were asked for.
pub(super) fn choose<'a>(
    fits: Vec<Fit<'a>>,
    tags: Option<&[(String, String)]>,
    object: &Metadata,
) -> Choice<'a> {
    for fit in fits {
        match (fit.rule.tags.is_empty(), tags) {
            (true, _) => return unless_there(fit, object),
            (false, None) => return Choice::AskTags(fit),
            (false, Some(tags)) if fit.rule.tags.iter().all(|tag| tags.contains(tag)) => {
                return unless_there(fit, object);
            }
            (false, Some(_)) => {}
        }
    }
    Choice::Stays
}

/// An object that is in its class already does not move, and not to the class before that either.
fn unless_there<'a>(fit: Fit<'a>, object: &Metadata) -> Choice<'a> {
    let class = object.attributes.storage_class.as_deref().unwrap_or(STANDARD);
    match &fit.action {
        Action::Transition(to) if to == class => Choice::Stays,
        _ => Choice::Act(fit),
    }
}

impl Fit<'_> {
    pub(super) fn due(self, object: &Metadata) -> Due {
        Due {
            key: object.key.clone(),
            version: None,
            size: Some(object.size),
            action: self.action,
            rule: self.rule.name.clone(),
            since: self.since,
        }
    }
}

#[cfg(test)]
mod tests;
