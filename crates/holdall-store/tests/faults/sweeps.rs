//! `gc` of what was cut off on this machine: notes, and what they know of, and nothing else.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use holdall_store::{GcOptions, GetOptions, PutOptions, Store};
use holdall_testing::fault::{Fault, Kind, Rule};

use crate::support::{MIB, World, bytes, in_time, names};

const SIZE: usize = 16 * MIB;
const DAYS: u64 = 86_400;

fn after(days: u64, dry_run: bool) -> GcOptions {
    GcOptions { older_than: Duration::from_secs(days * DAYS), dry_run }
}

/// A world with an upload and a download that were cut off.
async fn left_behind() -> World {
    let world = World::resuming();
    let file = world.file("big", &bytes(SIZE));
    world.server.put_object(&world.bucket, "down", &bytes(SIZE));
    std::fs::create_dir(world.dir.path().join("to")).unwrap();
    world.server.add_rule(Rule::new(Fault::expired_token()).on(Kind::UploadPart).query("partNumber=3&"));
    world.server.add_rule(Rule::new(Fault::expired_token()).on(Kind::GetObject).from(3));
    in_time(world.store.put_file("up", &file, &PutOptions::default())).await.unwrap_err();
    let target = world.dir.path().join("to/file");
    in_time(world.store.get_to_file("down", &target, &GetOptions::default())).await.unwrap_err();
    world.server.clear_rules();
    assert_eq!((notes(&world).len(), world.server.uploads().len()), (2, 1));
    world
}

fn notes(world: &World) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(world.dir.path().join("journal")).unwrap();
    let mut notes: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    notes.sort_by_key(|path| path.extension().map(std::ffi::OsStr::to_owned));
    notes
}

fn temporary(world: &World) -> String {
    let names: Vec<_> = names(&world.dir.path().join("to")).into_iter().collect();
    let [name] = &names[..] else { panic!("{names:?}") };
    world.dir.path().join("to").join(name).canonicalize().unwrap().display().to_string()
}

fn age(path: &Path, days: u64) {
    let then = SystemTime::now() - Duration::from_secs(days * DAYS);
    std::fs::File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
}

/// What was handed on, sorted: kind, name, whether it was left.
async fn gc(store: &Store, options: GcOptions) -> Vec<(&'static str, String, bool)> {
    let mut all = Vec::new();
    let found = |leftover: holdall_store::Leftover| {
        assert!(leftover.error.is_none(), "{leftover:?}");
        all.push((leftover.kind, leftover.name, leftover.left.is_some()));
    };
    in_time(store.gc(&options, found)).await.unwrap();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_old_goes_and_what_is_young_stays() {
    let world = left_behind().await;
    assert_eq!(gc(&world.store, after(7, false)).await, []);
    assert_eq!(notes(&world).len(), 2);
    for note in notes(&world) {
        age(&note, 8);
    }
    let wanted = [("download", temporary(&world), false), ("journal", "up".to_owned(), false)];
    assert_eq!(gc(&world.store, after(7, true)).await, wanted);
    assert_eq!((notes(&world).len(), world.server.uploads().len()), (2, 1));
    assert!(Path::new(&wanted[0].1).exists());

    assert_eq!(gc(&world.store, after(7, false)).await, wanted);
    assert!(notes(&world).is_empty() && world.server.uploads().is_empty());
    assert!(names(&world.dir.path().join("to")).is_empty());
    assert_eq!(gc(&world.store, after(0, false)).await, []);
    assert_eq!(world.keys(), ["down"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_another_store_is_left() {
    let world = left_behind().await;
    let elsewhere = World::good();
    let other = elsewhere.store_with(|settings| settings.journal = Some(world.dir.path().join("journal")));
    let (file, url) = (temporary(&world), format!("s3://{}/up", world.bucket));
    let wanted = [("download", file, false), ("journal", url.clone(), true)];
    assert_eq!(gc(&other, after(0, false)).await, wanted);
    assert_eq!((notes(&world).len(), world.server.uploads().len()), (1, 1));
    assert_eq!(gc(&Store::memory(), after(0, false)).await, [], "this store has no journal");
    let file = world.dir.path().join("big");
    in_time(world.store.put_file("up", &file, &PutOptions::default())).await.unwrap();
    assert_eq!(world.stored("up").unwrap().len(), SIZE);
    assert!(world.server.uploads().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_the_one_noted_stays() {
    let world = left_behind().await;
    let file = temporary(&world);
    std::fs::rename(&file, world.dir.path().join("aside")).unwrap();
    std::fs::write(&file, "somebody's").unwrap();
    let swept = gc(&world.store, after(0, false)).await;
    assert_eq!(swept[0], ("download", file.clone(), false));
    assert_eq!(std::fs::read(&file).unwrap(), b"somebody's");
    assert!(notes(&world).is_empty());
}

/// Notes that name a file which is no temporary of ours, though device and inode are right, remove nothing.
#[tokio::test(flavor = "multi_thread")]
async fn notes_cannot_name_any_other_file() {
    use std::os::unix::fs::MetadataExt;
    let world = left_behind().await;
    let precious = world.file("to/precious", b"mine");
    let note = &notes(&world)[0];
    let text = std::fs::read_to_string(note).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    let mut first: serde_json::Value = serde_json::from_str(first).unwrap();
    first["temporary"] = "precious".into();
    first["inode"] = precious.metadata().unwrap().ino().into();
    std::fs::write(note, format!("{first}\n{rest}")).unwrap();
    gc(&world.store, after(0, false)).await;
    assert_eq!(std::fs::read(&precious).unwrap(), b"mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_is_at_work_on_stays() {
    let world = left_behind().await;
    world.server.add_rule(Rule::new(Fault::Stall).on(Kind::GetObject));
    let target = world.dir.path().join("to/file");
    let options = GetOptions::default();
    let (sweeper, seen) = (world.store_with(|_| ()), world.count(Kind::GetObject));
    let sweep = async {
        while world.count(Kind::GetObject) == seen {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        gc(&sweeper, after(0, false)).await
    };
    tokio::select! {
        done = world.store.get_to_file("down", &target, &options) => panic!("it stalls: {done:?}"),
        swept = sweep => assert_eq!(swept, [("journal", "up".to_owned(), false)]),
    }
    assert!(Path::new(&temporary(&world)).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_that_tell_nothing_go_and_those_of_a_later_version_stay() {
    let world = left_behind().await;
    let [download, upload] = &notes(&world)[..] else { panic!("{:?}", notes(&world)) };
    std::fs::write(download, "").unwrap();
    std::fs::write(upload, "{\"schema\":\"holdall.upload/2\"}\n").unwrap();
    let stranger = world.file("journal/notes.txt", b"not ours");
    let shown = |path: &Path| path.display().to_string();
    // The upload itself is found by its age on the server.
    let wanted = [
        ("journal", shown(download), false),
        ("journal", shown(upload), true),
        ("upload", "up".into(), false),
    ];
    let mut swept = gc(&world.store, after(0, false)).await;
    swept.sort_by_key(|(kind, _, left)| (*kind, *left));
    assert_eq!(swept, wanted);
    assert!(!download.exists() && upload.exists() && stranger.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_cannot_be_aborted_keeps_its_notes() {
    let world = left_behind().await;
    world.server.add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::AbortMultipartUpload));
    let mut failed = Vec::new();
    let found = |leftover: holdall_store::Leftover| {
        if leftover.error.is_some() {
            failed.push(leftover.kind);
        }
    };
    in_time(world.store.gc(&after(0, false), found)).await.unwrap();
    assert_eq!(failed, ["journal", "upload"]);
    assert_eq!((notes(&world).len(), world.server.uploads().len()), (1, 1));
}
