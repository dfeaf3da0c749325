//! What proves that bytes are right, and what is said where nothing does.

use crate::support::{World, set};
use holdall_store::transfer::{Filter, VerifyOptions};
use holdall_store::{ErrorKind, Settings, Store};
use holdall_testing::fault::{Fault, Kind, Rule};
use std::fs;
use std::time::{Duration, Instant};

fn deep() -> VerifyOptions {
    VerifyOptions { deep: true, ..VerifyOptions::default() }
}

async fn pushed(world: World) -> World {
    world.write("a", "aaa");
    world.write("sub/b", "bbb");
    world.write("big", vec![7; 11 << 20]);
    world.push(true).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_and_the_manifest_prove_what_was_pushed() {
    for world in [World::memory(), World::folder(), World::s3()] {
        let world = pushed(world).await;
        let options = VerifyOptions::default();
        let (summary, said) = world.verify(false, &options).await.unwrap();
        // Three files, and the sums.
        assert_eq!((summary.by_etag, summary.files, said.len()), (4, 0, 0), "{}", world.name);
        assert!(summary.manifest && summary.is_proved());
        let (summary, _) = world.verify(true, &options).await.unwrap();
        assert_eq!((summary.by_etag, summary.files, summary.bytes_read), (4, 3, 0), "{}", world.name);
        let (summary, _) = world.verify(true, &deep()).await.unwrap();
        assert_eq!((summary.by_reading, summary.files), (4, 3), "{}", world.name);
        assert!(summary.bytes_read > 11 << 20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_and_two_requests_are_all_that_it_costs() {
    let world = pushed(World::s3()).await;
    let server = world.server.as_ref().unwrap();
    server.clear_log();
    world.verify(false, &VerifyOptions::default()).await.unwrap();
    let asked: Vec<String> =
        server.log().into_iter().map(|seen| format!("{} {}", seen.method, seen.key)).collect();
    assert_eq!(asked, ["GET p/manifest.json", "GET "]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_digest_proves_what_was_written_again() {
    let world = pushed(World::folder()).await;
    world.store.put("p/a", "aaa").await.unwrap();
    let (summary, said) = world.verify(false, &VerifyOptions::default()).await.unwrap();
    assert_eq!((summary.by_etag, summary.by_record, said.len()), (3, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_size_and_time_is_found_by_reading_alone() {
    let world = pushed(World::folder()).await;
    let path = world.dir.path().join("store/p/a");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "aab").unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    assert_eq!(world.said(false, false).await, set(&[]));
    assert_eq!(world.said(false, true).await, set(&["different Store a"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_manifest_the_folder_says_what_should_be_there() {
    let world = World::s3();
    world.write("a", "aaa");
    world.write("b", "bbb");
    world.write("c", "ccc");
    world.write("gone", "x");
    world.push(false).await;
    // Others record no digest.
    world.put("b", b"bbb".to_vec()).await;
    world.put("c", b"ccd".to_vec()).await;
    world.put("more", b"x".to_vec()).await;
    world.delete("gone").await;
    let others = ["missing Store gone", "extra Store more"];
    let (summary, said) = world.verify(true, &VerifyOptions::default()).await.unwrap();
    assert_eq!(said, set(&[&others[..], &["unproven b", "unproven c"]].concat()));
    assert_eq!((summary.manifest, summary.by_record, summary.files), (false, 1, 1));
    assert_eq!(world.said(true, true).await, set(&[&others[..], &["different Store c"]].concat()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sums_are_proved_too() {
    let world = pushed(World::s3()).await;
    world.put("SHA256SUMS", b"none".to_vec()).await;
    assert_eq!(world.said(true, false).await, set(&["different Store SHA256SUMS"]));
    world.delete("SHA256SUMS").await;
    assert_eq!(world.said(true, true).await, set(&["missing Store SHA256SUMS"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_no_reference_is_an_error_of_the_whole() {
    let world = World::s3();
    world.write("a", "aaa");
    world.push(false).await;
    let options = VerifyOptions::default();
    assert_eq!(world.verify(false, &options).await.unwrap_err().kind(), ErrorKind::NotFound);
    let nowhere = world.store.verify("p", Some("none/at/all".as_ref()), &options, &mut |_| {}).await;
    assert_eq!(nowhere.unwrap_err().kind(), ErrorKind::NotFound);
    world.push(true).await;
    let whole = world.store.get("p/manifest.json").await.unwrap().bytes().await.unwrap();
    for (text, kind) in [
        (whole[..whole.len() / 2].to_vec(), ErrorKind::Integrity),
        (b"{}".to_vec(), ErrorKind::Integrity),
        (whole.replace_once(b"manifest/1", b"manifest/9"), ErrorKind::Unsupported),
        (whole.replace_once(b"\"a\"", b"\"b\""), ErrorKind::Integrity),
    ] {
        world.put("manifest.json", text).await;
        assert_eq!(world.verify(false, &options).await.unwrap_err().kind(), kind);
    }
}

trait ReplaceOnce {
    fn replace_once(&self, from: &[u8], to: &[u8]) -> Vec<u8>;
}

impl ReplaceOnce for [u8] {
    fn replace_once(&self, from: &[u8], to: &[u8]) -> Vec<u8> {
        let at = self.windows(from.len()).position(|window| window == from).unwrap();
        [&self[..at], to, &self[at + from.len()..]].concat()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_or_read_is_told_and_the_rest_goes_on() {
    let world = pushed(World::s3()).await;
    let server = world.server.as_ref().unwrap();
    server.add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::Get).key("p/sub/b"));
    assert_eq!(world.said(true, true).await, set(&["failed sub/b PermissionDenied"]));
    server.clear_rules();
    server.add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).method("HEAD"));
    world.put("a", b"aab".to_vec()).await;
    world.write("sub/b", "other");
    assert_eq!(world.said(true, false).await, set(&["failed a PermissionDenied", "different Folder sub/b"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_takes_part_on_all_sides() {
    let world = pushed(World::memory()).await;
    world.write("scratch.tmp", "x");
    world.put("other.tmp", b"x".to_vec()).await;
    world.delete("a").await;
    let filter = Filter::new(&[], &["*.tmp", "/a"]).unwrap();
    let options = VerifyOptions { filter, ..VerifyOptions::default() };
    assert_eq!(world.verify(true, &options).await.unwrap().1, set(&[]));
    let all = ["extra Folder scratch.tmp", "extra Store other.tmp", "missing Store a"];
    assert_eq!(world.said(true, false).await, set(&all));
}

#[tokio::test(flavor = "multi_thread")]
async fn markers_of_folders_are_no_files() {
    let world = pushed(World::s3()).await;
    world.put("", Vec::new()).await;
    world.put("sub/", Vec::new()).await;
    assert_eq!(world.said(true, false).await, set(&[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_that_is_dropped_ends() {
    let world = pushed(World::s3()).await;
    let server = world.server.as_ref().unwrap();
    server.add_rule(Rule::new(Fault::Stall).on(Kind::Get).key("p/big"));
    let (store, options) = (world.store.clone(), deep());
    let task = tokio::spawn(async move { store.verify("p", None, &options, &mut |_| {}).await });
    until(|| server.log().iter().any(|seen| seen.method == "GET" && seen.key == "p/big")).await;
    let open = server.open_connections();
    assert!(!task.is_finished());
    task.abort();
    until(|| server.open_connections() < open).await;
}

async fn until(done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "it does not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_objects_are_read_at_once_in_the_memory_of_one_part() {
    let world = World::s3();
    for n in 0..5 {
        world.write(&format!("{n}"), vec![n; 11 << 20]);
    }
    world.push(true).await;
    let settings = Settings { memory: 1 << 20, ..world.store.settings().clone() };
    let store = Store::open("s3://b", &settings).unwrap();
    let summary = store.verify("p", None, &deep(), &mut |event| panic!("{event:?}")).await.unwrap();
    assert_eq!((summary.by_reading, summary.bytes_read >> 20), (6, 55));
    // A large object with one byte that is another.
    let mut bytes = vec![3; 11 << 20];
    bytes[9 << 20] = 4;
    world.put("3", bytes).await;
    assert_eq!(world.said(false, true).await, set(&["different Store 3"]));
}
