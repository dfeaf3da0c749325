//! Flipped bits, cut files, removed and foreign ones: each costs its own entry, and is counted.

use crate::support::*;
use holdall_store::outbox::{Mark, Options, Queue, Report};
use std::collections::BTreeSet;
use std::path::Path;

const KEYS: [&str; 4] = ["a", "b", "c", "d"];

/// Which keys still have what was put there; anything else than that or nothing is a fault of its own.
fn whole(queue: &Queue) -> BTreeSet<&'static str> {
    let is_whole = |key: &&&str| match queue.latest(&destination(), key).unwrap() {
        None => false,
        Some(pending) => match queue.content(&pending).and_then(|content| content.bytes()) {
            Ok(bytes) => {
                assert_eq!(bytes, format!("bytes of {key}").as_bytes());
                true
            }
            Err(error) => {
                assert_eq!(error.kind(), holdall_store::ErrorKind::Integrity);
                false
            }
        },
    };
    KEYS.iter().filter(is_whole).copied().collect()
}

async fn filled(folder: &Path) -> Vec<u8> {
    let queue = open(folder);
    for key in KEYS {
        put(&queue, key, format!("bytes of {key}")).await;
    }
    drop(queue);
    let logs = logs(folder);
    assert_eq!(logs.len(), 1);
    std::fs::read(&logs[0]).unwrap()
}

/// Where each entry begins in a segment.
fn begins(bytes: &[u8]) -> Vec<usize> {
    let at = |window: &(usize, &[u8])| *window.1 == [0x89, b'H', b'Q', b'F'];
    bytes.windows(4).enumerate().filter(at).map(|(index, _)| index).collect()
}

fn judge(folder: &Path, lost: Option<usize>, what: &str) -> Report {
    let queue = open(folder);
    let expected: BTreeSet<&str> =
        KEYS.iter().enumerate().filter(|(index, _)| Some(*index) != lost).map(|(_, key)| *key).collect();
    assert_eq!(whole(&queue), expected, "{what}");
    let report = queue.verify().unwrap();
    assert_eq!(report.damaged.len(), 1, "{what}: {report:?}");
    let status = queue.status().unwrap();
    assert_eq!(status.entries, expected.len() as u64, "{what}");
    assert_eq!(status.damaged + status.torn, usize::from(lost.is_some()), "{what}: {status:?}");
    report
}

#[tokio::test]
async fn a_flipped_bit_costs_one_entry() {
    let folder = in_memory();
    let good = filled(folder.path()).await;
    let (log, begins) = (logs(folder.path()).remove(0), begins(&good));
    assert_eq!(begins.len(), 4);
    // The last bytes of a segment's head say nothing.
    for at in (0..28).chain(32..good.len()) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        std::fs::write(&log, bad).unwrap();
        let lost = begins.iter().rposition(|begin| *begin <= at);
        judge(folder.path(), lost, &format!("byte {at}"));
        for path in files(folder.path(), "queue").into_iter().filter(|path| *path != log) {
            std::fs::remove_file(path).unwrap();
        }
    }
}

#[tokio::test]
async fn a_cut_costs_what_is_behind_it() {
    let folder = in_memory();
    let good = filled(folder.path()).await;
    let (log, begins) = (logs(folder.path()).remove(0), begins(&good));
    for len in 0..good.len() {
        std::fs::write(&log, &good[..len]).unwrap();
        let queue = open(folder.path());
        let mut ends = begins[1..].to_vec();
        ends.push(good.len());
        let left = ends.iter().filter(|end| **end <= len).count();
        assert_eq!(whole(&queue).len(), left, "{len}");
        let is_between = len == 32 || ends.contains(&len);
        assert_eq!(queue.verify().unwrap().damaged.len(), usize::from(!is_between), "{len}");
        // What is put now is behind nothing that is half there.
        put(&queue, "new", "new").await;
        drop(queue);
        let queue = open(folder.path());
        assert_eq!(bytes(&queue, "new").unwrap(), b"new", "{len}");
        assert_eq!(whole(&queue).len(), left, "{len}");
        for path in files(folder.path(), "queue").into_iter().filter(|path| *path != log) {
            std::fs::remove_file(path).unwrap();
        }
    }
}

#[tokio::test]
async fn repair_sets_damage_apart_and_keeps_the_rest() {
    let folder = in_memory();
    let good = filled(folder.path()).await;
    let (log, begins) = (logs(folder.path()).remove(0), begins(&good));
    let mut bad = good.clone();
    bad[begins[1] + 60] ^= 4;
    std::fs::write(&log, bad).unwrap();
    let queue = open(folder.path());
    let drain = queue.try_drain().unwrap().unwrap();
    let report = queue.repair(&drain).await.unwrap();
    assert_eq!(report.damaged.len(), 1);
    for queue in [queue, open(folder.path())] {
        assert_eq!(whole(&queue), ["a", "c", "d"].into());
        assert!(queue.verify().unwrap().damaged.is_empty());
        assert_eq!(queue.status().unwrap().damaged, 0);
    }
    assert_eq!(files(folder.path(), "quarantine").len(), 1);
}

#[tokio::test]
async fn a_table_that_is_damaged_is_made_again() {
    let folder = in_memory();
    let queue = Queue::open(Options { segment_frames: 4, ..options(folder.path()) }).unwrap();
    for key in KEYS {
        put(&queue, key, format!("bytes of {key}")).await;
    }
    let id = put(&queue, "e", "").await;
    mark(&queue, "e", id, Mark::Done).await;
    drop(queue);
    let is_table = |path: &std::path::PathBuf| path.extension().is_some_and(|e| e == "table");
    let table = files(folder.path(), "queue").into_iter().find(is_table).unwrap();
    let good = std::fs::read(&table).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        std::fs::write(&table, &bad).unwrap();
        assert_eq!(whole(&open(folder.path())).len(), 4, "byte {at}");
        std::fs::write(&table, &good[..at]).unwrap();
        assert_eq!(whole(&open(folder.path())).len(), 4, "cut at {at}");
    }
}

#[tokio::test]
async fn removed_and_foreign_files_are_counted() {
    let folder = in_memory();
    let queue = Queue::open(Options { segment_frames: 2, ..options(folder.path()) }).unwrap();
    for key in KEYS {
        put(&queue, key, format!("bytes of {key}")).await;
    }
    let large = put(&queue, "large", vec![1; 300_000]).await;
    drop(queue);
    let is_table = |path: &std::path::PathBuf| path.extension().is_some_and(|e| e == "table");
    let table = files(folder.path(), "queue").into_iter().find(is_table).unwrap();
    std::fs::remove_file(table.with_extension("log")).unwrap();
    std::fs::write(folder.path().join("outbox/queue/notes.txt"), "mine").unwrap();
    std::fs::remove_file(&files(folder.path(), "payload")[0]).unwrap();
    let queue = open(folder.path());
    let status = queue.status().unwrap();
    assert_eq!((status.missing, status.foreign, status.entries), (1, 1, 3));
    assert_eq!(whole(&queue).len(), 2);
    let report = queue.verify().unwrap();
    assert_eq!((report.entries, report.damaged.len(), report.missing, report.foreign), (2, 1, 1, 1));
    let drain = queue.try_drain().unwrap().unwrap();
    queue.repair(&drain).await.unwrap();
    assert!(queue.waiting(&destination(), "large").unwrap().iter().all(|pending| pending.id != large));
    assert_eq!(whole(&queue).len(), 2);
}

#[tokio::test]
async fn a_frame_inside_of_a_payload_is_no_entry() {
    let folder = in_memory();
    filled(folder.path()).await;
    let log = logs(folder.path()).remove(0);
    let bytes = std::fs::read(&log).unwrap();
    let queue = open(folder.path());
    put(&queue, "e", bytes.clone()).await;
    drop(queue);
    let mut bad = std::fs::read(&log).unwrap();
    bad[bytes.len() + 9] ^= 1;
    std::fs::write(&log, bad).unwrap();
    let status = open(folder.path()).status().unwrap();
    assert_eq!((status.entries, status.damaged + status.torn), (4, 1));
}
