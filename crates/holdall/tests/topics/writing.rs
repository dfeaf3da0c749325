//! Files that are stored as they are written, or in the end.

use crate::world::{World, in_time, usual, verify, write};
use holdall::ErrorKind;
use holdall::topic::{Finished, Topic, Writing, Wrote};
use holdall::transfer::{Filter, PushOptions};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

async fn begin(topic: &Topic, dir: &Path) -> Writing {
    topic.write(dir, &PushOptions::default()).await.unwrap()
}

async fn finish(writing: Writing) -> Finished {
    in_time(writing.finish(&usual(), None, &mut |_| ())).await.unwrap()
}

fn on_write(world: fn(fn(&mut holdall::Settings)) -> World) -> World {
    world(|settings| settings.upload_on_write = true)
}

/// TOP-7
#[tokio::test]
async fn a_file_is_stored_when_it_is_written_and_not_again_in_the_end() {
    let worlds = [
        on_write(|change| World::memory(change)),
        on_write(|change| World::folder(change)),
        on_write(|change| World::s3(change)),
    ];
    for world in worlds {
        let (dir, topic) = (world.files("out", &["scene1/Scene1.mp4", "late.txt"]), world.topic("Sets"));
        let writing = begin(&topic, &dir).await;
        for path in [Path::new("scene1/Scene1.mp4"), &dir.join("scene1/../scene1/Scene1.mp4")] {
            assert!(matches!(writing.wrote(path).await.unwrap(), Wrote::Stored(_)), "{}", world.kind());
        }
        assert_eq!(world.text("topics/sets/scene1/Scene1.mp4").await, "scene1/Scene1.mp4");
        assert!(!world.store.exists("topics/sets/late.txt").await.unwrap());
        let finished = finish(writing).await;
        let summary = finished.pushed.summary;
        assert_eq!((summary.done, summary.unchanged), (1, 1), "{}", world.kind());
        let paths: Vec<&str> = finished.index.artifacts.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["late.txt", "scene1/Scene1.mp4"]);
        assert_eq!(verify(&topic, Some(&dir)).await.differences(), 0);
    }
}

/// TOP-7
#[tokio::test]
async fn files_are_stored_in_the_end_where_the_setting_says_so() {
    let world = World::s3(|_| ());
    let (dir, topic) = (world.files("out", &["a"]), world.topic("Sets"));
    let writing = begin(&topic, &dir).await;
    assert!(matches!(writing.wrote("a".as_ref()).await.unwrap(), Wrote::Deferred));
    assert!(!world.store.exists("topics/sets/a").await.unwrap());
    assert_eq!(finish(writing).await.pushed.summary.done, 1);
    assert!(world.store.exists("topics/sets/manifest.json").await.unwrap());
}

/// TOP-7
#[tokio::test]
async fn paths_that_lead_out_of_the_folder_are_refused_and_nothing_is_stored() {
    let world = on_write(|change| World::memory(change));
    let (dir, topic) = (world.files("out", &["a", "sub/b"]), world.topic("Sets"));
    let other = world.files("other", &["secret"]);
    std::os::unix::fs::symlink(&other, dir.join("linked")).unwrap();
    std::os::unix::fs::symlink(dir.join("a"), dir.join("link")).unwrap();
    std::fs::write(dir.join(std::ffi::OsStr::from_bytes(b"\xff")), "x").unwrap();
    let writing = begin(&topic, &dir).await;
    for wrong in ["../other/secret", "linked/secret", "link", "sub", "/etc/hostname", "..", ""] {
        let error = writing.wrote(wrong.as_ref()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{wrong}: {error}");
    }
    let not_utf8 = Path::new(std::ffi::OsStr::from_bytes(b"\xff"));
    assert_eq!(writing.wrote(not_utf8).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(writing.wrote(&other.join("secret")).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(writing.wrote("none".as_ref()).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(world.names().await, ["topics/sets.topic.json"]);
    let filter = Filter::new(&[""; 0], &["*.tmp"]).unwrap();
    write(&dir.join("x.tmp"), b"x");
    let writing = topic.write(&dir, &PushOptions { filter, ..PushOptions::default() }).await.unwrap();
    assert!(matches!(writing.wrote("x.tmp".as_ref()).await.unwrap(), Wrote::LeftOut));
}

/// TOP-7: what is written all the time is stored whole as it was at one moment, or not at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_being_written_is_never_stored_half() {
    let world = on_write(|change| World::folder(change));
    let (dir, topic) = (world.files("out", &["x"]), world.topic("Sets"));
    let (path, size) = (dir.join("growing"), 1 << 20);
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writer = std::thread::spawn({
        let (path, stop) = (path.clone(), stop.clone());
        move || {
            for round in (0..=u8::MAX).cycle() {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    return;
                }
                // Renamed into place: each state is whole.
                let next = path.with_extension("next");
                std::fs::write(&next, vec![round; size]).unwrap();
                std::fs::rename(&next, &path).unwrap();
            }
        }
    });
    let writing = begin(&topic, &dir).await;
    let (mut stored, start) = (0, std::time::Instant::now());
    while stored < 5 && start.elapsed().as_secs() < 30 {
        match writing.wrote("growing".as_ref()).await {
            Ok(_) => stored += 1,
            Err(error) => {
                let kinds = [ErrorKind::Changed, ErrorKind::NotFound];
                assert!(kinds.contains(&error.kind()), "{error}");
                continue;
            }
        }
        let bytes = world.store.get("topics/sets/growing").await.unwrap().bytes().await.unwrap();
        assert!(bytes.len() == size && bytes.iter().all(|byte| *byte == bytes[0]), "it is torn");
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.join().unwrap();
    assert!(stored > 0);
}

/// TOP-7
#[tokio::test]
async fn a_file_that_grows_while_it_is_read_is_an_error_and_stored_in_the_end() {
    let world = on_write(|change| World::s3(change));
    let (dir, topic) = (world.files("out", &["x"]), world.topic("Sets"));
    let path = dir.join("log");
    std::fs::write(&path, vec![1; 4 << 20]).unwrap();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writer = std::thread::spawn({
        let (path, stop) = (path.clone(), stop.clone());
        move || {
            let mut file = std::fs::File::options().append(true).open(path).unwrap();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                std::io::Write::write_all(&mut file, b"a line that is not of one byte alone\n").unwrap();
                std::thread::sleep(std::time::Duration::from_micros(50));
            }
        }
    });
    let writing = begin(&topic, &dir).await;
    let told = writing.wrote("log".as_ref()).await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.join().unwrap();
    assert_eq!(told.unwrap_err().kind(), ErrorKind::Changed);
    assert!(!world.store.exists("topics/sets/log").await.unwrap());
    assert_eq!(finish(writing).await.pushed.summary.failed, 0);
    assert_eq!(verify(&topic, Some(&dir)).await.differences(), 0);
}

/// TOP-7: a process that dies in between leaves a folder, and that is all that another one needs.
#[tokio::test]
async fn what_was_told_and_never_finished_is_stored_by_whoever_finishes_it() {
    let world = on_write(|change| World::s3(change));
    let (dir, topic) = (world.files("out", &["told", "untold"]), world.topic("Sets"));
    let writing = begin(&topic, &dir).await;
    writing.wrote("told".as_ref()).await.unwrap();
    drop(writing);
    let later = world.topic("Sets");
    let finished = finish(begin(&later, &dir).await).await;
    let summary = finished.pushed.summary;
    assert_eq!((summary.done, summary.unchanged, summary.failed), (1, 1, 0));
    assert_eq!(finished.index.artifacts.len(), 2);
    assert_eq!(verify(&topic, Some(&dir)).await.differences(), 0);
}

/// TOP-7: by a watch, for writers that cannot say it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_stores_what_is_written_and_keeps_the_manifest() {
    use holdall::transfer::{WatchEvent, WatchOptions};
    let world = World::folder(|_| ());
    let (dir, topic) = (world.files("out", &["first"]), world.topic("Sets"));
    let mut watching = topic.watch(&dir, &WatchOptions::default()).await.unwrap();
    let mut next = async |wanted: &str| {
        in_time(async {
            loop {
                match watching.next().await.unwrap().unwrap() {
                    WatchEvent::Pushed { receipt, .. } if receipt.key.as_str().ends_with(wanted) => return,
                    WatchEvent::Described { receipt, .. } if receipt.key.as_str().ends_with(wanted) => return,
                    _ => {}
                }
            }
        })
        .await;
    };
    next("sets/first").await;
    write(&dir.join("scene1/Scene1.mp4"), b"video");
    next("sets/scene1/Scene1.mp4").await;
    next("sets/manifest.json").await;
    watching.stop();
    while let Some(event) = in_time(watching.next()).await {
        event.unwrap();
    }
    assert_eq!(verify(&topic, Some(&dir)).await.differences(), 0);
    assert_eq!(world.topic("sets!").claim().await.unwrap_err().kind(), ErrorKind::Conflict);
}

/// TOP-7
#[tokio::test]
async fn a_topic_of_another_title_or_without_a_folder_is_not_begun() {
    let world = World::memory(|_| ());
    let dir = world.files("out", &["a"]);
    begin(&world.topic("Sets"), &dir).await;
    let options = PushOptions::default();
    let refused = world.topic("sets!").write(&dir, &options).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    let nowhere = world.topic("Groups").write("/none/at/all".as_ref(), &options).await.unwrap_err();
    assert_eq!(nowhere.kind(), ErrorKind::NotFound);
    let file = world.topic("Groups").write(&dir.join("a"), &options).await.unwrap_err();
    assert_eq!(file.kind(), ErrorKind::InvalidInput);
    assert_eq!(world.names().await, ["topics/sets.topic.json"]);
}

/// What the child of the next test does: it tells of files, and dies without a word.
#[tokio::test]
#[ignore = "a child of another test"]
async fn a_writer_that_dies() {
    let (Ok(url), Ok(dir)) = (std::env::var("TOPIC_STORE"), std::env::var("TOPIC_DIR")) else { return };
    let settings = holdall::Settings { upload_on_write: true, ..holdall::Settings::default() };
    let store = holdall::Store::open(&url, &settings).unwrap();
    let topic = holdall::topic::Topics::open(&store, &settings).unwrap().topic("Sets").unwrap();
    let writing = begin(&topic, dir.as_ref()).await;
    for n in 0.. {
        let name = format!("scene{n}.py");
        write(&Path::new(&dir).join(&name), name.as_bytes());
        writing.wrote(name.as_ref()).await.unwrap();
        // The parent reads this as an acknowledgement.
        write(&Path::new(&dir).join("../acknowledged"), name.as_bytes());
    }
}

/// TOP-7: killed at any moment, a writer has lost nothing that it was told is stored, and the rest is stored later.
#[tokio::test]
async fn a_writer_that_is_killed_has_lost_nothing() {
    let world = World::folder(|settings| settings.upload_on_write = true);
    let dir = world.files("out", &["plan.txt"]);
    let acknowledged = dir.join("../acknowledged");
    for round in 0..5u64 {
        let _ = std::fs::remove_file(&acknowledged);
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writing::a_writer_that_dies", "--ignored", "--quiet"])
            .env("TOPIC_STORE", world.store.location())
            .env("TOPIC_DIR", &dir)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let start = std::time::Instant::now();
        while !acknowledged.exists() {
            assert!(start.elapsed().as_secs() < 60 && child.try_wait().unwrap().is_none(), "it says nothing");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        std::thread::sleep(std::time::Duration::from_millis(round * 13));
        child.kill().unwrap();
        child.wait().unwrap();
        let last = std::fs::read_to_string(&acknowledged).unwrap();
        if !last.is_empty() {
            assert_eq!(world.text(&format!("topics/sets/{last}")).await, last);
        }
        let topic = world.topic("Sets");
        let finished = finish(begin(&topic, &dir).await).await;
        assert_eq!(finished.pushed.summary.failed, 0);
        assert_eq!(verify(&topic, Some(&dir)).await.differences(), 0);
    }
}
