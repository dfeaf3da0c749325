//! Names at the edge of what a file system takes.

use crate::Case;
use crate::ground::{Ground, Ran, head_note, keys, kind, listed, noted, read, run, write};
use holdall_store::{CopyOptions, ErrorKind, ListOptions, Prefix, Store};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

pub(crate) const CASES: &[Case] = &[
    ("naming::names_and_keys_of_all_lengths", lengths),
    ("naming::bytes_that_are_odd_in_names", odd_bytes),
    ("naming::no_key_holds_nul", nul),
    ("naming::names_that_are_no_text_are_failures_of_the_listing", no_text),
    ("naming::paths_longer_than_a_key_are_failures_of_the_listing", too_long_for_a_key),
    ("naming::a_file_and_a_folder_of_one_name_in_every_order", file_and_folder),
    ("naming::empty_folders_are_pruned_and_others_stay", pruning),
    ("naming::empty_folders_make_room_for_a_file_of_their_name", making_room),
];

/// Stores, reads, lists, copies and deletes some keys that are there at the same time.
async fn keep_all(store: &Store, names: &[String]) {
    for (n, key) in names.iter().enumerate() {
        store.put_with(key, format!("bytes of {n}"), &noted(&n.to_string())).await.unwrap();
    }
    for (n, key) in names.iter().enumerate() {
        assert_eq!(read(store, key).await.unwrap(), format!("bytes of {n}").as_bytes(), "{key:?}");
        assert_eq!(head_note(store, key).await, Some(n.to_string()), "{key:?}");
        store.copy(key, key, &copied(n)).await.unwrap();
        assert_eq!(head_note(store, key).await, Some(format!("copied {n}")), "{key:?}");
    }
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    assert_eq!(keys(store, "").await, sorted);
    for key in names.iter().step_by(5) {
        let options = ListOptions { start_after: Some(key.clone()), ..ListOptions::default() };
        let after = store.list_with(options).unwrap().collect().await.unwrap();
        let wanted = sorted.iter().filter(|other| *other > key).count();
        assert_eq!(after.objects.len(), wanted, "after {key:?}");
        assert_eq!(keys(store, key).await.first(), Some(key), "{key:?} as a prefix");
    }
    for (n, key) in names.iter().enumerate() {
        store.delete(key).await.unwrap();
        assert_eq!(kind(&store.head(key).await), Some(ErrorKind::NotFound), "{key:?}");
        if n % 10 == 0 {
            assert_eq!(keys(store, "").await.len(), names.len() - n - 1, "{key:?}");
        }
    }
}

fn copied(n: usize) -> CopyOptions {
    let attributes = noted(&format!("copied {n}")).attributes;
    CopyOptions { attributes: Some(attributes), ..CopyOptions::default() }
}

fn demand_empty(ground: &Ground) {
    let left: Vec<_> = std::fs::read_dir(ground.root()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, [".holdall"]);
}

fn lengths() -> Ran {
    let ground = Ground::new();
    let n = |name: &str, times: usize| name.repeat(times);
    let names = vec![
        n("n", 255),
        n("n", 256),
        n("n", 254),
        n("n", 1024),
        n("n", 1023) + "/",
        n("é", 127),
        n("é", 128),
        n("é", 512),
        n("💼", 63),
        n("💼", 64),
        n("💼", 256),
        n("d/", 511) + "ff",
        n("d/", 512),
        n("/", 1024),
        n("\u{1}/", 511) + "\u{1}",
        n("%", 1024),
        n(".", 1024),
        n("./", 512),
        n("../", 341),
        format!("{}/{}/{}/x", n("a", 255), n("b", 255), n("c", 255)),
        format!("{}/{}/{}/{}", n("a", 255), n("b", 255), n("c", 255), n("x", 256)),
        format!("{}/x", n("n", 256)),
        format!("{}/x", n("n", 255)),
        n("c", 79),
        n("c", 80),
        n("c", 81),
        n("c", 256) + "/" + &n("c", 80),
    ];
    run(async {
        let store = ground.store();
        keep_all(&store, &names).await;
        for key in [n("n", 1025), n("é", 513)] {
            assert_eq!(kind(&store.put(&key, "x").await), Some(ErrorKind::InvalidInput));
        }
    });
    demand_empty(&ground);
    Ok(())
}

fn odd_bytes() -> Ran {
    let ground = Ground::new();
    run(keep_odd_names(&ground.store()));
    demand_empty(&ground);
    Ok(())
}

/// Keeps keys that some file system takes for others, or does not take.
pub(crate) async fn keep_odd_names(store: &Store) {
    let mut names: Vec<String> = (1_u8..128).map(|byte| format!("n{}m", char::from(byte))).collect();
    let rest = [
        "\n",
        "a\nb",
        "\r\n",
        " ",
        "  lead",
        "trail ",
        "\t",
        "a\\b",
        "~",
        "-rf",
        "é",
        "e\u{301}",
        "\u{feff}",
        "\u{202e}gpj",
        "\u{10ffff}",
        "a\u{85}b",
        "%2F",
        "%",
        "%%2F",
        "con",
        "a:b",
        "a*?",
        "\"",
        "'",
        "$HOME",
        "fa",
        "da/fb",
        "caa",
        "a//b",
        "/a",
        "a/",
        "//",
        "a///",
        ".x",
        "..x",
        "x.",
        "x..",
        ".x/..y",
    ];
    names.extend(rest.map(str::to_owned));
    keep_all(store, &names).await;
}

/// Keeps keys that differ in the case of their letters alone, in every part of a path.
pub(crate) async fn keep_both_cases(store: &Store) {
    let names = ["a", "A", "dir/x", "dir/X", "Dir/x", "DIR/X", "\u{e9}", "\u{c9}", "o//x", "O//x", "O//X"];
    keep_all(store, &names.map(str::to_owned)).await;
}

fn nul() -> Ran {
    let ground = Ground::new();
    ground.write("a", "not to be found by its beginning");
    run(async {
        let store = ground.store();
        let refused = Some(ErrorKind::InvalidInput);
        for key in ["\0", "a\0", "a\0b", "a/\0/b", "a//\0"] {
            assert_eq!(kind(&store.put(key, "x").await), refused, "{key:?}");
            assert_eq!(kind(&store.get(key).await), refused, "{key:?}");
            assert_eq!(kind(&store.delete(key).await), refused, "{key:?}");
            assert_eq!(kind(&store.copy("a", key, &CopyOptions::default()).await), refused, "{key:?}");
            assert!(store.list(key).is_err(), "{key:?}");
        }
        for (start_after, found) in [("\0", 1), ("a\0", 0), ("a", 0), ("Z\0", 1)] {
            let options = ListOptions { start_after: Some(start_after.to_owned()), ..ListOptions::default() };
            let page = store.list_with(options).unwrap().collect().await.unwrap();
            assert_eq!(page.objects.len(), found, "{start_after:?}");
        }
    });
    Ok(())
}

fn no_text() -> Ran {
    let ground = Ground::new();
    for name in [&b"d/bad\xff.txt"[..], b"d/\xc3\x28", b"broken\xfe/inner", b"e/broken\xfe/deep/inner"] {
        crate::ground::write(&ground.root().join(OsStr::from_bytes(name)), b"x");
    }
    for name in ["d/a", "d/z", "e/good", "z"] {
        ground.write(name, "good");
    }
    run(async {
        let store = ground.store();
        let invalid = ErrorKind::InvalidInput;
        let (objects, failures) = listed(&store, "").await;
        let names: Vec<_> = objects.iter().map(|o| o.key.as_str()).collect();
        assert_eq!(names, ["d/a", "d/z", "e/good", "z"]);
        assert_eq!(failures, [invalid; 4]);
        assert_eq!(listed(&store, "d/").await.1, [invalid; 2]);
        assert_eq!(listed(&store, "z").await.1, []);
        assert_eq!(kind(&store.stats("").await), Some(invalid), "a sum that leaves things out is none");
        for page_size in [1, 2, 3] {
            demand_whole_pages(&store, page_size).await;
        }
        let folded = ListOptions { delimiter: Some("/".into()), ..ListOptions::default() };
        let mut list = store.list_with(folded).unwrap();
        let page = list.next_page().await.unwrap().unwrap();
        assert_eq!((page.prefixes, page.failures.len()), (vec!["d/".to_owned(), "e/".to_owned()], 1));
        // A put beside them and below them is like any other.
        store.put("d/bad\u{fffd}.txt", "mine").await.unwrap();
        assert_eq!(read(&store, "d/bad\u{fffd}.txt").await.unwrap(), b"mine");
        for key in ["d/a", "d/z", "d/bad\u{fffd}.txt"] {
            store.delete(key).await.unwrap();
        }
    });
    assert!(ground.root().join(OsStr::from_bytes(b"d/bad\xff.txt")).exists(), "it is not ours to remove");
    Ok(())
}

async fn demand_whole_pages(store: &Store, page_size: u32) {
    let options = ListOptions { page_size: Some(page_size), ..ListOptions::default() };
    let mut list = store.list_with(options).unwrap();
    let (mut objects, mut failures) = (0, 0);
    while let Some(answer) = list.next().await {
        match answer {
            Ok(_) => objects += 1,
            Err(error) if error.kind() == ErrorKind::InvalidInput => failures += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!((objects, failures), (4, 4), "pages of {page_size}");
}

fn too_long_for_a_key() -> Ran {
    let ground = Ground::new();
    let deep = format!("{}/file", vec!["d".repeat(200); 6].join("/"));
    ground.write(&deep, "x");
    ground.write("short", "x");
    run(async {
        let store = ground.store();
        let (objects, failures) = listed(&store, "").await;
        assert_eq!((objects.len(), failures), (1, vec![ErrorKind::InvalidInput]));
        assert_eq!(kind(&store.get(&deep).await), Some(ErrorKind::InvalidInput));
    });
    Ok(())
}

fn file_and_folder() -> Ran {
    let order = [["a", "a/b", "a/b/c"], ["a/b/c", "a/b", "a"], ["a/b", "a", "a/b/c"], ["a/b/c", "a", "a/b"]];
    for put in order {
        for delete in order {
            let ground = Ground::new();
            run(async {
                let store = ground.store();
                for key in put {
                    store.put_with(key, key, &noted(key)).await.unwrap();
                }
                assert_eq!(keys(&store, "").await, ["a", "a/b", "a/b/c"]);
                for (n, key) in delete.iter().enumerate() {
                    store.delete(key).await.unwrap();
                    for left in &delete[n + 1..] {
                        assert_eq!(read(&store, left).await.unwrap(), left.as_bytes());
                        store.put_with(left, *left, &noted(left)).await.unwrap();
                        assert_eq!(head_note(&store, left).await.as_deref(), Some(*left));
                    }
                    assert_eq!(keys(&store, "").await.len(), 2 - n, "{put:?} {delete:?} {key}");
                }
            });
            demand_empty(&ground);
        }
    }
    Ok(())
}

fn pruning() -> Ran {
    let ground = Ground::new();
    std::fs::create_dir_all(ground.path("kept/empty")).unwrap();
    std::fs::create_dir_all(ground.path("a/b/other")).unwrap();
    run(async {
        let store = ground.store();
        store.put("a/b/c/d/e", "x").await.unwrap();
        store.put("top", "x").await.unwrap();
        store.delete("a/b/c/d/e").await.unwrap();
        assert!(ground.path("a/b/other").is_dir(), "somebody else's folder");
        assert!(!ground.path("a/b/c").exists());
        store.delete("top").await.unwrap();
        assert!(ground.root().is_dir() && ground.path("kept/empty").is_dir());
        let folded = ListOptions { delimiter: Some("/".into()), prefix: Prefix::default(), ..<_>::default() };
        let page = store.list_with(folded).unwrap().collect().await.unwrap();
        assert_eq!(page.prefixes, Vec::<String>::new(), "a folder with nothing in it is no prefix");
    });
    Ok(())
}

/// As a deep put leaves them that was cut off before it had a file.
fn making_room() -> Ran {
    let ground = Ground::new();
    std::fs::create_dir_all(ground.path("cut/off/early")).unwrap();
    std::fs::create_dir_all(ground.path("full/empty")).unwrap();
    std::fs::create_dir_all(ground.path("full/of")).unwrap();
    write(&ground.path("full/of/file"), b"mine");
    std::fs::create_dir_all(ground.path("linked")).unwrap();
    std::os::unix::fs::symlink(ground.path("full"), ground.path("linked/link")).unwrap();
    run(async {
        let store = ground.store();
        for key in ["cut", "full", "linked"] {
            store.put(key, "x").await.unwrap();
            assert_eq!(read(&store, key).await.unwrap(), b"x", "{key}");
            assert_eq!(ground.path(key).is_file(), key == "cut", "{key}");
        }
        assert!(ground.path("full/of/file").is_file() && ground.path("linked/link").is_symlink());
        assert_eq!(keys(&store, "").await, ["cut", "full", "full/of/file", "linked"]);
    });
    Ok(())
}
