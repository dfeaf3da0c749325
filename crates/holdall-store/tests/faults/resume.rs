//! Uploads that were cut off: gone on with where they are the same, begun anew where not, and never left in between.

use std::path::{Path, PathBuf};
use std::time::Duration;

use holdall_s3::{ChecksumAlgorithm, PayloadIntegrity};
use holdall_store::{
    Encryption, Error, ErrorKind, GcOptions, KeyPair, Progress, PutOptions, Receipt, Secret, Settings,
};
use holdall_testing::fault::{Fault, Kind, Rule};

use crate::support::{MIB, World, all_of, bytes, in_time};

/// Four parts of 5 MiB, the last of them smaller.
const SIZE: usize = 16 * MIB;
const ALL: [u32; 4] = [1, 2, 3, 4];

/// A world in which the put of a file was cut off after two parts.
struct Cut {
    world: World,
    file: PathBuf,
}

impl Cut {
    async fn off() -> Self {
        Self::by(in_part(3, Fault::expired_token())).await.0
    }

    async fn by(rule: Rule) -> (Self, ErrorKind) {
        let world = World::resuming();
        let file = world.file("big", &bytes(SIZE));
        world.server.add_rule(rule);
        let cut = Self { world, file };
        let error = cut.put(&PutOptions::default()).await.unwrap_err();
        cut.world.server.clear_rules();
        cut.world.server.clear_log();
        (cut, error.kind())
    }

    async fn put(&self, options: &PutOptions) -> Result<Receipt, Error> {
        in_time(self.world.store.put_file("k", &self.file, options)).await
    }

    /// Puts it again, to the end.
    async fn again(&self) -> Receipt {
        let receipt = self.put(&PutOptions::default()).await.unwrap();
        self.is_over();
        receipt
    }

    fn is_over(&self) {
        assert!(self.world.stored("k").unwrap() == std::fs::read(&self.file).unwrap());
        assert!(self.world.server.uploads().is_empty(), "{:?}", self.world.server.uploads());
        assert_eq!(self.notes(), [] as [PathBuf; 0]);
    }

    /// The parts that were sent since it was cut off.
    fn sent(&self) -> Vec<u32> {
        let log = self.world.server.log();
        let parts = log.iter().filter(|seen| seen.kind == Kind::UploadPart);
        let number =
            |query: &str| query.split('&').find_map(|pair| pair.strip_prefix("partNumber="))?.parse().ok();
        parts.map(|seen| number(&seen.query).unwrap()).collect()
    }

    fn notes(&self) -> Vec<PathBuf> {
        notes(&self.world)
    }

    /// The one file of the journal.
    fn note(&self) -> PathBuf {
        let [note] = &self.notes()[..] else { panic!("{:?}", self.notes()) };
        note.clone()
    }
}

fn notes(world: &World) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(world.dir.path().join("journal")) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn in_part(number: u32, fault: Fault) -> Rule {
    Rule::new(fault).on(Kind::UploadPart).query(&format!("partNumber={number}&"))
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_are_proved_by_another_checksum_are_known_again_by_it() {
    let world = World::resuming();
    let file = world.file("big", &bytes(SIZE));
    let store = world.store_with(|settings| {
        settings.integrity = PayloadIntegrity::Checksum(ChecksumAlgorithm::Crc64Nvme);
    });
    let options = PutOptions::default();
    let put = || in_time(store.put_file("k", &file, &options));
    world.server.add_rule(in_part(3, Fault::expired_token()));
    put().await.unwrap_err();
    world.server.clear_rules();
    world.server.clear_log();
    let cut = Cut { world, file: file.clone() };
    let receipt = put().await.unwrap();
    assert_eq!((cut.sent(), receipt.composite, receipt.sha256), (vec![3, 4], None, None));
    cut.is_over();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_fault_that_may_pass_only_the_rest_is_sent() {
    use ErrorKind as K;
    let whole = Cut { world: World::resuming(), file: PathBuf::new() };
    let whole = Cut { file: whole.world.file("big", &bytes(SIZE)), ..whole };
    let in_one_go = whole.again().await;
    let table = [
        (Fault::expired_token(), K::Credentials),
        (Fault::refuse(403, "AccessDenied"), K::PermissionDenied),
        (Fault::internal_error(), K::Unreachable),
        (Fault::Reset, K::Unreachable),
        (Fault::slow_down(None), K::Throttled),
    ];
    let goes_on = |(fault, expected): (Fault, K)| {
        let in_one_go = in_one_go.clone();
        async move {
            let (cut, kind) = Cut::by(in_part(3, fault.clone())).await;
            assert_eq!(kind, expected, "{fault:?}");
            assert_eq!((cut.world.server.uploads().len(), cut.notes().len()), (1, 1), "{fault:?}");
            let receipt = cut.again().await;
            assert_eq!(cut.sent(), [3, 4], "{fault:?}");
            assert_eq!(cut.world.count(Kind::CreateMultipartUpload), 0, "{fault:?}");
            let told = |r: &Receipt| (r.size, r.composite.clone(), r.etag.clone(), r.verified);
            assert_eq!(told(&receipt), told(&in_one_go), "{fault:?}");
        }
    };
    all_of(table.into_iter().map(goes_on)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_another_fault_nothing_is_left() {
    let table = [
        (Fault::refuse(400, "XAmzContentSHA256Mismatch"), ErrorKind::Integrity),
        (Fault::missing_etag(), ErrorKind::Protocol),
        (Fault::refuse(400, "InvalidArgument"), ErrorKind::InvalidInput),
    ];
    for (fault, expected) in table {
        let (cut, kind) = Cut::by(in_part(3, fault)).await;
        assert_eq!(kind, expected);
        assert!(cut.world.server.uploads().is_empty() && cut.notes().is_empty(), "{expected:?}");
        cut.again().await;
        assert_eq!(cut.sent(), ALL, "{expected:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_that_was_dropped_goes_on() {
    let world = World::resuming();
    let cut = Cut { file: world.file("big", &bytes(SIZE)), world };
    cut.world.server.add_rule(in_part(3, Fault::Stall));
    let options = PutOptions::default();
    let stalls = async {
        while cut.sent().last() != Some(&3) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        done = cut.put(&options) => panic!("it stalls: {done:?}"),
        () = in_time(stalls) => {}
    }
    cut.world.server.clear_rules();
    cut.world.server.clear_log();
    cut.again().await;
    assert_eq!(cut.sent(), [3, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_before_counts_as_progress() {
    let cut = Cut::off().await;
    let progress = Progress::new();
    cut.put(&PutOptions { progress: Some(progress.clone()), ..PutOptions::default() }).await.unwrap();
    assert_eq!(cut.sent(), [3, 4]);
    assert_eq!((progress.moved(), progress.expected()), (SIZE as u64, SIZE as u64));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_file_begins_anew_and_the_old_upload_goes() {
    let cut = Cut::off().await;
    let mut other = bytes(SIZE);
    other[7] ^= 1;
    std::fs::write(&cut.file, &other).unwrap();
    cut.again().await;
    assert_eq!(cut.sent(), ALL);
    assert_eq!(cut.world.count(Kind::AbortMultipartUpload), 1);
}

/// Bytes that were changed by a map of memory may keep the file's times for a while.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_changed_under_the_same_times_is_sent_again() {
    use std::os::unix::fs::MetadataExt;
    let cut = Cut::off().await;
    let mut other = bytes(SIZE);
    other[6 * MIB] ^= 1;
    std::fs::write(&cut.file, &other).unwrap();
    let now = std::fs::metadata(&cut.file).unwrap();
    let text = std::fs::read_to_string(cut.note()).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    let mut first: serde_json::Value = serde_json::from_str(first).unwrap();
    first["file"]["modified"] = serde_json::json!([now.mtime(), now.mtime_nsec()]);
    first["file"]["changed"] = serde_json::json!([now.ctime(), now.ctime_nsec()]);
    std::fs::write(cut.note(), format!("{first}\n{rest}")).unwrap();
    cut.again().await;
    assert_eq!(cut.sent(), [2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_options_and_parts_begin_anew() {
    let cut = Cut::off().await;
    let mut options = PutOptions::default();
    options.attributes.cache_control = Some("no-store".to_owned());
    cut.put(&options).await.unwrap();
    cut.is_over();
    assert_eq!(cut.sent(), ALL);

    let cut = Cut::off().await;
    let larger = cut.world.store_with(|settings| settings.part_size = 6 * MIB as u64);
    in_time(larger.put_file("k", &cut.file, &PutOptions::default())).await.unwrap();
    cut.is_over();
    assert_eq!(cut.sent(), [1, 2, 3]);
    assert_eq!(cut.world.count(Kind::AbortMultipartUpload), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_none_begins_anew() {
    for text in ["", "\0\0\0\0", "{\"schema\":\"holdall.upload/1\"", "[]\n[]\n"] {
        let cut = Cut::off().await;
        std::fs::write(cut.note(), text).unwrap();
        cut.put(&PutOptions::default()).await.unwrap();
        assert!(cut.world.stored("k").unwrap() == bytes(SIZE), "{text:?}");
        assert_eq!(cut.sent(), ALL, "{text:?}");
        // Nobody knows of the old upload any more but gc.
        assert_eq!((cut.notes().len(), cut.world.server.uploads().len()), (0, 1), "{text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_gone_begins_anew() {
    let now = GcOptions { older_than: Duration::ZERO, dry_run: false };
    // Where no list of parts is given, it is noticed when a part is sent.
    for hidden in [false, true] {
        let cut = Cut::off().await;
        // On another machine, which knows nothing of the journal.
        let other = cut.world.store_with(|settings| settings.journal = None);
        in_time(other.gc(&now, |_| ())).await.unwrap();
        assert!(cut.world.server.uploads().is_empty());
        if hidden {
            cut.world.server.add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::ListParts));
        }
        cut.again().await;
        let wanted: &[u32] = if hidden { &[3, 1, 2, 3, 4] } else { &ALL };
        assert_eq!(cut.sent(), wanted, "hidden: {hidden}");
    }
}

/// s3s-fs has no list of parts, and denies what is asked of an upload that it does not know.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_denies_what_is_gone_keeps_nobody_from_putting() {
    let denied = || Rule::new(Fault::refuse(403, "AccessDenied"));
    let cut = Cut::off().await;
    cut.world.server.add_rule(denied().on(Kind::ListParts));
    cut.world.server.add_rule(denied().on(Kind::UploadPart).once());
    cut.again().await;
    assert_eq!(cut.sent(), [3, 1, 2, 3, 4]);

    let (cut, _) = Cut::by(Rule::new(Fault::expired_token()).on(Kind::Complete)).await;
    let (note, text) = (cut.note(), std::fs::read(cut.note()).unwrap());
    cut.again().await;
    std::fs::write(&note, &text).unwrap();
    cut.world.server.add_rule(denied().on(Kind::ListParts).on(Kind::Complete));
    cut.again().await;
    assert_eq!(cut.sent(), [] as [u32; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_list_of_parts_completion_tells() {
    for fault in
        [Fault::refuse(501, "NotImplemented"), Fault::refuse(403, "AccessDenied"), Fault::garbage_xml()]
    {
        let cut = Cut::off().await;
        cut.world.server.add_rule(Rule::new(fault.clone()).on(Kind::ListParts));
        cut.again().await;
        assert_eq!(cut.sent(), [3, 4], "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_the_server_lost_are_sent_again() {
    let cut = Cut::off().await;
    let nothing = b"<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>".to_vec();
    cut.world.server.add_rule(Rule::new(Fault::ReplaceBody(nothing)).on(Kind::ListParts));
    cut.again().await;
    assert_eq!(cut.sent(), ALL);
    assert_eq!(cut.world.count(Kind::CreateMultipartUpload), 0);

    // One that says so only at the end: all is sent again by the same call, and counts once.
    let cut = Cut::off().await;
    cut.world.server.add_rule(Rule::new(Fault::refuse(400, "InvalidPart")).on(Kind::Complete).once());
    let progress = Progress::new();
    cut.put(&PutOptions { progress: Some(progress.clone()), ..PutOptions::default() }).await.unwrap();
    cut.is_over();
    assert_eq!(cut.sent(), [3, 4, 1, 2, 3, 4]);
    assert_eq!(progress.moved(), SIZE as u64);
}

/// The moment between the completion and the journal's end.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_completed_is_not_sent_again() {
    let (cut, kind) = Cut::by(Rule::new(Fault::expired_token()).on(Kind::Complete)).await;
    assert_eq!(kind, ErrorKind::Credentials);
    let (note, text) = (cut.note(), std::fs::read(cut.note()).unwrap());
    let first = cut.again().await;
    assert_eq!(cut.sent(), [] as [u32; 0]);
    std::fs::write(&note, &text).unwrap();
    let again = cut.again().await;
    assert_eq!(cut.sent(), [] as [u32; 0]);
    assert_eq!((again.etag, again.size, again.composite), (first.etag, first.size, first.composite));

    // Another object took its place: this is a new put.
    std::fs::write(&note, &text).unwrap();
    cut.world.server.put_object(&cut.world.bucket, "k", b"another's");
    cut.again().await;
    assert_eq!(cut.sent(), ALL);

    // Who may not look is not kept from putting.
    std::fs::write(&note, &text).unwrap();
    cut.world.server.clear_log();
    cut.world.server.add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::HeadObject));
    cut.again().await;
    assert_eq!(cut.sent(), ALL);
}

/// What an earlier process asked for takes effect while its parts are listed.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_completed_meanwhile_is_not_sent_again() {
    let (cut, _) = Cut::by(Rule::new(Fault::expired_token()).on(Kind::Complete)).await;
    let (note, text) = (cut.note(), std::fs::read(cut.note()).unwrap());
    let first = cut.again().await;
    for some in ["", "<Part><PartNumber>2</PartNumber><ETag>\"other\"</ETag><Size>1</Size></Part>"] {
        let list = format!("<ListPartsResult><IsTruncated>false</IsTruncated>{some}</ListPartsResult>");
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{list}", list.len());
        cut.world.server.add_rule(Rule::new(Fault::Garbage(answer.into_bytes())).on(Kind::ListParts));
        std::fs::write(&note, &text).unwrap();
        cut.world.server.clear_log();
        let again = cut.again().await;
        assert!(cut.world.count(Kind::Complete) >= 1);
        assert_eq!(cut.world.count(Kind::CreateMultipartUpload), 0);
        assert_eq!((again.etag, again.composite), (first.etag.clone(), first.composite.clone()));
        cut.world.server.clear_rules();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_are_both_whole() {
    let world = World::resuming();
    let cut = Cut { file: world.file("big", &bytes(SIZE)), world };
    cut.world.server.add_rule(Rule::new(Fault::Delay(Duration::from_millis(100))).on(Kind::UploadPart));
    let other = cut.world.store_with(|_| ());
    let options = PutOptions::default();
    let (one, two) = in_time(async {
        tokio::join!(
            cut.world.store.put_file("k", &cut.file, &options),
            other.put_file("k", &cut.file, &options)
        )
    })
    .await;
    assert_eq!(one.unwrap().composite, two.unwrap().composite);
    cut.is_over();
    assert_eq!(cut.world.count(Kind::CreateMultipartUpload), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_place_for_the_journal_all_is_as_before() {
    let cut = Cut { world: World::resuming(), file: PathBuf::new() };
    let cut = Cut { file: cut.world.file("big", &bytes(SIZE)), ..cut };
    std::fs::write(cut.world.dir.path().join("journal"), "no folder").unwrap();
    cut.world.server.add_rule(in_part(3, Fault::expired_token()));
    cut.put(&PutOptions::default()).await.unwrap_err();
    assert!(cut.world.server.uploads().is_empty());
    cut.world.server.clear_rules();
    cut.put(&PutOptions::default()).await.unwrap();
    assert!(cut.world.stored("k").unwrap() == bytes(SIZE));
}

#[tokio::test(flavor = "multi_thread")]
async fn small_files_bytes_and_customers_keys_are_not_noted() {
    let world = World::resuming();
    let folder = world.dir.path().join("journal");
    let (small, big) = (world.file("small", &bytes(4 * MIB)), world.file("big", &bytes(SIZE)));
    in_time(world.store.put_file("small", &small, &PutOptions::default())).await.unwrap();
    in_time(world.store.put("bytes", bytes(SIZE))).await.unwrap();
    let reader = std::io::Cursor::new(bytes(SIZE));
    in_time(world.store.put_reader("stream", reader, None, &PutOptions::default())).await.unwrap();
    let encryption = Some(Encryption::customer([7; 32]));
    let customer = PutOptions { encryption, ..PutOptions::default() };
    in_time(world.store.put_file("customer", &big, &customer)).await.unwrap_err();
    assert!(!folder.exists());
    in_time(world.store.put_file("big", &big, &PutOptions::default())).await.unwrap();
    assert!(folder.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_noted() {
    let world = World::resuming();
    let file = world.file("big", &bytes(SIZE));
    let keys = KeyPair {
        access_key_id: "AKIDCANARY".to_owned(),
        secret_access_key: Secret::new("SECRETCANARY"),
        session_token: Some(Secret::new("TOKENCANARY")),
    };
    let store = world.store_with(|settings: &mut Settings| settings.keys = Some(keys));
    world.server.add_rule(in_part(3, Fault::expired_token()));
    let mut options = PutOptions::default();
    options.attributes.metadata.insert("note".to_owned(), "METACANARY".to_owned());
    in_time(store.put_file("k", &file, &options)).await.unwrap_err();
    let text = read_all(&world.dir.path().join("journal"));
    assert!(text.contains("holdall.upload/1") && text.contains("etag"), "{text}");
    assert!(!text.contains("CANARY"), "{text}");
}

fn read_all(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
}
