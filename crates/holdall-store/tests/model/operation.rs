//! What is done to a store, and how such things are made up.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Few keys, so that operations meet; odd ones, so that what looks alike is told apart.
pub(crate) const KEYS: [&str; 16] = [
    "a", "a/", "a/b", "a//b", "/a", "a-", "a0", "a b", "a+b", "a%2Fb", "\u{e9}", "e\u{301}", "./a", "a/../b",
    "\u{1}x", "b",
];

/// What listings begin with; not all are keys, and some are none's beginning.
pub(crate) const PREFIXES: [&str; 8] = ["", "a", "a/", "a//", "e", "\u{e9}", "b", "zz"];

/// What listings fold by.
pub(crate) const DELIMITERS: [&str; 3] = ["/", "-", "//"];

/// What listings start after, keys or not.
pub(crate) const STARTS: [&str; 7] = ["a", "a/", "a/a", "a0", "b", "~", "\u{1}"];

/// Numbers of parts.
pub(crate) const PARTS: [u32; 3] = [1, 2, 10_000];

/// How many uploads may be open at once.
pub(crate) const UPLOADS: usize = 2;

/// An index of [`KEYS`].
pub(crate) type KeyIndex = usize;

/// What an object has: bytes made of a seed, and perhaps metadata and a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) seed: u8,
    pub(crate) size: usize,
    pub(crate) note: Option<String>,
}

impl Content {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        (0..self.size).map(|i| self.seed.wrapping_add(i as u8)).collect()
    }
}

/// When something is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// Only where nothing is.
    Absent,
    /// Only where what is there is what was last seen there.
    Current,
    /// Only where something is that never was.
    Never,
}

/// A part of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Bounded(u64, u64),
    From(u64),
    Last(u64),
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    Put { key: KeyIndex, content: Content, when: When },
    Get { key: KeyIndex, part: Option<Part>, when: When },
    Head { key: KeyIndex },
    Delete { key: KeyIndex },
    DeleteBatch { keys: Vec<KeyIndex> },
    Copy { from: KeyIndex, to: KeyIndex, note: Option<String>, when: When },
    List { prefix: usize, delimiter: Option<usize>, start_after: Option<usize>, page: u32 },
    Begin { upload: usize, key: KeyIndex, note: Option<String> },
    Send { upload: usize, part: usize, content: Content },
    Complete { upload: usize },
    Abort { upload: usize },
}

fn key() -> impl Strategy<Value = KeyIndex> {
    0..KEYS.len()
}

fn note() -> impl Strategy<Value = Option<String>> {
    let odd = ["plain", "", " at the ends ", "caf\u{e9} \u{1f9f3}", "=?UTF-8?B?eA==?=", "a\nb"];
    option::weighted(0.4, proptest::sample::select(odd.to_vec()).prop_map(str::to_owned))
}

fn content() -> impl Strategy<Value = Content> {
    let size = proptest::sample::select(vec![0_usize, 1, 7, 100, 3000]);
    (0_u8..4, size, note()).prop_map(|(seed, size, note)| Content { seed, size, note })
}

/// Conditions of writes; on reads the same words mean `If-Match` and `If-None-Match`.
fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        5 => Just(When::Always),
        2 => Just(When::Absent),
        2 => Just(When::Current),
        1 => Just(When::Never),
    ]
}

fn part() -> impl Strategy<Value = Option<Part>> {
    let at = || proptest::sample::select(vec![0_u64, 1, 6, 7, 99, 100, 2999, 3000, 4000]);
    option::weighted(
        0.6,
        prop_oneof![
            3 => (at(), at()).prop_map(|(start, end)| Part::Bounded(start, end)),
            1 => at().prop_map(Part::From),
            1 => at().prop_map(Part::Last),
        ],
    )
}

fn listing() -> impl Strategy<Value = Operation> {
    let page = proptest::sample::select(vec![1_u32, 2, 3, 1000]);
    (0..PREFIXES.len(), option::of(0..DELIMITERS.len()), option::weighted(0.3, 0..STARTS.len()), page)
        .prop_map(|(prefix, delimiter, start_after, page)| Operation::List {
            prefix,
            delimiter,
            start_after,
            page,
        })
}

fn upload() -> impl Strategy<Value = Operation> {
    let slot = || 0..UPLOADS;
    prop_oneof![
        2 => (slot(), key(), note()).prop_map(|(upload, key, note)| Operation::Begin { upload, key, note }),
        3 => (slot(), 0..PARTS.len(), content())
            .prop_map(|(upload, part, content)| Operation::Send { upload, part, content }),
        2 => slot().prop_map(|upload| Operation::Complete { upload }),
        1 => slot().prop_map(|upload| Operation::Abort { upload }),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        8 => (key(), content(), when()).prop_map(|(key, content, when)| Operation::Put { key, content, when }),
        5 => (key(), part(), when()).prop_map(|(key, part, when)| Operation::Get { key, part, when }),
        2 => key().prop_map(|key| Operation::Head { key }),
        2 => key().prop_map(|key| Operation::Delete { key }),
        1 => vec(key(), 0..4).prop_map(|keys| Operation::DeleteBatch { keys }),
        3 => (key(), key(), note(), when())
            .prop_map(|(from, to, note, when)| Operation::Copy { from, to, note, when }),
        5 => listing(),
        5 => upload(),
    ]
}

/// Sequences of calls.
pub(crate) fn sequences() -> impl Strategy<Value = Vec<Operation>> {
    vec(operation(), 1..40)
}
