//! Stores that are copied, moved, and within one another.

use crate::Case;
use crate::ground::{Ground, Ran, etag, head_note, heavy, keys, kind, noted, open, read, run};
use crate::snapshot::Snapshot;
use holdall_store::{ErrorKind, Fsync, PutOptions, WriteCondition};
use std::path::Path;
use std::process::Command;

pub(crate) const CASES: &[Case] = &[
    ("neighbours::what_is_kept_travels_with_the_file", travels),
    ("neighbours::a_store_within_a_store", nested),
    ("neighbours::a_store_around_a_store", around),
    ("neighbours::a_store_that_is_moved_and_made_anew", moved),
];

fn cp(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

fn travels() -> Ran {
    let (ground, other) = (Ground::new(), Ground::new());
    run(async {
        let (store, copied) = (ground.store(), other.store());
        store.put_with("a/f", "bytes", &noted("mine")).await.unwrap();
        let before = store.head("a/f").await.unwrap();
        cp(&ground.path("a/f"), &other.path("g"));
        let there = copied.head("g").await.unwrap();
        assert_eq!((there.attributes, there.sha256), (before.attributes.clone(), before.sha256));
        cp(&ground.path("a"), &other.path("whole"));
        assert_eq!(head_note(&copied, "whole/f").await.as_deref(), Some("mine"));
        std::fs::create_dir(ground.path("b")).unwrap();
        std::fs::rename(ground.path("a/f"), ground.path("b/moved")).unwrap();
        let moved = store.head("b/moved").await.unwrap();
        assert_eq!((moved.attributes, moved.etag), (before.attributes, before.etag));
        assert_eq!(kind(&store.head("a/f").await), Some(ErrorKind::NotFound));
        std::fs::hard_link(ground.path("b/moved"), ground.path("b/linked")).unwrap();
        assert_eq!(head_note(&store, "b/linked").await.as_deref(), Some("mine"));
        store.put_with("b/linked", "other", &noted("other")).await.unwrap();
        assert_eq!(head_note(&store, "b/moved").await.as_deref(), Some("mine"));
        store.delete("b/linked").await.unwrap();
        assert_eq!(read(&store, "b/moved").await.unwrap(), b"bytes");
        // A whole store, with what is under `.holdall/`.
        store.put_with("heavy", "h", &heavy("kept")).await.unwrap();
        store.put_with("a//b", "odd", &noted("odd")).await.unwrap();
        cp(&ground.root(), &other.path("all"));
        let all = open(&other.path("all"), Fsync::Data);
        assert_eq!(keys(&all, "").await, keys(&store, "").await);
        for (key, wanted) in [("heavy", "kept"), ("a//b", "odd"), ("b/moved", "mine")] {
            assert_eq!(head_note(&all, key).await.as_deref(), Some(wanted), "{key}");
        }
    });
    Ok(())
}

fn nested() -> Ran {
    let ground = Ground::new();
    run(async {
        let (outer, inner) = (ground.store(), open(&ground.path("sub/inner"), Fsync::None));
        for key in ["f", "d/g", "a//b", "../climb"] {
            inner.put_with(key, key, &noted("inner")).await.unwrap();
        }
        inner.put_with("heavy", "heavy", &heavy("inner")).await.unwrap();
        outer.put_with("sub/inner/from-outside", "x", &noted("outer")).await.unwrap();
        let below = ["sub/inner/d/g", "sub/inner/f", "sub/inner/from-outside", "sub/inner/heavy"];
        assert_eq!(keys(&outer, "").await, below, "odd keys of the inner store are its own");
        assert_eq!(keys(&inner, "").await, ["../climb", "a//b", "d/g", "f", "from-outside", "heavy"]);
        assert_eq!(head_note(&outer, "sub/inner/f").await.as_deref(), Some("inner"));
        assert_eq!(head_note(&inner, "from-outside").await.as_deref(), Some("outer"));
        outer.put_with("sub/inner/f", "replaced", &noted("outer")).await.unwrap();
        assert_eq!(head_note(&inner, "f").await.as_deref(), Some("outer"));
        for key in below {
            outer.delete(key).await.unwrap();
        }
        assert!(ground.path("sub/inner/.holdall").is_dir() && !ground.path("sub/inner/d").exists());
        assert_eq!(keys(&inner, "").await, ["../climb", "a//b"]);
        assert_eq!(read(&inner, "a//b").await.unwrap(), b"a//b");
        inner.put_with("heavy", "heavy", &noted("light")).await.unwrap();
        assert_eq!(head_note(&inner, "heavy").await.as_deref(), Some("light"));
        for key in ["sub/inner/.holdall/format", "sub/inner/.holdall/odd/da/d/fb"] {
            assert_eq!(kind(&outer.get(key).await), Some(ErrorKind::NotFound));
            outer.delete(key).await.unwrap();
        }
        assert_eq!(read(&inner, "a//b").await.unwrap(), b"a//b");
    });
    Ok(())
}

fn around() -> Ran {
    let ground = Ground::new();
    run(async {
        let inner = ground.store();
        inner.put_with("a//b", "odd", &noted("n")).await.unwrap();
        inner.put_with("f", "plain", &heavy("n")).await.unwrap();
        let before = Snapshot::of(&ground.root());
        let outer = open(ground.root().parent().unwrap(), Fsync::None);
        let below: Vec<_> = keys(&outer, "").await.into_iter().filter(|k| k.starts_with("store")).collect();
        assert_eq!(below, ["store/f"]);
        outer.put("store//f", "odd outside").await.unwrap();
        outer.put("store/a//b", "odd outside").await.unwrap();
        outer.delete("store/a//b").await.unwrap();
        before.demand_same(&Snapshot::of(&ground.root()), "odd keys of the outer store");
        assert_eq!(keys(&outer, "store/").await, ["store//f", "store/f"]);
        assert_eq!(keys(&inner, "").await, ["a//b", "f"]);
    });
    Ok(())
}

/// Two processes must come to one lock after the folder was replaced by a copy; here they are two stores.
fn moved() -> Ran {
    let ground = Ground::new();
    run(async {
        let early = ground.store();
        early.put("counter", "0").await.unwrap();
        std::fs::rename(ground.root(), ground.outside().join("old")).unwrap();
        cp(&ground.outside().join("old"), &ground.root());
        let late = ground.store();
        let add = |store: holdall_store::Store| async move {
            for _ in 0..100 {
                loop {
                    let object = store.get("counter").await.unwrap();
                    let condition = WriteCondition::Matches(etag(&object.metadata));
                    let Ok(bytes) = object.bytes().await else { continue };
                    let next: u64 = std::str::from_utf8(&bytes).unwrap().parse::<u64>().unwrap() + 1;
                    let options = PutOptions { condition, ..PutOptions::default() };
                    match store.put_with("counter", next.to_string(), &options).await {
                        Ok(_) => break,
                        Err(error) => assert_eq!(error.kind(), ErrorKind::Precondition),
                    }
                }
            }
        };
        let (one, other) = (tokio::spawn(add(early)), tokio::spawn(add(late.clone())));
        one.await.unwrap();
        other.await.unwrap();
        assert_eq!(read(&late, "counter").await.unwrap(), b"200", "an update was lost");
    });
    assert_eq!(std::fs::read(ground.outside().join("old/counter")).unwrap(), b"0");
    Ok(())
}
