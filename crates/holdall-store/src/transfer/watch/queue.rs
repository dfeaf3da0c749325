//! Files that may have to be stored: each at most once under way and once waiting.

use crate::transfer::push::Job;
use crate::transfer::source::Identity;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// So many files are kept in mind; what is more is found by looking at everything.
pub(super) const MOST: usize = 32_768;

/// How long a file is left alone after it was changed.
pub(super) const QUIET: Duration = Duration::from_millis(20);

/// The longest wait for a file that does not come to rest.
const LONGEST: Duration = Duration::from_secs(1);

/// Why a file may have to be stored.
#[derive(Debug)]
pub(super) enum Why {
    /// It was closed after writing, renamed into place, or is gone.
    Closed,
    /// It has a name all at once, as by a hard link.
    Appeared,
    /// It was found when everything was looked at.
    Found(Job),
}

/// A file as it was when it was too young.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight {
    pub(super) file: Identity,
    pub(super) at: Instant,
}

/// A file to be stored now.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) relative: Arc<str>,
    pub(super) why: Why,
    /// How often it was put off.
    pub(super) tries: u32,
    pub(super) seen: Option<Sight>,
}

/// What becomes of a file that was under way.
#[derive(Debug)]
pub(super) enum Then {
    Done,
    /// It comes again, when it is not so young any more.
    Later(Task),
    /// It comes again as soon as something can be sent.
    Retry(Task),
}

#[derive(Debug)]
enum Slot {
    Waiting { due: (Instant, u64), task: Task },
    Busy { is_found: bool, again: Option<Why> },
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Queue {
    slots: HashMap<Arc<str>, Slot>,
    due: BTreeSet<(Instant, u64, Arc<str>)>,
    count: u64,
    /// How many wait or are under way that were found by looking at everything.
    found: usize,
}

impl Slot {
    fn is_found(&self) -> bool {
        match self {
            Self::Waiting { task, .. } => matches!(task.why, Why::Found(_)),
            Self::Busy { is_found, .. } => *is_found,
        }
    }
}

impl Queue {
    /// Takes note of a file; answers whether there was room for it.
    pub(super) fn touch(&mut self, relative: &str, why: Why, now: Instant) -> bool {
        if let Some(Slot::Busy { again, .. }) = self.slots.get_mut(relative) {
            if again.is_none() || !matches!(why, Why::Found(_)) {
                *again = Some(why);
            }
            return true;
        }
        match self.unqueue(relative) {
            // What the kernel tells is newer than what was found.
            Some(task) if matches!(why, Why::Found(_)) => self.wait(task, now + QUIET),
            None if self.slots.len() >= MOST => return false,
            _ => {
                // What was found is mostly old, and there may be much of it.
                let due = if matches!(why, Why::Found(_)) { now } else { now + QUIET };
                self.wait(Task { relative: relative.into(), why, tries: 0, seen: None }, due);
            }
        }
        true
    }

    fn unqueue(&mut self, relative: &str) -> Option<Task> {
        match self.remove(relative)? {
            Slot::Waiting { due: (at, number), task } => {
                self.due.remove(&(at, number, task.relative.clone()));
                Some(task)
            }
            Slot::Busy { .. } => None,
        }
    }

    fn wait(&mut self, task: Task, at: Instant) {
        self.count += 1;
        self.due.insert((at, self.count, task.relative.clone()));
        self.put(task.relative.clone(), Slot::Waiting { due: (at, self.count), task });
    }

    fn put(&mut self, relative: Arc<str>, slot: Slot) {
        self.found += usize::from(slot.is_found());
        self.slots.insert(relative, slot);
    }

    fn remove(&mut self, relative: &str) -> Option<Slot> {
        let slot = self.slots.remove(relative)?;
        self.found -= usize::from(slot.is_found());
        Some(slot)
    }

    /// When the next file is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, ..)| *at)
    }

    /// Takes a file that is due; it is under way until [`Queue::finish`].
    pub(super) fn take(&mut self, now: Instant) -> Option<Task> {
        if self.next_due()? > now {
            return None;
        }
        let (.., relative) = self.due.pop_first()?;
        let Some(Slot::Waiting { task, .. }) = self.remove(&relative) else { return None };
        let is_found = matches!(task.why, Why::Found(_));
        self.put(relative, Slot::Busy { is_found, again: None });
        Some(task)
    }

    /// Keeps a file from being stored until [`Queue::finish`]; answers whether that could be, since nothing waits for it.
    pub(super) fn claim(&mut self, relative: &Arc<str>) -> bool {
        if self.slots.contains_key(relative) {
            return false;
        }
        self.put(relative.clone(), Slot::Busy { is_found: false, again: None });
        true
    }

    /// Ends what was under way.
    pub(super) fn finish(&mut self, relative: &Arc<str>, then: Then, now: Instant) {
        let again = match self.remove(relative) {
            Some(Slot::Busy { again, .. }) => again,
            _ => None,
        };
        match (again, then) {
            (Some(why), _) => {
                self.wait(Task { relative: relative.clone(), why, tries: 0, seen: None }, now + QUIET);
            }
            (None, Then::Done) => {}
            (None, Then::Retry(task)) => self.wait(task, now),
            (None, Then::Later(task)) => {
                let pause = QUIET.saturating_mul(1 << task.tries.min(6)).min(LONGEST);
                self.wait(Task { tries: task.tries + 1, ..task }, now + pause);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Whether there is room for more that was found, beside what the kernel tells.
    pub(super) fn has_room(&self, most: usize) -> bool {
        self.slots.len() < most
    }

    /// Whether anything waits or is under way that was found by looking at everything.
    pub(super) fn has_found(&self) -> bool {
        self.found > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(task: Task) -> Then {
        Then::Later(task)
    }

    #[test]
    fn a_file_is_under_way_once_and_waits_once() {
        let (mut queue, start) = (Queue::default(), Instant::now());
        for _ in 0..3 {
            assert!(queue.touch("a", Why::Closed, start));
        }
        assert!(queue.take(start).is_none(), "it is too young");
        let task = queue.take(start + QUIET).unwrap();
        assert!(queue.take(start + QUIET).is_none(), "it waits once");
        let later = start + Duration::from_secs(1);
        assert!(queue.touch("a", Why::Closed, later) && queue.take(later + QUIET).is_none());
        queue.finish(&task.relative, Then::Done, later);
        let task = queue.take(later + QUIET).unwrap();
        assert!(!queue.claim(&task.relative), "it is under way");
        queue.finish(&task.relative, Then::Done, later);
        assert!(queue.is_empty() && queue.claim(&task.relative));
        assert!(queue.touch("a", Why::Closed, later) && queue.take(later + QUIET).is_none());
    }

    #[test]
    fn a_file_that_does_not_come_to_rest_waits_longer_and_not_for_ever() {
        let (mut queue, mut now) = (Queue::default(), Instant::now());
        assert!(queue.touch("a", Why::Closed, now));
        let mut waits = Vec::new();
        for _ in 0..9 {
            let due = queue.next_due().unwrap();
            waits.push((due - now).as_millis());
            now = due;
            let task = queue.take(now).unwrap();
            queue.finish(&task.relative.clone(), again(task), now);
        }
        assert_eq!(waits, [20, 20, 40, 80, 160, 320, 640, 1000, 1000]);
        assert!(queue.touch("a", Why::Closed, now));
        assert_eq!(queue.next_due(), Some(now + QUIET), "it was closed again");
    }

    #[test]
    fn what_was_found_is_counted_until_it_is_done() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let found = || {
            let (verdict, state) = (crate::transfer::sync::Verdict::Move, crate::State::Stored);
            let (relative, seen) = ("a".to_owned(), Identity::default());
            Why::Found(Job { relative, seen, verdict, etag: None, state })
        };
        assert!(queue.touch("a", found(), now) && queue.has_found());
        let task = queue.take(now + QUIET).unwrap();
        assert!(queue.has_found());
        queue.finish(&task.relative.clone(), Then::Retry(task), now);
        assert!(queue.touch("a", Why::Closed, now) && !queue.has_found(), "the kernel's news are newer");
        assert!(queue.touch("a", found(), now) && !queue.has_found());
    }

    #[test]
    fn what_is_too_much_is_not_taken() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        assert!((0..MOST).all(|n| queue.touch(&n.to_string(), Why::Closed, now)));
        assert!(!queue.touch("more", Why::Closed, now) && queue.touch("0", Why::Closed, now));
        assert_eq!(queue.due.len(), MOST);
    }
}
