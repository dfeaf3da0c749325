//! Files that change while they are read: nothing is stored of them.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use holdall_s3::ChecksumAlgorithm;
use holdall_store::{ErrorKind, PutOptions, WriteCondition};
use holdall_testing::fault::{Fault, Kind, Rule};

use crate::support::{MIB, World, bytes, in_time};

const SIZE: usize = 12 * MIB;

fn open(path: &Path) -> File {
    File::options().write(true).open(path).unwrap()
}

const CHANGES: [(&str, fn(&Path)); 4] = [
    ("shrinks", |path| open(path).set_len(100).unwrap()),
    ("shrinks to nothing", |path| open(path).set_len(0).unwrap()),
    ("grows", |path| {
        let mut file = open(path);
        file.seek(SeekFrom::End(0)).unwrap();
        file.write_all(b"more").unwrap();
    }),
    ("is written over", |path| open(path).write_all(b"other bytes of the same number").unwrap()),
];

/// Puts a file and changes it as soon as a request of a kind was seen, which is held back meanwhile.
async fn put_and_change(
    world: &World,
    options: &PutOptions,
    when: impl Fn(&holdall_testing::fault::Seen) -> bool,
    change: fn(&Path),
) -> Result<(), ErrorKind> {
    let path = world.file("source", &bytes(SIZE));
    let changing = async {
        while !world.server.log().iter().any(&when) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        change(&path);
    };
    let putting = in_time(world.store.put_file("k", &path, options));
    let (result, ()) = tokio::join!(putting, in_time(changing));
    result.map(drop).map_err(|error| error.kind())
}

#[tokio::test]
async fn a_file_that_changes_between_parts_is_changed_and_given_back() {
    for (name, change) in CHANGES {
        let world = World::good();
        world
            .server
            .add_rule(Rule::new(Fault::Delay(Duration::from_millis(200))).on(Kind::CreateMultipartUpload));
        let created = |seen: &holdall_testing::fault::Seen| seen.kind == Kind::CreateMultipartUpload;
        let result = put_and_change(&world, &PutOptions::default(), created, change).await;
        assert_eq!(result, Err(ErrorKind::Changed), "{name}");
        assert!(world.keys().is_empty() && world.server.uploads().is_empty(), "{name}");
    }
}

/// A large file under a condition goes as one stream: hashed first, then sent.
#[tokio::test]
async fn a_file_that_changes_between_hashing_and_sending_is_changed() {
    for (name, change) in CHANGES {
        let world = World::good();
        let probe = Rule::new(Fault::Delay(Duration::from_millis(30))).on(Kind::PutObject).key(".holdall/");
        world.server.add_rule(probe);
        let options = PutOptions { condition: WriteCondition::Absent, ..PutOptions::default() };
        let probed = |seen: &holdall_testing::fault::Seen| seen.key.starts_with(".holdall/");
        let result = put_and_change(&world, &options, probed, change).await;
        assert_eq!(result, Err(ErrorKind::Changed), "{name}");
        assert!(world.keys().is_empty(), "{name}");
    }
}

/// What a file is proved by is found before it is sent, whichever it is and however it goes.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_proved_as_the_settings_say() {
    use holdall_s3::PayloadIntegrity as P;
    for integrity in ChecksumAlgorithm::ALL.map(P::Checksum).into_iter().chain([P::Signed]) {
        for condition in [WriteCondition::Always, WriteCondition::Absent] {
            let world = World::good();
            let store = world.store_with(|settings| settings.integrity = integrity);
            let bytes = bytes(SIZE);
            let file = world.file("big", &bytes);
            let options = PutOptions { condition: condition.clone(), ..PutOptions::default() };
            let receipt = in_time(store.put_file("k", &file, &options)).await.unwrap();
            assert!(world.stored("k").unwrap() == bytes, "{integrity:?} {condition:?}");
            let sha256 = matches!(integrity, P::Signed | P::Checksum(ChecksumAlgorithm::Sha256));
            let known = receipt.sha256.is_some() || receipt.composite.is_some();
            assert_eq!(known, sha256, "{integrity:?} {condition:?}: hashed once, by what proves it");
        }
    }
}
