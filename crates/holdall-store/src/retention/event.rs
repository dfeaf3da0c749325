//! What a plan or a sweep is asked for, and what it tells.

use crate::error::Error;
use crate::key::Key;
use crate::store::Stats;
use std::time::{Duration, SystemTime};

/// How a policy is planned and swept.
#[derive(Debug, Clone, Copy)]
pub struct LifecycleOptions {
    /// Only what was due so long ago, since clocks differ.
    pub grace: Duration,
    /// Sweep a policy that takes every object of the store.
    pub allow_everything: bool,
    /// The moment that ages are counted to; else that of the call. By one moment a sweep does what a plan said, and
    /// nothing that became due since. Only a plan may look at a moment to come.
    pub now: Option<SystemTime>,
}

impl Default for LifecycleOptions {
    fn default() -> Self {
        Self { grace: Duration::from_secs(60), allow_everything: false, now: None }
    }
}

/// What becomes of something that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// The object is deleted for its age.
    Expire,
    /// The object is deleted because it is of none of the newest children.
    KeepLast,
    /// The version is deleted for good.
    ExpireNoncurrent,
    /// The upload is aborted.
    AbortUpload,
    /// The object moves to this storage class.
    Transition(String),
}

impl Action {
    /// Its name in output: `expire`, `keep_last`, `expire_noncurrent`, `abort_upload`, `transition`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Expire => "expire",
            Self::KeepLast => "keep_last",
            Self::ExpireNoncurrent => "expire_noncurrent",
            Self::AbortUpload => "abort_upload",
            Self::Transition(_) => "transition",
        }
    }
}

/// Something that is due by a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The key.
    pub key: Key,
    /// The version, where that is what goes.
    pub version: Option<String>,
    /// Its size in bytes; none of an upload, whose size nobody says.
    pub size: Option<u64>,
    /// What becomes of it.
    pub action: Action,
    /// The rule's name.
    pub rule: String,
    /// From when on it is due by the rule.
    pub since: SystemTime,
}

/// What a plan or a sweep met.
#[derive(Debug)]
#[non_exhaustive]
pub enum LifecycleEvent {
    /// What was due was done, or would be.
    Done(Due),
    /// What was due is not what it was when it was listed, or is gone. It is left to the next sweep.
    Left(Due),
    /// What was due was not done. The next sweep tries it again.
    Failed {
        /// What should have been done.
        due: Due,
        /// Why it was not.
        error: Error,
    },
    /// Something is there and cannot be looked at. It stays.
    Unread(Error),
}

/// What a plan found, or a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LifecycleSummary {
    /// Objects below the prefixes of the rules, that were looked at.
    pub looked: u64,
    /// Objects that were deleted, or would be.
    pub deleted: Stats,
    /// Objects that moved to a storage class, or would.
    pub moved: Stats,
    /// Versions that were deleted for good, or would be.
    pub versions: Stats,
    /// Uploads that were aborted, or would be.
    pub uploads: u64,
    /// What was another, or gone, when it was looked at right before.
    pub left: u64,
    /// What should have been done and was not, and what could not be looked at.
    pub failed: u64,
    /// Whether every object of the store would go. Only a plan says it: a sweep is refused then, or was allowed it.
    pub everything: bool,
}

impl LifecycleSummary {
    /// Counts what was done, or would be.
    pub(super) fn add(&mut self, due: &Due) {
        let stats = match due.action {
            Action::Expire | Action::KeepLast => &mut self.deleted,
            Action::Transition(_) => &mut self.moved,
            Action::ExpireNoncurrent => &mut self.versions,
            Action::AbortUpload => {
                self.uploads += 1;
                return;
            }
        };
        stats.objects += 1;
        stats.bytes += due.size.unwrap_or(0);
    }
}
