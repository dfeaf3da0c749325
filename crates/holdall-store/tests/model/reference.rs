//! The model: a map from keys to objects.

use crate::answer::{Answer, Known};
use crate::operation::{Content, DELIMITERS, KEYS, Operation, PARTS, PREFIXES, Part, STARTS, UPLOADS, When};
use holdall_store::ErrorKind;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

#[derive(Debug, Clone)]
struct Stored {
    bytes: Vec<u8>,
    note: Option<String>,
}

impl Stored {
    fn known(&self) -> Known {
        Known { size: self.bytes.len() as u64, note: self.note.clone() }
    }
}

struct Open {
    key: &'static str,
    note: Option<String>,
    parts: BTreeMap<u32, Vec<u8>>,
}

/// The model of a store.
#[derive(Default)]
pub(crate) struct Reference {
    objects: BTreeMap<&'static str, Stored>,
    uploads: [Option<Open>; UPLOADS],
}

const PRECONDITION: Answer = Answer::Failed(ErrorKind::Precondition);
const INVALID: Answer = Answer::Failed(ErrorKind::InvalidInput);
const NOT_FOUND: Answer = Answer::Failed(ErrorKind::NotFound);

impl Reference {
    /// What is not an object is gone.
    pub(crate) fn crash(&mut self) {
        self.uploads = Default::default();
    }

    pub(crate) fn answer(&mut self, operation: &Operation) -> Answer {
        match operation {
            Operation::Put { key, content, when } => self.put(KEYS[*key], content, *when),
            Operation::Get { key, part, when } => self.get(KEYS[*key], *part, *when),
            Operation::Head { key } => match self.objects.get(KEYS[*key]) {
                Some(object) => Answer::Known(object.known()),
                None => NOT_FOUND,
            },
            Operation::Delete { key } => {
                self.objects.remove(KEYS[*key]);
                Answer::Done
            }
            Operation::DeleteBatch { keys } => {
                for key in keys {
                    self.objects.remove(KEYS[*key]);
                }
                Answer::Done
            }
            Operation::Copy { from, to, note, when } => self.copy(KEYS[*from], KEYS[*to], note, *when),
            Operation::List { prefix, delimiter, start_after, .. } => {
                let start = start_after.map(|start| STARTS[start]);
                self.list(PREFIXES[*prefix], delimiter.map(|d| DELIMITERS[d]), start)
            }
            Operation::Begin { upload, key, note } => {
                self.uploads[*upload] =
                    Some(Open { key: KEYS[*key], note: note.clone(), parts: BTreeMap::new() });
                Answer::Done
            }
            Operation::Send { upload, part, content } => match &mut self.uploads[*upload] {
                Some(open) => {
                    open.parts.insert(PARTS[*part], content.bytes());
                    Answer::Done
                }
                None => Answer::Nothing,
            },
            Operation::Complete { upload } => self.complete(*upload),
            Operation::Abort { upload } => match self.uploads[*upload].take() {
                Some(_) => Answer::Done,
                None => Answer::Nothing,
            },
        }
    }

    fn put(&mut self, key: &'static str, content: &Content, when: When) -> Answer {
        let there = self.objects.contains_key(key);
        let holds = match when {
            When::Always => true,
            When::Absent => !there,
            When::Current => there,
            When::Never => false,
        };
        if !holds {
            return PRECONDITION;
        }
        let bytes = content.bytes();
        let size = bytes.len() as u64;
        self.objects.insert(key, Stored { bytes, note: content.note.clone() });
        Answer::Stored { size }
    }

    fn get(&self, key: &str, part: Option<Part>, when: When) -> Answer {
        // An empty range is wrong whatever is there.
        if matches!(part, Some(Part::Bounded(start, end)) if start >= end)
            || matches!(part, Some(Part::Last(0)))
        {
            return INVALID;
        }
        let Some(object) = self.objects.get(key) else { return NOT_FOUND };
        if !read_holds(when) {
            return PRECONDITION;
        }
        let size = object.bytes.len() as u64;
        let range = match part {
            None => 0..size,
            Some(Part::Bounded(start, end)) => start..end.min(size),
            Some(Part::From(start)) => start..size,
            Some(Part::Last(n)) => size.saturating_sub(n)..size,
        };
        if part.is_some() && range.start >= size {
            return INVALID;
        }
        let bytes = object.bytes[as_usize(&range)].to_vec();
        Answer::Read { known: object.known(), range, bytes }
    }

    fn copy(&mut self, from: &'static str, to: &'static str, note: &Option<String>, when: When) -> Answer {
        // A call that can never be right is wrong whatever is there.
        if from == to && note.is_none() {
            return INVALID;
        }
        let Some(source) = self.objects.get(from) else { return NOT_FOUND };
        if !read_holds(when) {
            return PRECONDITION;
        }
        let mut copied = source.clone();
        if note.is_some() {
            copied.note.clone_from(note);
        }
        let size = copied.bytes.len() as u64;
        self.objects.insert(to, copied);
        Answer::Stored { size }
    }

    fn list(&self, prefix: &str, delimiter: Option<&str>, start: Option<&str>) -> Answer {
        let (mut names, mut prefixes) = (Vec::new(), BTreeSet::new());
        let after = |key: &str| start.is_none_or(|start| key > start);
        for key in self.objects.keys().filter(|key| key.starts_with(prefix) && after(key)) {
            let rest = &key[prefix.len()..];
            match delimiter.and_then(|d| Some(rest.find(d)? + d.len())) {
                Some(end) => prefixes.extend(Some(key[..prefix.len() + end].to_owned()).filter(|p| after(p))),
                None => names.push((*key).to_owned()),
            }
        }
        Answer::Listed { names, prefixes: prefixes.into_iter().collect() }
    }

    /// All parts here are smaller than any but the last may be.
    fn complete(&mut self, upload: usize) -> Answer {
        let Some(open) = self.uploads[upload].take() else { return Answer::Nothing };
        if open.parts.len() != 1 {
            return INVALID;
        }
        let bytes: Vec<u8> = open.parts.into_values().flatten().collect();
        let size = bytes.len() as u64;
        self.objects.insert(open.key, Stored { bytes, note: open.note });
        Answer::Stored { size }
    }
}

/// Of an object that is there: `Absent` means that it is not what was last seen.
fn read_holds(when: When) -> bool {
    matches!(when, When::Always | When::Current)
}

fn as_usize(range: &Range<u64>) -> Range<usize> {
    range.start as usize..range.end as usize
}
