//! A bucket's own lifecycle rules, made of a policy as far as S3 can say it.

mod apply;
mod say;

use super::policy::{Policy, Rule};
use crate::bucket::{Outcome, Verdict};
use crate::error::{Error, ErrorKind, Result};
use crate::store::Store;
use holdall_s3::{Client, Lifecycle, LifecycleRule};

/// What the names of a policy's rules have before them in the bucket; all other rules are somebody else's.
const OURS: &str = "holdall-policy-";

/// What a rule of a policy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RuleKind {
    /// Objects are deleted by age.
    Expire,
    /// The newest children are kept.
    KeepLast,
    /// Old versions are deleted.
    ExpireNoncurrent,
    /// Uploads are aborted.
    AbortUploads,
    /// Objects move to a storage class.
    Transition,
}

impl RuleKind {
    const ALL: [Self; 5] =
        [Self::Expire, Self::KeepLast, Self::ExpireNoncurrent, Self::AbortUploads, Self::Transition];

    /// Its name in output: `expire`, `keep_last`, `expire_noncurrent`, `abort_uploads`, `transition`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expire => "expire",
            Self::KeepLast => "keep_last",
            Self::ExpireNoncurrent => "expire_noncurrent",
            Self::AbortUploads => "abort_uploads",
            Self::Transition => "transition",
        }
    }
}

/// One thing that a rule of the policy, or of an earlier one, does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleStep {
    /// The rule's name in the policy.
    pub rule: String,
    /// What it does.
    pub kind: RuleKind,
    /// What the bucket has of it and will have. `Unsupported` is what S3 cannot say: only a sweep does it.
    pub verdict: Verdict,
}

/// What a bucket's rules are to be.
#[derive(Debug, Clone)]
pub struct RulesPlan {
    /// Each thing that a rule does, in the order of the policy; then what is removed.
    pub steps: Vec<RuleStep>,
    wanted: Vec<Wanted>,
}

/// A step and what came of it.
#[derive(Debug)]
pub struct AppliedRule {
    /// The step.
    pub step: RuleStep,
    /// What came of it.
    pub outcome: Outcome,
}

/// A rule of the policy and what the bucket is to have of it.
#[derive(Debug, Clone)]
struct Wanted {
    name: String,
    rule: LifecycleRule,
}

impl RulesPlan {
    /// How many steps change something.
    pub fn changes(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.verdict, Verdict::Change { .. })).count()
    }
}

impl AppliedRule {
    /// Whether the bucket has it now, or cannot have it and was not asked to.
    pub fn is_well(&self) -> bool {
        !matches!(self.outcome, Outcome::Failed(_))
    }
}

impl Store {
    /// Compares a policy with the rules that the bucket has, and changes nothing. Rules of others stay; those of an
    /// earlier policy that are in this one no more go.
    ///
    /// The server counts in days and by its own clock, and its rules hold for holdall's own objects below their prefix
    /// too.
    ///
    /// # Errors
    ///
    /// `Unsupported` where there is no bucket, or the server has no such rules; `Precondition` for a rule that would in
    /// time delete every object of the store, unless `allow_everything`; `PermissionDenied`.
    pub async fn plan_bucket_rules(&self, policy: &Policy, allow_everything: bool) -> Result<RulesPlan> {
        let all = policy.rules().iter().find(|rule| takes_all(rule));
        if let Some(rule) = all.filter(|_| !allow_everything) {
            return Err(Error::new(ErrorKind::Precondition, "a rule would delete every object of the store")
                .with_fact("rule", &rule.name)
                .with_hint("give it a prefix or tags; --yes-delete-all (allow_everything) lets it"));
        }
        let present = wire(self)?.lifecycle().await?;
        Ok(say::plan(policy, self.backend().root(), &present))
    }

    /// Gives the bucket the rules of a plan, and reads back what it has.
    ///
    /// Rules that are new are put out of force first: what a server does not keep of them whole, such as tags of a filter
    /// or a number of versions to keep, never comes into force.
    ///
    /// # Errors
    ///
    /// That the rules cannot be read back. What the server refuses or drops is an outcome.
    pub async fn apply_bucket_rules(&self, plan: &RulesPlan) -> Result<Vec<AppliedRule>> {
        apply::apply(wire(self)?, plan).await
    }
}

fn wire(store: &Store) -> Result<&Client> {
    store.backend().wire().ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "only buckets of a service have rules of their own")
            .with_fact("store", store.location())
            .with_hint("`holdall lifecycle sweep` does what the policy says")
    })
}

fn takes_all(rule: &Rule) -> bool {
    rule.expire.is_some() && rule.prefix.as_str().is_empty() && rule.glob.is_none() && rule.tags.is_empty()
}

/// The name of a policy's rule; none of a rule that is somebody else's.
fn name_of(rule: &LifecycleRule) -> Option<&str> {
    rule.id().strip_prefix(OURS)
}

/// The rule of a name.
fn find<'a>(lifecycle: &'a Lifecycle, name: &str) -> Option<&'a LifecycleRule> {
    lifecycle.rules.iter().find(|rule| name_of(rule) == Some(name))
}
