//! The outbox: whether writes can wait in it, what does, and for how long.

use super::finding::Finding;
use super::folder::{LITTLE, MIB, file_system};
use super::mend;
use crate::error::{Error, Result};
use crate::outbox::{Options, Queue};
use crate::settings::Settings;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const THERE: &str = "outbox.there";
const DEPTH: &str = "outbox.depth";
const PARKED: &str = "outbox.parked";
const DAMAGE: &str = "outbox.damage";
const SPACE: &str = "outbox.space";
const LASTING: &str = "outbox.lasting";

/// What waits for longer has nobody who sends it.
const LONG: Duration = Duration::from_secs(3600);

/// A container's own file system, as `statfs(2)` names it.
const OVERLAY: i64 = 0x794c_7630;

/// What an outbox was found to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    entries: u64,
    parked: u64,
    damaged: usize,
    missing: usize,
    quarantined: usize,
    oldest: Option<Duration>,
}

/// Checks the outbox that the settings name.
pub(super) async fn examine(settings: &Settings) -> Vec<Finding> {
    let options = match Options::of(settings) {
        Ok(options) => options,
        Err(error) => return vec![unusable(&error)],
    };
    let folder = options.folder.clone();
    let looked = tokio::task::spawn_blocking(move || look(options)).await;
    let looked =
        looked.unwrap_or_else(|error| Err(Error::new(crate::ErrorKind::Cancelled, error.to_string())));
    let mut findings = match looked {
        Ok(None) => vec![
            Finding::note(THERE, format!("{} is not there yet", folder.display()))
                .means("the first write that waits makes it"),
        ],
        Ok(Some(seen)) => judge(&seen, &folder),
        Err(error) => vec![unusable(&error)],
    };
    findings.extend(judge_place(&folder, settings));
    findings
}

fn look(options: Options) -> Result<Option<Seen>> {
    let Some(queue) = Queue::open_existing(options)? else { return Ok(None) };
    let (status, quarantined) = (queue.status()?, queue.quarantined()?);
    let mut seen = Seen {
        entries: status.entries,
        parked: status.parked,
        damaged: status.damaged,
        missing: status.missing,
        quarantined,
        oldest: None,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut cursor = None;
    loop {
        let (page, next) = queue.walk(cursor.as_ref(), 1000)?;
        for entry in page.iter().filter_map(|pending| queue.entry(pending).ok()) {
            let age = now.saturating_sub(Duration::from_millis(entry.created));
            seen.oldest = seen.oldest.max(Some(age));
        }
        if next.is_none() {
            return Ok(Some(seen));
        }
        cursor = next;
    }
}

fn unusable(error: &Error) -> Finding {
    let hint = error.hint().unwrap_or("name another folder by HOLDALL_OUTBOX_DIR");
    Finding::problem(THERE, error.to_string())
        .means("a write that the store does not take fails, as without an outbox")
        .mend(hint)
}

fn judge(seen: &Seen, folder: &Path) -> Vec<Finding> {
    let mut findings = vec![Finding::ok(THERE, format!("{} can be used", folder.display())), depth(seen)];
    if seen.parked > 0 {
        findings.push(
            Finding::problem(PARKED, format!("{} parked: the store refused them", seen.parked))
                .means("they, and what stands behind them for their keys, are sent no more")
                .mend("holdall outbox ls --parked says why; then holdall outbox retry or drop")
                .fact("parked", seen.parked),
        );
    }
    if seen.damaged + seen.missing > 0 {
        findings.push(
            Finding::problem(DAMAGE, format!("{} damaged, {} files missing", seen.damaged, seen.missing))
                .means("what stood there cannot be sent any more")
                .mend("holdall outbox verify, then holdall outbox repair"),
        );
    } else if seen.quarantined > 0 {
        findings.push(
            Finding::note(DAMAGE, format!("{} files in quarantine", seen.quarantined))
                .means("they were damaged, and are kept for you to look at"),
        );
    }
    findings
}

fn depth(seen: &Seen) -> Finding {
    let waits = seen.entries - seen.parked.min(seen.entries);
    let age = seen.oldest.unwrap_or_default();
    let what = format!("{waits} writes wait, the oldest for {} s", age.as_secs());
    let finding = match waits {
        0 => Finding::ok(DEPTH, "nothing waits"),
        _ if age < LONG => Finding::note(DEPTH, what).means("they are on this machine alone"),
        _ => Finding::warning(DEPTH, what)
            .means("they are on this machine alone, and nobody seems to send them")
            .mend("holdall outbox drain"),
    };
    finding.fact("entries", seen.entries).fact("oldest_seconds", age.as_secs())
}

/// The file system of the folder, or of the one above it that is there.
fn judge_place(folder: &Path, settings: &Settings) -> Vec<Finding> {
    let Some(there) = folder.ancestors().find(|path| path.exists()) else { return Vec::new() };
    match file_system(there) {
        Ok((free, magic)) => vec![space(free, settings.outbox_min_free, folder), lasting(magic, folder)],
        Err(error) => vec![Finding::unknown(SPACE, format!("it could not be asked for: {error}"))],
    }
}

fn space(free: u64, least: u64, folder: &Path) -> Finding {
    let what = format!("{} MiB are free, of which {} MiB stay so", free / MIB, least / MIB);
    let mend =
        format!("make room on the file system of {}, or set HOLDALL_OUTBOX_MIN_FREE lower", folder.display());
    let finding = match free.saturating_sub(least) {
        0 => Finding::problem(SPACE, what).means("no write can wait").mend(mend),
        1..LITTLE => Finding::warning(SPACE, what).means("few writes can wait").mend(mend),
        _ => Finding::ok(SPACE, what),
    };
    finding.fact("free_bytes", free)
}

fn lasting(magic: i64, folder: &Path) -> Finding {
    let name = match magic {
        OVERLAY => "a container's overlay",
        0x0102_1994 | 0x8584_58f6 => "memory",
        _ => return Finding::ok(LASTING, "its file system outlasts a restart"),
    };
    Finding::warning(LASTING, format!("{} is on {name}", folder.display()))
        .means("what waits is lost with the next restart of the machine or the container")
        .mend(mend::set("HOLDALL_OUTBOX_DIR", "a folder on a disk or a mounted volume"))
}

#[cfg(test)]
mod tests {
    use super::super::asked::tests::seen;
    use super::*;
    use crate::doctor::Status;
    use crate::outbox::{Destination, Entry, Kind};

    fn folder() -> &'static Path {
        Path::new("/var/outbox")
    }

    #[test]
    fn what_waits_for_long_is_sent_by_a_command_that_is_named() {
        let waiting = |entries, parked, minutes: u64| {
            let oldest = Some(Duration::from_secs(minutes * 60));
            depth(&Seen { entries, parked, oldest, ..Seen::default() })
        };
        assert_eq!(depth(&Seen::default()).status, Status::Ok);
        assert_eq!(waiting(3, 0, 5).status, Status::Note);
        assert_eq!(waiting(3, 3, 500).status, Status::Ok);
        let found = [waiting(3, 1, 61)];
        assert_eq!(
            seen(&found),
            (Status::Warning, "2 writes wait, the oldest for 3660 s", "holdall outbox drain")
        );
    }

    #[test]
    fn what_is_refused_or_damaged_is_a_problem() {
        let status = |found: Seen| judge(&found, folder()).into_iter().map(|f| f.status).collect::<Vec<_>>();
        assert_eq!(status(Seen { parked: 1, entries: 1, ..Seen::default() })[2], Status::Problem);
        assert_eq!(status(Seen { damaged: 1, ..Seen::default() })[2], Status::Problem);
        assert_eq!(status(Seen { quarantined: 1, ..Seen::default() })[2], Status::Note);
        assert_eq!(status(Seen::default()).len(), 2);
    }

    #[test]
    fn room_and_a_place_that_lasts_are_asked_for() {
        assert_eq!(space(10 * MIB, 10 * MIB, folder()).status, Status::Problem);
        assert_eq!(space(20 * MIB, 10 * MIB, folder()).status, Status::Warning);
        assert_eq!(space(10 * LITTLE, LITTLE, folder()).status, Status::Ok);
        assert_eq!(lasting(0xef53, folder()).status, Status::Ok);
        for magic in [OVERLAY, 0x0102_1994] {
            assert!(lasting(magic, folder()).mend.unwrap().contains("HOLDALL_OUTBOX_DIR"));
        }
    }

    #[tokio::test]
    async fn a_real_outbox_is_looked_into_and_none_is_made() {
        let home = tempfile::tempdir().unwrap();
        let outbox_dir = Some(home.path().join("outbox"));
        let settings =
            Settings { outbox_dir, outbox_min_free: 0, outbox_allow_volatile: true, ..Settings::default() };
        let found = examine(&settings).await;
        assert_eq!((found[0].check, found[0].status), (THERE, Status::Note));
        assert!(!home.path().join("outbox").exists());
        let queue = Queue::open(Options::of(&settings).unwrap()).unwrap();
        let destination = Destination { endpoint: "http://localhost:1".into(), bucket: "b".into() };
        let lock = queue.lock(&destination, &["k"]).await.unwrap();
        let entry = Entry::new(Kind::Put, destination, "k");
        queue.append(&lock, entry, crate::Payload::Bytes("x".into())).await.unwrap();
        let found = examine(&settings).await;
        assert_eq!((found[0].status, found[1].check, found[1].status), (Status::Ok, DEPTH, Status::Note));
        let homeless = examine(&Settings::default()).await;
        assert_eq!((homeless.len(), homeless[0].status), (1, Status::Problem));
    }
}
