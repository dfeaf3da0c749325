//! What a push says of its files in the end.

use crate::support::{MIB, World};
use holdall_store::transfer::{Compare, Filter, MaxDelete, PullOptions, PushOptions};
use holdall_store::{ErrorKind, Settings, Store, Versioning, sha256};
use holdall_testing::fault::{Fault, Kind, Rule};
use serde_json::Value;
use std::fs;

fn with_manifest() -> PushOptions {
    PushOptions { manifest: true, ..PushOptions::default() }
}

async fn bytes_of(world: &World, name: &str) -> Vec<u8> {
    world.store.get(&format!("p/{name}")).await.unwrap().bytes().await.unwrap().to_vec()
}

async fn manifest_of(world: &World) -> Value {
    serde_json::from_slice(&bytes_of(world, "manifest.json").await).unwrap()
}

/// Names that are escaped, and those that sort otherwise than by folder.
const NAMES: [&str; 6] = ["a", "a.b", "a!/deep/b", "back\\slash", "new line", "\u{fc}ber.txt"];

fn fill(world: &World) {
    for name in NAMES {
        world.write(name, name);
    }
    world.write("big", vec![7; if world.name == "memory" { 1 } else { 11 * MIB as usize }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_says_of_every_file_what_the_store_has() {
    for mut world in World::all().await {
        fill(&world);
        let name = world.name.clone();
        assert_eq!(world.push_with(&with_manifest()).await.unwrap(), (7, 0, 0, 0), "{:?}", world.said());
        let manifest = manifest_of(&world).await;
        assert_eq!((&manifest["schema"], &manifest["count"]), (&"holdall.manifest/1".into(), &7.into()));
        let files = manifest["files"].as_array().unwrap();
        let paths: Vec<&str> = files.iter().map(|file| file["path"].as_str().unwrap()).collect();
        let mut sorted: Vec<&str> = NAMES.iter().copied().chain(["big"]).collect();
        sorted.sort_unstable();
        assert_eq!(paths, sorted, "{name}");
        for (path, file) in paths.into_iter().zip(files) {
            let bytes = fs::read(world.path(path)).unwrap();
            let key = format!("p/{path}");
            let head = world.store.head(&key).await.unwrap();
            assert_eq!(file["key"], key, "{name}");
            assert_eq!(file["size"], bytes.len(), "{name} {path}");
            assert_eq!(file["sha256"], sha256(&bytes).to_hex(), "{name} {path}");
            assert_eq!(file["etag"].as_str(), head.etag.as_deref(), "{name} {path}");
            assert_eq!(
                file["content_type"].as_str(),
                head.attributes.content_type.as_deref(),
                "{name} {path}"
            );
            let url = if world.store.is_remote() { None } else { world.store.url_for(&key).await.unwrap() };
            assert_eq!(file["url"].as_str(), url.as_deref(), "{name} {path}");
        }
        let again = world.push_with(&with_manifest()).await.unwrap();
        let same = manifest_of(&world).await["files"] == manifest["files"];
        assert_eq!((again, same), ((0, 7, 0, 0), true), "{name}");
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifest_comes_last_and_costs_two_puts() {
    let mut world = World::s3();
    fill(&world);
    world.push_with(&with_manifest()).await.unwrap();
    let server = world.server.clone().unwrap();
    let log = server.log();
    let puts = log.iter().rev().filter(|seen| seen.method == "PUT");
    let keys: Vec<&str> = puts.take(2).map(|seen| seen.key.as_str()).collect();
    assert_eq!(keys, ["root/p/manifest.json", "root/p/SHA256SUMS"]);
    world.requests();
    // What is unchanged is known to the index, big files too.
    world.push_with(&with_manifest()).await.unwrap();
    let wanted = [("ListObjects".to_owned(), 1), ("HeadObject".to_owned(), 2)];
    assert_eq!(world.requests(), wanted.into());
}

/// TOP-8
#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_moves_nothing_makes_no_version_of_the_manifest() {
    let mut world = World::memory();
    fill(&world);
    world.store.bucket().set_versioning(Versioning::Enabled).await.unwrap();
    for (compare, versions) in [(Compare::Index, 1), (Compare::Index, 1), (Compare::Nothing, 2)] {
        world.push_with(&PushOptions { compare, ..with_manifest() }).await.unwrap();
        for name in ["SHA256SUMS", "manifest.json"] {
            let listed = world.store.versions(&format!("p/{name}")).unwrap().collect().await.unwrap();
            assert_eq!(listed.len(), versions, "{name} by {compare:?}");
        }
    }
    // What changes is described anew.
    world.write("a", "another");
    world.push_with(&with_manifest()).await.unwrap();
    assert_eq!(manifest_of(&world).await["files"][0]["sha256"], sha256(b"another").to_hex());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_pushed_without_a_manifest_is_read_for_it_once() {
    let mut world = World::s3();
    fill(&world);
    world.push().await;
    world.push_with(&with_manifest()).await.unwrap();
    let big = manifest_of(&world).await["files"][4].clone();
    assert_eq!((&big["path"], &big["sha256"]), (&"big".into(), &sha256(&vec![7; 11 << 20]).to_hex().into()));
    assert_eq!(world.push().await, (0, 7, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_file_failed_the_old_manifest_stays() {
    let mut world = World::s3();
    fill(&world);
    world.push_with(&with_manifest()).await.unwrap();
    let before = (bytes_of(&world, "manifest.json").await, bytes_of(&world, "SHA256SUMS").await);
    world.write("a", "another").write("new", "file");
    let server = world.server.clone().unwrap();
    server.add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::Put).key("p/new"));
    assert_eq!(world.push_with(&with_manifest()).await.unwrap(), (1, 6, 0, 2));
    assert!(world.said().contains(&"failed manifest.json Incomplete".to_owned()), "{:?}", world.said());
    assert_eq!((bytes_of(&world, "manifest.json").await, bytes_of(&world, "SHA256SUMS").await), before);
    server.clear_rules();
    world.push_with(&with_manifest()).await.unwrap();
    assert_eq!(manifest_of(&world).await["count"], 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_these_names_that_are_no_manifest_are_refused_before_anything_is_sent() {
    for (name, bytes) in
        [("manifest.json", "{\"name\":\"app\"}"), ("SHA256SUMS", "none"), ("manifest.json/x", "")]
    {
        let mut world = World::s3();
        world.write("a", "a").write(name, bytes);
        let error = world.push_with(&with_manifest()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{name}");
        assert!(world.requests().is_empty(), "{name}");
        let filter =
            Filter::new::<&str>(&[], &["/manifest.json", "/SHA256SUMS", "manifest.json/**"]).unwrap();
        if !name.contains('/') {
            let left_out = PushOptions { filter, ..with_manifest() };
            assert_eq!(world.push_with(&left_out).await.unwrap(), (1, 0, 0, 0), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_pull_brought_takes_no_part_and_is_not_deleted() {
    for mut world in [World::memory(), World::s3()] {
        fill(&world);
        world.push_with(&with_manifest()).await.unwrap();
        assert_eq!(world.pull_with(&PullOptions::default()).await.unwrap().3, 0, "{:?}", world.said());
        assert!(world.path("manifest.json").exists() && world.path("SHA256SUMS").exists());
        fs::remove_file(world.path("a.b")).unwrap();
        let options = PushOptions { delete: Some(MaxDelete::Usual), ..with_manifest() };
        let counts = world.push_with(&options).await.unwrap();
        assert_eq!((counts.2, counts.3), (1, 0), "{}: {:?}", world.name, world.said());
        assert_eq!(manifest_of(&world).await["count"], 6);
        // Damaged, it is no longer known as what a pull brought.
        world.write("SHA256SUMS", "none");
        assert_eq!(world.push_with(&options).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_are_those_that_last_and_never_presigned() {
    let world = World::s3();
    fill(&world);
    let dir = world.dir.path().join("in");
    for (base, wanted) in
        [(Some("https://cdn.example.com"), Some("https://cdn.example.com/p/a")), (None, None)]
    {
        let settings = Settings { public_base_url: base.map(Into::into), ..world.store.settings().clone() };
        let store = Store::open("s3://b/root", &settings).unwrap();
        store.push(&dir, "p", &with_manifest(), &mut |_| {}).await.unwrap();
        let manifest = manifest_of(&world).await;
        assert_eq!(manifest["files"][0]["url"].as_str(), wanted);
        assert!(!manifest.to_string().contains("X-Amz-"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_writes_no_manifest() {
    let mut world = World::s3();
    fill(&world);
    let options = PushOptions { dry_run: true, ..with_manifest() };
    world.push_with(&options).await.unwrap();
    assert!(world.requests().keys().all(|kind| kind == "ListObjects"));
}
