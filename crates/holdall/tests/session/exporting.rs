//! Writing steps to folders and archives.

use crate::world::{everywhere, new, session, step};
use holdall::ErrorKind;
use holdall::session::{NewStep, PartName};
use std::collections::BTreeMap;
use std::path::Path;

/// All files below a folder, by their paths.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_string_lossy().into_owned();
                all.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    all
}

/// Reads an archive by its directory, and checks each entry's checksum.
fn unzip(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let number = |at: usize, size: usize| {
        bytes[at..at + size].iter().rev().fold(0usize, |all, byte| all << 8 | usize::from(*byte))
    };
    let end = bytes.windows(4).rposition(|four| four == b"PK\x05\x06").unwrap();
    let (count, mut at) = (number(end + 10, 2), number(end + 16, 4));
    let mut all = BTreeMap::new();
    for _ in 0..count {
        assert_eq!(&bytes[at..at + 4], b"PK\x01\x02");
        let (crc, size, local) = (number(at + 16, 4), number(at + 24, 4), number(at + 42, 4));
        let (name, extra) = (number(at + 28, 2), number(at + 30, 2));
        let text = String::from_utf8(bytes[at + 46..at + 46 + name].to_vec()).unwrap();
        assert_eq!(&bytes[local..local + 4], b"PK\x03\x04");
        assert_eq!((number(local + 14, 4), number(local + 18, 4)), (crc, size));
        let begin = local + 30 + number(local + 26, 2) + number(local + 28, 2);
        let content = bytes[begin..begin + size].to_vec();
        let wanted = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, &content);
        assert_eq!(wanted, crc as u64, "{text}");
        assert!(all.insert(text, content).is_none());
        at += 46 + name + extra;
    }
    assert!(all.keys().all(|name| !name.starts_with('/') && !name.split('/').any(|part| part == "..")));
    all
}

/// SES-3
#[tokio::test]
async fn a_session_is_written_to_a_folder_and_to_an_archive_and_is_the_same_in_both() {
    everywhere(|sessions| async move {
        let run = session("run \u{e9}");
        for n in 0..12 {
            let big = vec![n; 400_000];
            let new = new(&run, &step(&n.to_string()), &n.to_string());
            sessions.store(new.part(PartName::parse("trace.har").unwrap(), big)).await.unwrap();
        }
        let dir = tempfile::tempdir().unwrap();
        let (folder, zip) = (dir.path().join("out"), dir.path().join("out.zip"));
        let exported = sessions.export_to_folder(&run, None, &folder).await.unwrap();
        assert_eq!((exported.steps, exported.files, exported.failures.len()), (12, 60, 0));
        let written = files(&folder);
        assert_eq!(written.len(), 60);
        assert_eq!(written["run \u{e9}/3/page.html"], b"<p>3</p>");
        assert_eq!(written.values().map(|bytes| bytes.len() as u64).sum::<u64>(), exported.bytes);
        sessions.export_to_zip(&run, None, &zip).await.unwrap();
        assert_eq!(unzip(&std::fs::read(&zip).unwrap()), written);
        // Nothing is overwritten.
        let again = sessions.export_to_zip(&run, None, &zip).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AlreadyExists);
        std::fs::remove_dir_all(folder.join("run \u{e9}/3")).unwrap();
        let again = sessions.export_to_folder(&run, None, &folder).await.unwrap();
        assert_eq!((again.steps, again.failures.len()), (1, 11));
        assert!(again.failures.iter().all(|(_, error)| error.kind() == ErrorKind::AlreadyExists));
        assert_eq!(files(&folder), written);
        let one = dir.path().join("one.zip");
        let exported = sessions.export_to_zip(&run, Some(&step("7")), &one).await.unwrap();
        assert_eq!((exported.steps, exported.files), (1, 5));
        let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 3, "{names:?}");
    })
    .await;
}

/// SES-3
#[tokio::test]
async fn a_step_that_is_damaged_is_left_out_and_told_and_nothing_is_no_archive() {
    everywhere(|sessions| async move {
        let run = session("run");
        let dir = tempfile::tempdir().unwrap();
        let zip = dir.path().join("out.zip");
        for error in [
            sessions.export_to_zip(&run, None, &zip).await.unwrap_err(),
            sessions.export_to_folder(&run, None, dir.path()).await.unwrap_err(),
            sessions.export_to_zip(&run, Some(&step("1")), &zip).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::NotFound);
        }
        for name in ["1", "2", "3"] {
            sessions
                .store(NewStep::new(&run, &step(name)).html(name.repeat(100)).action("{}"))
                .await
                .unwrap();
        }
        let damaged = sessions.describe(&run, &step("2")).await.unwrap();
        let key = damaged.parts[&PartName::html()].key.as_str();
        sessions.as_store().put(key, "2".repeat(99) + "x").await.unwrap();
        let exported = sessions.export_to_zip(&run, None, &zip).await.unwrap();
        assert_eq!((exported.steps, exported.failures.len()), (2, 1));
        assert_eq!(exported.failures[0].1.kind(), ErrorKind::Incomplete);
        let names: Vec<String> = unzip(&std::fs::read(&zip).unwrap()).into_keys().collect();
        assert_eq!(names.len(), 6, "{names:?}");
        let folder = dir.path().join("out");
        let exported = sessions.export_to_folder(&run, None, &folder).await.unwrap();
        assert_eq!((exported.steps, exported.failures.len()), (2, 1));
        assert_eq!(files(&folder).len(), 6, "nothing is left of the damaged one");
    })
    .await;
}

/// SES-10: a link that somebody put where a session's folder would be is not followed.
#[tokio::test]
async fn an_export_follows_no_link_out_of_its_folder() {
    everywhere(|sessions| async move {
        let run = session("run");
        sessions.store(new(&run, &step("1"), "x")).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let (out, elsewhere) = (dir.path().join("out"), dir.path().join("elsewhere"));
        std::fs::create_dir_all(&out).unwrap();
        std::fs::create_dir_all(&elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, out.join("run")).unwrap();
        let exported = sessions.export_to_folder(&run, None, &out).await.unwrap();
        assert_eq!((exported.steps, exported.failures.len()), (0, 1));
        assert!(files(&elsewhere).is_empty());
    })
    .await;
}
