//! Stores one file, if it is whole and at rest.

use super::lease::{Writers, writers};
use super::queue::{Sight, Task, Why};
use crate::error::{Error, ErrorKind};
use crate::key::Key;
use crate::receipt::State;
use crate::transfer::TreeEvent;
use crate::transfer::push::{Job, Push, Settled};
use crate::transfer::source::{Identity, Opened};
use crate::transfer::sync::Verdict;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// How long a file is left alone that nobody said was closed, where it cannot be known who writes it.
const UNSEEN: Duration = Duration::from_secs(60);

/// The kernel says that a file is closed a moment before it is: so often it is asked again.
const CLOSING: u32 = 6;

/// How storing a file went.
#[derive(Debug)]
pub(super) enum Sent {
    /// The store has the bytes of this file.
    There {
        event: Box<TreeEvent>,
        file: Identity,
    },
    /// There is nothing to be done, or nothing yet and more news will come.
    Nothing,
    /// It was changed a moment ago, or while it was read.
    Young(Sight),
    /// There is no such file.
    Gone,
    Failed(Error),
}

/// Stores a file unless it is the one that was stored last.
pub(super) async fn send(push: &Push, task: &Task, last: Option<Identity>) -> Sent {
    let path = push.dir.join(&*task.relative);
    let file = match Opened::open(&path, false) {
        Ok(file) => file,
        Err(error) => return unopened(&path, error),
    };
    let identity = file.identity();
    if last == Some(identity) {
        return Sent::Nothing;
    }
    if !is_at_rest(&identity, task.seen) {
        return Sent::Young(
            task.seen.filter(|seen| seen.file == identity).unwrap_or_else(|| sight(identity)),
        );
    }
    match (writers(&file), &task.why) {
        (Writers::Some, _) if task.tries < CLOSING => return Sent::Young(sight(identity)),
        // Whoever writes it will close it.
        (Writers::Some, _) => return Sent::Nothing,
        (Writers::Unknown, Why::Found(_) | Why::Appeared) if age(&identity) < UNSEEN => return Sent::Nothing,
        (Writers::None | Writers::Unknown, _) => {}
    }
    let key = match Key::parse(&format!("{}{}", push.prefix, task.relative)) {
        Ok(key) => key,
        Err(error) => return Sent::Failed(error),
    };
    let mut watch = push.watch(key.as_str());
    let settled = Settled { file: file.clone(), is_settled: true };
    let sent = push.opened(&path, &key, (job(task, identity), settled), &mut watch).await;
    match watch.end(sent) {
        Ok(event) => Sent::There { event: Box::new(event), file: identity },
        Err(_) if file.still_the_same().is_err() => Sent::Young(sight(identity)),
        Err(error) => Sent::Failed(error),
    }
}

fn job(task: &Task, seen: Identity) -> Job {
    match &task.why {
        Why::Found(job) => job.clone(),
        Why::Closed | Why::Appeared => {
            let (relative, verdict) = (task.relative.to_string(), Verdict::Move);
            Job { relative, seen, verdict, etag: None, state: State::Stored }
        }
    }
}

fn sight(file: Identity) -> Sight {
    Sight { file, at: Instant::now() }
}

/// Whether a later change would show: by the clock, or since the file has been seen like this for long enough, where
/// another machine's clock gives it its times.
fn is_at_rest(file: &Identity, seen: Option<Sight>) -> bool {
    // Only the time of change is the kernel's own.
    let file = Identity { modified: file.changed, ..*file };
    let start = SystemTime::UNIX_EPOCH + Duration::new(file.changed.0.max(0) as u64, file.changed.1 as u32);
    file.is_settled(SystemTime::now())
        || seen.is_some_and(|seen| {
            seen.file.changed == file.changed
                && seen.file.size == file.size
                && file.is_settled(start + seen.at.elapsed())
        })
}

/// How long ago a file was changed, as far as its times say.
fn age(file: &Identity) -> Duration {
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(file.changed.0.max(0) as u64);
    SystemTime::now().duration_since(changed).unwrap_or_default()
}

/// Says what a file is that cannot be opened.
fn unopened(path: &Path, error: Error) -> Sent {
    use std::io::ErrorKind as Io;
    match std::fs::symlink_metadata(path) {
        Err(fault) if matches!(fault.kind(), Io::NotFound | Io::NotADirectory) => Sent::Gone,
        // Links and the like are told of when everything is looked at.
        Ok(metadata) if !metadata.is_file() => Sent::Nothing,
        // It came and went, or came between.
        Ok(_) if error.kind() == ErrorKind::NotFound => Sent::Nothing,
        _ => Sent::Failed(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_rests_by_the_clock_or_by_being_seen_unchanged() {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let at = |ahead: i64| Identity { changed: (now.as_secs() as i64 + ahead, 5), ..Identity::default() };
        let seen =
            |file: Identity, ago: u64| Some(Sight { file, at: Instant::now() - Duration::from_millis(ago) });
        assert!(is_at_rest(&at(-2), None));
        let ahead = at(3600);
        assert!(!is_at_rest(&ahead, None), "another machine's clock");
        assert!(!is_at_rest(&ahead, seen(ahead, 5)));
        assert!(is_at_rest(&ahead, seen(ahead, 25)));
        assert!(!is_at_rest(&ahead, seen(at(3599), 25)), "it was another then");
        let dated_ahead = Identity { modified: (now.as_secs() as i64 + 9999, 5), ..at(-2) };
        assert!(is_at_rest(&dated_ahead, None), "anybody can set that time");
        let coarse = Identity { changed: (now.as_secs() as i64 + 3600, 0), ..Identity::default() };
        assert!(!is_at_rest(&coarse, seen(coarse, 100)));
    }
}
