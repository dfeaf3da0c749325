//! Short plays, one for each kind of thing that can be cut short.

use crate::content::Version;
use crate::operation::{Operation, When};

/// What is prepared and what is then done; the cut comes while it is done.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    /// Where the store is, below a folder that is on the disk.
    pub(crate) place: &'static str,
    pub(crate) prepare: fn() -> Vec<Operation>,
    pub(crate) play: fn() -> Vec<Operation>,
    /// Whether records are to be files of their own in it.
    pub(crate) heavy: bool,
}

const MIB: usize = 1 << 20;

impl Scene {
    pub(crate) fn named(name: &str) -> &'static Self {
        SCENES.iter().find(|scene| scene.name == name).expect("a scene has this name")
    }

    /// All of its operations and their numbers.
    pub(crate) fn whole(&self) -> Vec<(u64, Operation)> {
        let all = (self.prepare)().len() + (self.play)().len();
        (0..all as u64).map(|id| (id, self.operation(id))).collect()
    }

    /// The play, as it is played a second time.
    pub(crate) fn again(&self) -> Vec<(u64, Operation)> {
        self.whole()
            .into_iter()
            .skip(self.prepared())
            .map(|(id, _)| (AGAIN + id, self.operation(AGAIN + id)))
            .collect()
    }

    /// How many operations are preparation.
    pub(crate) fn prepared(&self) -> usize {
        (self.prepare)().len()
    }

    /// The operation of a number; a write has a number of its own.
    pub(crate) fn operation(&self, id: u64) -> Operation {
        let mut all = (self.prepare)();
        all.extend((self.play)());
        let mut operation = all.swap_remove((id % AGAIN) as usize);
        match &mut operation {
            Operation::Put(version, _) | Operation::Upload { version, .. } => version.number = id + 1,
            Operation::Tag { number, .. } => *number = id + 1,
            _ => {}
        }
        operation
    }
}

/// Numbers of what is played again are higher by this.
const AGAIN: u64 = 1000;

fn version(key: &str, size: usize, heavy: bool) -> Version {
    Version { key: key.to_owned(), number: 0, size, heavy }
}

fn put(key: &str) -> Operation {
    Operation::Put(version(key, 200, false), When::Always)
}

fn put_heavy(key: &str) -> Operation {
    Operation::Put(version(key, 200, true), When::Always)
}

fn put_when(key: &str, when: When) -> Operation {
    Operation::Put(version(key, 90, false), when)
}

fn copy(from: &str, to: &str) -> Operation {
    Operation::Copy { from: from.to_owned(), to: to.to_owned() }
}

fn rename(from: &str, to: &str) -> Operation {
    Operation::Rename { from: from.to_owned(), to: to.to_owned() }
}

fn undo(key: &str) -> Operation {
    Operation::Undo(key.to_owned())
}

fn delete(keys: &[&str]) -> Operation {
    Operation::Delete(keys.iter().map(|key| (*key).to_owned()).collect())
}

fn upload(key: &str, parts: &[usize], backwards: bool) -> Operation {
    let version = version(key, parts.iter().sum(), false);
    Operation::Upload { version, parts: parts.to_vec(), backwards }
}

fn tag(key: &str) -> Operation {
    Operation::Tag { key: key.to_owned(), number: 0, heavy: false }
}

fn tag_heavy(key: &str) -> Operation {
    Operation::Tag { key: key.to_owned(), number: 0, heavy: true }
}

fn nothing() -> Vec<Operation> {
    Vec::new()
}

/// Keys that can be no path, beside `a/b`.
fn odd() -> Vec<String> {
    ["a", "a//b", "dir/", "../x"].map(str::to_owned).into_iter().chain(["n".repeat(300)]).collect()
}

const PLAIN: Scene = Scene { name: "", place: "store", prepare: nothing, play: nothing, heavy: false };
const HEAVY: Scene = Scene { heavy: true, ..PLAIN };

/// All scenes.
pub(crate) static SCENES: &[Scene] = &[
    Scene { name: "first_put", place: "new/deep/store", play: || vec![put("a")], ..PLAIN },
    Scene { name: "rename", prepare: || vec![put("a")], play: || vec![rename("a", "b")], ..PLAIN },
    Scene {
        name: "rename_over",
        prepare: || vec![put("a"), put("z/b")],
        play: || vec![rename("a", "z/b")],
        ..PLAIN
    },
    Scene {
        name: "rename_deep",
        prepare: || vec![put("d/e/a")],
        play: || vec![rename("d/e/a", "n/e/w/b"), rename("n/e/w/b", "a//b")],
        ..PLAIN
    },
    Scene {
        name: "rename_heavy",
        prepare: || vec![put_heavy("a"), put_heavy("b")],
        play: || vec![rename("a", "b"), rename("b", "c")],
        ..HEAVY
    },
    Scene { name: "first_put_deep", play: || vec![put("d/e/f")], ..PLAIN },
    Scene { name: "first_put_odd", play: || vec![put("a//b")], ..PLAIN },
    Scene { name: "put", prepare: || vec![put("z")], play: || vec![put("a")], ..PLAIN },
    Scene {
        name: "put_empty",
        prepare: || vec![put("z")],
        play: || vec![Operation::Put(version("a", 0, false), When::Always)],
        ..PLAIN
    },
    Scene {
        name: "put_deep",
        prepare: || vec![put("z")],
        play: || vec![put("d/e/f/x"), put("d/e/g/y")],
        ..PLAIN
    },
    Scene {
        name: "replace",
        prepare: || vec![put("a"), put("d/e/x")],
        play: || vec![put("a"), put("d/e/x"), put("a")],
        ..PLAIN
    },
    Scene {
        name: "create_only",
        prepare: || vec![put("z")],
        play: || vec![put_when("d/a", When::Absent), put_when("d/a", When::Absent)],
        ..PLAIN
    },
    Scene {
        name: "if_match",
        prepare: || vec![put("a")],
        play: || vec![put_when("a", When::Current)],
        ..PLAIN
    },
    Scene {
        name: "delete",
        prepare: || vec![put("a"), put("d/e/x"), put("z")],
        play: || vec![delete(&["a"]), delete(&["d/e/x"]), delete(&["none"])],
        ..PLAIN
    },
    Scene {
        name: "delete_many",
        prepare: || vec![put("a/b"), put("a"), put("d/e/x"), put("d/y"), put("z")],
        play: || vec![delete(&["d/y", "a", "d/e/x", "a/b", "none"])],
        ..PLAIN
    },
    Scene {
        name: "put_again",
        prepare: || vec![put("d/e/x"), put("z")],
        play: || {
            vec![delete(&["d/e/x"]), put("d/e/x"), delete(&["d/e/x"]), put("d/e"), delete(&["d/e"]), put("d")]
        },
        ..PLAIN
    },
    Scene {
        name: "copy",
        prepare: || vec![put("a"), put("b")],
        play: || vec![copy("a", "c/d"), copy("a", "b"), copy("c/d", "a//b"), copy("none", "b")],
        ..PLAIN
    },
    Scene {
        name: "upload",
        prepare: || vec![put("z")],
        play: || vec![upload("u/small", &[300], false)],
        ..PLAIN
    },
    Scene {
        name: "upload_two_parts",
        prepare: || vec![put("u")],
        play: || vec![upload("u", &[5 * MIB, 70], false)],
        ..PLAIN
    },
    Scene {
        name: "upload_backwards",
        prepare: || vec![put("u")],
        play: || vec![upload("u", &[5 * MIB, 70], true)],
        ..PLAIN
    },
    Scene {
        name: "odd",
        prepare: || vec![put("a/b")],
        play: || odd().iter().map(|key| put(key)).collect(),
        ..PLAIN
    },
    Scene {
        name: "odd_again",
        prepare: || [put("a/b")].into_iter().chain(odd().iter().map(|key| put(key))).collect(),
        play: || odd().iter().flat_map(|key| [put(key), delete(&[key]), put(key)]).collect(),
        ..PLAIN
    },
    Scene {
        name: "tag",
        prepare: || vec![put("a"), put("d//e"), put("z")],
        play: || {
            vec![tag("a"), tag("d//e"), tag("a"), tag("none"), rename("a", "b"), tag("b"), copy("b", "c")]
        },
        ..PLAIN
    },
    Scene {
        name: "tag_heavy",
        prepare: || vec![put("a"), put_heavy("d/e")],
        play: || vec![tag_heavy("a"), tag("a"), tag("d/e"), put("a"), tag_heavy("a"), delete(&["a"])],
        ..HEAVY
    },
    Scene {
        name: "versioned",
        prepare: || vec![Operation::KeepVersions, put("a"), put("d/e/x")],
        play: || vec![put("a"), delete(&["a"]), put("a"), delete(&["d/e/x"]), delete(&["a", "none"])],
        ..PLAIN
    },
    Scene {
        name: "versioned_odd",
        prepare: || vec![put("a/b"), Operation::KeepVersions, put("a")],
        play: || vec![put("a"), delete(&["a"]), put("a//b"), put("a//b"), copy("a//b", "a")],
        ..PLAIN
    },
    Scene {
        name: "versioned_first",
        play: || {
            vec![Operation::KeepVersions, put("a"), put("a"), upload("a", &[300], false), rename("a", "b")]
        },
        ..PLAIN
    },
    Scene {
        name: "versioned_back",
        prepare: || {
            let four = |key: &'static str| [put(key), put(key), put(key), put(key)];
            [Operation::KeepVersions].into_iter().chain(four("a")).chain(four("d//e")).collect()
        },
        play: || vec![undo("a"), put("a"), undo("a"), undo("d//e")],
        ..PLAIN
    },
    Scene {
        name: "versioned_heavy_back",
        prepare: || {
            vec![Operation::KeepVersions, put_heavy("a"), put_heavy("a"), put_heavy("a"), put_heavy("a")]
        },
        play: || vec![undo("a"), put_heavy("a"), undo("a")],
        ..HEAVY
    },
    Scene {
        name: "versioned_heavy",
        prepare: || vec![Operation::KeepVersions, put_heavy("a")],
        play: || vec![put_heavy("a"), delete(&["a"]), put_heavy("a")],
        ..HEAVY
    },
    // In `races`, the three are of processes that run at the same time.
    Scene {
        name: "race",
        prepare: || vec![put("d/x"), put("d/y"), put("z")],
        play: || vec![delete(&["d/y"]), delete(&["d/x"]), put("d/new")],
        ..PLAIN
    },
    Scene { name: "heavy", play: || vec![put_heavy("a"), put_heavy("d/e")], ..HEAVY },
    Scene {
        name: "heavy_again",
        prepare: || vec![put_heavy("a"), put("b"), put_heavy("d/c")],
        play: || vec![put_heavy("a"), put_heavy("b"), put("d/c"), put_heavy("a")],
        ..HEAVY
    },
    Scene {
        name: "heavy_deleted_and_copied",
        prepare: || vec![put_heavy("a"), put_heavy("d/c"), put_heavy("a//b")],
        play: || vec![copy("a", "e"), delete(&["a"]), delete(&["d/c", "a//b"]), put_heavy("a")],
        ..HEAVY
    },
    Scene {
        name: "heavy_odd",
        prepare: || vec![put("a/b"), put_heavy("a//b")],
        play: || vec![put_heavy("a"), put_heavy("a"), put("a"), copy("a//b", "a")],
        ..HEAVY
    },
];
