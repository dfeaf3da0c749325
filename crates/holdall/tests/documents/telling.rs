//! What jobs log, and what they never tell.

use crate::world::{ACCESS, Ingester, SECRET, World, run};
use holdall_testing::fault::{Fault, Kind, Rule};
use std::cell::RefCell;
use std::io::Write;
use std::sync::{Arc, Mutex, Once};
use tracing_subscriber::filter::{LevelFilter, dynamic_filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

thread_local! {
    /// Who listens to what this thread logs.
    static LISTENER: RefCell<Option<(LevelFilter, Heard)>> = const { RefCell::new(None) };
}

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

/// Ends the listening of a thread.
struct Listening;

impl Drop for Listening {
    fn drop(&mut self) {
        LISTENER.set(None);
    }
}

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Heard {
    /// Hears what this thread logs. There is one subscriber for all: of those that threads have for themselves, what
    /// another thread logs first may be kept from them for good.
    fn listen(&self, level: LevelFilter) -> Listening {
        static ALL: Once = Once::new();
        ALL.call_once(|| {
            let heard =
                || LISTENER.with_borrow(|one| one.as_ref().map_or_else(Heard::default, |one| one.1.clone()));
            let is_heard = dynamic_filter_fn(|metadata, _| {
                LISTENER.with_borrow(|one| one.as_ref().is_some_and(|(level, _)| metadata.level() <= level))
            });
            let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(heard);
            tracing_subscriber::registry().with(lines.with_filter(is_heard)).init();
        });
        LISTENER.set(Some((level, self.clone())));
        Listening
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn lines(&self, message: &str) -> Vec<serde_json::Value> {
        let text = self.text();
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.filter(|line| line["message"] == message).collect()
    }
}

/// DOC-11: each file at debug, the job at info.
#[tokio::test]
async fn each_upload_and_the_job_are_timed() {
    let (world, heard) = (World::s3(), Heard::default());
    let guard = heard.listen(LevelFilter::DEBUG);
    run(&mut world.job(&["a.pdf", "b.pdf"]), &Ingester::default()).await;
    drop(guard);
    let files = heard.lines("s3_upload_seconds");
    assert_eq!(files.len(), 2, "{}", heard.text());
    assert!(files.iter().all(|line| line["level"] == "DEBUG" && line["seconds"].is_number()));
    let jobs = heard.lines("s3_upload_total_seconds");
    assert_eq!(jobs.len(), 1);
    let job = &jobs[0];
    assert_eq!(
        (&job["level"], &job["files"], &job["prefix"]),
        (&"INFO".into(), &2.into(), &"planning/25_00284_F/".into())
    );
}

/// ORC-3, ORC-4, DOC-7, DOC-8: warnings say which document, and why.
#[tokio::test]
async fn what_stays_is_warned_about() {
    let (world, heard) = (World::s3(), Heard::default());
    world.server().add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::Put).key("001_a"));
    let guard = heard.listen(LevelFilter::WARN);
    run(&mut world.job(&["a.pdf", "b.pdf"]), &Ingester::refusing("b.pdf")).await;
    drop(guard);
    let upload = heard.lines("the document was not uploaded: its source URL and its file stay");
    assert_eq!(
        (upload.len(), &upload[0]["document"], &upload[0]["kind"]),
        (1, &1.into(), &"permission_denied".into())
    );
    let ingestion = heard.lines("the document was not ingested: its file stays");
    assert_eq!((ingestion.len(), &ingestion[0]["document"]), (1, &2.into()));
    assert!(ingestion[0]["error"].as_str().unwrap().contains("it is no PDF"));
}

/// DOC-6
#[tokio::test]
async fn too_little_room_for_staging_is_warned_about() {
    let (world, heard) = (World::memory(), Heard::default());
    let settings = holdall::Settings { staging_dir: Some("/proc".into()), ..world.settings.clone() };
    let documents = holdall::document::Documents::open(&world.store, &settings).unwrap();
    let guard = heard.listen(LevelFilter::WARN);
    documents.stage(&holdall::document::Reference::parse("r").unwrap(), 7).unwrap();
    drop(guard);
    let warned = heard.lines("too little room in the staging folder: the documents go to local_dir");
    assert_eq!((warned.len(), &warned[0]["free"], &warned[0]["needed"]), (1, &0.into(), &7.into()));
}

/// DOC-10, S3B-8: an error of authentication shows neither key, in the log, the records, the journal, or in debug print.
#[tokio::test]
async fn no_key_is_told() {
    let (world, heard) = (World::s3(), Heard::default());
    let refusal = Fault::refuse(403, "InvalidAccessKeyId");
    world.server().add_rule(Rule::new(refusal));
    let guard = heard.listen(LevelFilter::TRACE);
    let mut job = world.job(&["a.pdf"]);
    let (report, told) = run(&mut job, &Ingester::default()).await;
    let connected = holdall::Store::connect(&world.settings).await;
    drop(guard);
    assert_eq!(report.upload_failed, 1);
    let journal = std::fs::read_to_string(world.path("job.journal")).unwrap();
    let shown = format!("{told:?} {journal} {job:?} {:?} {connected:?} {}", job.records(), heard.text());
    assert!(shown.contains("InvalidAccessKeyId"), "{shown}");
    for secret in [ACCESS, SECRET] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}

/// DOC-11: what a job adds to its uploads is little, however many documents it has.
#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_documents_are_one_job() {
    let world = World::s3();
    let names: Vec<String> = (0..400).map(|n| format!("{n:03}.pdf")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for name in &names {
        std::fs::write(world.path(name), vec![7; 64 << 10]).unwrap();
    }
    let start = std::time::Instant::now();
    let (report, _) = run(&mut world.job(&names), &Ingester::default()).await;
    assert_eq!((report.uploaded, report.ingested, report.deleted), (400, 400, 400));
    assert!(start.elapsed() < std::time::Duration::from_secs(60), "{:?}", start.elapsed());
    assert_eq!(world.seen(Kind::Put).len(), 400, "each is sent once");
    let others = world.seen(Kind::HeadObject).len() + world.seen(Kind::Get).len();
    assert_eq!(others, 0, "nothing is asked for of what this run has uploaded and verified");
}
