//! What is noted of an upload: what is sent where (`holdall.upload/1`), then each part that the service has.

use super::super::source::Identity;
use super::notes::{Lines, NoteFile};
use crate::Sha256;
use crate::backend::{Held, PartDigest, PartReceipt, Ticket};
use crate::key::Key;
use crate::object::PutOptions;
use crate::store::Store;
use holdall_s3::{Checksum, ChecksumAlgorithm};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::Path;

pub(super) const SCHEMA: &str = "holdall.upload/1";

/// What is sent, and where to. Parts count only for an upload of exactly this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::transfer) struct Sending {
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
    pub(in crate::transfer) fn new(
        store: &Store,
        key: &Key,
        file: Identity,
        part_size: u64,
        options: &PutOptions,
    ) -> Self {
        // How far an upload has come is no property of the object; how its parts are proved is one of the upload.
        let options = PutOptions { progress: None, ..options.clone() };
        let carried = format!("{options:?} {:?}", store.settings().integrity);
        Self {
            endpoint: store.settings().endpoint.as_ref().map(ToString::to_string),
            store: store.location(),
            key: key.as_str().to_owned(),
            file,
            part_size,
            options: crate::sha256(carried.as_bytes()).to_hex(),
        }
    }

    /// The key, if this is sent to a store.
    pub(super) fn key_in(&self, store: &Store) -> Option<&str> {
        let endpoint = store.settings().endpoint.as_ref().map(ToString::to_string);
        (self.endpoint == endpoint && self.store == store.location()).then_some(self.key.as_str())
    }

    /// The object's URL, without credentials.
    pub(super) fn url(&self) -> String {
        format!("{}/{}", self.store, self.key)
    }

    fn is_same_place(&self, other: &Self) -> bool {
        (&self.endpoint, &self.store, &self.key) == (&other.endpoint, &other.store, &other.key)
    }

    /// The journal's name for it: one for each key of a store, whatever is sent there.
    fn name(&self) -> String {
        let place = format!("{:?}", (&self.endpoint, &self.store, &self.key));
        format!("{}.upload", &crate::sha256(place.as_bytes()).to_hex()[..40])
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct First {
    schema: String,
    #[serde(flatten)]
    pub(super) sending: Sending,
    #[serde(flatten)]
    pub(super) ticket: Ticket,
}

#[derive(Serialize, Deserialize)]
struct Part {
    part: u32,
    size: u64,
    etag: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// The digest, where it is no SHA-256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checksum: Option<(String, String)>,
}

impl From<&PartReceipt> for Part {
    fn from(receipt: &PartReceipt) -> Self {
        let pair = |sum: &Checksum| (sum.algorithm.name().to_owned(), sum.value.clone());
        let digest = match &receipt.digest {
            PartDigest::Sha256(_) => None,
            PartDigest::Checksum(checksum) => Some(pair(checksum)),
        };
        Self {
            part: receipt.number,
            size: receipt.size,
            etag: receipt.etag.clone(),
            sha256: receipt.digest.sha256().map(Sha256::to_hex),
            digest,
            checksum: receipt.checksum.as_ref().map(pair),
        }
    }
}

impl Part {
    fn into_receipt(self) -> Option<PartReceipt> {
        let known = |(name, value): (String, String)| {
            Some(Checksum { algorithm: ChecksumAlgorithm::named(&name)?, value })
        };
        let checksum = match self.checksum {
            None => None,
            Some(pair) => Some(known(pair)?),
        };
        let digest = match (self.sha256, self.digest) {
            (Some(sha256), _) => PartDigest::Sha256(Sha256::from_hex(&sha256)?),
            (None, digest) => PartDigest::Checksum(known(digest?)?),
        };
        Some(PartReceipt {
            number: self.part,
            etag: self.etag,
            size: self.size,
            digest,
            checksum,
            attempts: 0,
        })
    }
}

/// An upload that an earlier process began.
#[derive(Debug)]
pub(in crate::transfer) struct Begun {
    pub(in crate::transfer) ticket: Ticket,
    pub(in crate::transfer) parts: Vec<PartReceipt>,
}

impl Begun {
    /// Leaves out the parts that the store does not have as they were sent.
    pub(in crate::transfer) fn keep_only(&mut self, held: &Held) {
        if let Held::Parts(held) = held {
            let held: HashSet<(u32, &str, u64)> =
                held.iter().map(|(number, etag, size)| (*number, etag.as_str(), *size)).collect();
            self.parts.retain(|part| held.contains(&(part.number, part.etag.as_str(), part.size)));
        }
    }
}

/// What an earlier process noted for a key.
#[derive(Debug)]
pub(in crate::transfer) enum Noted {
    Nothing,
    /// An upload of the same.
    Same(Begun),
    /// An upload of other bytes or with other options, which nobody will go on with.
    Stale(Ticket),
}

/// The journal's file for one upload, locked.
#[derive(Debug)]
pub(in crate::transfer) struct Journal(NoteFile);

impl Journal {
    /// Opens the file for what is to be sent, with what an earlier process noted. None while another process has it.
    ///
    /// # Errors
    ///
    /// What keeps it from being opened, and so the upload from being resumed.
    pub(in crate::transfer) fn open(folder: &Path, sending: &Sending) -> io::Result<Option<(Self, Noted)>> {
        let Some(mut file) = NoteFile::make(folder, &sending.name())? else { return Ok(None) };
        let (noted, whole) = read(file.lines()?, sending)?;
        // What follows is noted behind the last line that is whole.
        file.go_on_at(whole)?;
        Ok(Some((Self(file), noted)))
    }

    /// Notes that an upload was begun, in place of all that is in the file.
    pub(in crate::transfer) fn begin(&mut self, sending: &Sending, ticket: &Ticket) -> io::Result<()> {
        self.0.go_on_at(0)?;
        let (sending, ticket) = (sending.clone(), ticket.clone());
        self.0.add(&First { schema: SCHEMA.to_owned(), sending, ticket })
    }

    /// Notes a part that the service has.
    pub(in crate::transfer) fn note(&mut self, part: &PartReceipt) -> io::Result<()> {
        self.0.add(&Part::from(part))
    }

    /// Removes the file: there is nothing to go on with.
    pub(in crate::transfer) fn end(self) -> io::Result<()> {
        self.0.remove()
    }
}

/// Reads what was noted, up to the first line that is not whole, and how many bytes those lines are.
fn read(mut lines: Lines<'_>, sending: &Sending) -> io::Result<(Noted, u64)> {
    let first = lines.next::<First>()?;
    let ours = first.filter(|first| first.schema == SCHEMA && first.sending.is_same_place(sending));
    let Some(first) = ours else { return Ok((Noted::Nothing, 0)) };
    if first.sending != *sending {
        return Ok((Noted::Stale(first.ticket), lines.whole));
    }
    let mut parts = BTreeMap::new();
    // A part that was sent again replaced the earlier one.
    while let Some(part) = lines.next::<Part>()?.and_then(Part::into_receipt) {
        parts.insert(part.number, part);
    }
    let parts = parts.into_values().collect();
    Ok((Noted::Same(Begun { ticket: first.ticket, parts }), lines.whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    fn sending(key: &str, size: u64) -> Sending {
        let store = Store::open("memory://journal", &crate::Settings::default()).unwrap();
        let file = Identity { size, ..Identity::default() };
        Sending::new(&store, &Key::parse(key).unwrap(), file, 8 << 20, &PutOptions::default())
    }

    fn part(number: u32, etag: &str) -> PartReceipt {
        let digest = PartDigest::Sha256(crate::sha256(etag.as_bytes()));
        let checksum = Some(ChecksumAlgorithm::Crc32c.compute(etag.as_bytes()));
        PartReceipt { number, etag: etag.to_owned(), size: 5, digest, checksum, attempts: 1 }
    }

    fn ticket() -> Ticket {
        Ticket { id: "id".to_owned(), nonce: "nonce".to_owned() }
    }

    fn etags(noted: &Noted) -> Vec<&str> {
        match noted {
            Noted::Same(begun) => begun.parts.iter().map(|part| part.etag.as_str()).collect(),
            Noted::Nothing | Noted::Stale(_) => Vec::new(),
        }
    }

    fn open(folder: &Path, sending: &Sending) -> (Journal, Noted) {
        Journal::open(folder, sending).unwrap().unwrap()
    }

    #[test]
    fn notes_are_for_the_same_bytes_under_the_same_key_alone() {
        let dir = tempfile::tempdir().unwrap();
        let same = sending("k", 10);
        let (mut journal, noted) = open(dir.path(), &same);
        assert!(matches!(noted, Noted::Nothing), "{noted:?}");
        journal.begin(&same, &ticket()).unwrap();
        for (number, etag) in [(2, "b"), (1, "a"), (2, "c")] {
            journal.note(&part(number, etag)).unwrap();
        }
        drop(journal);
        let (journal, noted) = open(dir.path(), &same);
        assert_eq!(etags(&noted), ["a", "c"]);
        let Noted::Same(begun) = noted else { panic!("{noted:?}") };
        let first = &begun.parts[0];
        assert_eq!((&first.digest, &first.checksum), (&part(1, "a").digest, &part(1, "a").checksum));
        drop(journal);
        assert!(matches!(open(dir.path(), &sending("k", 11)).1, Noted::Stale(old) if old == ticket()));
        assert!(matches!(open(dir.path(), &sending("other", 10)).1, Noted::Nothing));
        // Looking with other bytes forgets the parts' upload no more than a reader does.
        let (journal, noted) = open(dir.path(), &same);
        assert!(matches!(noted, Noted::Same(_)), "{noted:?}");
        journal.end().unwrap();
        assert!(matches!(open(dir.path(), &same).1, Noted::Nothing));
    }

    #[test]
    fn progress_makes_no_other_object_and_everything_else_does() {
        let store = Store::open("memory://journal", &crate::Settings::default()).unwrap();
        let of = |part_size, options: &PutOptions| {
            Sending::new(&store, &Key::parse("k").unwrap(), Identity::default(), part_size, options)
        };
        let plain = of(5, &PutOptions::default());
        let progress = crate::Progress::new();
        let counted = PutOptions { progress: Some(progress.clone()), ..PutOptions::default() };
        assert_eq!(of(5, &counted), plain);
        progress.add(3);
        assert_eq!(of(5, &counted), plain);
        let tagged = PutOptions { tags: vec![("a".to_owned(), "b".to_owned())], ..PutOptions::default() };
        let kms = |key: &str| PutOptions {
            encryption: Some(crate::Encryption::Kms(Some(key.to_owned()))),
            ..PutOptions::default()
        };
        assert_ne!(of(6, &PutOptions::default()), plain);
        assert_ne!(of(5, &tagged), plain);
        assert_ne!(of(5, &kms("one")), of(5, &kms("two")));
    }

    #[test]
    fn a_torn_line_ends_the_notes_and_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let same = sending("k", 10);
        let (mut journal, _) = open(dir.path(), &same);
        journal.begin(&same, &ticket()).unwrap();
        journal.note(&part(1, "a")).unwrap();
        journal.note(&part(2, "b")).unwrap();
        let path = journal.0.path().to_owned();
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            let mut torn = whole[..cut].to_vec();
            torn.extend(b"\0\xff\n{}\n");
            std::fs::write(&path, &torn).unwrap();
            let (mut journal, noted) = open(dir.path(), &same);
            let found: Vec<String> = etags(&noted).into_iter().map(str::to_owned).collect();
            assert!(["a", "b"].starts_with(&found.iter().map(String::as_str).collect::<Vec<_>>()), "{cut}");
            if matches!(noted, Noted::Nothing) {
                journal.begin(&same, &ticket()).unwrap();
            }
            journal.note(&part(3, "new")).unwrap();
            drop(journal);
            let mut wanted = found;
            wanted.push("new".to_owned());
            assert_eq!(etags(&open(dir.path(), &same).1), wanted, "{cut}");
        }
    }

    #[test]
    fn what_is_no_journal_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let same = sending("k", 10);
        let path = dir.path().join(same.name());
        let long = vec![b'x'; (8 << 20) + 1];
        let other = br#"{"schema":"holdall.upload/2"}"#;
        for bytes in [&b""[..], b"\n", b"{}\n", b"\0\0\0\0", &long, other] {
            std::fs::write(&path, bytes).unwrap();
            assert!(matches!(open(dir.path(), &same).1, Noted::Nothing), "{} bytes", bytes.len());
        }
    }

    #[test]
    fn it_is_its_users_alone_and_follows_no_link() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("state/holdall/journal");
        let same = sending("k", 10);
        let (journal, _) = open(&folder, &same);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&folder), mode(journal.0.path())), (0o700, 0o600));
        let path = journal.0.path().to_owned();
        journal.end().unwrap();
        let target = dir.path().join("target");
        std::fs::write(&target, "mine").unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        assert!(Journal::open(&folder, &same).is_err());
        assert_eq!(std::fs::read(&target).unwrap(), b"mine");
        std::fs::remove_file(&path).unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Journal::open(&folder, &same).is_err(), "others could put notes there");
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
        assert_eq!(etags(&Noted::Same(begun)), ["a"]);
    }
}
