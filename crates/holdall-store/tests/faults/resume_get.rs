//! Downloads to files that were cut off: gone on with where the object and the file are the same, begun anew where not.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use holdall_store::transfer::PullOptions;
use holdall_store::{Encryption, Error, ErrorKind, GetOptions, KeyPair, Progress, Range, Secret, Store};
use holdall_testing::fault::{Fault, Kind, Rule};

use crate::support::{MIB, World, all_of, bytes, in_time, names};

/// Four ranges of 5 MiB, the last of them smaller.
const SIZE: usize = 16 * MIB;
const RANGE: usize = 5 * MIB;
const ALL: [usize; 4] = [0, 1, 2, 3];

/// A world in which a get was cut off after two ranges.
struct Cut {
    world: World,
    wanted: Vec<u8>,
}

/// From the range with this number on, counted from 0.
fn from_range(number: u64, fault: Fault) -> Rule {
    Rule::new(fault).on(Kind::GetObject).from(number + 1)
}

impl Cut {
    fn prepared() -> Self {
        let world = World::resuming();
        std::fs::create_dir(world.dir.path().join("to")).unwrap();
        let wanted = bytes(SIZE);
        world.server.put_object(&world.bucket, "k", &wanted);
        Self { world, wanted }
    }

    async fn off() -> Self {
        Self::by(from_range(2, Fault::expired_token())).await.0
    }

    async fn by(rule: Rule) -> (Self, ErrorKind) {
        let cut = Self::prepared();
        cut.world.server.add_rule(rule);
        let error = cut.get(&GetOptions::default()).await.unwrap_err();
        cut.world.server.clear_rules();
        cut.world.server.clear_log();
        (cut, error.kind())
    }

    fn folder(&self) -> PathBuf {
        self.world.dir.path().join("to")
    }

    async fn get(&self, options: &GetOptions) -> Result<(), Error> {
        self.get_from(&self.world.store, options).await
    }

    async fn get_from(&self, store: &Store, options: &GetOptions) -> Result<(), Error> {
        in_time(store.get_to_file("k", &self.folder().join("file"), options)).await.map(drop)
    }

    /// Gets it again, to the end.
    async fn again(&self) {
        self.get(&GetOptions::default()).await.unwrap();
        self.is_over();
    }

    fn is_over(&self) {
        assert!(std::fs::read(self.folder().join("file")).unwrap() == self.wanted, "the file is torn");
        assert_eq!(names(&self.folder()), BTreeSet::from(["file".to_owned()]));
        assert_eq!(self.notes(), [] as [PathBuf; 0]);
    }

    /// The ranges that were asked for since it was cut off; the whole object begins with the first.
    fn fetched(&self) -> Vec<usize> {
        let log = self.world.server.log();
        let number = |range: &str| -> usize {
            let start = range.strip_prefix("bytes=").unwrap().split('-').next().unwrap();
            start.parse::<usize>().unwrap() / RANGE
        };
        let gets = log.iter().filter(|seen| seen.kind == Kind::GetObject);
        gets.map(|seen| seen.header("range").map_or(0, number)).collect()
    }

    fn notes(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.world.dir.path().join("journal")) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// The one file of the journal.
    fn note(&self) -> PathBuf {
        let [note] = &self.notes()[..] else { panic!("{:?}", self.notes()) };
        note.clone()
    }

    /// The one temporary file.
    fn temporary(&self) -> PathBuf {
        let names: Vec<_> =
            names(&self.folder()).into_iter().filter(|name| name.ends_with(".part")).collect();
        let [name] = &names[..] else { panic!("{names:?}") };
        self.folder().join(name)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_fault_that_may_pass_only_the_rest_is_fetched() {
    use ErrorKind as K;
    let table = [
        (Fault::expired_token(), K::Credentials),
        (Fault::refuse(403, "AccessDenied"), K::PermissionDenied),
        (Fault::internal_error(), K::Unreachable),
        (Fault::Reset, K::Unreachable),
        (Fault::slow_down(None), K::Throttled),
        (Fault::ShortBody { missing: 100 }, K::Incomplete),
        (Fault::ResetMidBody { after: 1000 }, K::Incomplete),
    ];
    let goes_on = |(fault, expected): (Fault, K)| async move {
        let (cut, kind) = Cut::by(from_range(2, fault.clone())).await;
        assert_eq!(kind, expected, "{fault:?}");
        assert!(cut.temporary().exists() && cut.note().exists(), "{fault:?}");
        assert!(!cut.folder().join("file").exists(), "{fault:?}");
        cut.again().await;
        assert_eq!(cut.fetched(), [2, 3], "{fault:?}");
    };
    all_of(table.into_iter().map(goes_on)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_another_fault_nothing_is_left() {
    let table = [
        (Fault::ChangeEtag, ErrorKind::Changed),
        (Fault::ChangeTotal { by: 1000 }, ErrorKind::Changed),
        (Fault::refuse(404, "NoSuchKey"), ErrorKind::NotFound),
        (Fault::IgnoreRange, ErrorKind::Protocol),
    ];
    for (fault, expected) in table {
        let (cut, kind) = Cut::by(from_range(2, fault)).await;
        assert_eq!(kind, expected);
        assert!(names(&cut.folder()).is_empty() && cut.notes().is_empty(), "{expected:?}");
        cut.again().await;
        assert_eq!(cut.fetched(), ALL, "{expected:?}");
    }
}

/// Nothing has come yet: there is nothing to go on with.
#[tokio::test(flavor = "multi_thread")]
async fn what_fails_in_its_first_range_leaves_nothing() {
    let (cut, kind) = Cut::by(from_range(0, Fault::ShortBody { missing: SIZE - 1000 })).await;
    assert_eq!(kind, ErrorKind::Incomplete);
    assert!(names(&cut.folder()).is_empty() && cut.notes().is_empty());
}

/// The server is away when it is run again: what there is waits for another time.
#[tokio::test(flavor = "multi_thread")]
async fn a_fault_before_it_goes_on_loses_nothing() {
    let cut = Cut::off().await;
    cut.world.server.add_rule(Rule::new(Fault::Reset).on(Kind::GetObject));
    assert_eq!(cut.get(&GetOptions::default()).await.unwrap_err().kind(), ErrorKind::Unreachable);
    cut.world.server.clear_rules();
    cut.world.server.clear_log();
    cut.again().await;
    assert_eq!(cut.fetched(), [2, 3]);

    let cut = Cut::off().await;
    cut.world.server.add_rule(Rule::new(Fault::refuse(404, "NoSuchKey")).on(Kind::GetObject));
    assert_eq!(cut.get(&GetOptions::default()).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(names(&cut.folder()).is_empty() && cut.notes().is_empty(), "nobody will go on with it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_that_was_dropped_goes_on() {
    let cut = Cut::prepared();
    cut.world.server.add_rule(from_range(2, Fault::Stall));
    let options = GetOptions::default();
    let getting = cut.get(&options);
    let stalls = async {
        while cut.world.count(Kind::GetObject) < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        done = getting => panic!("it stalls: {done:?}"),
        () = in_time(stalls) => {}
    }
    cut.world.server.clear_rules();
    cut.world.server.clear_log();
    cut.again().await;
    assert_eq!(cut.fetched(), [2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_counts_as_progress() {
    let cut = Cut::off().await;
    let progress = Progress::new();
    cut.get(&GetOptions { progress: Some(progress.clone()), ..GetOptions::default() }).await.unwrap();
    assert_eq!(cut.fetched(), [2, 3]);
    assert_eq!((progress.moved(), progress.expected()), (SIZE as u64, SIZE as u64));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_goes_on_as_a_get_does() {
    let world = World::resuming();
    world.server.put_object(&world.bucket, "p/deep/big", &bytes(SIZE));
    world.server.add_rule(from_range(2, Fault::expired_token()));
    let dir = world.dir.path().join("to");
    let mut quiet = |_| ();
    let options = PullOptions::default();
    assert_eq!(in_time(world.store.pull("p", &dir, &options, &mut quiet)).await.unwrap().failed, 1);
    world.server.clear_rules();
    world.server.clear_log();
    assert_eq!(in_time(world.store.pull("p", &dir, &options, &mut quiet)).await.unwrap().failed, 0);
    assert_eq!(world.count(Kind::GetObject), 2);
    assert!(std::fs::read(dir.join("deep/big")).unwrap() == bytes(SIZE));
    assert_eq!(names(&dir), BTreeSet::from(["deep/".to_owned(), "deep/big".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_another_object_nothing_is_mixed() {
    let other: Vec<u8> = bytes(SIZE).into_iter().rev().collect();
    for replaced in [other.clone(), other[..SIZE - 1].to_vec(), other[..RANGE].to_vec(), Vec::new()] {
        let mut cut = Cut::off().await;
        let old = cut.temporary();
        cut.world.server.put_object(&cut.world.bucket, "k", &replaced);
        cut.wanted = replaced;
        cut.again().await;
        assert!(!old.exists());
    }
}

/// The last moment: all ranges are there, and the file has no name yet.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_whole_is_not_fetched_again() {
    let cut = Cut::off().await;
    let mut text = std::fs::read_to_string(cut.note()).unwrap();
    let temporary = File::options().write(true).open(cut.temporary()).unwrap();
    for index in [2, 3] {
        let (start, end) = (index * RANGE, ((index + 1) * RANGE).min(SIZE));
        temporary.write_all_at(&cut.wanted[start..end], start as u64).unwrap();
        let sum = holdall_s3::ChecksumAlgorithm::Crc64Nvme.compute(&cut.wanted[start..end]).value;
        text += &format!("{{\"start\":{start},\"end\":{end},\"crc64nvme\":\"{sum}\"}}\n");
    }
    std::fs::write(cut.note(), &text).unwrap();
    let (note, whole) = (cut.note(), cut.temporary());
    cut.again().await;
    assert_eq!(cut.fetched(), [] as [usize; 0]);
    assert_eq!(cut.world.count(Kind::HeadObject), 1);

    // It had its name, and the notes were still there: nothing is left to go on with.
    std::fs::write(&note, &text).unwrap();
    assert!(!whole.exists());
    cut.again().await;
    assert_eq!(cut.fetched(), ALL);
}

/// A range that somebody changed, or that a power cut took, is fetched again, whatever the file's times say.
#[tokio::test(flavor = "multi_thread")]
async fn a_range_that_is_not_as_it_was_noted_is_fetched_again() {
    let cut = Cut::off().await;
    let file = File::options().write(true).open(cut.temporary()).unwrap();
    let before = file.metadata().unwrap().modified().unwrap();
    file.write_all_at(&[0; 1], RANGE as u64 + 7).unwrap();
    file.set_modified(before).unwrap();
    cut.again().await;
    assert_eq!(cut.fetched(), [2, 1, 3]);

    let cut = Cut::off().await;
    let file = File::options().write(true).open(cut.temporary()).unwrap();
    file.write_all_at(&vec![0; RANGE], 0).unwrap();
    cut.again().await;
    assert_eq!(cut.fetched(), [2, 0, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_that_was_cut_short_lost_what_was_cut() {
    for (len, lost) in [(RANGE + 1, vec![2, 1, 3]), (0, vec![2, 0, 1, 3])] {
        let cut = Cut::off().await;
        File::options().write(true).open(cut.temporary()).unwrap().set_len(len as u64).unwrap();
        cut.again().await;
        assert_eq!(cut.fetched(), lost, "{len}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_that_is_gone_or_longer_begins_anew() {
    let cut = Cut::off().await;
    std::fs::remove_file(cut.temporary()).unwrap();
    cut.again().await;
    assert_eq!(cut.fetched(), ALL);

    let cut = Cut::off().await;
    File::options().write(true).open(cut.temporary()).unwrap().set_len(SIZE as u64 + 1).unwrap();
    cut.again().await;
    assert_eq!(cut.fetched(), ALL);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_took_the_place_of_the_temporary_is_left_alone() {
    let cut = Cut::off().await;
    let (at, target) = (cut.temporary(), cut.world.file("precious", &bytes(SIZE)));
    std::fs::remove_file(&at).unwrap();
    std::os::unix::fs::symlink(&target, &at).unwrap();
    cut.get(&GetOptions::default()).await.unwrap();
    assert_eq!(cut.fetched(), ALL);
    assert_eq!(std::fs::read_link(&at).unwrap(), target);
    assert!(std::fs::read(&target).unwrap() == bytes(SIZE));
    std::fs::remove_file(&at).unwrap();
    cut.is_over();

    // Another file with the very bytes that were noted: its owner may want it.
    let cut = Cut::off().await;
    let at = cut.temporary();
    let inode = at.metadata().unwrap().ino();
    let aside = cut.world.dir.path().join("aside");
    std::fs::copy(&at, &aside).unwrap();
    std::fs::rename(&aside, &at).unwrap();
    assert_ne!(at.metadata().unwrap().ino(), inode);
    cut.get(&GetOptions::default()).await.unwrap();
    assert_eq!(cut.fetched(), ALL);
    std::fs::remove_file(&at).unwrap();
    cut.is_over();
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_that_are_torn_count_as_far_as_they_are_whole() {
    let torn = |lines: usize, cut: usize, wanted: &'static [usize]| async move {
        let got = Cut::off().await;
        let text = std::fs::read_to_string(got.note()).unwrap();
        let whole: usize = text.lines().take(lines).map(|line| line.len() + 1).sum();
        let mut bytes = text.as_bytes()[..whole].to_vec();
        bytes.extend(&text.as_bytes()[whole..(whole + cut).min(text.len())]);
        std::fs::write(got.note(), &bytes).unwrap();
        let old = got.temporary();
        got.get(&GetOptions::default()).await.unwrap();
        assert_eq!(got.fetched(), wanted, "{lines} lines and {cut} bytes");
        if lines == 0 {
            // Nobody knows of it any more.
            std::fs::remove_file(old).unwrap();
        }
        got.is_over();
    };
    torn(0, 0, &ALL).await;
    torn(0, 40, &ALL).await;
    torn(1, 0, &ALL).await;
    torn(1, 20, &ALL).await;
    torn(2, 0, &[1, 2, 3]).await;
    torn(2, 20, &[1, 2, 3]).await;
    torn(3, 0, &[2, 3]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_part_size_goes_on_with_the_ranges_that_were_begun() {
    let cut = Cut::off().await;
    let larger = cut.world.store_with(|settings| settings.part_size = 7 * MIB as u64);
    cut.get_from(&larger, &GetOptions::default()).await.unwrap();
    cut.is_over();
    assert_eq!(cut.fetched(), [2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_are_both_whole() {
    let cut = Cut::prepared();
    cut.world.server.add_rule(Rule::new(Fault::Delay(Duration::from_millis(50))).on(Kind::GetObject));
    let (other, options) = (cut.world.store_with(|_| ()), GetOptions::default());
    let (one, two) = tokio::join!(cut.get(&options), cut.get_from(&other, &options));
    one.unwrap();
    two.unwrap();
    cut.is_over();
    assert_eq!(cut.fetched().len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_place_for_the_journal_all_is_as_before() {
    let cut = Cut::prepared();
    std::fs::write(cut.world.dir.path().join("journal"), "no folder").unwrap();
    cut.world.server.add_rule(from_range(2, Fault::expired_token()));
    cut.get(&GetOptions::default()).await.unwrap_err();
    assert!(names(&cut.folder()).is_empty());
    cut.world.server.clear_rules();
    cut.get(&GetOptions::default()).await.unwrap();
    assert!(std::fs::read(cut.folder().join("file")).unwrap() == cut.wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn small_objects_ranges_customers_keys_and_local_stores_are_not_noted() {
    let cut = Cut::prepared();
    let journal = cut.world.dir.path().join("journal");
    cut.world.server.put_object(&cut.world.bucket, "small", &bytes(9 * MIB));
    let file = cut.folder().join("file");
    in_time(cut.world.store.get_to_file("small", &file, &GetOptions::default())).await.unwrap();
    let range = Some(Range::Bounded { start: 0, end: 12 * MIB as u64 });
    cut.get(&GetOptions { range, ..GetOptions::default() }).await.unwrap();
    let encryption = Some(Encryption::customer([7; 32]));
    let with_key = GetOptions { encryption, ..GetOptions::default() };
    let refused = cut.get(&with_key).await;
    assert!(!journal.exists(), "{refused:?}");
    let url = format!("file://{}", cut.world.dir.path().join("store").display());
    let local = Store::open(&url, cut.world.store.settings()).unwrap();
    local.put("k", bytes(SIZE)).await.unwrap();
    cut.get_from(&local, &GetOptions::default()).await.unwrap();
    assert!(!journal.exists());
    cut.get(&GetOptions::default()).await.unwrap();
    assert!(journal.exists());
    cut.is_over();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_noted() {
    let cut = Cut::prepared();
    let keys = KeyPair {
        access_key_id: "AKIDCANARY".to_owned(),
        secret_access_key: Secret::new("SECRETCANARY"),
        session_token: Some(Secret::new("TOKENCANARY")),
    };
    let store = cut.world.store_with(|settings| settings.keys = Some(keys));
    cut.world.server.add_rule(from_range(2, Fault::expired_token()));
    cut.get_from(&store, &GetOptions::default()).await.unwrap_err();
    let text = read(&cut.note());
    assert!(text.contains("holdall.download/1") && text.contains("crc64nvme"), "{text}");
    assert!(!text.contains("CANARY"), "{text}");
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
