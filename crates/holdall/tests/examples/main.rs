//! Runs the examples of the collections on real input, in a folder and on the Ceph server of `HOLDALL_TEST_CEPH`, and
//! reads back what they stored.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod input;
mod place;

use holdall::document::{FileState, IngestionState, Job, State, UploadState};
use holdall::evidence::{Evidence, Json};
use holdall::session::{Sessions, StepsOptions};
use holdall::topic::{Roles, Topics};
use holdall::transfer::VerifyOptions;
use holdall::{DecisionId, SessionId, Store, sha256};
use holdall_testing::plain_http;
use place::Place;
use serde_json::json;
use std::path::{Path, PathBuf};

/// All files below a folder, as their paths in it.
fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(dir.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(path),
                false => found.push(path.into_os_string().into_string().unwrap()),
            }
        }
    }
    found.sort();
    found
}

async fn stored(store: &Store, key: &str) -> Vec<u8> {
    store.get(key).await.unwrap().bytes().await.unwrap().to_vec()
}

/// Demands the bytes of each file of a folder below a prefix, and its digest in the list of sums.
async fn demand_all(store: &Store, prefix: &str, dir: &Path) {
    let sums = String::from_utf8(stored(store, &format!("{prefix}SHA256SUMS")).await).unwrap();
    let all = files(dir);
    assert_eq!(sums.lines().count(), all.len(), "{sums}");
    for file in all {
        let bytes = std::fs::read(dir.join(&file)).unwrap();
        assert!(stored(store, &format!("{prefix}{file}")).await == bytes, "{file}");
        assert!(sums.contains(&format!("{}  {file}\n", sha256(&bytes))), "{file}: {sums}");
    }
    let deep = VerifyOptions { deep: true, ..VerifyOptions::default() };
    let verified = store.verify(prefix, Some(dir), &deep, &mut |_| ()).await.unwrap();
    assert!(verified.manifest && verified.by_reading > 0, "{verified:?}");
    assert_eq!(verified.missing + verified.extra + verified.different + verified.failed, 0, "{verified:?}");
}

#[tokio::test]
async fn what_a_browser_recorded_is_kept_as_a_session_as_a_run_and_as_evidence() {
    let dir = tempfile::tempdir().unwrap();
    let recorded = dir.path().join("recorded");
    input::session(&recorded);
    for place in Place::all("recorded").await {
        a_session(&place, &recorded).await;
        a_run(&place, &recorded).await;
        evidence(&place, &recorded).await;
        place.close().await;
    }
}

async fn a_session(place: &Place, recorded: &Path) {
    let said = place.run("sessions", &["shop-1", recorded.to_str().unwrap()]);
    assert_eq!(said.lines().filter(|line| line.contains(": stored, ")).count(), 3, "{said}");
    let sessions = Sessions::open(&place.store(), &place.settings()).unwrap();
    let session = SessionId::parse("shop-1").unwrap();
    let page = sessions.steps(&session, &StepsOptions::default()).await.unwrap();
    let names: Vec<&str> = page.steps.iter().map(|entry| entry.step.as_str()).collect();
    assert_eq!(names, ["0003", "0002", "0001"], "{}", place.name);
    for (entry, shown) in page.steps.iter().zip(["Thank you.", "1 book", "Nothing yet"]) {
        let content = sessions.retrieve(&session, &entry.step).await.unwrap();
        let file = |name: &str| std::fs::read(recorded.join(entry.step.as_str()).join(name)).unwrap();
        assert_eq!(content.html().unwrap(), &file("page.html"));
        assert_eq!(content.screenshot().unwrap(), &file("screenshot.png"));
        assert_eq!(content.action().unwrap(), &file("action.json"));
        let html = String::from_utf8(content.html().unwrap().to_vec()).unwrap();
        assert!(
            html.contains(&format!("<div id=\"basket\">{shown}")) || html.contains(&format!("<b>{shown}")),
            "{html}"
        );
        let types: Vec<&str> = content.step.parts.values().map(|part| part.content_type.as_str()).collect();
        assert_eq!(types, ["application/json", "text/html; charset=utf-8", "image/png"]);
        assert!(content.step.parts.values().all(|part| part.flags.is_empty()));
    }
}

async fn a_run(place: &Place, recorded: &Path) {
    let said = place.run("runs", &["nightly-42", recorded.to_str().unwrap()]);
    assert!(said.contains("12 files proven, 0 wrong"), "{said}");
    demand_all(&place.store(), "runs/nightly-42/", recorded).await;
}

async fn evidence(place: &Place, recorded: &Path) {
    let data = place.path("seen.json");
    let digest = |file: &str| sha256(&std::fs::read(recorded.join("0003").join(file)).unwrap()).to_hex();
    let seen = json!({ "order": 1, "total": 12.5, "page": digest("page.html") }).to_string();
    std::fs::write(&data, &seen).unwrap();
    let paths = [data, recorded.join("0003/page.pdf"), recorded.join("0003/screenshot.png")];
    let paths = paths.each_ref().map(|path| path.to_str().unwrap());
    place.run("evidence", &[&["order-1", "purchase"], &paths[..]].concat());

    let evidence = Evidence::open(&place.store(), &place.settings()).unwrap();
    let decision = DecisionId::parse("order-1").unwrap();
    let found = evidence.retrieve(&decision).await.unwrap();
    assert_eq!(found.data, Json::parse(seen.as_bytes()).unwrap());
    assert!(found.checksum_state.is_canonical());
    let attachments = evidence.attachments(&decision).await.unwrap();
    let kept: Vec<_> = attachments.iter().map(|one| (one.name.as_str(), one.sha256.clone())).collect();
    assert_eq!(kept, ["page.pdf", "screenshot.png"].map(|name| (name, digest(name))));
    for one in &attachments {
        assert_eq!(sha256(&stored(&place.store(), one.key.as_str()).await).to_hex(), one.sha256);
    }
}

#[tokio::test]
async fn what_was_rendered_is_kept_as_a_topic() {
    let dir = tempfile::tempdir().unwrap();
    let rendered = dir.path().join("rendered");
    input::topic(&rendered);
    for place in Place::all("rendered").await {
        let said = place.run("topics", &["Euler's Formula", rendered.to_str().unwrap()]);
        assert!(said.contains("topics/eulers-formula/: 13 files"), "{said}");
        assert!(said.contains("13 files proven, 0 wrong"), "{said}");
        demand_all(&place.store(), "topics/eulers-formula/", &rendered).await;

        let topics = Topics::open(&place.store(), &place.settings()).unwrap();
        let topic = topics.find("eulers-formula").await.unwrap();
        assert_eq!(topic.title().unwrap().as_str(), "Euler's Formula");
        let index = topic.urls(&Roles::default(), None).await.unwrap();
        let roles = |role: &str| index.artifacts.iter().filter(|one| one.role.as_str() == role).count();
        let counts = ["scene", "combined_video", "partial", "subtitle", "source", "image"].map(roles);
        assert_eq!(counts, [2, 1, 4, 2, 3, 1], "{said}");
        let urls = index.scenes.iter().filter_map(|scene| scene.s3_url.as_deref()).collect::<Vec<_>>();
        assert_eq!(urls.len(), if place.is_remote() { 2 } else { 0 }, "a folder has no URLs");
        for (url, scene) in urls.into_iter().zip(["scene1/Scene1.mp4", "scene2/Scene2.mp4"]) {
            let fetched = plain_http::send("GET", url, &[], b"").unwrap();
            assert_eq!((fetched.status, fetched.header("content-type")), (200, Some("video/mp4")));
            assert_eq!(&fetched.body[4..8], b"ftyp");
            assert!(fetched.body == std::fs::read(rendered.join(scene)).unwrap());
        }
        place.close().await;
    }
}

#[tokio::test]
async fn forty_pdfs_are_published_ingested_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let pdfs = input::pdfs(dir.path());
    let sizes: Vec<u64> = pdfs.iter().map(|path| path.metadata().unwrap().len()).collect();
    assert!(pdfs.len() == 40 && sizes.iter().max() > Some(&(1 << 20)), "{sizes:?}");
    for place in Place::all("documents").await {
        let (case, documents) = (place.path("case"), write_job(&place.path("case"), &pdfs));
        let said = place.run("documents", &[case.join("job.json").to_str().unwrap()]);
        let uploaded = if place.is_remote() { 40 } else { 0 };
        assert!(said.ends_with(&format!("40 documents, {uploaded} uploaded, 40 ingested\n")), "{said}");
        let (reference, records) = Job::read(&case.join("job.json.journal")).unwrap();
        assert_eq!((reference.as_str(), records.len()), ("25/00284/F", 40));
        for (record, pdf) in records.iter().zip(&pdfs) {
            assert_eq!((record.ingestion, record.errors.len()), (IngestionState::Ingested, 0));
            let is_there = documents[record.number as usize - 1].exists();
            if !place.is_remote() {
                assert_eq!((record.state, record.file, is_there), (State::Ingested, FileState::Kept, true));
                assert_eq!(record.url, record.source_url);
                continue;
            }
            assert_eq!((record.state, record.file, is_there), (State::Deleted, FileState::Deleted, false));
            assert_eq!(record.upload, UploadState::Uploaded);
            let fetched = plain_http::send("GET", record.url.as_deref().unwrap(), &[], b"").unwrap();
            assert_eq!((fetched.status, fetched.header("content-type")), (200, Some("application/pdf")));
            assert!(fetched.body == std::fs::read(pdf).unwrap(), "{pdf:?}");
        }
        place.close().await;
    }
}

/// Copies documents into a folder, and writes the job of them there; answers the copies.
fn write_job(case: &Path, pdfs: &[PathBuf]) -> Vec<PathBuf> {
    std::fs::create_dir(case).unwrap();
    let copy = |pdf: &PathBuf| case.join(pdf.file_name().unwrap());
    let copies: Vec<PathBuf> = pdfs.iter().map(copy).collect();
    for (pdf, copy) in pdfs.iter().zip(&copies) {
        std::fs::copy(pdf, copy).unwrap();
    }
    let document = |copy: &PathBuf| {
        let name = copy.file_name().unwrap().to_str().unwrap();
        json!({ "path": name, "source_url": format!("https://portal.example/{}", name.replace(' ', "-")) })
    };
    let documents: Vec<_> = copies.iter().map(document).collect();
    let job = json!({ "reference": "25/00284/F", "documents": documents });
    std::fs::write(case.join("job.json"), job.to_string()).unwrap();
    copies
}
