//! A plan and a sweep: the same run, which acts or does not.

use super::event::{LifecycleEvent, LifecycleOptions, LifecycleSummary};
use super::policy::{Policy, invalid};
use super::run::Run;
use crate::error::{Error, ErrorKind, Result};
use crate::store::Store;
use std::time::SystemTime;

impl Store {
    /// Says what is due by a policy, and does nothing.
    ///
    /// It lists what is below the prefixes of the rules, and asks for the tags of each object that only a rule with tags
    /// would take: a request for each. Memory is that of a page, and of the names of children that `keep_last` keeps.
    ///
    /// # Errors
    ///
    /// `Unsupported` for a move to a storage class where there is none; what keeps the store from being listed.
    pub async fn plan_lifecycle(
        &self,
        policy: &Policy,
        options: &LifecycleOptions,
        on_event: &mut (dyn FnMut(LifecycleEvent) + Send),
    ) -> Result<LifecycleSummary> {
        let run = Run::begin(self, policy, options, false).await?;
        let mut summary = run.all(on_event).await?;
        let deleted = summary.deleted.objects;
        summary.everything = deleted > 0 && deleted == summary.looked && run.takes_everything().await?;
        Ok(summary)
    }

    /// Does what is due by a policy: what [`Store::plan_lifecycle`] says.
    ///
    /// Each object is looked at again right before, and deleted under a condition where the store decides one: what was
    /// replaced meanwhile stays. That costs two requests an object. Of a version the versions of its key are listed again,
    /// since without the one above it would be what the key has. Up to [`Settings::concurrency`](crate::Settings) are
    /// at work at once. It may be cut off at any moment and be made again, by several at once.
    ///
    /// # Errors
    ///
    /// `Precondition` for a policy that would delete every object of the store, which is found out before the first goes;
    /// `InvalidInput` for a moment to come; those of a plan. What cannot be deleted is an event, and the rest go on.
    pub async fn sweep_lifecycle(
        &self,
        policy: &Policy,
        options: &LifecycleOptions,
        on_event: &mut (dyn FnMut(LifecycleEvent) + Send),
    ) -> Result<LifecycleSummary> {
        if options.now.is_some_and(|now| now > SystemTime::now()) {
            return Err(invalid("nothing is swept by a moment to come"));
        }
        let run = Run::begin(self, policy, options, true).await?;
        if !options.allow_everything && run.takes_everything().await? {
            return Err(Error::new(
                ErrorKind::Precondition,
                "the policy would delete every object of the store",
            )
            .with_fact("store", self.location())
            .with_hint("look at the plan; --yes-delete-all (allow_everything) lets it"));
        }
        run.all(on_event).await
    }
}
