//! `.holdall/` is nobody's: no call reads or writes it as objects, whatever it is made of.

use crate::Case;
use crate::ground::{Ground, Ran, keys, kind, read, run};
use crate::snapshot::Snapshot;
use holdall_store::transfer::{PullOptions, PushOptions};
use holdall_store::{CopyOptions, ErrorKind, Key, ListOptions, Prefix, Store};
use rustix::fs::{CWD, FileType, Mode};
use std::os::unix::fs::symlink;

pub(crate) const CASES: &[Case] = &[
    ("reserved::no_call_takes_a_key_in_it", no_call_takes_it),
    ("reserved::no_listing_shows_it", no_listing_shows_it),
    ("reserved::in_the_middle_and_in_capitals_it_is_a_name", names_like_it),
    ("reserved::a_push_and_a_pull_leave_it", push_and_pull),
    ("reserved::it_is_something_else", something_else),
    ("reserved::a_part_of_it_is_something_else", part_is_something_else),
    ("reserved::of_another_version", another_version),
];

/// A store in which `.holdall/` has all there can be in it.
async fn filled(ground: &Ground) -> Store {
    let store = ground.store();
    store.put("plain", "p").await.unwrap();
    store.put("a//b", "o").await.unwrap();
    store.put_with("heavy", "h", &crate::ground::heavy("n")).await.unwrap();
    store
}

fn no_call_takes_it() -> Ran {
    let ground = Ground::new();
    run(async {
        let store = filled(&ground).await;
        let before = Snapshot::of(&ground.path(".holdall"));
        let refused = Some(ErrorKind::InvalidInput);
        for key in [".holdall", ".holdall/", ".holdall/format", ".holdall/odd/da/d/fb", ".holdall//x"] {
            let copy = CopyOptions::default();
            assert_eq!(kind(&store.put(key, "x").await), refused, "{key}");
            assert_eq!(kind(&store.get(key).await), refused, "{key}");
            assert_eq!(kind(&store.head(key).await), refused, "{key}");
            assert_eq!(kind(&store.exists(key).await), refused, "{key}");
            assert_eq!(kind(&store.delete(key).await), refused, "{key}");
            assert_eq!(kind(&store.copy(key, "to", &copy).await), refused, "{key}");
            assert_eq!(kind(&store.copy("plain", key, &copy).await), refused, "{key}");
            assert_eq!(
                kind(&store.put_file(key, &ground.outside().join("x"), &<_>::default()).await),
                refused
            );
            assert_eq!(kind(&store.stats(key).await), refused, "{key}");
            assert!(Key::parse(key).is_err() && Prefix::parse(key).is_err(), "{key}");
        }
        before.demand_same(&Snapshot::of(&ground.path(".holdall")), "after all calls");
    });
    Ok(())
}

fn no_listing_shows_it() -> Ran {
    let ground = Ground::new();
    run(async {
        let store = filled(&ground).await;
        let starts = [None, Some(".holdall"), Some(".holdall/odd/"), Some(".h"), Some(".holdall/zzz")];
        for start in starts {
            for (prefix, delimiter) in
                [("", None), ("", Some("/")), (".", None), (".hold", Some("a")), (".h", Some("/"))]
            {
                let options = ListOptions {
                    prefix: Prefix::parse(prefix).unwrap(),
                    delimiter: delimiter.map(str::to_owned),
                    start_after: start.map(str::to_owned),
                    page_size: Some(1),
                    keys_only: false,
                };
                let page = store.list_with(options).unwrap().collect().await.unwrap();
                let shown = page.objects.iter().map(|o| o.key.to_string()).chain(page.prefixes);
                let shown: Vec<_> = shown.filter(|name| name.starts_with('.')).collect();
                assert_eq!(shown, Vec::<String>::new(), "{prefix:?} {delimiter:?} {start:?}");
            }
        }
        assert_eq!(keys(&store, "").await, ["a//b", "heavy", "plain"]);
        let stats = store.stats("").await.unwrap();
        assert_eq!((stats.objects, stats.bytes), (3, 3));
    });
    Ok(())
}

fn names_like_it() -> Ran {
    let ground = Ground::new();
    run(async {
        let store = filled(&ground).await;
        // A store of somebody's within this one.
        ground.write("a/.holdall/b", "not yours");
        ground.write(".HOLDALL/x", "not yours");
        let before = [Snapshot::of(&ground.path("a/.holdall")), Snapshot::of(&ground.path(".HOLDALL"))];
        let names = [
            "a/.holdall/b",
            "a/.holdall",
            "x/.holdall/",
            ".HOLDALL",
            ".HOLDALL/x",
            ".HoldAll/f",
            ".holdallx",
        ];
        for key in names {
            assert_eq!(kind(&store.get(key).await), Some(ErrorKind::NotFound), "{key}");
            store.put(key, key).await.unwrap();
        }
        for key in names {
            assert_eq!(read(&store, key).await.unwrap(), key.as_bytes());
        }
        let mut wanted: Vec<_> = names.into_iter().chain(["a//b", "heavy", "plain"]).collect();
        wanted.sort_unstable();
        assert_eq!(keys(&store, "").await, wanted);
        assert_eq!(keys(&store, "a/.holdall/").await, ["a/.holdall/b"]);
        for key in names {
            store.delete(key).await.unwrap();
        }
        let after = [Snapshot::of(&ground.path("a/.holdall")), Snapshot::of(&ground.path(".HOLDALL"))];
        before.iter().zip(&after).for_each(|(before, after)| before.demand_same(after, "others' .holdall"));
        assert_eq!(keys(&store, "").await, ["a//b", "heavy", "plain"]);
    });
    Ok(())
}

fn push_and_pull() -> Ran {
    let ground = Ground::new();
    let from = tempfile::tempdir().unwrap();
    for name in [".holdall/format", ".holdall/lock/00", "good", "sub/.holdall/x"] {
        crate::ground::write(&from.path().join(name), b"pushed");
    }
    run(async {
        let store = filled(&ground).await;
        let pushed = store.push(from.path(), "", &PushOptions::default(), &mut |_| {}).await.unwrap();
        assert_eq!((pushed.done, pushed.skipped, pushed.failed), (2, 1, 0), "what is kept for a store stays");
        let format = std::fs::read_to_string(ground.path(".holdall/format")).unwrap();
        assert_eq!(format, "holdall.folder/1\n");
        assert_eq!(read(&store, "sub/.holdall/x").await.unwrap(), b"pushed");
        let below = store.push(from.path(), "p", &PushOptions::default(), &mut |_| {}).await.unwrap();
        assert_eq!((below.done, below.skipped, below.failed), (2, 1, 0));
        let to = tempfile::tempdir().unwrap();
        let pulled = store.pull("p", to.path(), &PullOptions::default(), &mut |_| {}).await.unwrap();
        assert_eq!((pulled.done, pulled.failed), (2, 0));
    });
    Ok(())
}

/// Reads still find what others put there, and a write either works or says what is the matter.
async fn use_beside(ground: &Ground, what: &str) {
    let before = ground.seen_outside();
    let store = ground.store();
    assert_eq!(keys(&store, "f").await, ["foreign"], "{what}");
    assert_eq!(read(&store, "foreign").await.unwrap(), b"f", "{what}");
    for key in ["new", "foreign", "a//b"] {
        let answer = store.put_with(key, "written", &crate::ground::heavy("n")).await;
        match &answer {
            Ok(_) => assert_eq!(read(&store, key).await.unwrap(), b"written", "{what} {key}"),
            Err(error) => assert!(!error.message().is_empty(), "{what} {key}"),
        }
        if key == "foreign" && answer.is_err() {
            assert_eq!(read(&store, key).await.unwrap(), b"f", "{what}");
        }
    }
    drop(store.delete("new").await);
    drop(store.delete("a//b").await);
    ground.demand_untouched(&before, what);
}

fn something_else() -> Ran {
    for what in ["link out", "link to nowhere", "file", "fifo", "socket", "link to itself"] {
        let ground = Ground::new();
        ground.write("foreign", "f");
        let own = ground.path(".holdall");
        match what {
            "link out" => symlink(ground.outside(), &own).unwrap(),
            "link to nowhere" => symlink("nowhere", &own).unwrap(),
            "link to itself" => symlink(".holdall", &own).unwrap(),
            "file" => std::fs::write(&own, "a file").unwrap(),
            "fifo" => rustix::fs::mknodat(CWD, &own, FileType::Fifo, Mode::from(0o666), 0).unwrap(),
            _ => drop(std::os::unix::net::UnixListener::bind(&own).unwrap()),
        }
        run(use_beside(&ground, what));
        let store = ground.store();
        let refused = run(store.put("never", "x"));
        assert!(refused.is_err(), "{what}: a store without its own folder cannot keep what it promises");
    }
    Ok(())
}

fn part_is_something_else() -> Ran {
    for part in ["lock", "tmp", "odd", "meta", "format", "odd/da", "lock/af"] {
        for what in ["link", "file", "fifo"] {
            let ground = Ground::new();
            for name in ["lock", "tmp", "odd/da/d", "meta"] {
                std::fs::create_dir_all(ground.outside().join(name)).unwrap();
            }
            ground.write("foreign", "f");
            let path = ground.path(&format!(".holdall/{part}"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            match what {
                "link" => symlink(ground.outside().join(part), &path).unwrap(),
                "file" if part == "format" => std::fs::write(&path, "holdall.folder/1\n").unwrap(),
                "fifo" if part == "format" => continue,
                "file" => std::fs::write(&path, "a file").unwrap(),
                _ => rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::from(0o666), 0).unwrap(),
            }
            run(use_beside(&ground, &format!("{part} is a {what}")));
        }
    }
    Ok(())
}

fn another_version() -> Ran {
    for format in ["holdall.folder/2\n", "", "garbage\0\u{ff}", "holdall.folder/1"] {
        let ground = Ground::new();
        ground.write("foreign", "f");
        ground.write(".holdall/format", format);
        let before = Snapshot::of(&ground.root());
        let store = ground.store();
        let refused = Some(ErrorKind::Unsupported);
        run(async {
            assert_eq!(kind(&store.get("foreign").await), refused, "{format:?}");
            assert_eq!(kind(&store.put("foreign", "x").await), refused, "{format:?}");
            assert_eq!(kind(&store.put("a//b", "x").await), refused, "{format:?}");
            assert_eq!(kind(&store.delete("foreign").await), refused, "{format:?}");
            assert_eq!(kind(&store.list("").unwrap().collect().await), refused, "{format:?}");
            assert_eq!(kind(&store.health().await), refused, "{format:?}");
        });
        before.demand_same(&Snapshot::of(&ground.root()), "a store of another version");
    }
    Ok(())
}
