//! Folders moved through a server that misbehaves.

use std::collections::BTreeMap;

use holdall_store::ErrorKind;
use holdall_store::transfer::{Compare, PullOptions, PushOptions, TreeEvent, TreeSummary};
use holdall_testing::fault::{Fault, Kind, Rule};

use crate::support::{World, in_time, names};

type Failures = BTreeMap<String, ErrorKind>;

fn note(failures: &mut Failures, event: TreeEvent) {
    if let TreeEvent::Failed { name, error, .. } = event {
        failures.insert(name, error.kind());
    }
}

async fn pull(world: &World, prefix: &str) -> Result<(TreeSummary, Failures), ErrorKind> {
    let mut failures = Failures::new();
    let into = world.dir.path().join("in/out");
    let mut on_event = |event| note(&mut failures, event);
    let summary = in_time(world.store.pull(prefix, &into, &PullOptions::default(), &mut on_event)).await;
    summary.map(|summary| (summary, failures)).map_err(|error| error.kind())
}

async fn push(world: &World) -> Result<(TreeSummary, Failures), ErrorKind> {
    push_with(world, &PushOptions::default()).await
}

async fn push_with(world: &World, options: &PushOptions) -> Result<(TreeSummary, Failures), ErrorKind> {
    let mut failures = Failures::new();
    let from = world.dir.path().join("from");
    let mut on_event = |event| note(&mut failures, event);
    let summary = in_time(world.store.push(&from, "p", options, &mut on_event)).await;
    summary.map(|summary| (summary, failures)).map_err(|error| error.kind())
}

#[tokio::test]
async fn keys_that_climb_are_each_an_error_and_the_rest_is_pulled() {
    let world = World::good();
    let climbing = [
        "p/data/../../escape.txt",
        "p/../up.txt",
        "p//etc/passwd",
        "p/a/./b",
        "p/dir/..",
        "p/a//b",
        "p/nul\0byte",
        "p/..",
    ];
    for key in climbing {
        world.server.put_object(&world.bucket, key, b"evil");
    }
    for key in ["p/good", "p/sub/good", "p/C:\\x", "p/~", "p/...", "other/k"] {
        world.server.put_object(&world.bucket, key, b"good");
    }
    let (summary, failures) = pull(&world, "p").await.unwrap();
    assert_eq!((summary.done, summary.failed), (5, climbing.len() as u64));
    assert_eq!(failures.keys().map(String::as_str).collect::<Vec<_>>(), {
        let mut sorted = climbing;
        sorted.sort_unstable();
        sorted
    });
    assert!(failures.values().all(|kind| *kind == ErrorKind::InvalidInput), "{failures:?}");
    let files: Vec<String> = names(world.dir.path()).into_iter().filter(|n| !n.ends_with('/')).collect();
    assert_eq!(
        files,
        ["in/out/...", "in/out/C:\\x", "in/out/good", "in/out/sub/good", "in/out/~"],
        "nothing else anywhere"
    );
}

#[tokio::test]
async fn a_pull_through_a_listing_that_breaks_is_never_a_success() {
    for (fault, kind) in [
        (Fault::NoToken, ErrorKind::Protocol),
        (Fault::Unordered, ErrorKind::Protocol),
        (Fault::DuplicateKeys, ErrorKind::Protocol),
        (Fault::climbing_keys(), ErrorKind::Protocol),
        (Fault::garbage_xml(), ErrorKind::Protocol),
        (Fault::refuse(403, "AccessDenied"), ErrorKind::PermissionDenied),
        (Fault::Reset, ErrorKind::Unreachable),
    ] {
        let world = World::with(Rule::new(fault.clone()).on(Kind::ListObjects));
        for n in 0..30 {
            world.server.put_object(&world.bucket, &format!("p/{n:02}"), b"x");
        }
        assert_eq!(pull(&world, "p").await.map(drop), Err(kind), "{fault:?}");
        assert!(
            names(world.dir.path()).iter().all(|name| !name.contains("escape") && !name.contains("part"))
        );
    }
}

#[tokio::test]
async fn objects_that_cannot_be_read_are_each_an_error_and_leave_no_file() {
    let world = World::with(Rule::new(Fault::ShortBody { missing: 1 }).on(Kind::GetObject).key("bad"));
    world.server.add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::GetObject).key("denied"));
    for key in ["p/1", "p/2-bad", "p/3-denied", "p/4"] {
        world.server.put_object(&world.bucket, key, b"0123456789");
    }
    let (summary, failures) = pull(&world, "p").await.unwrap();
    assert_eq!((summary.done, summary.failed), (2, 2));
    assert_eq!(failures["p/2-bad"], ErrorKind::Incomplete);
    assert_eq!(failures["p/3-denied"], ErrorKind::PermissionDenied);
    let files = names(&world.dir.path().join("in/out"));
    assert_eq!(files.into_iter().collect::<Vec<_>>(), ["1", "4"]);
}

fn filled(rule: Rule) -> World {
    let world = World::with(rule);
    for n in 0..20 {
        world.file(&format!("from/{n:02}"), format!("file {n}").as_bytes());
    }
    world
}

#[tokio::test]
async fn files_that_cannot_be_stored_are_each_an_error_and_the_rest_is_there() {
    let refuse = |key| Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::PutObject).key(key);
    let world = filled(refuse("p/07"));
    world.server.add_rule(Rule::new(Fault::internal_error()).on(Kind::PutObject).key("p/11"));
    world.server.add_rule(Rule::new(Fault::AnswerLost).on(Kind::PutObject).key("p/13").once());
    let (summary, failures) = push(&world).await.unwrap();
    assert_eq!((summary.done, summary.failed), (18, 2));
    let kinds: Vec<_> = failures.into_values().collect();
    assert_eq!(kinds, [ErrorKind::PermissionDenied, ErrorKind::Unreachable]);
    let expected: Vec<String> =
        (0..20).filter(|n| ![7, 11].contains(n)).map(|n| format!("p/{n:02}")).collect();
    assert_eq!(world.keys(), expected);
    assert_eq!(world.stored("p/13").as_deref(), Some(&b"file 13"[..]));
}

#[tokio::test]
async fn a_push_to_an_endpoint_that_fails_everything_says_so_of_every_file() {
    for (fault, kind) in
        [(Fault::Reset, ErrorKind::Unreachable), (Fault::slow_down(None), ErrorKind::Throttled)]
    {
        let world = filled(Rule::new(fault));
        // What is there cannot be listed: that ends it, since sending all again is no way out.
        assert_eq!(push(&world).await.unwrap_err(), kind);
        let force = PushOptions { compare: Compare::Nothing, ..PushOptions::default() };
        let (summary, failures) = push_with(&world, &force).await.unwrap();
        assert_eq!((summary.done, summary.failed, failures.len()), (0, 20, 20));
        assert!(failures.values().all(|found| *found == kind), "{failures:?}");
        // One budget for all: far fewer retries than twenty files times two.
        let sent = world
            .server
            .log()
            .iter()
            .filter(|seen| seen.key.starts_with("p/") && seen.kind == Kind::PutObject)
            .count();
        assert!(sent <= 20 * 3, "{sent}");
    }
}

#[tokio::test]
async fn what_concerns_all_files_ends_a_push() {
    for (status, code, kind) in [
        (404, "NoSuchBucket", ErrorKind::BucketNotFound),
        (403, "InvalidAccessKeyId", ErrorKind::Credentials),
        (400, "ExpiredToken", ErrorKind::Credentials),
    ] {
        let world = filled(Rule::new(Fault::refuse(status, code)));
        assert_eq!(push(&world).await.map(drop), Err(kind));
        assert!(world.count(Kind::PutObject) < 20, "it went on for all files");
    }
}

#[tokio::test]
async fn deletes_that_fail_are_named_and_the_rest_is_done() {
    let keys = || (0..5).map(|n| holdall_store::Key::parse(&format!("k{n}")).unwrap());
    for (fault, kind) in [
        (
            Fault::RefuseKeys { containing: "k3".into(), code: "AccessDenied".into() },
            ErrorKind::PermissionDenied,
        ),
        (Fault::RefuseKeys { containing: "k3".into(), code: "InternalError".into() }, ErrorKind::Unreachable),
        (Fault::OmitKeys { containing: "k3".into() }, ErrorKind::Protocol),
    ] {
        let world = World::with(Rule::new(fault.clone()).on(Kind::DeleteObjects));
        (0..5).for_each(|n| world.server.put_object(&world.bucket, &format!("k{n}"), b"x"));
        let failures = in_time(world.store.delete_many(keys())).await;
        let said: Vec<_> = failures.iter().map(|f| (f.key.as_str(), f.error.kind())).collect();
        assert_eq!(said, [("k3", kind)], "{fault:?}");
        assert_eq!(world.keys(), ["k3"]);
    }
    let world = World::with(Rule::new(Fault::Reset).on(Kind::DeleteObjects));
    let failures = in_time(world.store.delete_many(keys())).await;
    assert_eq!(failures.len(), 5, "a batch that fails fails each of its keys");
}
