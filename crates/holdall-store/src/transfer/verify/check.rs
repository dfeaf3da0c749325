//! Finds out what one path is on each side, by as little as proves it.

use super::reading::{digest_of, replaced};
use super::sides::{Item, Local};
use super::{Side, VerifyEvent, VerifyOptions, VerifySummary};
use crate::error::{Error, ErrorKind, Result};
use crate::integrity::manifest::Expected;
use crate::integrity::verify::{Difference, Found, Proof, Step, by_digest, by_listing, by_record};
use crate::object::{GetOptions, Metadata};
use crate::store::Store;
use crate::transfer::source::Opened;
use crate::{Encryption, Sha256};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What all checks share.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) store: Store,
    pub(super) dir: Option<PathBuf>,
    pub(super) options: VerifyOptions,
    /// Whether there is a manifest to judge by.
    pub(super) is_described: bool,
    /// Ends the reading of files when nobody waits for it any more.
    pub(super) stop: Arc<AtomicBool>,
}

/// What was found of one path.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) events: Vec<VerifyEvent>,
    pub(super) proof: Option<Proof>,
    /// The bytes of the object, where it was read.
    pub(super) bytes_read: u64,
    /// Whether the file was read and is right.
    pub(super) file: bool,
}

impl Checked {
    pub(super) fn count(&self, summary: &mut VerifySummary) {
        self.proof.into_iter().for_each(|proof| summary.count_proof(proof));
        summary.bytes_read += self.bytes_read;
        summary.files += u64::from(self.file);
        self.events.iter().for_each(|event| summary.count(event));
    }

    /// Takes in what a side was found to have; a difference is given back, since the other side may have the same.
    fn add(&mut self, path: &str, side: Side, found: Found) -> Result<(), (Side, Found)> {
        match found {
            Found::Same(proof) if side == Side::Store => self.proof = Some(proof),
            Found::Same(_) => self.file = true,
            Found::Unproven => self.events.push(VerifyEvent::Unproven { path: path.to_owned() }),
            Found::Failed(error) => self.events.push(VerifyEvent::Failed { name: path.to_owned(), error }),
            other => return Err((side, other)),
        }
        Ok(())
    }
}

fn event(path: &str, side: Side, found: &Found) -> Option<VerifyEvent> {
    let path = path.to_owned();
    match found {
        Found::Absent => Some(VerifyEvent::Missing { path, side }),
        Found::Differs(by) => Some(VerifyEvent::Different { path, side, by: *by }),
        _ => None,
    }
}

impl Check {
    /// Judges a path where what was listed and described says enough.
    pub(super) fn at_once(&self, item: &Item) -> Option<Checked> {
        let (Some(expected), Local::NotAsked) = (&item.expected, item.local) else { return None };
        let found = match &item.listed {
            None => Found::Absent,
            Some(listed) => match by_listing(expected, listed, self.options.deep) {
                Step::Is(found) => found,
                Step::Ask | Step::Read => return None,
            },
        };
        let mut checked = Checked::default();
        if let Err((side, found)) = checked.add(&item.path, Side::Store, found) {
            checked.events.extend(event(&item.path, side, &found));
        }
        Some(checked)
    }

    /// Judges a path.
    pub(super) async fn check(&self, item: Item) -> Checked {
        match (&item.expected, self.is_described) {
            (Some(expected), _) => self.described(&item, expected).await,
            (None, true) => self.not_described(item).await,
            (None, false) => self.without_manifest(item).await,
        }
    }

    /// Compares both sides with what the manifest says.
    async fn described(&self, item: &Item, expected: &Expected) -> Checked {
        let mut checked = Checked::default();
        let store = match &item.listed {
            None => Found::Absent,
            Some(listed) => self.object(expected, listed, &mut checked).await,
        };
        let store = checked.add(&item.path, Side::Store, store).err();
        let folder = match item.local {
            Local::NotAsked => None,
            Local::Absent => Some(Found::Absent),
            Local::File(size) => Some(self.file(&item.path, expected, size).await),
        };
        let folder = folder.and_then(|found| checked.add(&item.path, Side::Folder, found).err());
        if let (Some((_, store)), Some((_, folder))) = (&store, &folder)
            && self.are_alike(item, store, folder).await
        {
            checked.events.push(VerifyEvent::Stale { path: item.path.clone() });
            return checked;
        }
        let both = store.into_iter().chain(folder);
        checked.events.extend(both.filter_map(|(side, found)| event(&item.path, side, &found)));
        checked
    }

    /// Whether store and folder agree with each other where neither does with the manifest.
    async fn are_alike(&self, item: &Item, store: &Found, folder: &Found) -> bool {
        use Difference::Digest;
        match (store, folder) {
            (Found::Absent, Found::Absent) => true,
            (
                Found::Differs(Digest { found: Some(object), .. }),
                Found::Differs(Digest { found: Some(file), .. }),
            ) => object == file,
            (Found::Differs(_), Found::Differs(_)) => self.have_the_same_bytes(item).await,
            _ => false,
        }
    }

    /// Whether object and file are known to have the same bytes.
    async fn have_the_same_bytes(&self, item: &Item) -> bool {
        let (Some(listed), Local::File(size)) = (&item.listed, item.local) else { return false };
        if listed.size != size {
            return false;
        }
        let Ok(sha256) = self.hash_file(&item.path).await else { return false };
        let expected = Expected { path: String::new(), size, sha256, etag: None };
        matches!(self.object(&expected, listed, &mut Checked::default()).await, Found::Same(_))
    }

    /// Judges what the manifest does not know.
    async fn not_described(&self, item: Item) -> Checked {
        let mut checked = Checked::default();
        let path = || item.path.clone();
        if self.have_the_same_bytes(&item).await {
            checked.events.push(VerifyEvent::Stale { path: path() });
            return checked;
        }
        if item.listed.is_some() {
            checked.events.push(VerifyEvent::Extra { path: path(), side: Side::Store });
        }
        if matches!(item.local, Local::File(_)) {
            checked.events.push(VerifyEvent::Extra { path: path(), side: Side::Folder });
        }
        checked
    }

    /// Compares an object with a file.
    async fn without_manifest(&self, item: Item) -> Checked {
        let mut checked = Checked::default();
        let found = match (&item.listed, item.local) {
            (Some(listed), Local::File(size)) => self.pair(&item.path, listed, size, &mut checked).await,
            (Some(_), _) => {
                checked.events.push(VerifyEvent::Extra { path: item.path, side: Side::Store });
                return checked;
            }
            (None, _) => Found::Absent,
        };
        if matches!(found, Found::Same(_)) {
            checked.file = true;
        }
        if let Err((side, found)) = checked.add(&item.path, Side::Store, found) {
            checked.events.extend(event(&item.path, side, &found));
        }
        checked
    }

    async fn pair(&self, path: &str, listed: &Metadata, size: u64, checked: &mut Checked) -> Found {
        if listed.size != size {
            return Found::Differs(Difference::Size { expected: size, found: listed.size });
        }
        // The file is not read for nothing.
        let recorded = match self.options.deep {
            true => None,
            false => match self.recorded(listed).await {
                Ok(Some(recorded)) => Some(recorded),
                Ok(None) => return Found::Unproven,
                Err(error) => return Found::Failed(error),
            },
        };
        let expected = match self.hash_file(path).await {
            Ok(sha256) => sha256,
            Err(error) => return Found::Failed(error),
        };
        match recorded {
            Some(recorded) => by_digest(expected, recorded, Proof::Recorded),
            None => self.read(expected, listed, checked).await,
        }
    }

    async fn file(&self, path: &str, expected: &Expected, size: u64) -> Found {
        if size != expected.size {
            return Found::Differs(Difference::Size { expected: expected.size, found: size });
        }
        match self.hash_file(path).await {
            Ok(sha256) => by_digest(expected.sha256, sha256, Proof::Read),
            Err(error) => Found::Failed(error),
        }
    }

    async fn hash_file(&self, path: &str) -> Result<Sha256> {
        let (path, follow) =
            (self.dir.as_deref().unwrap_or("".as_ref()).join(path), self.options.follow_symlinks);
        let stop = self.stop.clone();
        let hashed = tokio::task::spawn_blocking(move || Opened::open(&path, follow)?.sha256_unless(&stop));
        hashed
            .await
            .unwrap_or_else(|e| Err(Error::new(ErrorKind::Cancelled, "hashing was cancelled").with_source(e)))
    }

    async fn object(&self, expected: &Expected, listed: &Metadata, checked: &mut Checked) -> Found {
        match by_listing(expected, listed, self.options.deep) {
            Step::Is(found) => found,
            Step::Read => self.read(expected.sha256, listed, checked).await,
            Step::Ask => match self.recorded(listed).await {
                Ok(recorded) => by_record(expected, listed, recorded),
                Err(error) => Found::Failed(error),
            },
        }
    }

    /// The digest that an object was stored with.
    async fn recorded(&self, listed: &Metadata) -> Result<Option<Sha256>> {
        let head = self.store.backend().head(&listed.key, &self.get_options()).await;
        let head = head.map_err(|e| e.with_key(&listed.key))?;
        if head.size != listed.size {
            return Err(replaced(listed));
        }
        Ok(head.sha256)
    }

    /// Reads an object. One that does not have the bytes which were recorded with it differs, too.
    async fn read(&self, expected: Sha256, listed: &Metadata, checked: &mut Checked) -> Found {
        match digest_of(&self.store, listed, self.get_options()).await {
            Ok(sha256) => {
                checked.bytes_read = listed.size;
                by_digest(expected, sha256, Proof::Read)
            }
            Err(error) if error.kind() == ErrorKind::Integrity => {
                tracing::debug!(%error, key = %listed.key, "the bytes are not those that were recorded");
                Found::Differs(Difference::Digest { expected, found: None })
            }
            Err(error) => Found::Failed(error.with_key(&listed.key)),
        }
    }

    fn get_options(&self) -> GetOptions {
        let encryption = self.store.settings().encryption.clone();
        let encryption = encryption.filter(|encryption| matches!(encryption, Encryption::Customer(_)));
        GetOptions { encryption, ..GetOptions::default() }
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
