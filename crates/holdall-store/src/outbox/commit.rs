//! Writes entries and marks for all who wait, as one group with one fsync.
//!
//! Whoever comes while a group is being written waits for the next one. The group is written by a task of its own, so
//! that a caller who gives up takes nothing from the others.

use super::entry::{Entry, EntryId};
use super::frame::{self, Sort};
use super::lock::Right;
use super::mark::Marked;
use super::queue::Inner;
use super::segment::{Segment, log_name};
use super::table::{Row, of_entry, of_mark};
use super::view::View;
use crate::disk::fault;
use crate::error::{Error, ErrorKind, Result};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::oneshot;

/// So much goes into a group, and one more.
const GROUP_BYTES: usize = 8 << 20;
const GROUP_JOBS: usize = 1024;

/// What is to be written.
#[derive(Debug)]
pub(super) enum Job {
    Entry(Box<Entry>, Bytes),
    Marks(Vec<Marked>),
}

impl Job {
    fn size(&self) -> usize {
        match self {
            Self::Entry(_, bytes) => 1024 + bytes.len(),
            Self::Marks(marks) => 1024 * marks.len(),
        }
    }
}

#[derive(Debug)]
struct Waiting {
    job: Job,
    answer: oneshot::Sender<Result<EntryId>>,
    /// Held until it is written: a caller who gives up must not let a later write of the key overtake this one.
    right: Option<Right>,
}

/// Who waits, and whether somebody writes.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: VecDeque<Waiting>,
    is_led: bool,
}

impl Inbox {
    fn group(&mut self) -> Vec<Waiting> {
        let (mut group, mut bytes) = (Vec::new(), 0);
        while group.len() < GROUP_JOBS && bytes < GROUP_BYTES {
            let Some(next) = self.waiting.pop_front() else { break };
            bytes += next.job.size();
            group.push(next);
        }
        group
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has a job written, and answers when it is on the disk.
pub(super) async fn submit(inner: &Arc<Inner>, job: Job, right: Option<Right>) -> Result<EntryId> {
    let (answer, written) = oneshot::channel();
    let leads = {
        let mut inbox = locked(&inner.inbox);
        inbox.waiting.push_back(Waiting { job, answer, right });
        !std::mem::replace(&mut inbox.is_led, true)
    };
    if leads {
        let leading = Leading { inner: inner.clone(), is_over: false };
        tokio::task::spawn_blocking(move || lead(leading));
    }
    written
        .await
        .map_err(|_| Error::new(ErrorKind::Cancelled, "the outbox was closed before the write was done"))?
}

/// The duty to write for all who wait. Where it ends before nobody does, by a panic or with its runtime, they are let go:
/// their answers are dropped.
struct Leading {
    inner: Arc<Inner>,
    is_over: bool,
}

impl Leading {
    /// The next group; none when nobody waits, and the duty is over.
    fn group(&mut self) -> Option<Vec<Waiting>> {
        let mut inbox = locked(&self.inner.inbox);
        let group = inbox.group();
        self.is_over = group.is_empty();
        inbox.is_led = !self.is_over;
        (!self.is_over).then_some(group)
    }
}

impl Drop for Leading {
    fn drop(&mut self) {
        if !self.is_over {
            let mut inbox = locked(&self.inner.inbox);
            inbox.is_led = false;
            inbox.waiting.clear();
        }
    }
}

fn lead(leading: Leading) {
    let mut leader = Some(leading);
    let mut next = leader.as_mut().and_then(Leading::group);
    while let (Some(leading), Some(group)) = (leader.as_mut(), next) {
        let (jobs, answers): (Vec<Job>, Vec<_>) =
            group.into_iter().map(|w| (w.job, (w.answer, w.right))).unzip();
        let written = write(&leading.inner, jobs);
        next = leading.group();
        // Who is told the last may close the queue, and open it again: nothing of it is held here then.
        if next.is_none() {
            leader = None;
        }
        match written {
            Ok(ids) => answers.into_iter().zip(ids).for_each(|((answer, _), id)| told(answer, id)),
            Err(error) => answers.into_iter().for_each(|(answer, _)| told(answer, Err(again(&error)))),
        }
    }
}

/// A caller who gave up is not told; what was written for it stays.
fn told(answer: oneshot::Sender<Result<EntryId>>, result: Result<EntryId>) {
    if answer.send(result).is_err() {
        tracing::debug!("a write to the outbox was done that nobody waits for any more");
    }
}

/// The same error for another caller.
fn again(error: &Error) -> Error {
    let mut same = Error::new(error.kind(), error.message());
    for (name, value) in error.facts() {
        same = same.with_fact(name, value);
    }
    if let Some(hint) = error.hint() {
        same = same.with_hint(hint);
    }
    match std::error::Error::source(error) {
        Some(source) => same.with_source(source.to_string()),
        None => same,
    }
}

/// A group as bytes of a segment.
#[derive(Default)]
struct Group {
    bytes: Vec<u8>,
    frames: Vec<(Vec<Row>, u64)>,
    ids: Vec<Result<EntryId>>,
}

/// Writes a group; answers for each job, once all of them are on the disk.
fn write(inner: &Inner, jobs: Vec<Job>) -> Result<Vec<Result<EntryId>>> {
    let mut writer = locked(&inner.writer);
    let (mut segment, group) = {
        let mut view = locked(&inner.view);
        if writer.is_none() {
            view.own = None;
        }
        view.refresh(&inner.ground)?;
        let segment = match writer.take() {
            Some(segment) => go_on(inner, &mut view, segment)?,
            None => begin(inner, &mut view)?,
        };
        let wanted = jobs.iter().filter(|job| matches!(job, Job::Entry(..))).map(Job::size).sum::<usize>();
        let room = match wanted {
            // Marks are always taken: without them nothing would ever be given up.
            0 => Ok(()),
            wanted => view.demand_room(&inner.ground, wanted as u64),
        };
        let group = compose(&mut view, &segment, jobs, room.as_ref());
        if group.bytes.is_empty() {
            *writer = Some(segment);
            return Ok(group.ids);
        }
        (segment, group)
    };
    let Group { bytes, frames, ids } = group;
    let appended = segment.append(&bytes);
    let mut view = locked(&inner.view);
    match appended {
        Ok(()) => {
            segment.frames += frames.len();
            view.wrote(&segment, frames);
            *writer = Some(segment);
            Ok(ids)
        }
        // What the kernel says of the file from now on proves nothing, and others may have read what is cut off: nobody
        // writes to it again.
        Err(error) => {
            view.abandon(&inner.ground, &segment);
            Err(error)
        }
    }
}

fn compose(view: &mut View, segment: &Segment, jobs: Vec<Job>, room: Result<&(), &Error>) -> Group {
    let mut group = Group::default();
    for job in jobs {
        let at = segment.end + group.bytes.len() as u64;
        let composed = match job {
            Job::Entry(entry, bytes) => match room {
                Err(full) => Err(again(full)),
                Ok(()) => compose_entry(view, segment.number, at, *entry, &bytes, &mut group),
            },
            Job::Marks(marks) => compose_marks(view, segment, marks, &mut group),
        };
        group.ids.push(composed);
    }
    group
}

fn compose_entry(
    view: &mut View,
    segment: u64,
    at: u64,
    mut entry: Entry,
    bytes: &[u8],
    group: &mut Group,
) -> Result<EntryId> {
    let after = entry.depends_on.iter().map(|depended| depended.id.sequence).max().unwrap_or(0);
    entry.id = view.next_id(segment, after);
    entry.created = now();
    let header = serde_json::to_vec(&entry).map_err(unwritable)?;
    frame::write(&mut group.bytes, (segment, at), Sort::Entry, &header, bytes)?;
    group.frames.push((of_entry(segment, at, &entry), entry.id.sequence));
    Ok(entry.id)
}

/// Answers the stamp of the last mark.
fn compose_marks(
    view: &mut View,
    segment: &Segment,
    marks: Vec<Marked>,
    group: &mut Group,
) -> Result<EntryId> {
    let mut last = EntryId::default();
    for mut marked in marks {
        let at = segment.end + group.bytes.len() as u64;
        last = view.next_id(segment.number, marked.of.sequence);
        marked.stamp = last;
        let header = serde_json::to_vec(&marked).map_err(unwritable)?;
        frame::write(&mut group.bytes, (segment.number, at), Sort::Mark, &header, &[])?;
        group.frames.push((of_mark(segment.number, at, &marked), marked.stamp.sequence));
    }
    Ok(last)
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::InvalidInput, "an entry cannot be written as JSON").with_source(error)
}

pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The segment that is written to, or another one where it has enough or somebody removed it.
fn go_on(inner: &Inner, view: &mut View, segment: Segment) -> Result<Segment> {
    let options = &inner.ground.options;
    let is_full = segment.end >= options.segment_bytes || segment.frames >= options.segment_frames;
    if !is_full && segment.is_named()? {
        return Ok(segment);
    }
    view.leave(&inner.ground);
    begin(inner, view)
}

/// Takes up a segment that another process left, or makes one.
fn begin(inner: &Inner, view: &mut View) -> Result<Segment> {
    let ground = &inner.ground;
    for (number, end, frames) in view.left_whole(&ground.options) {
        if let Some(segment) = Segment::take_up(ground, number, end, frames)? {
            rustix::fs::fsync(&ground.queue)
                .map_err(|e| fault("a segment of the outbox may not be on the disk", e))?;
            view.own = Some(number);
            return Ok(segment);
        }
    }
    let segment = Segment::make(ground)?;
    view.begin(ground, &segment)?;
    tracing::debug!(segment = log_name(segment.number), "a segment of the outbox was begun");
    Ok(segment)
}
