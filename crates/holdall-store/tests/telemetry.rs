//! What is logged of transfers: each once, by one schema.

#![allow(clippy::unwrap_used, reason = "a test")]

use holdall_store::outbox::Pauses;
use holdall_store::telemetry::{OUTBOX, TARGET};
use holdall_store::transfer::{PullOptions, PushOptions};
use holdall_store::{
    CopyOptions, DeleteOptions, ErrorKind, GetOptions, MoveOptions, OnRemoteError, PutOptions, Settings,
    Store, Variables, WriteCondition,
};
use holdall_testing::fault::{Fault, FaultServer, Kind, Rule, Script};
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

const PART: usize = 5 << 20;

/// Listens on this thread, on which runtimes of one thread run all of their tasks.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Heard {
    fn listen(level: Level) -> (Self, DefaultGuard) {
        let heard = Self::default();
        let lines = tracing_subscriber::fmt().json().flatten_event(true).with_max_level(level);
        let guard = tracing::subscriber::set_default(lines.with_writer(heard.clone()).finish());
        (heard, guard)
    }

    /// The events of transfers since the last time, each without its moment. Their seconds are checked and left out.
    fn take(&self) -> Vec<Value> {
        self.take_of(TARGET)
    }

    fn take_of(&self, target: &str) -> Vec<Value> {
        let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events
            .filter(|event| event["target"] == target)
            .map(|mut event| {
                let fields = event.as_object_mut().unwrap();
                assert!(fields.remove("seconds").unwrap().as_f64().unwrap() >= 0.0, "{text}");
                assert!(fields.remove("timestamp").is_some() && fields.remove("target").is_some());
                event
            })
            .collect()
    }

    /// The only event since the last time.
    fn one(&self) -> Value {
        let [event] = <[Value; 1]>::try_from(self.take()).expect("one event");
        event
    }
}

impl io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Heard {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn remote(server: &FaultServer) -> Store {
    let variables = Variables::from_pairs([
        ("HOLDALL_STORE", "s3://b"),
        ("S3_ENDPOINT_URL", &server.endpoint()),
        ("S3_ACCESS_KEY_ID", "AKIDTEST"),
        ("S3_SECRET_ACCESS_KEY", "canary-secret"),
        ("S3_MAX_RETRIES", "2"),
        ("HOLDALL_PART_SIZE", "5MiB"),
        ("HOLDALL_MULTIPART_THRESHOLD", "5MiB"),
    ]);
    Store::from_settings(&Settings::from_variables(&variables).unwrap()).unwrap()
}

fn server() -> FaultServer {
    FaultServer::start(Script::new().bucket("b"), 1).unwrap()
}

/// A store of each kind, and what its messages begin with.
fn stores(server: &FaultServer, dir: &Path) -> Vec<(Store, &'static str)> {
    let folder = format!("file://{}", dir.join("store").display());
    let settings = Settings { multipart_threshold: PART as u64, ..Settings::default() };
    vec![
        (Store::open("memory://", &settings).unwrap(), ""),
        (Store::open(&folder, &settings).unwrap(), ""),
        (remote(server), "s3_"),
    ]
}

fn stored(prefix: &str, key: &str, size: usize) -> Value {
    json!({
        "level": "DEBUG", "message": format!("{prefix}upload_seconds"), "direction": "up", "key": key,
        "size": size, "attempts": 1, "outcome": "stored",
    })
}

#[tokio::test]
async fn top_9_every_put_is_logged_once() {
    let (heard, _guard) = Heard::listen(Level::DEBUG);
    let (server, dir) = (server(), tempfile::tempdir().unwrap());
    let (options, file) = (PutOptions::default(), dir.path().join("file"));
    for (store, prefix) in stores(&server, dir.path()) {
        store.put("a", "hello").await.unwrap();
        assert_eq!(heard.one(), stored(prefix, "a", 5));
        store.put("in/parts", vec![7; 2 * PART + 1]).await.unwrap();
        assert_eq!(heard.one(), stored(prefix, "in/parts", 2 * PART + 1));
        for size in [3, PART + 1] {
            std::fs::write(&file, vec![7; size]).unwrap();
            store.put_file("file", &file, &options).await.unwrap();
            assert_eq!(heard.one(), stored(prefix, "file", size));
            store.put_reader("stream", &*vec![7; size], None, &options).await.unwrap();
            assert_eq!(heard.one(), stored(prefix, "stream", size));
        }
    }
}

#[tokio::test]
async fn top_9_what_is_fetched_copied_moved_and_deleted_is_logged_once() {
    let (heard, _guard) = Heard::listen(Level::DEBUG);
    let (server, dir) = (server(), tempfile::tempdir().unwrap());
    let elsewhere = Store::memory();
    for (store, prefix) in stores(&server, dir.path()) {
        let called = |what: &str| format!("{prefix}{what}_seconds");
        for (key, size) in [("a", 5), ("large", 3 * PART)] {
            store.put(key, vec![7; size]).await.unwrap();
            heard.take();
            store.get_to_file(key, &dir.path().join("to"), &GetOptions::default()).await.unwrap();
            let fetched = json!({
                "level": "DEBUG", "message": called("download"), "direction": "down", "key": key, "size": size,
                "attempts": 1, "outcome": "fetched",
            });
            assert_eq!(heard.one(), fetched);
        }
        let copied = json!({
            "level": "DEBUG", "message": called("copy"), "direction": "copy", "key": "copy", "from": "a",
            "size": 5, "attempts": 1, "outcome": "copied",
        });
        store.copy("a", "copy", &CopyOptions::default()).await.unwrap();
        assert_eq!(heard.one(), copied);
        store.copy_to("a", &store, "copy", &CopyOptions::default()).await.unwrap();
        assert_eq!(heard.one(), copied);
        store.copy_to("a", &elsewhere, "copy", &CopyOptions::default()).await.unwrap();
        assert_eq!(heard.one(), copied, "streamed, and one event all the same");
        store.rename("copy", "moved", &MoveOptions::default()).await.unwrap();
        let moved = json!({
            "level": "DEBUG", "message": called("move"), "direction": "move", "key": "moved", "from": "copy",
            "size": 5, "attempts": 1, "outcome": "moved",
        });
        assert_eq!(heard.one(), moved);
        store.delete("moved").await.unwrap();
        let deleted = json!({
            "level": "DEBUG", "message": called("delete"), "direction": "delete", "key": "moved",
            "outcome": "deleted",
        });
        assert_eq!(heard.one(), deleted);
    }
}

#[tokio::test]
async fn top_9_a_failure_is_logged_with_its_kind_and_attempts() {
    let (heard, _guard) = Heard::listen(Level::DEBUG);
    let refusing = Rule::new(Fault::internal_error()).on(Kind::PutObject).key("refused");
    let server = FaultServer::start(Script::new().bucket("b").rule(refusing), 1).unwrap();
    let (store, dir) = (remote(&server), tempfile::tempdir().unwrap());
    let failed = |message: &str, direction: &str, attempts: u32, kind: &str| {
        json!({
            "level": "DEBUG", "message": message, "direction": direction, "key": "refused", "attempts": attempts,
            "outcome": "failed", "kind": kind,
        })
    };
    let with_size = |mut event: Value, size: u64| {
        event["size"] = size.into();
        event
    };
    let error = store.put("refused", "hello").await.unwrap_err();
    assert!(error.attempts() > 1, "it was tried again: {error}");
    let upload = failed("s3_upload_seconds", "up", error.attempts(), &error.kind().to_string());
    assert_eq!(heard.one(), with_size(upload, 5));
    store.put_file("refused", &dir.path().join("none"), &PutOptions::default()).await.unwrap_err();
    assert_eq!(heard.one(), failed("s3_upload_seconds", "up", 0, "not_found"), "no request was sent");
    let to = dir.path().join("to");
    store.get_to_file("refused", &to, &GetOptions::default()).await.unwrap_err();
    assert_eq!(heard.one(), failed("s3_download_seconds", "down", 1, "not_found"));
    let options = DeleteOptions { if_match: Some("\"other\"".into()), ..DeleteOptions::default() };
    let error = store.delete_with("refused", &options).await.unwrap_err();
    let deletion = failed("s3_delete_seconds", "delete", error.attempts(), &error.kind().to_string());
    assert_eq!(heard.one(), deletion);
    let error = store.copy("refused", "copy", &CopyOptions::default()).await.unwrap_err();
    let mut copy = failed("s3_copy_seconds", "copy", error.attempts(), "not_found");
    (copy["from"], copy["key"]) = ("refused".into(), "copy".into());
    assert_eq!(heard.one(), copy);
}

#[tokio::test]
async fn attempts_are_those_that_it_took() {
    let (heard, _guard) = Heard::listen(Level::DEBUG);
    let script =
        [Kind::PutObject, Kind::GetObject].into_iter().fold(Script::new().bucket("b"), |script, kind| {
            script.rule(Rule::new(Fault::slow_down(None)).on(kind).key("late").once())
        });
    let server = FaultServer::start(script, 1).unwrap();
    let (store, dir) = (remote(&server), tempfile::tempdir().unwrap());
    let receipt = store.put("late", "hello").await.unwrap();
    assert_eq!((heard.one()["attempts"].as_u64(), receipt.attempts), (Some(2), 2));
    let fetched = store.get_to_file("late", &dir.path().join("to"), &GetOptions::default()).await.unwrap();
    assert_eq!((heard.one()["attempts"].as_u64(), fetched.attempts), (Some(2), 2));
}

/// The events of a folder in the order of keys, the total at the end.
async fn pushed(store: &Store, dir: &Path, heard: &Heard, options: &PushOptions) -> Vec<Value> {
    store.push(dir, "p", options, &mut |_| {}).await.unwrap();
    sorted(heard)
}

fn sorted(heard: &Heard) -> Vec<Value> {
    let mut events = heard.take();
    events.sort_by_key(|event| (event["level"] == "INFO", event["key"].as_str().map(str::to_owned)));
    events
}

#[tokio::test]
async fn what_waits_is_logged_as_queued_and_again_when_it_is_sent() {
    let (heard, _guard) = Heard::listen(Level::DEBUG);
    let (server, dir) = (server(), tempfile::tempdir().unwrap());
    let settings = Settings {
        on_remote_error: OnRemoteError::Outbox,
        outbox_dir: Some(dir.path().join("outbox")),
        outbox_allow_volatile: true,
        outbox_min_free: 0,
        ..remote(&server).settings().clone()
    };
    let store = Store::open("s3://b", &settings).unwrap();
    server.add_rule(Rule::new(Fault::Reset));
    store.put("a", "hello").await.unwrap();
    let event = heard.one();
    assert_eq!((&event["key"], &event["outcome"]), (&json!("a"), &json!("queued")));
    store.delete("gone").await.unwrap();
    assert_eq!(heard.one()["outcome"], "queued");
    let from = dir.path().join("from");
    std::fs::create_dir(&from).unwrap();
    std::fs::write(from.join("b"), "by").unwrap();
    let events = pushed(&store, &from, &heard, &PushOptions::default()).await;
    let total = events.last().unwrap();
    assert_eq!(
        (&total["files"], &total["queued"], &total["outcome"]),
        (&json!(1), &json!(1), &json!("queued"))
    );

    server.clear_rules();
    let drainer = Store::open("s3://b", &settings).unwrap().outbox().unwrap().drainer().await.unwrap();
    drainer.drain(Pauses::Ended, |_, _| ()).await.unwrap();
    drainer.drain(Pauses::Ended, |_, _| ()).await.unwrap();
    let text = heard.0.lock().unwrap().clone();
    let [event] = <[Value; 1]>::try_from(heard.take_of(OUTBOX)).expect("one did something");
    let wanted = json!({
        "level": "INFO", "message": "outbox_drain_total_seconds", "sent": 3, "found": 0, "bytes": 7, "parked": 0,
        "later": 0, "damaged": 0, "folder": dir.path().join("outbox").display().to_string(),
    });
    assert_eq!(event, wanted);
    heard.0.lock().unwrap().extend(text);
    let stored: Vec<Value> = heard.take().into_iter().filter(|event| event["outcome"] == "stored").collect();
    assert_eq!(stored.len(), 2, "each put once more, by its own event: {stored:?}");
}

#[tokio::test]
async fn doc_11_each_file_of_a_folder_is_logged_once_and_the_whole_at_its_end() {
    let (heard, _guard) = Heard::listen(Level::DEBUG);
    let refusing = Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::PutObject).key("refused");
    let server = FaultServer::start(Script::new().bucket("b").rule(refusing), 1).unwrap();
    let (store, dir) = (remote(&server), tempfile::tempdir().unwrap());
    let from = dir.path().join("from");
    std::fs::create_dir(&from).unwrap();
    std::fs::write(from.join("a"), "hello").unwrap();
    std::fs::write(from.join("refused"), "no").unwrap();
    let dry = PushOptions { dry_run: true, ..PushOptions::default() };
    assert_eq!(pushed(&store, &from, &heard, &dry).await, [] as [Value; 0], "nothing is moved");

    let refused = json!({
        "level": "DEBUG", "message": "s3_upload_seconds", "direction": "up", "key": "p/refused", "size": 2,
        "attempts": 1, "outcome": "failed", "kind": "permission_denied",
    });
    let total = |files: u64, bytes: u64, unchanged: u64, failed: u64, outcome: &str| {
        json!({
            "level": "INFO", "message": "s3_upload_total_seconds", "direction": "up", "prefix": "p/",
            "files": files, "bytes": bytes, "unchanged": unchanged, "deleted": 0, "failed": failed,
            "outcome": outcome,
        })
    };
    let first = pushed(&store, &from, &heard, &PushOptions::default()).await;
    assert_eq!(first, [stored("s3_", "p/a", 5), refused, total(1, 5, 0, 1, "failed")]);
    std::fs::remove_file(from.join("refused")).unwrap();
    let unchanged = |message: &str, direction: &str| {
        json!({
            "level": "DEBUG", "message": message, "direction": direction, "key": "p/a", "size": 5, "attempts": 0,
            "outcome": "unchanged",
        })
    };
    let again = pushed(&store, &from, &heard, &PushOptions::default()).await;
    assert_eq!(again, [unchanged("s3_upload_seconds", "up"), total(0, 0, 1, 0, "unchanged")]);

    let to = dir.path().join("to");
    let fetched = json!({
        "level": "DEBUG", "message": "s3_download_seconds", "direction": "down", "key": "p/a", "size": 5,
        "attempts": 1, "outcome": "fetched",
    });
    let total = |files: u64, bytes: u64, unchanged: u64, outcome: &str| {
        json!({
            "level": "INFO", "message": "s3_download_total_seconds", "direction": "down", "prefix": "p/",
            "files": files, "bytes": bytes, "unchanged": unchanged, "deleted": 0, "failed": 0, "outcome": outcome,
        })
    };
    store.pull("p", &to, &PullOptions::default(), &mut |_| {}).await.unwrap();
    assert_eq!(sorted(&heard), [fetched, total(1, 5, 0, "fetched")]);
    store.pull("p", &to, &PullOptions::default(), &mut |_| {}).await.unwrap();
    assert_eq!(sorted(&heard), [unchanged("s3_download_seconds", "down"), total(0, 0, 1, "unchanged")]);
}

#[tokio::test]
async fn a_folder_that_is_given_up_says_why() {
    let (heard, _guard) = Heard::listen(Level::DEBUG);
    let store = Store::memory();
    let dir = tempfile::tempdir().unwrap();
    let none = dir.path().join("none");
    let error = store.push(&none, "p", &PushOptions::default(), &mut |_| {}).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let event = heard.one();
    assert_eq!(event["message"], "upload_total_seconds");
    assert_eq!((&event["outcome"], &event["kind"]), (&json!("failed"), &json!("not_found")));
}

#[tokio::test]
async fn at_info_only_the_whole_is_logged() {
    let (heard, _guard) = Heard::listen(Level::INFO);
    let (store, dir) = (Store::memory(), tempfile::tempdir().unwrap());
    std::fs::write(dir.path().join("a"), "hello").unwrap();
    store.put("b", "hello").await.unwrap();
    let create = PutOptions { condition: WriteCondition::Absent, ..PutOptions::default() };
    store.put_with("b", "hello", &create).await.unwrap_err();
    store.push(dir.path(), "p", &PushOptions::default(), &mut |_| {}).await.unwrap();
    assert_eq!(heard.one()["message"], "upload_total_seconds");
}
