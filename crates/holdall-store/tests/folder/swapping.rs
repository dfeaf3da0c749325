//! Folders and files that are replaced by links which lead out, and back again, while the store works in them.

use crate::Case;
use crate::ground::{Ground, Ran, SECRET, keys, listed, noted, read, run};
use holdall_store::{CopyOptions, ErrorKind, Key, PutOptions, Store, WriteCondition};
use rustix::fs::{CWD, RenameFlags};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub(crate) const CASES: &[Case] = &[
    ("swapping::a_folder_that_becomes_a_link", folder_becomes_link),
    ("swapping::a_deep_folder_that_becomes_a_link", deep_folder_becomes_link),
    ("swapping::a_folder_that_is_away_for_moments", folder_goes_away),
    ("swapping::a_file_that_becomes_a_link", file_becomes_link),
    ("swapping::the_folder_of_holdall_that_becomes_a_link", own_folder_becomes_link),
];

/// How often each call is made while things are swapped.
fn tries() -> usize {
    if crate::is_long() { 20_000 } else { 1500 }
}

/// Swaps things until it is dropped.
struct Swapper {
    stop: Arc<AtomicBool>,
    swaps: Arc<AtomicU64>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Swapper {
    fn start(swap: impl Fn() + Send + 'static) -> Self {
        let (stop, swaps) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, counted) = (stop.clone(), swaps.clone());
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                swap();
                counted.fetch_add(1, Ordering::Relaxed);
                std::thread::yield_now();
            }
        });
        Self { stop, swaps, thread: Some(thread) }
    }

    /// Two names change their places at one moment, again and again.
    fn exchange(one: PathBuf, other: PathBuf) -> Self {
        Self::start(move || {
            // One of them may be removed for a moment by the store, which may do so.
            match rustix::fs::renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE) {
                Ok(()) | Err(rustix::io::Errno::NOENT) => {}
                Err(error) => panic!("{error}"),
            }
        })
    }
}

impl Drop for Swapper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(std::thread::JoinHandle::join);
        if !std::thread::panicking() {
            ended.unwrap().unwrap();
            assert!(self.swaps.load(Ordering::Relaxed) > 50, "hardly anything was swapped");
        }
    }
}

/// What may happen to a call whose folder changes under it: it works, or says so.
fn demand_mild<T>(answer: &holdall_store::Result<T>, what: &str) {
    let mild = [ErrorKind::NotFound, ErrorKind::Conflict, ErrorKind::Changed];
    if let Err(error) = answer {
        assert!(mild.contains(&error.kind()), "{what}: {error:?}");
    }
}

async fn demand_no_secret(store: &Store, key: &str) {
    let answer = read(store, key).await;
    demand_mild(&answer, key);
    assert_ne!(answer.ok().as_deref(), Some(SECRET), "{key} was read outside");
}

/// Makes every call on keys below a folder, and on names that lie outside as well.
async fn work(store: &Store, below: &str, round: usize) {
    let key = format!("{below}/x");
    let fresh = format!("{below}/new{}/f", round % 7);
    demand_mild(&store.put_with(&key, "mine", &noted("n")).await, "put");
    demand_mild(&store.put_with(&fresh, "mine", &noted("n")).await, "put below a new folder");
    demand_no_secret(store, &key).await;
    demand_no_secret(store, &format!("{below}/secret")).await;
    demand_mild(&store.head(&format!("{below}/secret")).await, "head");
    demand_mild(&store.copy(&format!("{below}/secret"), "copied", &CopyOptions::default()).await, "copy out");
    demand_no_secret(store, "copied").await;
    demand_mild(&store.copy("mine", &key, &CopyOptions::default()).await, "copy in");
    upload(store, &key).await;
    if round.is_multiple_of(16) {
        let (objects, _) = listed(store, "").await;
        for object in objects {
            let name = object.key.as_str();
            assert!(!name.ends_with("secret") && !name.ends_with("deep"), "{name} was listed");
        }
    }
    demand_mild(&store.delete(&fresh).await, "delete");
    demand_mild(&store.delete(&format!("{below}/secret")).await, "delete");
    demand_mild(&store.delete(&key).await, "delete");
}

async fn upload(store: &Store, key: &str) {
    let key = Key::parse(key).unwrap();
    let upload = store.backend().begin_upload(&key, &PutOptions::default()).await.unwrap();
    let part = upload.put_part(1, "mine".into()).await.unwrap();
    demand_mild(&upload.complete(&[part], &WriteCondition::Always).await, "upload");
}

/// Works below a folder while something swaps it, and looks outside.
fn work_while(ground: &Ground, below: &str, swapper: Swapper) {
    let before = ground.seen_outside();
    run(async {
        let store = ground.store();
        store.put("mine", "mine").await.unwrap();
        for round in 0..tries() / 10 {
            work(&store, below, round).await;
        }
    });
    drop(swapper);
    ground.demand_untouched(&before, below);
}

fn folder_becomes_link() -> Ran {
    let ground = Ground::new();
    ground.write("a/keep", "k");
    symlink(ground.outside(), ground.path("other")).unwrap();
    work_while(&ground, "a", Swapper::exchange(ground.path("a"), ground.path("other")));
    Ok(())
}

fn deep_folder_becomes_link() -> Ran {
    let ground = Ground::new();
    ground.write("a/b/c/keep", "k");
    symlink("../../outside/b", ground.path("a/other")).unwrap();
    work_while(&ground, "a/b/c", Swapper::exchange(ground.path("a/b"), ground.path("a/other")));
    Ok(())
}

fn folder_goes_away() -> Ran {
    let ground = Ground::new();
    ground.write("a/keep", "k");
    let (here, away, outside) = (ground.path("a"), ground.path("away"), ground.outside());
    let swap = move || {
        // The store makes the folder anew while it is away, and then it stays away for this round.
        if std::fs::rename(&here, &away).is_ok() {
            if symlink(&outside, &here).is_ok() {
                std::fs::remove_file(&here).unwrap();
            }
            put_back(&away, &here);
        }
    };
    work_while(&ground, "a", Swapper::start(swap));
    Ok(())
}

/// Moves a folder back where it was, over whatever was made there.
fn put_back(away: &Path, here: &Path) {
    while std::fs::rename(away, here).is_err() {
        match std::fs::remove_dir_all(here) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn file_becomes_link() -> Ran {
    let ground = Ground::new();
    ground.write("leaf", "mine");
    symlink("../outside/secret", ground.path("other")).unwrap();
    let before = ground.seen_outside();
    let swapper = Swapper::exchange(ground.path("leaf"), ground.path("other"));
    run(async {
        let store = ground.store();
        for round in 0..tries() {
            match round % 5 {
                0 => demand_mild(&store.put("leaf", format!("mine {round}")).await, "put"),
                1 => demand_mild(&store.copy("leaf", "copied", &CopyOptions::default()).await, "copy"),
                2 => demand_mild(&store.head("leaf").await, "head"),
                3 => demand_no_secret(&store, "copied").await,
                _ if round % 100 == 99 => demand_mild(&store.delete("leaf").await, "delete"),
                _ => demand_no_secret(&store, "leaf").await,
            }
            if !ground.path("leaf").is_symlink() && !ground.path("leaf").exists() {
                ground.write("leaf", "mine again");
            }
        }
    });
    drop(swapper);
    ground.demand_untouched(&before, "leaf");
    Ok(())
}

fn own_folder_becomes_link() -> Ran {
    let ground = Ground::new();
    std::fs::create_dir(ground.outside().join("lock")).unwrap();
    std::fs::create_dir_all(ground.outside().join("odd/da/d")).unwrap();
    std::fs::create_dir(ground.outside().join("tmp")).unwrap();
    std::fs::write(ground.outside().join("odd/fsecret"), SECRET).unwrap();
    run(async { ground.store().put("a//b", "odd").await.unwrap() });
    symlink(ground.outside(), ground.path("other")).unwrap();
    let before = ground.seen_outside();
    let swapper = Swapper::exchange(ground.path(".holdall"), ground.path("other"));
    run(async {
        for round in 0..tries() / 5 {
            // A store of its own each time: it has opened nothing yet.
            let store = ground.store();
            for key in ["plain", "a//b", "a//c"] {
                // A fault is an answer here; what must not be is anything outside.
                drop(store.put_with(key, format!("mine {round}"), &crate::ground::heavy("n")).await);
                assert_ne!(read(&store, key).await.ok().as_deref(), Some(SECRET));
            }
            let secret = read(&store, "secret").await;
            assert_ne!(secret.ok().as_deref(), Some(SECRET));
            drop(store.delete("secret").await);
            drop(store.delete("a//c").await);
        }
    });
    drop(swapper);
    ground.demand_untouched(&before, ".holdall");
    if ground.path("other").is_dir() && !ground.path("other").is_symlink() {
        std::fs::rename(ground.path("other"), ground.path("swap")).unwrap();
        std::fs::rename(ground.path(".holdall"), ground.path("other")).unwrap();
        std::fs::rename(ground.path("swap"), ground.path(".holdall")).unwrap();
    }
    run(async {
        let store = ground.store();
        store.put("a//b", "at rest").await.unwrap();
        store.delete("a//c").await.unwrap();
        assert_eq!(read(&store, "a//b").await.unwrap(), b"at rest");
        assert_eq!(keys(&store, "a/").await, ["a//b"]);
    });
    Ok(())
}
