//! Sweeps again and again, as long as somebody wants it.

use crate::session::Sessions;
use crate::{Swept, sweep};
use holdall_store::retention::{LifecycleOptions, LifecycleSummary, Policy};
use holdall_store::{Result, Settings, Store, SweepOptions};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a sweeper does, and how often.
#[derive(Debug, Clone)]
pub struct SweeperOptions {
    /// How long it rests between two rounds.
    pub every: Duration,
    /// Only what was due so long ago, since clocks differ.
    pub grace: Duration,
    /// What goes besides what has expired by a moment of its own.
    pub policy: Option<Policy>,
    /// Sweep a policy that takes every object of the store.
    pub allow_everything: bool,
}

impl Default for SweeperOptions {
    /// Every hour, without a policy.
    fn default() -> Self {
        let grace = LifecycleOptions::default().grace;
        Self { every: Duration::from_secs(3600), grace, policy: None, allow_everything: false }
    }
}

/// What came of a round.
#[derive(Debug)]
pub struct Round {
    /// Of what has expired by a moment of its own.
    pub expired: Result<Swept>,
    /// Of the policy, where there is one.
    pub policy: Option<Result<LifecycleSummary>>,
}

/// A task that sweeps until it is ended. Dropped, it ends where it is: the next round, or another sweep, does the rest.
#[derive(Debug)]
pub struct Sweeping {
    end: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

/// Sweeps now and at an interval, in a task of its own: steps and objects that have expired, as [`sweep`] does, and what
/// a policy lets go. What fails is logged and tried again in the next round; `on_round` hears of each. Several may sweep
/// one store.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use holdall::{Settings, Store, SweeperOptions};
///
/// let (store, settings) = (Store::memory(), Settings::default());
/// let sweeping = holdall::sweeper(&store, &settings, SweeperOptions::default(), |_| ())?;
/// // … and before the program ends:
/// sweeping.end().await;
/// # Ok::<(), holdall::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// `Config` for settings that give collections no places of their own.
pub fn sweeper(
    store: &Store,
    settings: &Settings,
    options: SweeperOptions,
    mut on_round: impl FnMut(Round) + Send + 'static,
) -> Result<Sweeping> {
    Sessions::open(store, settings)?;
    let (end, mut ended) = watch::channel(false);
    let (store, settings) = (store.clone(), settings.clone());
    let task = tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = ended.wait_for(|ended| *ended) => return,
                round = round(&store, &settings, &options) => on_round(round),
            }
            tokio::select! {
                _ = ended.wait_for(|ended| *ended) => return,
                () = tokio::time::sleep(options.every) => {}
            }
        }
    });
    Ok(Sweeping { end, task: Some(task) })
}

async fn round(store: &Store, settings: &Settings, options: &SweeperOptions) -> Round {
    let by_moment = SweepOptions { grace: options.grace, dry_run: false };
    let mut tell = |event| tracing::debug!(?event, "swept");
    let expired = Box::pin(sweep(store, settings, &by_moment, &mut tell)).await;
    let policy = match &options.policy {
        Some(policy) => Some(by_policy(store, policy, options).await),
        None => None,
    };
    match &expired {
        Ok(swept) => tracing::info!(
            steps = swept.steps.deleted,
            objects = swept.objects.deleted,
            failed = swept.failed(),
            "swept what has expired"
        ),
        Err(error) => tracing::warn!(%error, "what has expired cannot be swept now, and will be tried again"),
    }
    Round { expired, policy }
}

async fn by_policy(store: &Store, policy: &Policy, options: &SweeperOptions) -> Result<LifecycleSummary> {
    let SweeperOptions { grace, allow_everything, .. } = *options;
    let by_age = LifecycleOptions { grace, allow_everything, now: None };
    let mut tell = |event| tracing::debug!(?event, "swept");
    let swept = Box::pin(store.sweep_lifecycle(policy, &by_age, &mut tell)).await;
    match &swept {
        Ok(swept) => tracing::info!(
            deleted = swept.deleted.objects,
            versions = swept.versions.objects,
            uploads = swept.uploads,
            failed = swept.failed,
            "swept by the policy"
        ),
        Err(error) => tracing::warn!(%error, "the policy cannot be swept now, and will be tried again"),
    }
    swept
}

impl Sweeping {
    /// Ends it after what is under way is given up; the next sweep does that.
    pub async fn end(mut self) {
        // The receiver is gone only with the task.
        let _ = self.end.send(true);
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::warn!(%error, "the task that sweeps had ended");
        }
    }
}

impl Drop for Sweeping {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::NewStep;
    use crate::{SessionId, StepId};
    use holdall_store::PutOptions;
    use std::time::SystemTime;
    use tokio::sync::mpsc;

    /// SES-8: in a library task at an interval what has expired goes.
    #[tokio::test]
    async fn a_task_sweeps_at_an_interval_until_it_is_ended() {
        let (store, settings) = (Store::memory(), Settings::default());
        let soon = SystemTime::now() + Duration::from_millis(10);
        let options = PutOptions { expires: Some(soon), ..PutOptions::default() };
        store.put_with("a", "bytes", &options).await.unwrap();
        store.put("b", "bytes").await.unwrap();
        let (session, step) = (SessionId::parse("run").unwrap(), StepId::parse("1").unwrap());
        let new = NewStep::new(&session, &step).html("<p>").expires(soon);
        Sessions::open(&store, &settings).unwrap().store(new).await.unwrap();
        let policy = Policy::parse("[[rule]]\nname = \"r\"\nprefix = \"\"\nexpire_after = \"1h\"\n").unwrap();
        let options = SweeperOptions {
            every: Duration::from_millis(20),
            grace: Duration::ZERO,
            policy: Some(policy),
            ..SweeperOptions::default()
        };
        let (told, mut rounds) = mpsc::unbounded_channel();
        let on_round = move |round| told.send(round).unwrap_or_default();
        let sweeping = sweeper(&store, &settings, options, on_round).unwrap();
        let (mut steps, mut objects) = (0, 0);
        while (steps, objects) != (1, 1) {
            let round = rounds.recv().await.expect("the task goes on");
            assert_eq!(round.policy.unwrap().unwrap().deleted.objects, 0);
            let swept = round.expired.unwrap();
            (steps, objects) = (steps + swept.steps.deleted, objects + swept.objects.deleted);
        }
        sweeping.end().await;
        while rounds.recv().await.is_some() {}
        let left = store.list("").unwrap().collect().await.unwrap().objects;
        let users = left.iter().map(|object| object.key.as_str()).filter(|key| !key.contains(".holdall"));
        assert_eq!(users.collect::<Vec<_>>(), ["b"]);
    }
}
