//! The one loop that hears what happens, decides what is due, and lets it be done.

use super::delete::{delete, next_batch};
use super::gone::{Decision, Gone};
use super::kernel::{Entered, Hand, Kernel, News};
use super::line::{Line, is_outage};
use super::place::Root;
use super::queue::{Queue, Task, Then, Why};
use super::recent::Recent;
use super::said::Said;
use super::scan::{Scan, enter};
use super::send::{Sent, send};
use super::told::{ScanCause, WatchEvent, WatchOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::transfer::TreeEvent;
use crate::transfer::landing::is_temporary;
use crate::transfer::push::{Job, Push, concerns_all, not_after_failures};
use crate::transfer::sync::{NamesRead, Surplus};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};

/// How long uploads under way may take when the watch ends; what is left of them goes on another time.
const GRACE: Duration = Duration::from_secs(5);

/// A look at everything waits so long for more reasons to look.
const SOON: Duration = Duration::from_millis(500);

/// A file that was found and does not come to rest is left to whoever closes it, or to the next look.
const PATIENCE: u32 = 6;

/// The usual time between two looks, and its share of the time that one takes.
const RESCAN: (Duration, u32) = (Duration::from_secs(60), 100);
const POLL: (Duration, u32) = (Duration::from_secs(10), 4);

/// What was done beside the loop.
enum Done {
    Sent(Task, Sent),
    Deleted(Vec<Arc<str>>),
    Entered(Entered),
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
    tasks: JoinSet<Done>,
    sending: usize,
    told: Vec<WatchEvent>,
}

impl Run {
    pub(super) fn new(push: Arc<Push>, root: Root, options: WatchOptions) -> Self {
        Self {
            push,
            root,
            options,
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
        let ended = self.until_stopped(&mut stop, &out).await;
        self.scan = None;
        self.wind_up(&out).await;
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

    /// Has the kernel tell of changes, where it can.
    async fn listen(&mut self) -> Result<()> {
        if self.options.poll.is_some() {
            self.poll(None);
            return Ok(());
        }
        if let Some(name) = super::place::shared_file_system(&self.root.path) {
            let error =
                Error::new(ErrorKind::Unsupported, "this file system does not tell of all changes in it")
                    .with_fact("file_system", name)
                    .with_hint("choose how often it is looked at by --poll");
            self.poll(Some(error));
            return Ok(());
        }
        let kernel = match Kernel::new(&self.root) {
            Ok(kernel) => kernel,
            Err(error) => {
                self.poll(Some(error));
                return Ok(());
            }
        };
        let limit = enter(kernel.clone()).await?;
        self.told.push(WatchEvent::Watching { folders: kernel.count() });
        self.kernel = Some(kernel);
        limit.into_iter().for_each(|limit| self.poll(Some(limit)));
        Ok(())
    }

    fn poll(&mut self, error: Option<Error>) {
        if !std::mem::replace(&mut self.is_polling, true) {
            self.told.push(WatchEvent::Polling { error });
            if self.has_scanned {
                self.want_scan(Instant::now() + SOON, ScanCause::Overflow);
            }
        }
    }

    fn begin_what_is_due(&mut self) -> Result<()> {
        let now = Instant::now();
        self.send_due(now);
        self.settle_scan()?;
        self.scan_due(now);
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
        [send, scan, self.gone.due()].into_iter().flatten().fold(far, Instant::min)
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
                Done::Sent(task, sent)
            });
        }
    }

    fn hear(&mut self, news: Vec<News>) -> Result<()> {
        let now = Instant::now();
        for one in news {
            match one {
                News::Closed(relative) => self.touch(&relative, Why::Closed, now),
                News::Appeared(relative) => self.touch(&relative, Why::Appeared, now),
                News::Gone(relative) if self.options.delete.is_some() => {
                    self.touch(&relative, Why::Closed, now)
                }
                News::FolderGone if self.options.delete.is_some() => {
                    self.want_scan(now + SOON, ScanCause::Folder);
                }
                News::Gone(_) | News::FolderGone => {}
                News::Folder(relative) => self.enter(relative),
                News::Overflow => self.want_scan(now + SOON, ScanCause::Overflow),
                News::Unmounted => self.never_delete(),
                News::TopGone => return Err(self.root.gone()),
            }
        }
        Ok(())
    }

    fn touch(&mut self, relative: &str, why: Why, now: Instant) {
        let name = relative.rsplit('/').next().unwrap_or_default();
        if !self.options.filter.takes(relative) || is_temporary(name) {
            return;
        }
        if !self.queue.touch(relative, why, now) {
            self.want_scan(now + SOON, ScanCause::Overflow);
        }
    }

    fn enter(&mut self, relative: String) {
        if let Some(kernel) = self.kernel.clone() {
            self.tasks.spawn_blocking(move || Done::Entered(kernel.enter(&relative, Hand::Files)));
        }
    }

    fn never_delete(&mut self) {
        if self.options.delete.is_some() && !std::mem::replace(&mut self.never_deletes, true) {
            let error = Error::new(ErrorKind::Precondition, "something was unmounted below the folder")
                .with_hint("mount it again and restart the watch, which deletes nothing until then");
            self.told.push(WatchEvent::Held { error });
        }
    }

    fn done(&mut self, done: Result<Done, JoinError>) -> Result<()> {
        let ended = |e| Error::new(ErrorKind::Cancelled, "a task of the watch ended early").with_source(e);
        let now = Instant::now();
        match done.map_err(ended)? {
            Done::Sent(task, sent) => {
                self.sending -= 1;
                let relative = task.relative.clone();
                let then = self.sent(task, sent, now);
                self.queue.finish(&relative, then, now);
            }
            Done::Deleted(names) => {
                self.is_deleting = false;
                names.iter().for_each(|name| self.queue.finish(name, Then::Done, now));
            }
            Done::Entered(entered) => {
                entered.files.iter().for_each(|file| self.touch(file, Why::Appeared, now));
                entered.limit.into_iter().for_each(|limit| self.poll(Some(limit)));
                if entered.has_more {
                    self.want_scan(now + SOON, ScanCause::Overflow);
                }
            }
        }
        if let (true, Some(log)) = (self.queue.is_empty(), &self.push.log) {
            log.flush();
        }
        Ok(())
    }

    /// Takes note of how a file fared, and says what becomes of it.
    fn sent(&mut self, task: Task, sent: Sent, now: Instant) -> Then {
        let is_found = matches!(task.why, Why::Found(_));
        match sent {
            Sent::There { event, file } => {
                self.recent.note(&task.relative, file);
                self.gone.is_there(&task.relative);
                self.works(now);
                if let Some(scan) = self.scan.as_mut().filter(|_| is_found) {
                    scan.summary.count(&event);
                }
                if let TreeEvent::Pushed { path, receipt } = event {
                    self.told.push(WatchEvent::Pushed { path, receipt });
                }
                Then::Done
            }
            Sent::Nothing => Then::Done,
            Sent::Young(_) if is_found && task.tries >= PATIENCE => Then::Done,
            Sent::Young(seen) => Then::Later(Task { seen: Some(seen), ..task }),
            Sent::Gone => {
                if self.options.delete.is_some() {
                    self.gone.add(&task.relative, now);
                }
                Then::Done
            }
            Sent::Failed(error) if is_outage(&error) => {
                self.fails(error, now);
                Then::Retry(task)
            }
            Sent::Failed(error) => {
                self.fail(self.root.path.join(&*task.relative).display().to_string(), error, is_found);
                Then::Done
            }
        }
    }

    fn works(&mut self, now: Instant) {
        if let Some(elapsed) = self.line.works(now) {
            self.told.push(WatchEvent::Up { elapsed });
        }
    }

    fn fails(&mut self, error: Error, now: Instant) {
        if self.line.fails(now) {
            self.told.push(WatchEvent::Down { error });
        }
    }

    /// Tells of a failure; one that every look at everything would meet again is told once.
    fn fail(&mut self, name: String, error: Error, is_found: bool) {
        if let Some(scan) = self.scan.as_mut().filter(|_| is_found) {
            scan.summary.failed += 1;
        }
        if !is_found || self.said.is_new(&name, error.kind()) {
            self.told.push(WatchEvent::Failed { name, error });
        }
    }

    /// Takes events of the survey and of deletions.
    fn count(&mut self, events: Vec<TreeEvent>) {
        for event in events {
            if let Some(scan) = &mut self.scan {
                scan.summary.count(&event);
            }
            match event {
                TreeEvent::Deleted { name, .. } => self.told.push(WatchEvent::Deleted { key: name }),
                TreeEvent::Skipped { name, reason } => {
                    if self.said.is_new(&name, reason) {
                        self.told.push(WatchEvent::Skipped { name, reason });
                    }
                }
                TreeEvent::Failed { name, error, .. } => {
                    if self.said.is_new(&name, error.kind()) {
                        self.told.push(WatchEvent::Failed { name, error });
                    }
                }
                _ => {}
            }
        }
    }

    fn want_scan(&mut self, at: Instant, cause: ScanCause) {
        if self.next_scan.is_none_or(|(planned, _)| at < planned) {
            self.next_scan = Some((at, cause));
        }
    }

    fn scan_due(&mut self, now: Instant) {
        let due = self.next_scan.filter(|(at, _)| *at <= now && self.scan.is_none());
        let Some((_, cause)) = due else { return };
        self.next_scan = None;
        self.recent.clear();
        let kernel = self.kernel.clone().filter(|_| self.has_scanned);
        self.scan = Some(Scan::start(&self.push, kernel, cause));
    }

    /// Takes what the survey found, or its end.
    async fn found(&mut self, job: Option<Job>) -> Result<()> {
        let Some(scan) = &mut self.scan else { return Ok(()) };
        let now = Instant::now();
        if let Some(job) = job {
            let relative = job.relative.clone();
            self.touch(&relative, Why::Found(job), now);
            return Ok(());
        }
        match scan.ended().await {
            Ok(limit) => {
                scan.is_seen = true;
                self.works(now);
                limit.into_iter().for_each(|limit| self.poll(Some(limit)));
                Ok(())
            }
            Err(error) => self.not_scanned(error, now),
        }
    }

    fn not_scanned(&mut self, error: Error, now: Instant) -> Result<()> {
        self.scan = None;
        self.root.check()?;
        if !self.has_scanned && (concerns_all(&error) || !is_outage(&error)) {
            return Err(error);
        }
        if is_outage(&error) {
            self.fails(error, now);
        } else {
            self.fail(self.root.path.display().to_string(), error, true);
        }
        let again = self.line.again().unwrap_or(now + self.pause(Duration::ZERO));
        self.want_scan(again, ScanCause::Again);
        Ok(())
    }

    /// Ends a look at everything, once what it found is done with.
    fn settle_scan(&mut self) -> Result<()> {
        if self.queue.has_found() || !self.scan.as_ref().is_some_and(|scan| scan.is_seen) {
            return Ok(());
        }
        let events = self.push.events.take();
        self.count(events);
        let Some(scan) = self.scan.take() else { return Ok(()) };
        let elapsed = scan.start.elapsed();
        let surplus = self.push.surplus.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.has_scanned = true;
        if let (Some(most), Some(surplus)) = (self.options.delete, surplus) {
            self.root.check()?;
            match self.may_delete(&surplus, most, scan.summary.failed) {
                Ok(()) => {
                    self.gone.allow(most, surplus.there());
                    self.said.forget("", ErrorKind::Precondition);
                    let fault = |e| Error::io("the list of what is to be deleted cannot be read", e);
                    self.surplus = Some(surplus.into_names().read().map_err(fault)?);
                }
                Err(error) => self.hold(error),
            }
        }
        self.told.push(WatchEvent::Scanned { cause: scan.cause, summary: scan.summary, elapsed });
        self.want_scan(Instant::now() + self.pause(elapsed), ScanCause::Due);
        Ok(())
    }

    fn may_delete(&self, surplus: &Surplus, most: crate::transfer::MaxDelete, failed: u64) -> Result<()> {
        if failed > 0 && !surplus.is_empty() {
            return Err(not_after_failures());
        }
        surplus.check(most)
    }

    fn hold(&mut self, error: Error) {
        self.gone.hold();
        if self.said.is_new("", error.kind()) {
            self.told.push(WatchEvent::Held { error });
        }
    }

    fn pause(&self, took: Duration) -> Duration {
        let (given, (usual, share)) = match self.is_polling {
            true => (self.options.poll, POLL),
            false => (self.options.rescan, RESCAN),
        };
        given.unwrap_or_else(|| usual.max(took.saturating_mul(share)))
    }

    fn delete_due(&mut self, now: Instant) -> Result<()> {
        if self.never_deletes {
            self.surplus = None;
        }
        if self.is_deleting {
            return Ok(());
        }
        if let Some(names) = &mut self.surplus {
            let fault = |e| Error::io("the list of what is to be deleted cannot be read", e);
            let names = next_batch(names).map_err(fault)?;
            if names.is_empty() {
                self.surplus = None;
            } else {
                self.delete(names);
                return Ok(());
            }
        }
        match self.gone.decide(now) {
            Decision::Delete(names) if !self.never_deletes => self.delete(names),
            Decision::LookAtAll if !self.never_deletes => self.want_scan(now + SOON, ScanCause::Folder),
            _ => {}
        }
        Ok(())
    }

    fn delete(&mut self, names: Vec<Arc<str>>) {
        // What waits to be stored, or is being stored, is there again.
        let names: Vec<_> = names.into_iter().filter(|name| self.queue.claim(name)).collect();
        let (push, root) = (self.push.clone(), self.root.clone());
        self.is_deleting = true;
        self.tasks.spawn(async move {
            delete(&push, &root, names.clone()).await;
            Done::Deleted(names)
        });
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
        Some(scan) if !scan.is_seen => scan.jobs.recv().await,
        _ => std::future::pending().await,
    }
}
