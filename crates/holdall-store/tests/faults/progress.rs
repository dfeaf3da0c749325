//! Progress: each byte counts once, while it moves and however often it is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use holdall_store::transfer::{Filter, PullOptions, PushOptions};
use holdall_store::{GetOptions, Progress, PutOptions, Settings, Store};
use holdall_testing::fault::{Fault, Kind, Rule};

use crate::support::{MIB, World, bytes, in_time};

const SIZE: usize = 12 * MIB;

fn putting(progress: &Progress) -> PutOptions {
    PutOptions { progress: Some(progress.clone()), ..PutOptions::default() }
}

fn getting(progress: &Progress) -> GetOptions {
    GetOptions { progress: Some(progress.clone()), ..GetOptions::default() }
}

fn done(progress: &Progress) -> (u64, u64, bool) {
    (progress.moved(), progress.expected(), progress.is_complete())
}

#[tokio::test(flavor = "multi_thread")]
async fn evi_1_bytes_that_are_sent_again_count_once() {
    let faults = [
        (Kind::UploadPart, Fault::AnswerLost),
        (Kind::UploadPart, Fault::internal_error()),
        (Kind::Put, Fault::slow_down(None)),
        (Kind::Get, Fault::ResetMidBody { after: 3 * MIB }),
    ];
    for (kind, fault) in faults {
        let world = World::with(Rule::new(fault.clone()).on(kind).first(2));
        for size in [SIZE, 2 * MIB] {
            let (up, down) = (Progress::new(), Progress::new());
            let file = world.file("from", &bytes(size));
            in_time(world.store.put_file("k", &file, &putting(&up))).await.unwrap();
            let to = world.dir.path().join("to");
            in_time(world.store.get_to_file("k", &to, &getting(&down))).await.unwrap();
            let wanted = (size as u64, size as u64, true);
            assert_eq!((done(&up), done(&down)), (wanted, wanted), "{kind:?} {fault:?} {size}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_count_while_they_move_and_not_only_at_the_end() {
    let world = World::with(Rule::new(Fault::Delay(Duration::from_millis(500))).on(Kind::UploadPart));
    let called = Arc::new(AtomicU64::new(0));
    let calls = called.clone();
    let progress = Progress::calling(move |_| {
        calls.fetch_add(1, Ordering::Relaxed);
    });
    let options = putting(&progress);
    let put = world.store.put_with("k", bytes(SIZE), &options);
    assert!(
        tokio::time::timeout(Duration::from_millis(300), put).await.is_err(),
        "no part is acknowledged yet"
    );
    assert!(progress.moved() > 0 && progress.moved() <= SIZE as u64, "{progress:?}");
    assert!(called.load(Ordering::Relaxed) > 3, "it is told of pieces");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_store_and_put_counts() {
    let world = World::good();
    let root = tempfile::tempdir().unwrap();
    let url = format!("file://{}", root.path().display());
    let small =
        Settings { part_size: 5 * MIB as u64, multipart_threshold: 5 * MIB as u64, ..Settings::default() };
    let stores =
        [world.store.clone(), Store::open("memory://", &small).unwrap(), Store::open(&url, &small).unwrap()];
    for store in stores {
        for size in [SIZE, 1000] {
            let data = bytes(size);
            let file = world.file("from", &data);
            let counts = [(); 4].map(|()| Progress::new());
            store.put_file("k", &file, &putting(&counts[0])).await.unwrap();
            store.put_reader("k", &*data, Some(size as u64), &putting(&counts[1])).await.unwrap();
            store.put_with("k", data, &putting(&counts[2])).await.unwrap();
            store.get_to_file("k", &world.dir.path().join("to"), &getting(&counts[3])).await.unwrap();
            for progress in &counts {
                assert_eq!(done(progress), (size as u64, size as u64, true), "{store:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_tell_how_much_there_will_be() {
    let world = World::good();
    for n in 0..20 {
        world.file(&format!("in/{n}.txt"), &bytes(1000));
    }
    world.file("in/left-out", &bytes(5000));
    let filter = Filter::new(&["*.txt"], &[] as &[&str]).unwrap();
    let (up, down) = (Progress::new(), Progress::new());
    let push = PushOptions { filter: filter.clone(), put: putting(&up), ..PushOptions::default() };
    world.store.push(&world.dir.path().join("in"), "p", &push, &mut |_| ()).await.unwrap();
    let pull = PullOptions { filter, progress: Some(down.clone()), ..PullOptions::default() };
    world.store.pull("p", &world.dir.path().join("out"), &pull, &mut |_| ()).await.unwrap();
    assert_eq!(done(&down), (20_000, 20_000, true));
    assert_eq!(up.moved(), 20_000);
    // The push need not wait for whoever counts its files.
    assert!(up.expected() <= 20_000, "{up:?}");
}
