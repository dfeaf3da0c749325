//! Many old folders at once.

use crate::world::{World, in_time, verify};
use holdall::topic::{BackfillOptions, Backfilled, Outcome};
use holdall::transfer::PushOptions;
use holdall::{ErrorKind, Result};
use holdall_testing::fault::{Fault, Rule};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

type Told = Vec<(String, std::result::Result<u64, ErrorKind>)>;

async fn backfill(world: &World, dir: &Path, options: &BackfillOptions) -> (Result<Backfilled>, Told) {
    let mut told = Vec::new();
    let mut on_outcome = |outcome: Outcome| {
        if let Outcome::Topic { folder, pushed, .. } = outcome {
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            told.push((name, pushed.map(|pushed| pushed.summary.done).map_err(|error| error.kind())));
        }
    };
    let filled = in_time(world.topics().backfill(dir, options, &mut on_outcome)).await;
    (filled, told)
}

/// TOP-11
#[tokio::test]
async fn each_folder_is_a_topic_and_one_that_fails_does_not_stop_the_rest() {
    for world in World::all() {
        let files =
            ["Group Theory/a", "Group Theory/scene1/b", "Sets/c", "sets!/d", "???/e", ".git/f", "loose"];
        let dir = world.files("old", &files);
        std::fs::create_dir(dir.join(std::ffi::OsStr::from_bytes(b"\xff"))).unwrap();
        let (filled, told) = backfill(&world, &dir, &BackfillOptions::default()).await;
        let filled = filled.unwrap();
        assert_eq!((filled.done, filled.failed, filled.skipped, filled.files), (2, 3, 2, 3), "{told:?}");
        let wanted = [
            ("???".to_owned(), Err(ErrorKind::InvalidInput)),
            ("Group Theory".to_owned(), Ok(2)),
            ("Sets".to_owned(), Ok(1)),
            ("sets!".to_owned(), Err(ErrorKind::Conflict)),
            ("\u{fffd}".to_owned(), Err(ErrorKind::InvalidInput)),
        ];
        assert_eq!(told, wanted, "{}", world.kind());
        let topic = world.topics().find("group-theory").await.unwrap();
        assert_eq!(verify(&topic, Some(&dir.join("Group Theory"))).await.differences(), 0);
        assert!(!world.store.exists("topics/sets/d").await.unwrap());
        let (again, told) = backfill(&world, &dir, &BackfillOptions::default()).await;
        let again = again.unwrap();
        assert_eq!((again.files, again.unchanged, again.done), (0, 3, 2), "{told:?}");
    }
}

/// TOP-11
#[tokio::test]
async fn titles_come_from_a_file_where_one_is_named_and_two_folders_never_share_one() {
    let world = World::memory(|_| ());
    let dir = world.files("old", &["1/x", "2/x", "3/x", "4/x", "5/title.txt/x"]);
    for (folder, title) in
        [("1", "\u{feff}Euler's Formula\nmore"), ("2", "Euler's Formula"), ("3", "a\u{7}b")]
    {
        std::fs::write(dir.join(folder).join("title.txt"), title).unwrap();
    }
    let options = BackfillOptions { title_file: Some("title.txt".to_owned()), ..BackfillOptions::default() };
    let (filled, told) = backfill(&world, &dir, &options).await;
    assert_eq!(filled.unwrap().done, 2);
    let wanted = [
        ("1".to_owned(), Ok(2)),
        ("2".to_owned(), Err(ErrorKind::Conflict)),
        ("3".to_owned(), Err(ErrorKind::InvalidInput)),
        ("4".to_owned(), Ok(1)),
        ("5".to_owned(), Err(ErrorKind::InvalidInput)),
    ];
    assert_eq!(told, wanted);
    assert_eq!(world.text("topics/eulers-formula/x").await, "1/x");
    assert!(world.store.exists("topics/4/x").await.unwrap());
}

/// TOP-11
#[tokio::test]
async fn what_failed_is_made_up_for_by_the_next_run() {
    let world = World::s3(|_| ());
    let dir = world.files("old", &["A/1", "B/2", "C/3"]);
    world.server.as_ref().unwrap().add_rule(Rule::new(Fault::internal_error()).key("topics/b/2"));
    let (filled, _) = backfill(&world, &dir, &BackfillOptions::default()).await;
    let filled = filled.unwrap();
    assert_eq!((filled.done, filled.failed), (2, 1));
    assert!(!world.store.exists("topics/b/manifest.json").await.unwrap());
    world.up();
    let (filled, told) = backfill(&world, &dir, &BackfillOptions::default()).await;
    let filled = filled.unwrap();
    assert_eq!((filled.done, filled.failed, filled.files, filled.unchanged), (3, 0, 1, 2), "{told:?}");
}

/// TOP-11
#[tokio::test]
async fn what_concerns_all_topics_ends_it_and_a_dry_run_writes_nothing() {
    let world = World::s3(|_| ());
    let dir = world.files("old", &["A/1", "B/2"]);
    let push = PushOptions { dry_run: true, ..PushOptions::default() };
    let (filled, told) =
        backfill(&world, &dir, &BackfillOptions { push, ..BackfillOptions::default() }).await;
    assert_eq!((filled.unwrap().files, world.puts()), (2, 0), "{told:?}");
    world.server.as_ref().unwrap().add_rule(Rule::new(Fault::refuse(404, "NoSuchBucket")));
    let (filled, told) = backfill(&world, &dir, &BackfillOptions::default()).await;
    assert_eq!((filled.unwrap_err().kind(), told.len()), (ErrorKind::BucketNotFound, 0));
    let (filled, _) = backfill(&world, "/none/at/all".as_ref(), &BackfillOptions::default()).await;
    assert_eq!(filled.unwrap_err().kind(), ErrorKind::NotFound);
}
