//! What a queue refuses, and that nothing acknowledged is harmed by it.

use crate::support::*;
use holdall_store::outbox::{Kind, Options, Queue};
use holdall_store::{ErrorKind, Payload};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

async fn refused(queue: &Queue, size: usize) -> Option<ErrorKind> {
    let lock = queue.lock(&destination(), &["more"]).await.unwrap();
    let payload = Payload::Bytes(vec![7; size].into());
    queue.append(&lock, entry(Kind::Put, "more"), payload).await.err().map(|error| error.kind())
}

#[tokio::test]
async fn beyond_its_bound_it_is_full_and_what_it_has_stays() {
    for size in [1000, 100_000, 400_000] {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::open(Options { max_bytes: 1_000_000, ..options(folder.path()) }).unwrap();
        let mut taken = 0;
        while refused(&queue, size).await.is_none() {
            taken += 1;
            assert!(taken * size < 1_000_000, "the bound is no bound");
        }
        assert!((taken + 3) * (size + 800) > 1_000_000, "only {taken} of {size}");
        assert_eq!(refused(&queue, size).await, Some(ErrorKind::Full));
        for queue in [queue, open(folder.path())] {
            assert_eq!(queue.waiting(&destination(), "more").unwrap().len(), taken);
            assert_eq!(bytes(&queue, "more").unwrap(), vec![7; size]);
        }
    }
}

#[tokio::test]
async fn it_leaves_the_others_of_its_file_system_their_room() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(Options { min_free: 1 << 60, ..options(folder.path()) }).unwrap();
    for size in [10, 400_000] {
        assert_eq!(refused(&queue, size).await, Some(ErrorKind::Full));
    }
    assert_eq!(queue.status().unwrap().entries, 0);
    assert_eq!(files(folder.path(), "payload"), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn a_full_queue_can_be_drained() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(Options { max_bytes: 50_000, ..options(folder.path()) }).unwrap();
    while refused(&queue, 1000).await.is_none() {}
    let drain = queue.try_drain().unwrap().unwrap();
    for pending in queue.waiting(&destination(), "more").unwrap() {
        queue.mark(&pending, holdall_store::outbox::Mark::Done).await.unwrap();
    }
    drop(queue);
    let queue = Queue::open(Options { max_bytes: 50_000, ..options(folder.path()) }).unwrap();
    queue.compact(&drain).unwrap();
    assert_eq!(refused(&queue, 1000).await, None);
}

#[tokio::test]
async fn a_put_that_is_given_up_keeps_its_place() {
    for size in [1000, 400_000] {
        let folder = tempfile::tempdir().unwrap();
        let queue = open(folder.path());
        let lock = queue.lock(&destination(), &["k"]).await.unwrap();
        let payload = Payload::Bytes(vec![1; size].into());
        let mut given_up = Box::pin(queue.append(&lock, entry(Kind::Put, "k"), payload));
        // Far enough to be written, if it is small, by somebody who is not asked to stop.
        assert!(futures_util::poll!(&mut given_up).is_pending());
        drop(given_up);
        drop(lock);
        let later = put(&queue, "k", "later").await;
        let waiting = queue.waiting(&destination(), "k").unwrap();
        assert_eq!(waiting.last().unwrap().id, later, "{size}");
        drop(queue.lock(&destination(), &["k"]).await.unwrap());
        assert_eq!(bytes(&queue, "k").unwrap(), b"later");
    }
}

#[test]
fn a_folder_in_memory_is_refused_unless_it_is_allowed() {
    let memory = Path::new("/dev/shm");
    assert!(memory.is_dir(), "this test needs /dev/shm");
    let folder = tempfile::tempdir_in(memory).unwrap();
    let options = Options { allow_volatile: false, ..options(folder.path()) };
    assert_eq!(Queue::open(options).unwrap_err().kind(), ErrorKind::Config);
    open(folder.path());
}

#[test]
fn a_folder_of_others_or_of_a_later_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path());
    let outbox = folder.path().join("outbox");
    std::fs::set_permissions(&outbox, std::fs::Permissions::from_mode(0o750)).unwrap();
    assert_eq!(Queue::open(options(folder.path())).unwrap_err().kind(), ErrorKind::PermissionDenied);
    std::fs::set_permissions(&outbox, std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::write(outbox.join("format"), "holdall.outbox/2\n").unwrap();
    assert_eq!(Queue::open(options(folder.path())).unwrap_err().kind(), ErrorKind::Unsupported);
    // What a power cut leaves of the line.
    for torn in ["", "holdall.out", "\0\0\0"] {
        std::fs::write(outbox.join("format"), torn).unwrap();
        open(folder.path());
        assert_eq!(std::fs::read_to_string(outbox.join("format")).unwrap(), "holdall.outbox/1\n");
    }
}
