//! Notes of an upload under way, so that another process can go on with it.
//!
//! One file for each place and key below the journal's folder, locked while it is written: a line that says what is sent
//! where (`holdall.upload/1`), then a line for each part that the service has. Lines are not fsynced: what a power cut
//! takes is sent again. A line that is not whole ends the reading.

use super::source::Identity;
use crate::Sha256;
use crate::backend::{Held, PartReceipt, Ticket};
use crate::key::Key;
use crate::object::PutOptions;
use crate::store::Store;
use holdall_s3::{Checksum, ChecksumAlgorithm};
use rustix::fs::{FlockOperation, Mode, OFlags};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
use std::path::{Path, PathBuf};

const SCHEMA: &str = "holdall.upload/1";

/// A file with more is not ours: 10,000 parts need less than a third of it.
const MOST: u64 = 8 << 20;

/// What is sent, and where to. Parts count only for an upload of exactly this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sending {
    /// The service's endpoint, where one is set.
    endpoint: Option<String>,
    /// The store's URL.
    store: String,
    key: String,
    file: Identity,
    part_size: u64,
    /// A digest of all that the object carries besides its bytes.
    options: String,
}

impl Sending {
    pub(super) fn new(
        store: &Store,
        key: &Key,
        file: Identity,
        part_size: u64,
        options: &PutOptions,
    ) -> Self {
        Self {
            endpoint: store.settings().endpoint.as_ref().map(ToString::to_string),
            store: store.location(),
            key: key.as_str().to_owned(),
            file,
            part_size,
            options: crate::sha256(format!("{options:?}").as_bytes()).to_hex(),
        }
    }

    /// The journal's name for it: one for each key of a store, whatever is sent there.
    fn name(&self) -> String {
        let place = format!("{:?}", (&self.endpoint, &self.store, &self.key));
        format!("{}.upload", &crate::sha256(place.as_bytes()).to_hex()[..40])
    }
}

#[derive(Serialize, Deserialize)]
struct First {
    schema: String,
    #[serde(flatten)]
    sending: Sending,
    #[serde(flatten)]
    ticket: Ticket,
}

#[derive(Serialize, Deserialize)]
struct Part {
    part: u32,
    size: u64,
    etag: String,
    sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<(String, String)>,
}

impl From<&PartReceipt> for Part {
    fn from(receipt: &PartReceipt) -> Self {
        let checksum = receipt.checksum.as_ref();
        Self {
            part: receipt.number,
            size: receipt.size,
            etag: receipt.etag.clone(),
            sha256: receipt.sha256.to_hex(),
            checksum: checksum.map(|sum| (sum.algorithm.name().to_owned(), sum.value.clone())),
        }
    }
}

impl Part {
    fn into_receipt(self) -> Option<PartReceipt> {
        let checksum = match self.checksum {
            None => None,
            Some((name, value)) => Some(Checksum { algorithm: ChecksumAlgorithm::named(&name)?, value }),
        };
        let sha256 = Sha256::from_hex(&self.sha256)?;
        Some(PartReceipt {
            number: self.part,
            etag: self.etag,
            size: self.size,
            sha256,
            checksum,
            attempts: 0,
        })
    }
}

/// An upload that an earlier process began.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) ticket: Ticket,
    pub(super) parts: Vec<PartReceipt>,
}

impl Begun {
    /// Leaves out the parts that the store does not have as they were sent.
    pub(super) fn keep_only(&mut self, held: &Held) {
        if let Held::Parts(held) = held {
            let has = |part: &PartReceipt| held.contains(&(part.number, part.etag.clone(), part.size));
            self.parts.retain(has);
        }
    }
}

/// The journal's file for one upload, locked.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens the file for what is to be sent, with what an earlier process noted of the same. None while another process
    /// has it.
    ///
    /// # Errors
    ///
    /// What keeps it from being opened, and so the upload from being resumed.
    pub(super) fn open(folder: &Path, sending: &Sending) -> io::Result<Option<(Self, Option<Begun>)>> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = folder.join(sending.name());
        let Some(file) = locked(&path)? else { return Ok(None) };
        let begun = read(&file, sending)?;
        Ok(Some((Self { path, file }, begun)))
    }

    /// Notes that an upload was begun, in place of all that is in the file.
    pub(super) fn begin(&mut self, sending: &Sending, ticket: &Ticket) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        let (sending, ticket) = (sending.clone(), ticket.clone());
        self.line(&First { schema: SCHEMA.to_owned(), sending, ticket })
    }

    /// Goes on with an upload whose parts are these.
    pub(super) fn go_on(&mut self, sending: &Sending, begun: &Begun) -> io::Result<()> {
        self.begin(sending, &begun.ticket)?;
        begun.parts.iter().try_for_each(|part| self.note(part))
    }

    /// Notes a part that the service has.
    pub(super) fn note(&mut self, part: &PartReceipt) -> io::Result<()> {
        self.line(&Part::from(part))
    }

    fn line(&mut self, record: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        self.file.write_all(&line)
    }

    /// Removes the file: there is nothing to go on with.
    pub(super) fn end(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}

/// Opens a file with the lock on it; none while another process has it.
fn locked(path: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    loop {
        let file = File::from(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?);
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            other => other?,
        }
        // Whoever had the lock may have removed the file: then this is nobody's any more.
        let own = file.metadata()?;
        match std::fs::symlink_metadata(path) {
            Ok(there) if (there.dev(), there.ino()) == (own.dev(), own.ino()) => return Ok(Some(file)),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
}

/// Reads what was noted of this, up to the first line that is not whole. Notes of anything else are none.
fn read(file: &File, sending: &Sending) -> io::Result<Option<Begun>> {
    if !(1..=MOST).contains(&file.metadata()?.len()) {
        return Ok(None);
    }
    let mut lines = BufReader::new(file).lines().map_while(Result::ok);
    let first = lines.next().and_then(|line| serde_json::from_str::<First>(&line).ok());
    let Some(first) = first.filter(|first| first.schema == SCHEMA && first.sending == *sending) else {
        return Ok(None);
    };
    let parts = lines.map_while(|line| serde_json::from_str::<Part>(&line).ok()?.into_receipt());
    let mut parts: Vec<PartReceipt> = parts.collect();
    // A part that was sent again replaced the earlier one.
    parts.reverse();
    parts.sort_by_key(|part| part.number);
    parts.dedup_by_key(|part| part.number);
    Ok(Some(Begun { ticket: first.ticket, parts }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sending(key: &str, size: u64) -> Sending {
        let store = Store::open("memory://journal", &crate::Settings::default()).unwrap();
        let file = Identity { size, ..Identity::default() };
        Sending::new(&store, &Key::parse(key).unwrap(), file, 8 << 20, &PutOptions::default())
    }

    fn part(number: u32, etag: &str) -> PartReceipt {
        let sha256 = crate::sha256(etag.as_bytes());
        let checksum = Some(ChecksumAlgorithm::Crc32c.compute(etag.as_bytes()));
        PartReceipt { number, etag: etag.to_owned(), size: 5, sha256, checksum, attempts: 1 }
    }

    fn ticket() -> Ticket {
        Ticket { id: "id".to_owned(), nonce: "nonce".to_owned() }
    }

    fn etags(begun: &Option<Begun>) -> Vec<&str> {
        begun.iter().flat_map(|begun| &begun.parts).map(|part| part.etag.as_str()).collect()
    }

    #[test]
    fn notes_are_for_the_same_bytes_under_the_same_key_alone() {
        let dir = tempfile::tempdir().unwrap();
        let same = sending("k", 10);
        let (mut journal, begun) = Journal::open(dir.path(), &same).unwrap().unwrap();
        assert!(begun.is_none());
        journal.begin(&same, &ticket()).unwrap();
        for (number, etag) in [(2, "b"), (1, "a"), (2, "c")] {
            journal.note(&part(number, etag)).unwrap();
        }
        drop(journal);
        let (journal, begun) = Journal::open(dir.path(), &same).unwrap().unwrap();
        assert_eq!(etags(&begun), ["a", "c"]);
        let first = &begun.unwrap().parts[0];
        assert_eq!((first.sha256, &first.checksum), (part(1, "a").sha256, &part(1, "a").checksum));
        drop(journal);
        for other in [sending("k", 11), sending("other", 10)] {
            assert!(Journal::open(dir.path(), &other).unwrap().unwrap().1.is_none());
        }
        // Looking with other bytes forgets nothing.
        let (journal, begun) = Journal::open(dir.path(), &same).unwrap().unwrap();
        assert_eq!(etags(&begun), ["a", "c"]);
        journal.end().unwrap();
        assert!(Journal::open(dir.path(), &same).unwrap().unwrap().1.is_none());
    }

    #[test]
    fn a_torn_line_ends_the_notes() {
        let dir = tempfile::tempdir().unwrap();
        let same = sending("k", 10);
        let (mut journal, _) = Journal::open(dir.path(), &same).unwrap().unwrap();
        journal.begin(&same, &ticket()).unwrap();
        journal.note(&part(1, "a")).unwrap();
        journal.note(&part(2, "b")).unwrap();
        let whole = std::fs::read(&journal.path).unwrap();
        for cut in 0..whole.len() {
            let mut torn = whole[..cut].to_vec();
            torn.extend(b"\0\xff\n{}\n");
            std::fs::write(&journal.path, &torn).unwrap();
            let begun = read(&File::open(&journal.path).unwrap(), &same).unwrap();
            let found = etags(&begun);
            assert!(["a", "b"].starts_with(&found[..]), "{cut}: {found:?}");
        }
    }

    #[test]
    fn one_process_at_a_time_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let first = Journal::open(dir.path(), &sending("k", 10)).unwrap().unwrap().0;
        assert!(Journal::open(dir.path(), &sending("k", 10)).unwrap().is_none());
        assert!(Journal::open(dir.path(), &sending("other", 10)).unwrap().is_some());
        first.end().unwrap();
        assert!(Journal::open(dir.path(), &sending("k", 10)).unwrap().is_some());
    }

    #[test]
    fn only_parts_that_the_store_has_so_are_kept() {
        let mut begun = Begun { ticket: ticket(), parts: vec![part(1, "a"), part(2, "b"), part(3, "c")] };
        begun.keep_only(&Held::Unknown);
        assert_eq!(begun.parts.len(), 3);
        let other = |number, etag: &str, size| (number, etag.to_owned(), size);
        begun.keep_only(&Held::Parts(vec![other(1, "a", 5), other(2, "x", 5), other(3, "c", 6)]));
        assert_eq!(etags(&Some(begun)), ["a"]);
    }
}
