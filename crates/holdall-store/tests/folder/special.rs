//! Things with a key's name that are no files: pipes, sockets, devices, folders.

use crate::Case;
use crate::ground::{Ground, Ran, Skip, heavy, keys, kind, noted, read, run};
use crate::snapshot::Snapshot;
use holdall_store::{CopyOptions, ErrorKind, Key, PutOptions, Store, WriteCondition};
use rustix::fs::{CWD, FileType, Mode, makedev};
use std::path::Path;
use std::time::Duration;

pub(crate) const CASES: &[Case] = &[
    ("special::a_pipe_is_no_object_and_stays", pipe),
    ("special::a_socket_is_no_object_and_stays", socket),
    ("special::a_folder_is_no_object_and_stays", folder),
    ("special::a_device_is_no_object_and_stays", devices),
    ("special::a_device_that_may_not_be_opened_is_no_object", devices_on_nodev),
];

/// Longer than any of this takes, and shorter than for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// Uses a key whose place is taken by something that is no file.
async fn use_taken(store: &Store, key: &str) {
    let missing = Some(ErrorKind::NotFound);
    assert_eq!(kind(&store.get(key).await), missing, "{key}");
    assert_eq!(kind(&store.head(key).await), missing, "{key}");
    assert_eq!(kind(&store.copy(key, "to", &CopyOptions::default()).await), missing, "{key}");
    assert_eq!(keys(store, "").await, Vec::<String>::new(), "{key}");
    store.delete(key).await.unwrap();
    let absent = PutOptions { condition: WriteCondition::Absent, ..noted("1") };
    store.put_with(key, "mine", &absent).await.unwrap();
    store.put_with(key, "again", &heavy("2")).await.unwrap();
    assert_eq!(read(store, key).await.unwrap(), b"again", "{key}");
    let below = format!("{key}/below");
    store.put(&below, "below").await.unwrap();
    assert_eq!(read(store, &below).await.unwrap(), b"below");
    let upload =
        store.backend().begin_upload(&Key::parse(key).unwrap(), &PutOptions::default()).await.unwrap();
    let part = upload.put_part(1, "parts".into()).await.unwrap();
    upload.complete(&[part], &WriteCondition::Always).await.unwrap();
    assert_eq!(keys(store, "").await, [key, &below]);
    store.copy(key, "to", &CopyOptions::default()).await.unwrap();
    assert_eq!(read(store, "to").await.unwrap(), b"parts");
    for key in [key, &below, "to"] {
        store.delete(key).await.unwrap();
    }
    assert_eq!(keys(store, "").await, Vec::<String>::new(), "{key}");
}

/// The same in time, with the thing as it was at the end.
fn use_in_time(ground: &Ground, key: &str) {
    let before = Snapshot::of(&ground.path(key));
    run(async {
        let store = ground.store();
        tokio::time::timeout(PATIENCE, use_taken(&store, key)).await.expect("something waits for ever");
    });
    if !ground.path(key).is_dir() {
        before.demand_same(&Snapshot::of(&ground.path(key)), key);
    }
}

fn pipe() -> Ran {
    let ground = Ground::new();
    rustix::fs::mknodat(CWD, ground.path("pipe"), FileType::Fifo, Mode::from(0o666), 0).unwrap();
    use_in_time(&ground, "pipe");
    Ok(())
}

fn socket() -> Ran {
    let ground = Ground::new();
    let _listens = std::os::unix::net::UnixListener::bind(ground.path("socket")).unwrap();
    use_in_time(&ground, "socket");
    Ok(())
}

fn folder() -> Ran {
    let ground = Ground::new();
    std::fs::create_dir(ground.path("folder")).unwrap();
    let ground_path = ground.path("folder");
    run(async {
        let store = ground.store();
        assert_eq!(kind(&store.get("folder").await), Some(ErrorKind::NotFound));
        store.delete("folder").await.unwrap();
        assert!(ground_path.is_dir(), "a delete of what is no object removes nothing");
        store.put("folder", "mine").await.unwrap();
        store.put("folder/x", "below").await.unwrap();
        assert_eq!(keys(&store, "").await, ["folder", "folder/x"]);
        assert_eq!(read(&store, "folder").await.unwrap(), b"mine");
    });
    Ok(())
}

fn make_device(path: &Path, major: u32, minor: u32) -> Ran {
    rustix::fs::mknodat(CWD, path, FileType::CharacterDevice, Mode::from(0o666), makedev(major, minor))
        .map_err(|error| Skip(format!("no device can be made here: {error}")))
}

fn devices() -> Ran {
    // zero gives bytes without end, full takes none, 10:200 waits for nobody, 10:255 and 200:7 are nothing at all.
    for (major, minor) in [(1, 5), (1, 7), (5, 0), (10, 255), (200, 7)] {
        let ground = Ground::new();
        make_device(&ground.path("device"), major, minor)?;
        use_in_time(&ground, "device");
    }
    Ok(())
}

/// Where devices may not be opened, opening one says so, and it is no object all the same.
fn devices_on_nodev() -> Ran {
    crate::inside::alone("special::a_device_that_may_not_be_opened_is_no_object", || {
        let ground = Ground::new();
        crate::inside::mount("tmpfs", "nodev", "none", &ground.root())?;
        make_device(&ground.path("device"), 1, 5)?;
        use_in_time(&ground, "device");
        Ok(())
    })
}
