//! Deleting all that has expired, whoever it belongs to.

use crate::session::Sessions;
use holdall_store::{Result, Settings, Store, SweepEvent, SweepOptions, SweepSummary};

/// What a sweep of everything did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// Steps of sessions.
    pub steps: SweepSummary,
    /// Objects that expire by themselves.
    pub objects: SweepSummary,
}

impl Swept {
    /// What should have gone and did not. The next sweep tries it again.
    pub fn failed(&self) -> u64 {
        self.steps.failed + self.objects.failed
    }
}

/// Deletes all that has expired in a store: steps of the sessions that the settings say where to find, as
/// [`Sessions::sweep`] does, and objects, as [`Store::sweep`] does. Steps carry no moment that [`Store::sweep`] knows of,
/// so that it alone never takes one apart.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use holdall::{Settings, Store, SweepOptions};
///
/// let (store, settings) = (Store::memory(), Settings::default());
/// let swept = holdall::sweep(&store, &settings, &SweepOptions::default(), &mut |_| ()).await?;
/// assert_eq!((swept.steps.deleted, swept.objects.deleted, swept.failed()), (0, 0, 0));
/// # Ok::<(), holdall::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// `Config` for settings that give collections no places of their own; what keeps what is due from being listed. What
/// cannot be deleted is an event, and the rest go on.
pub async fn sweep(
    store: &Store,
    settings: &Settings,
    options: &SweepOptions,
    on_event: &mut (dyn FnMut(SweepEvent) + Send),
) -> Result<Swept> {
    let sessions = Sessions::open(store, settings)?;
    let steps = sessions.sweep(options, on_event).await?;
    let objects = store.sweep(options, on_event).await?;
    Ok(Swept { steps, objects })
}
