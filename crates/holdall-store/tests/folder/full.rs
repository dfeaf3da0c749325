//! Disks that are full, in every way a disk can be.

use crate::Case;
use crate::deeds::{State, WRITES, perform, prepare, state};
use crate::ground::{Ground, Ran, heavy, kind, noted, open, read, run};
use crate::inside::{Image, alone, mount};
use holdall_store::{ErrorKind, Fsync, PutOptions, Store};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

pub(crate) const CASES: &[Case] = &[
    ("full::of_bytes", || alone("full::of_bytes", || fill_up(&ext4(&[])?, Filler::bytes))),
    ("full::of_bytes_without_a_journal", || {
        alone("full::of_bytes_without_a_journal", || fill_up(&ext4(&["-O", "^has_journal"])?, Filler::bytes))
    }),
    ("full::of_inodes", || alone("full::of_inodes", || fill_up(&ext4(&["-N", "64"])?, Filler::inodes))),
    ("full::in_memory", || alone("full::in_memory", || fill_up(&tmpfs("size=16m")?, Filler::bytes))),
    ("full::of_inodes_in_memory", || {
        alone("full::of_inodes_in_memory", || fill_up(&tmpfs("nr_inodes=64")?, Filler::inodes))
    }),
    ("full::what_is_too_large_gives_its_room_back", || {
        alone("full::what_is_too_large_gives_its_room_back", too_large)
    }),
    ("full::of_attributes", || alone("full::of_attributes", attributes)),
];

/// A place with a store and room that can be taken.
struct Small {
    ground: Ground,
    _image: Option<Image>,
}

fn ext4(options: &[&str]) -> Result<Small, crate::ground::Skip> {
    let image = Image::ext4(32 << 20, &[&["-b", "4096"], options].concat())?;
    let ground = Ground::new();
    image.mount("", &ground.root())?;
    Ok(Small { ground, _image: Some(image) })
}

fn tmpfs(options: &str) -> Result<Small, crate::ground::Skip> {
    let ground = Ground::new();
    mount("tmpfs", options, "none", &ground.root())?;
    Ok(Small { ground, _image: None })
}

/// Something that takes all room but a little.
struct Filler {
    folder: PathBuf,
    made: usize,
}

impl Filler {
    /// Leaves a number of blocks.
    fn bytes(root: &Path, blocks: u64) -> Self {
        let filler = Self { folder: root.join("filler"), made: 0 };
        std::fs::create_dir_all(&filler.folder).unwrap();
        let path = filler.folder.join("bytes");
        let mut file = File::options().create(true).append(true).open(&path).unwrap();
        for size in [1 << 20, 4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        // What the file system promised and did not place yet.
        file.sync_all().ok();
        let size = file.metadata().unwrap().len();
        file.set_len((size & !4095).saturating_sub(blocks * 4096)).unwrap();
        file.sync_all().unwrap();
        filler
    }

    /// Leaves a number of inodes.
    fn inodes(root: &Path, left: u64) -> Self {
        let mut filler = Self { folder: root.join("filler"), made: 0 };
        std::fs::create_dir_all(&filler.folder).unwrap();
        while File::create_new(filler.folder.join(filler.made.to_string())).is_ok() {
            filler.made += 1;
        }
        assert!(filler.made > 0);
        for _ in 0..left.min(filler.made as u64) {
            filler.made -= 1;
            std::fs::remove_file(filler.folder.join(filler.made.to_string())).unwrap();
        }
        filler
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

/// All objects but those that fill the disk.
fn own(state: State) -> State {
    state.into_iter().filter(|(key, _)| !key.starts_with("filler/")).collect()
}

fn state_of(root: &Path) -> State {
    run(async { state(&open(root, Fsync::None)).await })
}

fn clear(root: &Path) {
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        match path.file_name().unwrap().to_str().unwrap() {
            "lost+found" => {}
            _ if path.is_dir() => std::fs::remove_dir_all(path).unwrap(),
            _ => std::fs::remove_file(path).unwrap(),
        }
    }
}

/// Does every deed with more and more room left, until it is enough.
fn fill_up(small: &Small, fill: fn(&Path, u64) -> Filler) -> Ran {
    let root = small.ground.root();
    for deed in WRITES {
        let (mut refused, mut room) = (0, 0);
        while !try_with(&root, deed, fill, room) {
            refused += 1;
            room += if room < 20 { 1 } else { room };
            assert!(room < 10_000, "{deed} needs no such room");
        }
        println!("{deed}: refused {refused} times");
    }
    Ok(())
}

/// Does a deed with little room left; answers whether it was done.
fn try_with(root: &Path, deed: &str, fill: fn(&Path, u64) -> Filler, room: u64) -> bool {
    clear(root);
    run(async { prepare(deed, &open(root, Fsync::Data)).await.unwrap() });
    let before = state_of(root);
    let filler = fill(root, room);
    let outcome = run(async { perform(deed, &open(root, Fsync::Data)).await });
    let what = format!("{deed} with room for {room}: {outcome:?}");
    let in_the_full = state_without_filler(root);
    drop(filler);
    if let Err(error) = &outcome {
        assert_eq!(error.kind(), ErrorKind::Full, "{what}");
        assert!(in_the_full == before, "{what} left {in_the_full:?}");
        run(async { perform(deed, &open(root, Fsync::Data)).await.unwrap() });
    }
    let after = state_of(root);
    assert!(after != before, "{what}");
    assert!(outcome.is_err() || in_the_full == after, "{what} left {in_the_full:?}");
    let tmp = std::fs::read_dir(root.join(".holdall/tmp")).map_or(0, Iterator::count);
    assert_eq!(tmp, 0, "{what} left temporary files");
    outcome.is_ok()
}

fn state_without_filler(root: &Path) -> State {
    // The filler's files are many and foreign: they are left out by name.
    run(async {
        let store = open(root, Fsync::None);
        let mut all = State::new();
        for key in crate::ground::keys(&store, "").await {
            if !key.starts_with("filler/") {
                let note = crate::ground::head_note(&store, &key).await;
                assert!(note.is_some(), "{key} is half described");
                all.insert(key.clone(), (read(&store, &key).await.unwrap(), note));
            }
        }
        own(all)
    })
}

fn free(root: &Path) -> u64 {
    let stat = rustix::fs::statvfs(root).unwrap();
    stat.f_bfree
}

fn too_large() -> Ran {
    let small = ext4(&["-O", "^has_journal"])?;
    let root = small.ground.root();
    run(async {
        let store = open(&root, Fsync::Data);
        store.put_with("f", "old", &noted("old")).await.unwrap();
        let before = free(&root);
        let bytes = vec![1; 40 << 20];
        assert_eq!(kind(&store.put_with("f", bytes.clone(), &noted("new")).await), Some(ErrorKind::Full));
        let read_from = &bytes[..];
        let streamed = store.put_reader("f", read_from, None, &PutOptions::default()).await;
        assert_eq!(kind(&streamed), Some(ErrorKind::Full));
        let in_time = tokio::time::timeout(std::time::Duration::from_secs(30), async {
            while free(&root) < before - 8 {
                tokio::task::yield_now().await;
            }
        });
        in_time.await.expect("the room of what failed comes back");
        assert_eq!(read(&store, "f").await.unwrap(), b"old");
        store.put_with("f", vec![1; 1 << 20], &noted("new")).await.unwrap();
    });
    Ok(())
}

/// Metadata of all sizes, where little fits beside a file.
fn attributes() -> Ran {
    for block in ["1024", "4096"] {
        let image = Image::ext4(16 << 20, &["-b", block, "-I", "128"])?;
        let ground = Ground::new();
        image.mount("", &ground.root())?;
        run(async {
            let store = open(&ground.root(), Fsync::Data);
            let mut sizes: Vec<usize> = (0..1900).step_by(100).collect();
            sizes.extend([1000, 300, 0, 1800]);
            for size in &sizes {
                keep_of_size(&store, *size).await;
            }
            store.put_with("key", "x", &heavy("n")).await.unwrap();
            store.delete("key").await.unwrap();
            store.delete("copy").await.unwrap();
        });
        let meta = std::fs::read_dir(ground.path(".holdall/meta")).unwrap();
        let left: usize = meta.map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count()).sum();
        assert_eq!(left, 0, "records of what is no more");
        crate::inside::unmount(&ground.root());
    }
    Ok(())
}

async fn keep_of_size(store: &Store, size: usize) {
    let mut options = noted(&size.to_string());
    options.attributes.metadata.insert("filler".into(), "f".repeat(size));
    store.put_with("key", "bytes", &options).await.unwrap();
    store.copy("key", "copy", &<_>::default()).await.unwrap();
    for key in ["key", "copy"] {
        let metadata = store.head(key).await.unwrap();
        assert_eq!(metadata.attributes.metadata, options.attributes.metadata, "{key} {size}");
        assert_eq!(read(store, key).await.unwrap(), b"bytes");
    }
}
