//! One run over a store: listings in, events out. A plan and a sweep decide by the same code; only a sweep acts.

use super::act::Hand;
use super::decide::{Choice, choose, fits, is_own, passed};
use super::event::{Action, Due, LifecycleEvent, LifecycleOptions, LifecycleSummary};
use super::last::Kept;
use super::past::{Past, Walk};
use super::policy::{Policy, Rule, invalid};
use crate::backend::{BoxFuture, UnfinishedUpload};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Prefix;
use crate::object::{ListOptions, Metadata};
use crate::store::Store;
use futures_util::StreamExt;
use futures_util::stream;
use std::time::SystemTime;

/// Boxed, since a stream of futures that closures make is not [`Send`] for every lifetime.
type Work<'a> = BoxFuture<'a, Option<LifecycleEvent>>;
type OnEvent<'a> = &'a mut (dyn FnMut(LifecycleEvent) + Send);

pub(super) struct Run<'a> {
    store: &'a Store,
    policy: &'a Policy,
    kept: Kept,
    /// What was due by then.
    until: SystemTime,
    acts: bool,
}

impl<'a> Run<'a> {
    pub(super) async fn begin(
        store: &'a Store,
        policy: &'a Policy,
        options: &LifecycleOptions,
        acts: bool,
    ) -> Result<Self> {
        if let Some(rule) = policy.rules().iter().find(|rule| rule.transition.is_some())
            && store.backend().wire().is_none()
        {
            return Err(Error::new(ErrorKind::Unsupported, "only objects of a service have storage classes")
                .with_fact("rule", &rule.name));
        }
        let now = options.now.unwrap_or_else(SystemTime::now);
        let until = now.checked_sub(options.grace).ok_or_else(|| invalid("the grace is too long"))?;
        Ok(Self { store, policy, kept: Kept::of(store, policy).await?, until, acts })
    }

    pub(super) async fn all(&self, on_event: OnEvent<'_>) -> Result<LifecycleSummary> {
        let mut summary = LifecycleSummary::default();
        for scope in self.scopes(Rule::takes_objects) {
            self.objects(scope, &mut summary, on_event).await?;
        }
        for scope in self.scopes(|rule| rule.noncurrent.is_some()) {
            self.versions(scope, &mut summary, on_event).await?;
        }
        for scope in self.scopes(|rule| rule.abort_uploads.is_some()) {
            self.uploads(scope, &mut summary, on_event).await?;
        }
        Ok(summary)
    }

    /// The prefixes of rules, none of which begins with another.
    fn scopes(&self, are_meant: impl Fn(&Rule) -> bool) -> Vec<Prefix> {
        let rules = self.policy.rules().iter().filter(|rule| are_meant(rule));
        let mut all: Vec<Prefix> = rules.map(|rule| rule.prefix.clone()).collect();
        all.sort();
        all.dedup_by(|later, earlier| later.as_str().starts_with(earlier.as_str()));
        all
    }

    async fn objects(
        &self,
        prefix: Prefix,
        summary: &mut LifecycleSummary,
        on_event: OnEvent<'_>,
    ) -> Result<()> {
        let mut pages = self.store.backend().list(ListOptions { prefix, ..ListOptions::default() });
        while let Some(page) = pages.next_page().await {
            let page = page?;
            for failure in page.failures {
                tell(LifecycleEvent::Unread(failure), summary, on_event);
            }
            summary.looked +=
                page.objects.iter().filter(|object| !is_own(object.key.as_str())).count() as u64;
            let work = page.objects.into_iter().map(|object| Box::pin(self.object(object)) as Work<'_>);
            self.each(work.collect(), summary, on_event).await;
        }
        Ok(())
    }

    /// Does some things at once, and tells what came of them in their order.
    async fn each(&self, work: Vec<Work<'_>>, summary: &mut LifecycleSummary, on_event: OnEvent<'_>) {
        let mut work = stream::iter(work).buffered(self.store.settings().concurrency.max(1));
        while let Some(event) = work.next().await {
            if let Some(event) = event {
                tell(event, summary, on_event);
            }
        }
    }

    async fn object(&self, object: Metadata) -> Option<LifecycleEvent> {
        match self.judge(&object).await? {
            LifecycleEvent::Done(due) => {
                let done = match self.acts {
                    true => self.hand().take_object(&due, &object).await,
                    false => Ok(true),
                };
                told(due, done)
            }
            failed => Some(failed),
        }
    }

    /// Decides what becomes of an object; none where it stays.
    async fn judge(&self, object: &Metadata) -> Option<LifecycleEvent> {
        let fits = || fits(self.policy, &self.kept, object, self.until);
        let asking = match choose(fits(), None, object) {
            Choice::Stays => return None,
            Choice::Act(fit) => return Some(LifecycleEvent::Done(fit.due(object))),
            Choice::AskTags(fit) => fit,
        };
        match self.store.backend().tags(&object.key).await {
            Ok(tags) => match choose(fits(), Some(&tags), object) {
                Choice::Act(fit) => Some(LifecycleEvent::Done(fit.due(object))),
                Choice::Stays | Choice::AskTags(_) => None,
            },
            // It is gone.
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => told(asking.due(object), Err(error)),
        }
    }

    /// Whether every object of the store would be deleted, and there is one: it lists until it finds one that stays.
    pub(super) async fn takes_everything(&self) -> Result<bool> {
        let mut pages = self.store.backend().list(ListOptions::default());
        let mut is_any = false;
        while let Some(page) = pages.next_page().await {
            let page = page?;
            let objects = page.objects.iter().filter(|object| !is_own(object.key.as_str()));
            let judged: Vec<Work<'_>> = objects.map(|object| Box::pin(self.judge(object)) as _).collect();
            let mut judged = stream::iter(judged).buffered(self.store.settings().concurrency.max(1));
            while let Some(verdict) = judged.next().await {
                match verdict {
                    Some(LifecycleEvent::Done(due)) if !matches!(due.action, Action::Transition(_)) => {
                        is_any = true;
                    }
                    Some(LifecycleEvent::Failed { error, .. }) => return Err(error),
                    _ => return Ok(false),
                }
            }
            if !page.failures.is_empty() {
                return Ok(false);
            }
        }
        Ok(is_any)
    }

    async fn versions(
        &self,
        prefix: Prefix,
        summary: &mut LifecycleSummary,
        on_event: OnEvent<'_>,
    ) -> Result<()> {
        let mut pages = self.store.backend().list_versions(prefix);
        let mut walk = Walk::default();
        while let Some(page) = pages.next_page().await {
            let page = match page {
                // A store that keeps no versions has none that is past.
                Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(()),
                page => page?,
            };
            for failure in page.failures {
                tell(LifecycleEvent::Unread(failure), summary, on_event);
            }
            let past: Vec<Past> = page.versions.into_iter().filter_map(|one| walk.next(one)).collect();
            self.past(past, summary, on_event).await;
        }
        self.past(walk.finish().into_iter().collect(), summary, on_event).await;
        Ok(())
    }

    async fn past(&self, past: Vec<Past>, summary: &mut LifecycleSummary, on_event: OnEvent<'_>) {
        let due = past.iter().filter_map(|past| past.due(self.policy, self.until));
        let work = due.map(|due| Box::pin(self.version(due)) as Work<'_>);
        self.each(work.collect(), summary, on_event).await;
    }

    async fn version(&self, due: Due) -> Option<LifecycleEvent> {
        let done = match self.acts {
            true => self.hand().take_version(&due).await,
            false => Ok(true),
        };
        told(due, done)
    }

    async fn uploads(
        &self,
        prefix: Prefix,
        summary: &mut LifecycleSummary,
        on_event: OnEvent<'_>,
    ) -> Result<()> {
        let mut after = None;
        loop {
            let page = self.store.backend().uploads(&prefix, after.as_ref()).await?;
            let work = page.uploads.into_iter().filter_map(|upload| {
                let due = self.upload_due(&upload)?;
                Some(Box::pin(self.upload(due, upload)) as Work<'_>)
            });
            self.each(work.collect(), summary, on_event).await;
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn upload(&self, due: Due, upload: UnfinishedUpload) -> Option<LifecycleEvent> {
        let done = match self.acts {
            true => self.store.backend().abort_upload(&upload.key, &upload.id).await,
            false => Ok(()),
        };
        told(due, done.map(|()| true))
    }

    /// What is due of an upload. One of which the server does not say when it was begun stays.
    fn upload_due(&self, upload: &UnfinishedUpload) -> Option<Due> {
        let (begun, key) = (upload.initiated?, upload.key.as_str());
        let rules = self.policy.rules().iter().filter(|rule| rule.fits(key));
        let due = rules.filter_map(|rule| Some((passed(begun, rule.abort_uploads, self.until)?, rule)));
        let (since, rule) = due.min_by_key(|(since, _)| *since)?;
        Some(Due {
            key: upload.key.clone(),
            version: None,
            size: None,
            action: Action::AbortUpload,
            rule: rule.name.clone(),
            since,
        })
    }

    fn hand(&self) -> Hand<'_> {
        Hand { store: self.store, policy: self.policy, until: self.until }
    }
}

/// What came of something that was due.
fn told(due: Due, done: Result<bool>) -> Option<LifecycleEvent> {
    match done {
        Ok(true) => Some(LifecycleEvent::Done(due)),
        Ok(false) => Some(LifecycleEvent::Left(due)),
        Err(error) => Some(LifecycleEvent::Failed { error: error.with_key(&due.key), due }),
    }
}

fn tell(event: LifecycleEvent, summary: &mut LifecycleSummary, on_event: OnEvent<'_>) {
    match &event {
        LifecycleEvent::Done(due) => summary.add(due),
        LifecycleEvent::Left(_) => summary.left += 1,
        LifecycleEvent::Failed { .. } | LifecycleEvent::Unread(_) => summary.failed += 1,
    }
    on_event(event);
}
