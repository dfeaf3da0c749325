//! The one loop that hears what happens, decides what is due, and lets it be done.

mod done;
mod forget;
mod hear;
mod look;
mod recap;

use super::gone::Gone;
use super::kernel::{Entered, Kernel, News};
use super::line::Line;
use super::place::Root;
use super::queue::{Queue, Task};
use super::recap::Recap;
use super::recent::Recent;
use super::said::Said;
use super::scan::Scan;
use super::send::{Sent, send};
use super::told::{ScanCause, WatchEvent, WatchOptions};
use crate::error::Result;
use crate::transfer::push::{Job, Push};
use crate::transfer::sync::NamesRead;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// How long uploads under way may take when the watch ends; what is left of them goes on another time.
const GRACE: Duration = Duration::from_secs(5);

/// A look at everything waits so long for more reasons to look.
const SOON: Duration = Duration::from_millis(500);

/// What was done beside the loop.
enum Done {
    Sent(Box<(Task, Sent)>),
    Deleted(Vec<Arc<str>>),
    Entered(Entered),
    Described(Result<Vec<WatchEvent>>),
}

/// A folder that is watched.
pub(super) struct Run {
    push: Arc<Push>,
    root: Root,
    options: WatchOptions,
    kernel: Option<Kernel>,
    is_polling: bool,
    queue: Queue,
    recent: Recent,
    line: Line,
    gone: Gone,
    said: Said,
    scan: Option<Scan>,
    next_scan: Option<(Instant, ScanCause)>,
    has_scanned: bool,
    /// Objects that are surplus and within the bound.
    surplus: Option<NamesRead>,
    is_deleting: bool,
    /// Whether something was unmounted: then what is not there may be there another time.
    never_deletes: bool,
    /// Where a manifest is kept.
    recap: Option<Recap>,
    tasks: JoinSet<Done>,
    sending: usize,
    told: Vec<WatchEvent>,
}

impl Run {
    pub(super) fn new(push: Arc<Push>, root: Root, options: WatchOptions) -> Self {
        let recap = options.manifest.then(|| Recap::new(Instant::now()));
        Self {
            push,
            root,
            options,
            recap,
            kernel: None,
            is_polling: false,
            queue: Queue::default(),
            recent: Recent::default(),
            line: Line::default(),
            gone: Gone::default(),
            said: Said::default(),
            scan: None,
            next_scan: Some((Instant::now(), ScanCause::Start)),
            has_scanned: false,
            surplus: None,
            is_deleting: false,
            never_deletes: false,
            tasks: JoinSet::new(),
            sending: 0,
            told: Vec::new(),
        }
    }

    /// Runs until it is told to stop, nobody listens, or the folder is gone.
    pub(super) async fn run(
        mut self,
        mut stop: watch::Receiver<bool>,
        out: mpsc::Sender<WatchEvent>,
    ) -> Result<()> {
        let draining = match self.push.store.outbox() {
            Some(outbox) => Some(outbox.drainer().await?.spawn()),
            None => None,
        };
        let ended = self.until_stopped(&mut stop, &out).await;
        self.scan = None;
        self.wind_up(&out).await;
        self.describe_at_the_end(&out).await;
        if let Some(draining) = draining {
            draining.end().await;
        }
        self.push.clone().settle().await?;
        ended
    }

    async fn until_stopped(
        &mut self,
        stop: &mut watch::Receiver<bool>,
        out: &mpsc::Sender<WatchEvent>,
    ) -> Result<()> {
        self.listen().await?;
        loop {
            self.begin_what_is_due()?;
            if !self.tell(out).await {
                return Ok(());
            }
            let wake = self.wake();
            let room = self.queue.has_room(4 * self.lanes());
            tokio::select! {
                () = stopped(stop) => return Ok(()),
                news = news(self.kernel.as_ref()) => self.hear(news?)?,
                Some(done) = self.tasks.join_next(), if !self.tasks.is_empty() => self.done(done)?,
                found = found(self.scan.as_mut()), if room => self.found(found).await?,
                events = self.push.events.taken() => self.count(events),
                () = tokio::time::sleep_until(wake.into()) => {}
            }
        }
    }

    /// Hands on what there is to tell; answers whether anybody listens.
    async fn tell(&mut self, out: &mpsc::Sender<WatchEvent>) -> bool {
        for event in self.told.drain(..) {
            if out.send(event).await.is_err() {
                return false;
            }
        }
        true
    }

    /// Lets what is under way end, for a while.
    async fn wind_up(&mut self, out: &mpsc::Sender<WatchEvent>) {
        let end = tokio::time::Instant::now() + GRACE;
        while let Ok(Some(done)) = tokio::time::timeout_at(end, self.tasks.join_next()).await {
            // How the watch ends is known already.
            if let Err(error) = self.done(done) {
                tracing::debug!(%error, "something under way failed while the watch ended");
            }
            let events = self.push.events.take();
            self.count(events);
            if !self.tell(out).await {
                return;
            }
        }
    }

    fn lanes(&self) -> usize {
        self.push.store.settings().concurrency.max(1)
    }

    fn begin_what_is_due(&mut self) -> Result<()> {
        let now = Instant::now();
        self.send_due(now);
        self.settle_scan()?;
        self.scan_due(now);
        self.describe_due(now);
        self.delete_due(now)
    }

    /// When something is due that nothing else would wake the loop for.
    fn wake(&self) -> Instant {
        let far = Instant::now() + Duration::from_secs(3600);
        let send = match self.line.again() {
            None if self.sending < self.lanes() => self.queue.next_due(),
            Some(again) if self.sending == 0 => self.queue.next_due().map(|due| due.max(again)),
            _ => None,
        };
        let scan = self.next_scan.filter(|_| self.scan.is_none()).map(|(at, _)| at);
        let describe = self.describe_at().map(|due| match self.line.again() {
            Some(again) => due.max(again),
            None => due,
        });
        [send, scan, describe, self.gone.due()].into_iter().flatten().fold(far, Instant::min)
    }

    fn send_due(&mut self, now: Instant) {
        while match self.line.again() {
            None => self.sending < self.lanes(),
            // One finds out whether the destination is there again.
            Some(again) => self.sending == 0 && again <= now,
        } {
            let Some(task) = self.queue.take(now) else { return };
            let (push, last) = (self.push.clone(), self.recent.of(&task.relative));
            self.sending += 1;
            self.tasks.spawn(async move {
                let sent = send(&push, &task, last).await;
                Done::Sent(Box::new((task, sent)))
            });
        }
    }
}

/// Waits until the watch is to stop, or nobody is left to say so.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

async fn news(kernel: Option<&Kernel>) -> Result<Vec<News>> {
    match kernel {
        Some(kernel) => kernel.news().await,
        None => std::future::pending().await,
    }
}

/// What a look at everything finds; none at its end.
async fn found(scan: Option<&mut Scan>) -> Option<Job> {
    match scan {
        Some(scan) if !scan.is_seen => scan.next().await,
        _ => std::future::pending().await,
    }
}
