//! Folders are mirrored, with their manifest.

use crate::world::{World, push, push_with, usual, verify, write};
use holdall::ErrorKind;
use holdall::topic::Claim;
use holdall::transfer::{Filter, PushOptions};
use std::os::unix::ffi::OsStrExt;

const FILES: [&str; 5] =
    ["plan.txt", "scene1/Scene1.mp4", "scene1/code/scene1.py", "new\nline.srt", "topic.json"];

/// TOP-3, TOP-6
#[tokio::test]
async fn keys_mirror_the_folder_and_the_manifest_proves_them() {
    for world in World::all() {
        let (dir, topic) = (world.files("out", &FILES), world.topic("B\u{e9}zout's Identity"));
        let pushed = push(&topic, &dir).await.unwrap();
        assert_eq!((pushed.claim, pushed.summary.done, pushed.summary.failed), (Claim::Made, 5, 0));
        let mut wanted: Vec<String> =
            FILES.iter().map(|path| format!("topics/bezouts-identity/{path}")).collect();
        wanted.extend(["manifest.json", "SHA256SUMS"].map(|name| format!("topics/bezouts-identity/{name}")));
        wanted.push("topics/bezouts-identity.topic.json".to_owned());
        wanted.sort();
        assert_eq!(world.names().await, wanted, "{}", world.kind());
        assert_eq!(
            world.text("topics/bezouts-identity/topic.json").await,
            "topic.json",
            "it is the user's own"
        );
        let found = verify(&topic, Some(&dir)).await;
        assert_eq!((found.differences(), found.failed, found.files), (0, 0, 5), "{}", world.kind());
        assert!(found.manifest);
    }
}

/// TOP-6: only URLs that do not expire are in the manifest.
#[tokio::test]
async fn a_manifest_has_urls_only_where_they_are_stable() {
    let world = World::s3(|_| ());
    push(&world.topic("A"), &world.files("out", &["x"])).await.unwrap();
    let manifest: serde_json::Value =
        serde_json::from_str(&world.text("topics/a/manifest.json").await).unwrap();
    assert!(manifest["files"][0]["url"].is_null(), "{manifest}");
    let world = World::s3(|settings| settings.public_base_url = Some("https://cdn.example".to_owned()));
    push(&world.topic("A"), &world.files("out", &["x"])).await.unwrap();
    let manifest: serde_json::Value =
        serde_json::from_str(&world.text("topics/a/manifest.json").await).unwrap();
    assert_eq!(manifest["files"][0]["url"], "https://cdn.example/topics/a/x");
    assert_eq!(manifest["files"][0]["sha256"].as_str().unwrap().len(), 64);
}

/// TOP-6: the manifest comes last.
#[tokio::test]
async fn the_claim_comes_first_and_the_manifest_last() {
    let world = World::s3(|_| ());
    push(&world.topic("A"), &world.files("out", &["x", "y/z"])).await.unwrap();
    let sent = world.sent();
    assert_eq!(sent.first().unwrap(), "topics/a.topic.json");
    assert_eq!(sent[sent.len() - 2..], ["topics/a/SHA256SUMS", "topics/a/manifest.json"]);
}

/// TOP-8
#[tokio::test]
async fn a_push_that_is_run_again_sends_what_changed_and_nothing_else() {
    for world in World::all() {
        let (dir, topic) = (world.files("out", &FILES), world.topic("Sets"));
        push(&topic, &dir).await.unwrap();
        let again = push(&topic, &dir).await.unwrap();
        assert_eq!(
            (again.claim, again.summary.done, again.summary.unchanged),
            (Claim::Held, 0, 5),
            "{}",
            world.kind()
        );
        write(&dir.join("plan.txt"), b"another plan");
        let third = push(&topic, &dir).await.unwrap();
        assert_eq!((third.summary.done, third.summary.unchanged), (1, 4));
        assert_eq!(verify(&topic, Some(&dir)).await.differences(), 0);
    }
}

/// TOP-3
#[tokio::test]
async fn a_dry_run_writes_nothing_and_finds_the_conflict() {
    let world = World::memory(|_| ());
    let dir = world.files("out", &["x"]);
    let dry = PushOptions { dry_run: true, ..PushOptions::default() };
    let (planned, _) = push_with(&world.topic("Sets"), &dir, &dry).await;
    assert_eq!(planned.unwrap().claim, Claim::Free);
    assert_eq!(world.names().await, [""; 0]);
    push(&world.topic("Sets"), &dir).await.unwrap();
    let (refused, _) = push_with(&world.topic("sets!"), &dir, &dry).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);
}

/// TOP-6
#[tokio::test]
async fn files_of_the_manifests_names_are_refused_unless_they_are_left_out() {
    let world = World::memory(|_| ());
    let (dir, topic) = (world.files("out", &["manifest.json", "x"]), world.topic("A"));
    assert_eq!(push(&topic, &dir).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(world.names().await, ["topics/a.topic.json"]);
    let options =
        PushOptions { filter: Filter::new(&[""; 0], &["/manifest.json"]).unwrap(), ..PushOptions::default() };
    let (pushed, _) = push_with(&topic, &dir, &options).await;
    assert_eq!(pushed.unwrap().summary.done, 1);
}

/// TOP-3: what cannot be a key is told, and there is no manifest of a folder that is not all there.
#[tokio::test]
async fn hostile_names_are_told_and_the_rest_goes_on() {
    let world = World::folder(|_| ());
    let (dir, topic) = (world.files("out", &["good", "tab\tand\u{7f}"]), world.topic("A"));
    std::fs::write(dir.join(std::ffi::OsStr::from_bytes(b"not\xffutf8")), "x").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", dir.join("link")).unwrap();
    let (pushed, failed) = push_with(&topic, &dir, &PushOptions::default()).await;
    let summary = pushed.unwrap().summary;
    assert_eq!((summary.done, summary.failed, summary.skipped), (2, 2, 1), "{failed:?}");
    assert!(failed.iter().any(|error| error.contains("not UTF-8")), "{failed:?}");
    assert!(failed.iter().any(|error| error.contains("no manifest was written")), "{failed:?}");
    assert!(!world.store.exists("topics/a/link").await.unwrap());
    assert!(!world.store.exists("topics/a/manifest.json").await.unwrap());
}

/// TOP-10: `..` in keys of others is text, and no way anywhere.
#[tokio::test]
async fn keys_of_others_are_listed_as_they_are() {
    let world = World::memory(|_| ());
    push(&world.topic("A"), &world.files("out", &["x"])).await.unwrap();
    for key in ["topics/a/../b", "topics/../up/x", "topics/a b/x", "topics/loose"] {
        world.store.put(key, "x").await.unwrap();
    }
    let index = world.topic("A").urls(&usual(), None).await.unwrap();
    let paths: Vec<&str> = index.artifacts.iter().map(|artifact| artifact.path.as_str()).collect();
    assert_eq!(paths, ["../b", "x"]);
    let (mut list, mut names) = (world.topics().list().unwrap(), Vec::new());
    while let Some(listed) = list.next().await {
        let listed = listed.unwrap();
        names.push((listed.name, listed.slug.is_some(), listed.has_record));
    }
    assert_eq!(
        names,
        [("..".to_owned(), false, false), ("a".to_owned(), true, true), ("a b".to_owned(), false, false)]
    );
    assert_eq!(world.topics().find("..").await.unwrap_err().kind(), ErrorKind::InvalidInput);
}

/// TOP-5, TOP-10
#[tokio::test]
async fn urls_are_stable_or_presigned_when_asked_for_an_expiry() {
    let world = World::s3(|_| ());
    push(&world.topic("A"), &world.files("out", &["scene1/Scene1.mp4", "scene1/a.py", "a_combined.mp4"]))
        .await
        .unwrap();
    let index = world.topic("A").urls(&usual(), None).await.unwrap();
    assert!(index.artifacts.iter().all(|artifact| artifact.s3_url.is_none()), "private objects have none");
    let hour = std::time::Duration::from_secs(3600);
    let index = world.topic("A").urls(&usual(), Some(hour)).await.unwrap();
    assert_eq!((index.artifacts.len(), index.expires_seconds), (3, Some(3600)));
    let signed = |url: &Option<String>, path: &str| {
        let url = url.as_deref().unwrap();
        url.contains(&format!("/topics/a/{path}?")) && url.contains("X-Amz-Expires=3600")
    };
    assert!(signed(&index.combined_video_s3_url, "a_combined.mp4"), "{index:?}");
    let scene = index.scene(1).unwrap();
    assert!(signed(&scene.s3_url, "scene1/Scene1.mp4") && signed(&scene.source_code_s3_url, "scene1/a.py"));
    let folder = World::folder(|_| ());
    push(&folder.topic("A"), &folder.files("out", &["x"])).await.unwrap();
    let error = folder.topic("A").urls(&usual(), Some(hour)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

/// TOP-3: a thousand topics are listed across pages, each once.
#[tokio::test]
async fn topics_are_listed_across_pages() {
    let world = World::s3(|_| ());
    let titles: Vec<String> = (0..700).map(|n| format!("Topic {n}")).collect();
    for title in &titles {
        let slug = title.to_lowercase().replace(' ', "-");
        let record = format!("{{\"schema\":\"holdall.topic/1\",\"slug\":\"{slug}\",\"title\":\"{title}\"}}");
        world.store.put(&format!("topics/{slug}.topic.json"), record).await.unwrap();
        world.store.put(&format!("topics/{slug}/x"), "").await.unwrap();
    }
    world.store.put("topics/topic-7.topic.json", "no record").await.unwrap();
    let (mut list, mut seen, mut errors) = (world.topics().list().unwrap(), Vec::new(), Vec::new());
    while let Some(listed) = list.next().await {
        match listed {
            Ok(listed) => {
                assert!(listed.has_files && listed.has_record, "{listed:?}");
                seen.push(listed.title.unwrap().to_string());
            }
            Err(error) => errors.push((error.kind(), error.key().unwrap().to_owned())),
        }
    }
    assert_eq!(errors, [(ErrorKind::Integrity, "topics/topic-7.topic.json".to_owned())]);
    seen.sort();
    let mut wanted: Vec<String> = titles.into_iter().filter(|title| title != "Topic 7").collect();
    wanted.sort();
    assert_eq!(seen, wanted);
}
