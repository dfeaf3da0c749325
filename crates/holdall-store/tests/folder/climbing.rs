//! Keys and links that lead out of the store: nothing outside is read, made, changed or deleted.

use crate::Case;
use crate::ground::{Ground, Ran, SECRET, head_note, keys, kind, listed, noted, read, run};
use holdall_store::transfer::{PullOptions, PushOptions};
use holdall_store::{CopyOptions, ErrorKind, Key, PutOptions, Store, WriteCondition};
use std::os::unix::fs::symlink;

pub(crate) const CASES: &[Case] = &[
    ("climbing::keys_that_climb_are_names_like_others", climbing_keys),
    ("climbing::links_that_lead_out_are_not_followed", links_on_the_way),
    ("climbing::a_link_is_no_object_and_stays", links_at_the_end),
    ("climbing::a_push_and_a_pull_stay_inside", folders_stay_inside),
    ("climbing::the_store_itself_may_be_named_by_a_link", root_is_a_link),
];

/// Does all that can be done with a key where nothing is, and leaves nothing.
async fn use_key(store: &Store, key: &str) {
    let missing = Some(ErrorKind::NotFound);
    assert_eq!(kind(&store.get(key).await), missing, "{key:?}");
    assert_eq!(kind(&store.head(key).await), missing, "{key:?}");
    store.delete(key).await.unwrap();
    let onto = store.copy(key, "copied", &CopyOptions::default()).await;
    assert_eq!(kind(&onto), missing, "{key:?}");
    store.put_with(key, "first", &noted("1")).await.unwrap();
    store.put_with(key, "second", &noted("2")).await.unwrap();
    let again = PutOptions { condition: WriteCondition::Absent, ..noted("3") };
    assert_eq!(kind(&store.put_with(key, "third", &again).await), Some(ErrorKind::Precondition), "{key:?}");
    assert_eq!(read(store, key).await.unwrap(), b"second", "{key:?}");
    assert_eq!(head_note(store, key).await.as_deref(), Some("2"), "{key:?}");
    assert!(keys(store, "").await.iter().any(|listed| listed == key), "{key:?} is not listed");
    store.copy(key, "copied", &CopyOptions::default()).await.unwrap();
    store.copy("copied", key, &CopyOptions::default()).await.unwrap();
    assert_eq!(read(store, key).await.unwrap(), b"second", "{key:?}");
    upload(store, key, "in parts").await;
    assert_eq!(read(store, key).await.unwrap(), b"in parts", "{key:?}");
    let parsed = [Key::parse(key).unwrap(), Key::parse("copied").unwrap()];
    assert!(store.delete_many(parsed).await.is_empty(), "{key:?}");
    assert_eq!(kind(&store.head(key).await), missing, "{key:?}");
}

async fn upload(store: &Store, key: &str, text: &str) {
    let key = Key::parse(key).unwrap();
    let upload = store.backend().begin_upload(&key, &PutOptions::default()).await.unwrap();
    let part = upload.put_part(1, text.to_owned().into()).await.unwrap();
    upload.complete(&[part], &WriteCondition::Always).await.unwrap();
}

fn climbing_keys() -> Ran {
    let ground = Ground::new();
    let before = ground.seen_outside();
    let absolute = ground.outside().join("secret").to_str().unwrap().to_owned();
    let keys_that_climb = [
        "..",
        ".",
        "/",
        "//",
        "../",
        "../outside/secret",
        "../outside/new",
        "a/../../outside/secret",
        "./../outside/secret",
        "./x",
        "a/.",
        "a/..",
        "/etc/passwd",
        &absolute,
        ".//..//outside/secret",
        "...",
    ];
    run(async {
        let store = ground.store();
        for key in keys_that_climb {
            use_key(&store, key).await;
            ground.demand_untouched(&before, key);
            for prefix in [key, "../", "/", "../outside/"] {
                assert_eq!(keys(&store, prefix).await, Vec::<String>::new(), "{key:?} {prefix:?}");
            }
        }
    });
    let left: Vec<_> = std::fs::read_dir(ground.root()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, [".holdall"]);
    Ok(())
}

fn links_on_the_way() -> Ran {
    let ground = Ground::new();
    symlink(ground.outside(), ground.path("absolute")).unwrap();
    symlink("../outside", ground.path("relative")).unwrap();
    symlink("turn", ground.path("turn")).unwrap();
    symlink("nowhere", ground.path("dangling")).unwrap();
    symlink(".", ground.path("itself")).unwrap();
    symlink("/", ground.path("slash")).unwrap();
    ground.write("real/inside", "i");
    symlink("../../outside/b", ground.path("real/out")).unwrap();
    symlink("/proc/self/root", ground.path("magic")).unwrap();
    let before = ground.seen_outside();
    run(async {
        let store = ground.store();
        assert_eq!(keys(&store, "").await, ["real/inside"]);
        let outside = ground.outside();
        let through_slash = format!("slash{}/secret", outside.display());
        let through_magic = format!("magic{}/secret", outside.display());
        for key in [
            "absolute/secret",
            "absolute/new",
            "absolute/b/c/deep",
            "relative/secret",
            "turn/x",
            "dangling/x",
            "itself/real/inside",
            "real/out/c/deep",
            "real/out/new/folder/file",
            &through_slash,
            &through_magic,
        ] {
            for prefix in [key, &key[..key.find('/').unwrap() + 1]] {
                let listed = keys(&store, prefix).await;
                assert!(listed.iter().all(|key| key == "real/inside"), "{prefix:?} {listed:?}");
            }
            use_key(&store, key).await;
            ground.demand_untouched(&before, key);
        }
        assert_eq!(keys(&store, "").await, ["real/inside"]);
    });
    for link in ["absolute", "relative", "turn", "dangling", "itself", "slash", "real/out", "magic"] {
        assert!(ground.path(link).is_symlink(), "{link} went away");
    }
    Ok(())
}

fn links_at_the_end() -> Ran {
    let ground = Ground::new();
    ground.write("target", "an object");
    let links = [("out", "../outside/secret"), ("in", "target"), ("none", "nowhere"), ("d/turn", "turn")];
    std::fs::create_dir(ground.path("d")).unwrap();
    for (link, target) in links {
        symlink(target, ground.path(link)).unwrap();
    }
    let before = ground.seen_outside();
    run(async {
        let store = ground.store();
        for (link, _) in links {
            use_key(&store, link).await;
            ground.demand_untouched(&before, link);
            assert!(ground.path(link).is_symlink(), "{link} went away");
        }
        assert_eq!(keys(&store, "").await, ["target"]);
        store.put("out", "mine").await.unwrap();
        std::fs::remove_file(ground.path("out")).unwrap();
        assert_eq!(read(&store, "out").await.unwrap(), b"mine", "the link is gone, the object is not");
    });
    assert_eq!(std::fs::read(ground.path("target")).unwrap(), b"an object");
    Ok(())
}

fn folders_stay_inside() -> Ran {
    let ground = Ground::new();
    symlink(ground.outside(), ground.path("link")).unwrap();
    let before = ground.seen_outside();
    let from = tempfile::tempdir().unwrap();
    crate::ground::write(&from.path().join("secret"), b"pushed");
    crate::ground::write(&from.path().join("b/c/deep"), b"pushed");
    run(async {
        let store = ground.store();
        for prefix in ["link", "../outside", "link/.."] {
            let pushed = store.push(from.path(), prefix, &PushOptions::default(), &mut |_| {}).await.unwrap();
            assert_eq!((pushed.done, pushed.failed), (2, 0), "{prefix}");
            ground.demand_untouched(&before, prefix);
            let to = tempfile::tempdir().unwrap();
            let pulled = store.pull(prefix, to.path(), &PullOptions::default(), &mut |_| {}).await.unwrap();
            assert_eq!((pulled.done, pulled.failed), (2, 0), "{prefix}");
            assert_eq!(std::fs::read(to.path().join("b/c/deep")).unwrap(), b"pushed", "{prefix}");
        }
    });
    Ok(())
}

fn root_is_a_link() -> Ran {
    let ground = Ground::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link");
    symlink(ground.root(), &link).unwrap();
    symlink("../outside", ground.path("out")).unwrap();
    run(async {
        let store = crate::ground::open(&link, holdall_store::Fsync::Data);
        store.put("a/b", "x").await.unwrap();
        assert_eq!(keys(&store, "").await, ["a/b"]);
        let (objects, _) = listed(&store, "out/").await;
        assert!(objects.is_empty());
        assert_eq!(kind(&store.get("out/secret").await), Some(ErrorKind::NotFound));
    });
    assert_eq!(std::fs::read(ground.path("a/b")).unwrap(), b"x");
    assert_eq!(std::fs::read(ground.outside().join("secret")).unwrap(), SECRET);
    Ok(())
}
