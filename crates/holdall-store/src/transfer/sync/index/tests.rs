use super::super::Entry;
use super::super::entry::tests::entry;
use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;

fn place(name: &str) -> Place {
    Place(name.to_owned())
}

fn open_at(folder: &Path) -> (Cursor, Log) {
    open(folder, &place("here"), &Scratch::default()).unwrap().unwrap()
}

fn all(cursor: &mut Cursor) -> Vec<(String, String)> {
    let mut all = Vec::new();
    while let Some(record) = cursor.next().unwrap() {
        if let Some(entry) = record.entry {
            all.push((record.key, entry.etag));
        }
    }
    all
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, etag)| ((*key).to_owned(), (*etag).to_owned())).collect()
}

fn tagged(etag: &str) -> Entry {
    entry(etag, None)
}

/// The only file with this ending.
fn file(folder: &Path, ending: &str) -> PathBuf {
    let mut found = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    found.find(|path| path.extension().is_some_and(|other| other == ending)).unwrap()
}

/// Notes so much that it is worth settling.
fn note_many(log: &Log) {
    for n in 0..1000 {
        log.note(&format!("many/{n:04}"), tagged("m"));
    }
}

#[test]
fn the_last_note_of_a_key_counts_and_keys_come_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (mut cursor, log) = open_at(dir.path());
    assert!(cursor.find("a", |_| panic!()).is_none());
    for (key, etag) in [("b", "1"), ("a/b", "2"), ("a", "3"), ("b", "4"), ("gone", "5"), ("a-", "6")] {
        log.note(key, tagged(etag));
    }
    log.forget("gone");
    drop(log);
    let (mut cursor, log) = open_at(dir.path());
    assert_eq!(all(&mut cursor), pairs(&[("a", "3"), ("a-", "6"), ("a/b", "2"), ("b", "4")]));
    let mut cursor = log.cursor().unwrap();
    let mut passed = Vec::new();
    assert_eq!(cursor.find("a/b", |key| passed.push(key.to_owned())).unwrap().etag, "2");
    assert!(cursor.find("a/c", |_| panic!()).is_none());
    cursor.rest(|key| passed.push(key.to_owned()));
    assert_eq!(passed, ["a", "a-", "b"]);
}

#[test]
fn notes_are_settled_when_there_are_enough() {
    let dir = tempfile::tempdir().unwrap();
    let (_, log) = open_at(dir.path());
    log.note("few", tagged("1"));
    log.settle();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    note_many(&log);
    log.settle();
    let after = fs::metadata(file(dir.path(), "log")).unwrap().len();
    assert!(after < 100, "{after}");
    // What is noted after that is on top of it.
    log.note("few", tagged("2"));
    log.forget("many/0000");
    let mut cursor = log.cursor().unwrap();
    assert_eq!(cursor.find("few", |_| panic!()).unwrap().etag, "2");
    assert!(cursor.find("many/0000", |_| panic!()).is_none());
    assert_eq!(all(&mut cursor).len(), 999);
}

#[test]
fn one_process_has_it_and_another_place_is_another_index() {
    let dir = tempfile::tempdir().unwrap();
    let (_, log) = open_at(dir.path());
    assert!(open(dir.path(), &place("here"), &Scratch::default()).unwrap().is_none());
    log.note("a", tagged("1"));
    drop(log);
    let (mut other, _log) = open(dir.path(), &place("there"), &Scratch::default()).unwrap().unwrap();
    assert_eq!(all(&mut other), []);
    let (mut cursor, log) = open_at(dir.path());
    assert_eq!(all(&mut cursor), pairs(&[("a", "1")]));
    // A file of another place under this one's name counts for nothing.
    note_many(&log);
    log.settle();
    let [settled, noted] = ["index", "log"].map(|ending| fs::read(file(dir.path(), ending)).unwrap());
    drop(log);
    let elsewhere = tempfile::tempdir().unwrap();
    let name = place("there").name();
    fs::write(elsewhere.path().join(format!("{name}.index")), settled).unwrap();
    fs::write(elsewhere.path().join(format!("{name}.log")), noted).unwrap();
    let (mut cursor, _log) = open(elsewhere.path(), &place("there"), &Scratch::default()).unwrap().unwrap();
    assert_eq!(all(&mut cursor), []);
}

#[test]
fn a_torn_log_counts_up_to_where_it_is_whole_and_goes_on_there() {
    let dir = tempfile::tempdir().unwrap();
    let (_, log) = open_at(dir.path());
    log.note("a", tagged("1"));
    log.note("b", tagged("2"));
    drop(log);
    let path = file(dir.path(), "log");
    let whole = fs::read(&path).unwrap();
    for cut in 0..whole.len() {
        let mut torn = whole[..cut].to_vec();
        torn.extend(b"\xff\0 garbage that was never written");
        fs::write(&path, &torn).unwrap();
        let (mut cursor, log) = open_at(dir.path());
        let found = all(&mut cursor);
        assert!(pairs(&[("a", "1"), ("b", "2")]).starts_with(&found), "{cut}: {found:?}");
        assert!(found.len() < 2, "{cut}");
        log.note("c", tagged("3"));
        drop(log);
        let (mut cursor, _log) = open_at(dir.path());
        assert_eq!(all(&mut cursor), [found, pairs(&[("c", "3")])].concat(), "{cut}");
    }
}

#[test]
fn a_byte_that_changed_never_makes_another_entry() {
    let dir = tempfile::tempdir().unwrap();
    let (_, log) = open_at(dir.path());
    note_many(&log);
    log.settle();
    log.note("z", tagged("z"));
    let mut wanted = all(&mut log.cursor().unwrap());
    wanted.sort();
    drop(log);
    for ending in ["index", "log"] {
        let path = file(dir.path(), ending);
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(if ending == "log" { 1 } else { 997 }) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x20;
            fs::write(&path, &damaged).unwrap();
            let found = all(&mut open_at(dir.path()).0);
            assert!(found.len() < wanted.len(), "{ending} {at}");
            assert!(found.iter().all(|pair| wanted.binary_search(pair).is_ok()), "{ending} {at}");
        }
        fs::write(&path, &whole).unwrap();
    }
}

#[test]
fn it_is_its_users_alone_and_follows_no_link() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("state/index");
    let (_, log) = open_at(&folder);
    note_many(&log);
    log.settle();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    let modes = [folder.clone(), file(&folder, "log"), file(&folder, "index")].map(|path| mode(&path));
    assert_eq!(modes, [0o700, 0o600, 0o600]);
    drop(log);
    let target = dir.path().join("target");
    fs::write(&target, "mine").unwrap();
    let log = file(&folder, "log");
    fs::remove_file(&log).unwrap();
    std::os::unix::fs::symlink(&target, &log).unwrap();
    assert!(open(&folder, &place("here"), &Scratch::default()).is_err());
    assert_eq!(fs::read(&target).unwrap(), b"mine");
    fs::remove_file(&log).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o770)).unwrap();
    assert!(open(&folder, &place("here"), &Scratch::default()).is_err(), "others could put entries there");
}

#[test]
fn keys_that_would_not_come_back_are_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let (_, log) = open_at(dir.path());
    for key in ["a\0b", &"k".repeat(20_000)] {
        log.note(key, tagged("1"));
    }
    log.note("after", tagged("2"));
    assert_eq!(all(&mut log.cursor().unwrap()), pairs(&[("after", "2")]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn it_has_what_a_map_has(
        runs in prop::collection::vec(
            (prop::collection::vec(("[a-c/]{1,3}", prop::option::of("[0-9]{1,3}")), 0..20), any::<bool>()),
            1..5,
        ),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut map = BTreeMap::new();
        for (notes, many) in runs {
            let (_, log) = open_at(dir.path());
            for (key, etag) in notes {
                match etag {
                    Some(etag) => {
                        log.note(&key, tagged(&etag));
                        map.insert(key, etag);
                    }
                    None => {
                        log.forget(&key);
                        map.remove(&key);
                    }
                }
            }
            if many {
                note_many(&log);
                (0..1000).for_each(|n| { map.insert(format!("many/{n:04}"), "m".to_owned()); });
                log.settle();
            }
            drop(log);
            let wanted: Vec<_> = map.iter().map(|(key, etag)| (key.clone(), etag.clone())).collect();
            prop_assert_eq!(all(&mut open_at(dir.path()).0), wanted);
        }
    }
}
