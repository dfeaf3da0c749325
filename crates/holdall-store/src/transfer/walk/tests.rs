use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fs;

/// Bounds under which nearly every folder goes through temporary files.
const TINY: Bounds = Bounds { all: 100, one: 30 };

fn files(dir: &Path, manner: Manner, bounds: Bounds) -> Vec<String> {
    let file = |entry| match entry {
        Entry::File { relative, .. } => Some(relative),
        Entry::Folder { .. } => None,
        other => panic!("{other:?}"),
    };
    Walk::bounded(dir, manner, bounds).unwrap().filter_map(file).collect()
}

fn write(dir: &Path, name: &str) -> bool {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).is_ok() && fs::write(path, name).is_ok()
}

#[test]
fn files_come_in_the_order_of_their_keys() {
    let dir = tempfile::tempdir().unwrap();
    let names = [
        "a!", "a-", "a-b", "a.b", "a/!", "a/b", "a/b c/d", "a/b!", "a/c/d", "a/\n", "a0", "ab", "z\nz", "é",
        "e\u{301}", "日本", "~", "\u{1}", "A",
    ];
    for name in names {
        assert!(write(dir.path(), name), "{name:?}");
    }
    let mut wanted = names.to_vec();
    wanted.sort_unstable();
    for bounds in [BOUNDS, TINY] {
        assert_eq!(files(dir.path(), Manner::default(), bounds), wanted);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_tree_comes_in_order(
        names in prop::collection::btree_set("[ab./é\n-]{1,3}(/[ab!0]{1,2}){0,3}", 1..40),
        all in 0_usize..400,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let is_path = |name: &&String| name.split('/').all(|part| !matches!(part, "" | "." | ".."));
        let written: BTreeSet<&String> =
            names.iter().filter(is_path).filter(|name| write(dir.path(), name)).collect();
        let wanted: Vec<&str> = written.iter().map(|name| name.as_str()).collect();
        prop_assert_eq!(files(dir.path(), Manner::default(), Bounds { all, one: all / 4 }), wanted);
    }
}

#[test]
fn a_file_is_as_it_is_when_it_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "file");
    let walked = Walk::new(dir.path(), Manner::default()).unwrap().next();
    let opened = crate::transfer::source::Opened::open(&dir.path().join("file"), false).unwrap();
    let Some(Entry::File { identity, .. }) = walked else { panic!("{walked:?}") };
    assert_eq!(identity, opened.identity());
}

#[test]
fn what_is_no_file_is_accounted_for() {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, path(name)).unwrap();
    write(dir.path(), "sub/file");
    link("..", "sub/up");
    link("nowhere", "broken");
    link("sub/file", "link");
    fs::write(dir.path().join(std::ffi::OsStr::from_bytes(b"\xff")), "").unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, path("fifo"), FileType::Fifo, 0o600.into(), 0).unwrap();
    fs::create_dir_all(path(".holdall/locks")).unwrap();
    let said = |follow| {
        let manner = Manner { follow, ..Manner::default() };
        let entries = Walk::new(dir.path(), manner).unwrap().map(|entry| match entry {
            Entry::File { relative, .. } | Entry::Folder { relative } => relative,
            Entry::Skipped { relative, reason } => format!("{relative}: {reason}"),
            Entry::Failed { path, error } => {
                let name = path.strip_prefix(dir.path()).unwrap().to_string_lossy().into_owned();
                format!("{name} failed: {}", error.message())
            }
        });
        entries.collect::<Vec<_>>()
    };
    let left_out = "fifo: neither a file nor a folder";
    let [own, odd] =
        [".holdall: holdall's own", "\u{fffd} failed: the file's name is not UTF-8 and cannot be a key"];
    let links = ["broken: symbolic link", left_out, "link: symbolic link", "sub/", "sub/file"];
    assert_eq!(said(false), [&[own][..], &links, &["sub/up: symbolic link", odd]].concat());
    let followed = ["broken failed: the symbolic link leads nowhere", left_out, "link", "sub/", "sub/file"];
    assert_eq!(
        said(true),
        [&[own][..], &followed, &["sub/up failed: the folder cannot be read", odd]].concat()
    );
}

#[test]
fn a_folder_that_goes_while_it_is_walked_is_said() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a/1", "b/1", "c/1", "d"] {
        write(dir.path(), name);
    }
    let mut walk = Walk::new(dir.path(), Manner::default()).unwrap();
    assert!(matches!(walk.next(), Some(Entry::Folder { relative }) if relative == "a/"));
    for name in ["a", "b"] {
        fs::remove_dir_all(dir.path().join(name)).unwrap();
    }
    fs::remove_file(dir.path().join("d")).unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    let rest: Vec<Entry> = walk.collect();
    let failed = |entry: &&Entry| matches!(entry, Entry::Failed { .. });
    assert_eq!(rest.iter().filter(failed).count(), 3, "a/1 and b went, d is a folder now: {rest:?}");
    let file = |entry: &Entry| matches!(entry, Entry::File { relative, .. } if relative == "c/1");
    assert!(rest.iter().any(file), "{rest:?}");
}

#[test]
fn the_filter_is_asked_before_a_file_is_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.txt", "b.bin", "sub/c.txt"] {
        write(dir.path(), name);
    }
    let filter = Filter::new(&["*.txt"], &[]).unwrap();
    assert_eq!(files(dir.path(), Manner { filter, ..Manner::default() }, BOUNDS), ["a.txt", "sub/c.txt"]);
}
