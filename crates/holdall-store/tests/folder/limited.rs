//! File systems that can do less, and users who may do less.

use crate::Case;
use crate::deeds::{READS, WRITES, perform, prepare, state};
use crate::ground::{Ground, Ran, Skip, head_note, kind, noted, open, run, write};
use crate::inside::{Image, alone, mount, tool};
use crate::servant::Servant;
use crate::snapshot::Snapshot;
use holdall_store::{ErrorKind, Fsync, PutOptions, WriteCondition};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

pub(crate) const CASES: &[Case] = &[
    ("limited::to_reading", || alone("limited::to_reading", read_only)),
    ("limited::to_whole_seconds", || alone("limited::to_whole_seconds", whole_seconds)),
    ("limited::to_no_attributes", || alone("limited::to_no_attributes", no_attributes)),
    ("limited::to_names_from_the_start", || alone("limited::to_names_from_the_start", named_from_the_start)),
    ("limited::to_what_fuse_has_not_lost", || {
        alone("limited::to_what_fuse_has_not_lost", replaced_while_opened)
    }),
    ("limited::to_what_fat_can_do", || alone("limited::to_what_fat_can_do", fat)),
    ("limited::by_rights_on_the_folder", folder_of_others),
    ("limited::by_rights_on_what_is_in_it", parts_of_others),
];

fn read_only() -> Ran {
    let image = Image::ext4(16 << 20, &[])?;
    let ground = Ground::new();
    let root = ground.root();
    image.mount("", &root)?;
    std::fs::remove_dir(root.join("lost+found")).unwrap();
    let kept = run(async {
        let store = open(&root, Fsync::Data);
        prepare("replace", &store).await.unwrap();
        state(&store).await
    });
    crate::inside::unmount(&root);
    image.mount("ro", &root)?;
    let before = Snapshot::of(&root);
    run(async {
        let store = open(&root, Fsync::Data);
        assert!(state(&store).await == kept, "what was acknowledged is there on the next day");
        for deed in READS {
            perform(deed, &store).await.unwrap();
        }
        for deed in WRITES {
            let refused = perform(deed, &open(&root, Fsync::Data)).await;
            assert_eq!(kind(&refused), Some(ErrorKind::PermissionDenied), "{deed}: {refused:?}");
        }
        store.delete("was never there").await.unwrap();
        let below = open(&root.join("not/there"), Fsync::Data);
        assert_eq!(kind(&below.put("k", "x").await), Some(ErrorKind::PermissionDenied));
    });
    before.demand_same(&Snapshot::of(&root), "a disk that is read only");
    Ok(())
}

/// Where time goes in steps of a second, inodes are used again within one: an `ETag` must not come back with them.
fn whole_seconds() -> Ran {
    let image = Image::ext4(16 << 20, &["-I", "128"])?;
    let ground = Ground::new();
    image.mount("", &ground.root())?;
    let store = open(&ground.root(), Fsync::None);
    run(async {
        for key in ["plain", "o//dd"] {
            let mut seen = Vec::new();
            for n in 0..30 {
                let receipt = store.put_with(key, format!("{n:02}"), &noted(&n.to_string())).await.unwrap();
                assert!(
                    !seen.contains(&receipt.etag),
                    "{key}: put {n} has an older one's {:?}",
                    receipt.etag
                );
                seen.push(receipt.etag.clone());
                let stale = seen[n / 2].clone().unwrap();
                let condition = WriteCondition::Matches(stale);
                let late = PutOptions { condition, ..PutOptions::default() };
                if n / 2 < n {
                    let refused = store.put_with(key, "xx", &late).await;
                    assert_eq!(kind(&refused), Some(ErrorKind::Precondition), "{key} {n}");
                }
                assert_eq!(head_note(&store, key).await, Some(n.to_string()));
            }
        }
    });
    Ok(())
}

/// Runs the cases of the behaviour suite in a folder, by a process that has its temporary files there.
fn behave_in(folder: &Path) {
    let output = Command::new(std::env::current_exe().unwrap())
        .env("TMPDIR", folder)
        .env(crate::suite::SUITE, "1")
        .env_remove("HOLDALL_TEST_FOLDER_CASE")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

/// Does every deed and reads what came of it, then all that stores must do.
fn do_all(root: &Path) {
    for deed in WRITES {
        let folder = root.join(deed);
        run(async {
            let store = open(&folder, Fsync::Data);
            prepare(deed, &store).await.unwrap();
            let before = state(&open(&folder, Fsync::None)).await;
            perform(deed, &store).await.unwrap_or_else(|error| panic!("{deed}: {error:?}"));
            let after = state(&open(&folder, Fsync::None)).await;
            assert!(after != before, "{deed}");
        });
        let tmp = std::fs::read_dir(folder.join(".holdall/tmp")).map_or(0, Iterator::count);
        assert_eq!(tmp, 0, "{deed} left temporary files");
    }
    let folder = root.join("names");
    run(async {
        let store = open(&folder, Fsync::None);
        crate::naming::keep_odd_names(&store).await;
        crate::naming::keep_both_cases(&store).await;
    });
    let folder = root.join("suite");
    std::fs::create_dir(&folder).unwrap();
    behave_in(&folder);
}

fn no_attributes() -> Ran {
    let ground = Ground::new();
    mount("ramfs", "rw", "none", &ground.root())?;
    write(&ground.path("probe"), b"");
    let kept = rustix::fs::setxattr(ground.path("probe"), "user.x", b"", rustix::fs::XattrFlags::empty());
    if kept.is_ok() {
        return Err(Skip("ramfs keeps attributes here".into()));
    }
    do_all(&ground.root());
    Ok(())
}

/// No files without names, no attributes, inodes that do not last: as it is on FAT and on most of FUSE.
fn named_from_the_start() -> Ran {
    let (ground, behind) = (Ground::new(), tempfile::tempdir().unwrap());
    let root = ground.root();
    mount("tmpfs", "rw", "none", behind.path())?;
    tool("bindfs", &["--xattr-none", behind.path().to_str().unwrap(), root.to_str().unwrap()])?;
    do_all(&root);
    Ok(())
}

/// FUSE has nothing to open where an object was replaced after its name was looked up: it is no object that is missing.
fn replaced_while_opened() -> Ran {
    let (ground, behind) = (Ground::new(), tempfile::tempdir().unwrap());
    let root = ground.root();
    mount("tmpfs", "rw", "none", behind.path())?;
    tool("bindfs", &["--xattr-none", behind.path().to_str().unwrap(), root.to_str().unwrap()])?;
    run(async {
        let store = open(&root, Fsync::None);
        store.put("k", "first").await.unwrap();
        let writer = {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..500 {
                    store.put("k", n.to_string()).await.unwrap();
                }
            })
        };
        let mut reads = 0;
        while !writer.is_finished() {
            let object = store.get("k").await.unwrap_or_else(|error| panic!("read {reads}: {error:?}"));
            assert!(!object.bytes().await.unwrap().is_empty());
            reads += 1;
        }
        writer.await.unwrap();
        assert!(reads > 0);
    });
    Ok(())
}

/// No links, no files without names, times in steps of two seconds, and names in either case alike.
fn fat() -> Ran {
    let image = Image::fat(256 << 20)?;
    let ground = Ground::new();
    image.mount("utf8", &ground.root())?;
    do_all(&ground.root());
    Ok(())
}

/// A servant that may do nothing more than anybody.
fn nobody(place: &Path) -> Result<Servant, Skip> {
    if !rustix::process::geteuid().is_root() {
        return Err(Skip("only root may become nobody".into()));
    }
    tool("setpriv", &["--reuid=65534", "--regid=65534", "--clear-groups", "true"])?;
    // Where this program lies, nobody may have no right to go.
    let program = place.join("program");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
    Servant::start(&mut command)
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// A ground that anybody may look at.
fn public_ground() -> (Ground, tempfile::TempDir) {
    let (ground, place) = (Ground::new(), tempfile::tempdir().unwrap());
    set_mode(ground.root().parent().unwrap(), 0o755);
    set_mode(place.path(), 0o755);
    (ground, place)
}

fn folder_of_others() -> Ran {
    let (ground, place) = public_ground();
    let mut nobody = nobody(place.path())?;
    let root = ground.root();
    run(async { prepare("replace", &ground.store()).await.unwrap() });
    let before = Snapshot::of(&root);
    for deed in READS {
        assert!(nobody.perform(deed, &root).is_ok(), "{deed}");
    }
    for deed in WRITES {
        let answer = nobody.perform(deed, &root);
        assert_eq!(answer.word, "PermissionDenied", "{deed}: {answer:?}");
    }
    let answer = nobody.perform("put the first", &root.join("not/there"));
    assert_eq!(answer.word, "PermissionDenied", "{answer:?}");
    before.demand_same(&Snapshot::of(&root), "a folder of others");
    Ok(())
}

fn parts_of_others() -> Ran {
    let (ground, place) = public_ground();
    let mut nobody = nobody(place.path())?;
    for name in ["a", "closed/in/it", "d/light", "e/secret", "z"] {
        ground.write(name, name);
    }
    set_mode(&ground.path("closed"), 0o700);
    set_mode(&ground.path("e"), 0o744);
    set_mode(&ground.path("d/light"), 0o600);
    let root = ground.root();
    let before = Snapshot::of(&root);
    let answer = nobody.perform("list what can be", &root);
    assert_eq!(answer.said, "a d/light z [PermissionDenied, PermissionDenied]", "{answer:?}");
    assert_eq!(
        nobody.perform("list", &root).word,
        "PermissionDenied",
        "a list that leaves things out is none"
    );
    assert_eq!(nobody.perform("read", &root).word, "PermissionDenied");
    before.demand_same(&Snapshot::of(&root), "things of others");
    Ok(())
}
