//! What is noted of a download: what is fetched to where (`holdall.download/1`), then each range that the file has.

use super::super::plan::PartPlan;
use super::notes::{Lines, NoteFile, Opened};
use crate::backend::Limits;
use crate::key::Key;
use crate::store::Store;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;

pub(super) const SCHEMA: &str = "holdall.download/1";

/// What is fetched, and where to. One journal for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::transfer) struct Fetching {
    /// The service's endpoint, where one is set.
    endpoint: Option<String>,
    /// The store's URL.
    store: String,
    key: String,
    /// The version that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// The folder of the file, from the root of the file system.
    pub(super) folder: String,
    /// The file's name there.
    name: String,
}

impl Fetching {
    pub(in crate::transfer) fn new(
        store: &Store,
        key: &Key,
        version: Option<&String>,
        folder: String,
        name: &str,
    ) -> Self {
        Self {
            endpoint: store.settings().endpoint.as_ref().map(ToString::to_string),
            store: store.location(),
            key: key.as_str().to_owned(),
            version: version.cloned(),
            folder,
            name: name.to_owned(),
        }
    }

    /// The journal's name for it.
    fn note_name(&self) -> String {
        let place = (&self.endpoint, &self.store, &self.key, &self.version, &self.folder, &self.name);
        format!("{}.download", &crate::sha256(format!("{place:?}").as_bytes()).to_hex()[..40])
    }
}

/// The temporary file, and by what it is known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::transfer) struct Held {
    pub(in crate::transfer) temporary: String,
    pub(in crate::transfer) device: u64,
    pub(in crate::transfer) inode: u64,
}

/// A download that an earlier process began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::transfer) struct Begun {
    pub(in crate::transfer) etag: String,
    pub(in crate::transfer) plan: PartPlan,
    pub(in crate::transfer) held: Held,
    /// The checksum of each range that was written, by its number.
    pub(in crate::transfer) written: BTreeMap<u32, String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct First {
    pub(super) schema: String,
    #[serde(flatten)]
    pub(super) fetching: Fetching,
    etag: String,
    size: u64,
    part_size: u64,
    #[serde(flatten)]
    pub(super) held: Held,
}

impl First {
    /// The ranges that were fetched; none where no such plan is made.
    fn plan(&self, limits: Limits) -> Option<PartPlan> {
        let plan = PartPlan::new(self.size, self.part_size, limits).ok()?;
        (plan.part_size == self.part_size).then_some(plan)
    }
}

#[derive(Serialize, Deserialize)]
struct Written {
    start: u64,
    end: u64,
    crc64nvme: String,
}

impl Written {
    /// Which of the plan's ranges it is.
    fn index(&self, plan: PartPlan) -> Option<u32> {
        let index = u32::try_from(self.start / plan.part_size).ok()?;
        (index < plan.count() && plan.range(index) == (self.start..self.end)).then_some(index)
    }
}

/// The journal's file for one download, locked.
#[derive(Debug)]
pub(in crate::transfer) struct DownloadJournal(NoteFile);

/// What there is in the journal for a download.
#[derive(Debug)]
pub(in crate::transfer) enum Found {
    Nothing,
    /// Another process is at it.
    Busy,
    /// Notes of an earlier process; none that can be read.
    Noted(DownloadJournal, Option<Begun>),
}

impl DownloadJournal {
    /// Looks for what an earlier process noted.
    ///
    /// # Errors
    ///
    /// What keeps the notes from being read, and so the download from being resumed.
    pub(in crate::transfer) fn find(folder: &Path, fetching: &Fetching, limits: Limits) -> io::Result<Found> {
        let mut file = match NoteFile::find(folder, &fetching.note_name())? {
            Opened::Nothing => return Ok(Found::Nothing),
            Opened::Busy => return Ok(Found::Busy),
            Opened::Ours(file) => file,
        };
        let (begun, whole) = read(file.lines()?, fetching, limits)?;
        file.go_on_at(whole)?;
        Ok(Found::Noted(Self(file), begun))
    }

    /// Notes what is about to be fetched; none where another process is at it.
    ///
    /// # Errors
    ///
    /// What keeps it from being noted, and so the download from being resumed.
    pub(in crate::transfer) fn begin(
        folder: &Path,
        fetching: &Fetching,
        begun: &Begun,
    ) -> io::Result<Option<Self>> {
        let Some(mut file) = NoteFile::make(folder, &fetching.note_name())? else { return Ok(None) };
        // Somebody was at it in the moment since this was looked for, and has come to an end.
        if !file.is_empty()? {
            return Ok(None);
        }
        let noted = file.add(&First {
            schema: SCHEMA.to_owned(),
            fetching: fetching.clone(),
            etag: begun.etag.clone(),
            size: begun.plan.size,
            part_size: begun.plan.part_size,
            held: begun.held.clone(),
        });
        match noted {
            Ok(()) => Ok(Some(Self(file))),
            Err(error) => {
                file.remove()?;
                Err(error)
            }
        }
    }

    /// Notes a range that the file has, with its checksum.
    pub(in crate::transfer) fn note(&mut self, range: &Range<u64>, crc64nvme: String) -> io::Result<()> {
        self.0.add(&Written { start: range.start, end: range.end, crc64nvme })
    }

    /// Removes the file: there is nothing to go on with.
    pub(in crate::transfer) fn end(self) -> io::Result<()> {
        self.0.remove()
    }
}

/// Reads what was noted, up to the first line that is not whole, and how many bytes those lines are.
fn read(mut lines: Lines<'_>, fetching: &Fetching, limits: Limits) -> io::Result<(Option<Begun>, u64)> {
    let first = lines.next::<First>()?.filter(|first| first.schema == SCHEMA && first.fetching == *fetching);
    let Some((first, plan)) = first.and_then(|first| first.plan(limits).map(|plan| (first, plan))) else {
        return Ok((None, 0));
    };
    let mut written = BTreeMap::new();
    // A range that was fetched again replaced the earlier one.
    while let Some(range) = lines.next::<Written>()? {
        if let Some(index) = range.index(plan) {
            written.insert(index, range.crc64nvme);
        }
    }
    Ok((Some(Begun { etag: first.etag, plan, held: first.held, written }), lines.whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        max_put: 5 << 30,
        max_copy: 5 << 30,
        min_part: 5 << 20,
        max_part: 5 << 30,
        max_parts: 10_000,
    };
    const MIB: u64 = 1 << 20;

    fn fetching(key: &str, folder: &str) -> Fetching {
        let store = Store::open("memory://journal", &crate::Settings::default()).unwrap();
        Fetching::new(&store, &Key::parse(key).unwrap(), None, folder.to_owned(), "file")
    }

    fn begun() -> Begun {
        Begun {
            etag: "\"e\"".to_owned(),
            plan: PartPlan { part_size: 5 * MIB, size: 12 * MIB },
            held: Held { temporary: ".holdall-0123456789abcdef.part".to_owned(), device: 1, inode: 2 },
            written: BTreeMap::new(),
        }
    }

    fn begin(folder: &Path, fetching: &Fetching) -> DownloadJournal {
        DownloadJournal::begin(folder, fetching, &begun()).unwrap().unwrap()
    }

    fn find(folder: &Path, fetching: &Fetching) -> (DownloadJournal, Option<Begun>) {
        match DownloadJournal::find(folder, fetching, LIMITS).unwrap() {
            Found::Noted(journal, begun) => (journal, begun),
            other => panic!("{other:?}"),
        }
    }

    fn written(begun: Option<&Begun>) -> Vec<(u32, &str)> {
        let written = begun.into_iter().flat_map(|begun| &begun.written);
        written.map(|(index, sum)| (*index, sum.as_str())).collect()
    }

    /// The format, byte for byte: a process of a later version goes on with it.
    #[test]
    fn the_format_is_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let place = Fetching { version: Some("v".to_owned()), ..fetching("k", "/to") };
        let mut journal = begin(dir.path(), &place);
        journal.note(&(5 * MIB..10 * MIB), "AAAAAAAAAAA=".to_owned()).unwrap();
        let golden = concat!(
            r#"{"schema":"holdall.download/1","endpoint":null,"store":"memory://journal","key":"k","#,
            r#""version":"v","folder":"/to","name":"file","etag":"\"e\"","size":12582912,"#,
            r#""part_size":5242880,"temporary":".holdall-0123456789abcdef.part","device":1,"inode":2}"#,
            "\n",
            r#"{"start":5242880,"end":10485760,"crc64nvme":"AAAAAAAAAAA="}"#,
            "\n",
        );
        assert_eq!(std::fs::read_to_string(journal.0.path()).unwrap(), golden);
        drop(journal);
        let read = find(dir.path(), &place).1.unwrap();
        assert_eq!(read, Begun { written: [(1, "AAAAAAAAAAA=".to_owned())].into(), ..begun() });
    }

    #[test]
    fn notes_are_for_the_same_key_and_file_alone() {
        let dir = tempfile::tempdir().unwrap();
        let same = fetching("k", "/to");
        drop(begin(dir.path(), &same));
        for other in [
            fetching("other", "/to"),
            fetching("k", "/other"),
            Fetching { version: Some("v".to_owned()), ..same.clone() },
            Fetching { name: "other".to_owned(), ..same.clone() },
            Fetching { endpoint: Some("http://other".to_owned()), ..same.clone() },
        ] {
            let found = DownloadJournal::find(dir.path(), &other, LIMITS).unwrap();
            assert!(matches!(found, Found::Nothing), "{found:?}");
        }
        let (journal, read) = find(dir.path(), &same);
        assert_eq!(read, Some(begun()));
        journal.end().unwrap();
        assert!(matches!(DownloadJournal::find(dir.path(), &same, LIMITS).unwrap(), Found::Nothing));
    }

    #[test]
    fn one_process_at_a_time_has_it_and_begins_it_once() {
        let dir = tempfile::tempdir().unwrap();
        let same = fetching("k", "/to");
        let first = begin(dir.path(), &same);
        assert!(matches!(DownloadJournal::find(dir.path(), &same, LIMITS).unwrap(), Found::Busy));
        assert!(DownloadJournal::begin(dir.path(), &same, &begun()).unwrap().is_none());
        drop(first);
        assert!(
            DownloadJournal::begin(dir.path(), &same, &begun()).unwrap().is_none(),
            "it is noted already"
        );
        find(dir.path(), &same).0.end().unwrap();
        begin(dir.path(), &same).end().unwrap();
    }

    #[test]
    fn a_torn_line_ends_the_notes_and_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let same = fetching("k", "/to");
        let mut journal = begin(dir.path(), &same);
        let plan = begun().plan;
        journal.note(&plan.range(2), "c".to_owned()).unwrap();
        journal.note(&plan.range(0), "a".to_owned()).unwrap();
        let path = journal.0.path().to_owned();
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        let ends: Vec<usize> =
            whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
        for cut in 0..whole.len() {
            let mut torn = whole[..cut].to_vec();
            torn.extend(b"\0\xff\n{}\n");
            std::fs::write(&path, &torn).unwrap();
            let (mut journal, read) = find(dir.path(), &same);
            let wanted: &[(u32, &str)] = match ends.iter().filter(|end| **end <= cut).count() {
                0 => {
                    assert_eq!(read, None, "{cut}");
                    continue;
                }
                1 => &[],
                _ => &[(2, "c")],
            };
            assert_eq!(written(read.as_ref()), wanted, "{cut}");
            journal.note(&plan.range(1), "b".to_owned()).unwrap();
            drop(journal);
            let again = find(dir.path(), &same).1;
            assert_eq!(written(again.as_ref()), [&[(1, "b")], wanted].concat(), "{cut}");
        }
    }

    #[test]
    fn what_is_no_journal_or_has_no_plan_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let same = fetching("k", "/to");
        let journal = begin(dir.path(), &same);
        let path = journal.0.path().to_owned();
        drop(journal);
        let good = std::fs::read_to_string(&path).unwrap();
        let long = format!("{good}{}", "x".repeat(8 << 20));
        let later = good.replace("download/1", "download/2");
        let (none, tiny) = (good.replace(":5242880", ":0"), good.replace(":5242880", ":1"));
        let huge = good.replace(":12582912", ":18446744073709551615");
        for text in ["", "\n", "{}\n", "\0\0\0", &long, &later, &none, &tiny, &huge] {
            std::fs::write(&path, text).unwrap();
            let read = find(dir.path(), &same).1;
            assert_eq!(read, None, "{} bytes", text.len());
            std::fs::write(&path, &good).unwrap();
            assert_eq!(find(dir.path(), &same).1, Some(begun()));
        }
    }

    #[test]
    fn only_ranges_of_the_plan_count() {
        let dir = tempfile::tempdir().unwrap();
        let same = fetching("k", "/to");
        let mut journal = begin(dir.path(), &same);
        for range in [0..5, 1..5 * MIB, 10 * MIB..15 * MIB, 15 * MIB..20 * MIB, u64::MAX - 5..u64::MAX] {
            journal.note(&range, "x".to_owned()).unwrap();
        }
        for index in [0, 1, 2] {
            journal.note(&begun().plan.range(index), index.to_string()).unwrap();
        }
        drop(journal);
        let read = find(dir.path(), &same).1.unwrap();
        assert_eq!(written(Some(&read)), [(0, "0"), (1, "1"), (2, "2")]);
    }
}
