//! Which entry goes when, and what a reader sees meanwhile.

use crate::support::*;
use holdall_store::ErrorKind;
use holdall_store::Payload;
use holdall_store::outbox::{Kind, Mark, Standing};

#[tokio::test]
async fn what_was_appended_is_there_for_this_and_for_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (open(folder.path()), open(folder.path()));
    let first = put(&ours, "a", "one").await;
    let second = put(&theirs, "a", "two").await;
    let third = put(&ours, "a", "three").await;
    assert!(first < second && second < third, "{first} {second} {third}");
    for queue in [&ours, &theirs, &open(folder.path())] {
        let ids: Vec<_> = queue.waiting(&destination(), "a").unwrap().into_iter().map(|p| p.id).collect();
        assert_eq!(ids, [first, second, third]);
        assert_eq!(bytes(queue, "a").unwrap(), b"three");
        assert_eq!(bytes(queue, "b"), None);
    }
}

#[tokio::test]
async fn entries_of_one_key_go_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    let (first, second) = (put(&queue, "a", "1").await, put(&queue, "a", "2").await);
    put(&queue, "b", "3").await;
    let heads = queue.ready(None, 10).unwrap().entries;
    assert_eq!(heads.iter().map(|(p, e)| (p.key.as_str(), e.id)).next(), Some(("a", first)));
    assert_eq!(ready(&queue), ["a", "b"]);
    mark(&queue, "a", first, Mark::Attempted).await;
    assert!(pending(&queue, "a", first).attempted);
    mark(&queue, "a", first, Mark::Done).await;
    let heads = open(folder.path()).ready(None, 10).unwrap().entries;
    assert_eq!(heads[0].1.id, second);
    assert!(!heads[0].0.attempted);
}

#[tokio::test]
async fn what_depends_goes_behind_what_it_depends_on() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    let part = put(&queue, "part", "p").await;
    append(&queue, entry(Kind::Put, "marker").after(part, "part"), Payload::Bytes("m".into())).await;
    assert_eq!(ready(&queue), ["part"]);
    mark(&queue, "part", part, Mark::Parked { why: "refused".to_owned() }).await;
    assert!(ready(&queue).is_empty(), "a parked entry parks its dependents");
    assert_eq!(pending(&queue, "part", part).standing, Standing::Parked);
    mark(&queue, "part", part, Mark::Retry { not_before: 0 }).await;
    assert_eq!(ready(&queue), ["part"]);
    mark(&queue, "part", part, Mark::Done).await;
    assert_eq!(ready(&queue), ["marker"]);
}

#[tokio::test]
async fn a_copy_has_its_place_among_the_writes_to_its_source() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    let old = put(&queue, "a", "old").await;
    let copy = append(&queue, entry(Kind::Copy, "b").from_key("a"), Payload::Empty).await;
    let new = put(&queue, "a", "new").await;
    assert_eq!(bytes(&queue, "a").unwrap(), b"new");
    assert_eq!(ready(&queue), ["a"]);
    mark(&queue, "a", old, Mark::Done).await;
    assert_eq!(ready(&queue), ["b"], "not the write that would change what is copied");
    mark(&queue, "b", copy, Mark::Done).await;
    assert_eq!(queue.ready(None, 10).unwrap().entries[0].1.id, new);
}

#[tokio::test]
async fn a_moved_key_is_gone_for_readers() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    put(&queue, "a", "old").await;
    append(&queue, entry(Kind::Move, "b").from_key("a"), Payload::Empty).await;
    assert!(queue.latest(&destination(), "a").unwrap().unwrap().is_removal());
    assert!(!queue.latest(&destination(), "b").unwrap().unwrap().is_removal());
    append(&queue, entry(Kind::Delete, "b"), Payload::Empty).await;
    assert!(queue.latest(&destination(), "b").unwrap().unwrap().is_removal());
}

#[tokio::test]
async fn what_depends_on_a_dropped_entry_is_parked() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    let part = put(&queue, "part", "p").await;
    let marker =
        append(&queue, entry(Kind::Put, "marker").after(part, "part"), Payload::Bytes("m".into())).await;
    queue.drop_entry(&pending(&queue, "part", part)).await.unwrap();
    assert!(ready(&queue).is_empty());
    assert_eq!(pending(&queue, "marker", marker).standing, Standing::Parked);
    mark(&queue, "marker", marker, Mark::Retry { not_before: 0 }).await;
    assert_eq!(ready(&queue), ["marker"]);
}

#[tokio::test]
async fn an_entry_waits_for_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    let id = put(&queue, "a", "1").await;
    mark(&queue, "a", id, Mark::Retry { not_before: u64::MAX }).await;
    assert!(ready(&queue).is_empty());
    mark(&queue, "a", id, Mark::Retry { not_before: 1 }).await;
    assert_eq!(ready(&queue), ["a"]);
}

#[tokio::test]
async fn pages_are_in_the_order_of_keys_and_begin_where_the_last_one_ended() {
    let folder = tempfile::tempdir().unwrap();
    // Small segments, so that pages are made of many tables.
    let options = holdall_store::outbox::Options { segment_frames: 7, ..options(folder.path()) };
    let queue = holdall_store::outbox::Queue::open(options).unwrap();
    let mut keys: Vec<String> = (0..100).map(|n| format!("dir/{:02}", n * 37 % 100)).collect();
    for key in &keys {
        put(&queue, key, key.as_bytes()).await;
    }
    put(&queue, "dir", "before").await;
    put(&queue, "dir0", "behind").await;
    keys.sort();
    assert!(logs(folder.path()).len() > 10);
    for queue in [queue, open(folder.path())] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = queue.page(&destination(), "dir/", after.as_deref(), 9).unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.key.clone());
            found.extend(page.into_iter().map(|pending| pending.key));
        }
        assert_eq!(found, keys);
        let (mut found, mut cursor) = (0, None);
        loop {
            let ready = queue.ready(cursor.as_ref(), 10).unwrap();
            found += ready.entries.len();
            cursor = ready.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, 102);
    }
}

#[tokio::test]
async fn only_who_holds_the_lock_of_all_keys_queues() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (open(folder.path()), open(folder.path()));
    let lock = ours.lock(&destination(), &["a"]).await.unwrap();
    for wrong in [entry(Kind::Delete, "b"), entry(Kind::Copy, "a").from_key("b"), entry(Kind::Copy, "a")] {
        let error = ours.append(&lock, wrong, Payload::Empty).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    let soon = std::time::Duration::from_millis(50);
    assert!(tokio::time::timeout(soon, theirs.lock(&destination(), &["x", "a"])).await.is_err());
    drop(lock);
    theirs.lock(&destination(), &["x", "a"]).await.unwrap();
}

#[tokio::test]
async fn one_drains_at_a_time_and_what_is_settled_gives_its_room_back() {
    let folder = tempfile::tempdir().unwrap();
    let options = holdall_store::outbox::Options { segment_frames: 5, ..options(folder.path()) };
    let (queue, other) = (holdall_store::outbox::Queue::open(options).unwrap(), open(folder.path()));
    let drain = queue.try_drain().unwrap().unwrap();
    assert!(other.try_drain().unwrap().is_none());
    let mut ids = Vec::new();
    for n in 0..40 {
        ids.push(put(&queue, &format!("{n}"), vec![b'x'; 300_000 * (n % 4 / 3)]).await);
    }
    assert_eq!(files(folder.path(), "payload").len(), 10);
    for (n, id) in ids.iter().enumerate().filter(|(n, _)| *n != 19) {
        mark(&queue, &n.to_string(), *id, Mark::Done).await;
    }
    let before = other.status().unwrap();
    assert_eq!((before.entries, before.oldest), (1, Some(ids[19])));
    queue.compact(&drain).unwrap();
    drop(queue);
    let queue = open(folder.path());
    assert_eq!(queue.waiting(&destination(), "19").unwrap().len(), 1);
    assert_eq!(bytes(&other, "19").unwrap(), vec![b'x'; 300_000]);
    assert_eq!(files(folder.path(), "payload").len(), 1);
    mark(&queue, "19", ids[19], Mark::Done).await;
    drop(queue);
    for _ in 0..3 {
        open(folder.path()).compact(&drain).unwrap();
        assert_eq!(open(folder.path()).status().unwrap().entries, 0);
    }
    assert_eq!(files(folder.path(), "queue"), Vec::<std::path::PathBuf>::new());
    assert_eq!(files(folder.path(), "payload"), Vec::<std::path::PathBuf>::new());
}
