//! Objects that arrive in parts.
//!
//! Parts are written to one file without a name. While they are of one size each goes straight to its place, and
//! completing the upload is giving the file its key; else the parts are put in order by a copy.

use super::backend::FolderBackend;
use super::folder::Folder;
use super::publish::Written;
use super::put::receipt;
use crate::backend::carried::Carried;
use crate::backend::parts::{check_list, check_part, gone};
use crate::backend::{BoxFuture, PartDigest, PartReceipt, Upload};
use crate::disk::Draft;
use crate::disk::append;
use crate::error::{Error, ErrorKind, Result};
use crate::integrity::composite;
use crate::key::Key;
use crate::object::{Metadata, PutOptions};
use crate::receipt::Receipt;
use crate::{Sha256, WriteCondition, sha256};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// So much is written between two flushes.
const FLUSHED: u64 = 64 << 20;

/// How many parts may be left out before one that comes early. More are hardly under way, and a file system that keeps
/// holes on the disk would write them all.
const AHEAD: u64 = 64;

/// A part in the file.
#[derive(Debug, Clone, Copy)]
struct Part {
    start: u64,
    size: u64,
    sha256: Sha256,
}

impl Part {
    fn etag(&self) -> String {
        format!("\"{}\"", self.sha256)
    }
}

/// What there is of an upload.
struct State {
    at: OwnedFd,
    draft: Arc<Draft>,
    /// The size of the first part that came: the guess for all but the last.
    stride: Option<u64>,
    /// Where in the file nothing was promised to any part yet.
    free: u64,
    /// Places that parts were given, by where they begin: also of parts that were replaced.
    taken: BTreeMap<u64, u64>,
    parts: BTreeMap<u32, Part>,
    /// Bytes that were written since the last were sent to the disk.
    unflushed: u64,
}

impl State {
    /// A place for a part: where it belongs if all parts are of one size, else behind everything.
    fn place(&mut self, number: u32, size: u64) -> u64 {
        let stride = *self.stride.get_or_insert(size);
        let furthest = self.free.saturating_add(stride.saturating_mul(AHEAD));
        let wanted = stride.checked_mul(u64::from(number) - 1).filter(|start| *start <= furthest);
        let start = match wanted {
            Some(start) if size <= stride && self.is_free(start, size) => start,
            _ => self.free,
        };
        self.taken.insert(start, size);
        self.free = self.free.max(start + size);
        start
    }

    fn is_free(&self, start: u64, size: u64) -> bool {
        let before = self.taken.range(..=start).next_back();
        let after = self.taken.range(start..).next();
        before.is_none_or(|(at, len)| at + len <= start && *at != start)
            && after.is_none_or(|(at, _)| start + size <= *at)
    }
}

/// An upload under way. Its bytes go with it when it is dropped.
pub(super) struct FolderUpload {
    backend: FolderBackend,
    key: Key,
    carried: Carried,
    started: Instant,
    /// None once it was completed or aborted.
    state: Arc<Mutex<Option<State>>>,
}

impl FolderUpload {
    /// Begins an upload.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a condition, which S3 takes when the upload is completed.
    pub(super) async fn begin(backend: &FolderBackend, key: &Key, options: &PutOptions) -> Result<Self> {
        if options.condition != WriteCondition::Always {
            let message = "a condition is given when the upload is completed";
            return Err(Error::new(ErrorKind::InvalidInput, message).with_key(key));
        }
        let carried = Carried::of(options)?;
        let state = backend
            .blocking(key, |folder, _| {
                let at = folder.root.for_writing()?;
                let draft = Arc::new(folder.begin(&at)?);
                let (taken, parts) = (BTreeMap::new(), BTreeMap::new());
                Ok(State { at, draft, stride: None, free: 0, taken, parts, unflushed: 0 })
            })
            .await?;
        Ok(Self {
            backend: backend.clone(),
            key: key.clone(),
            carried,
            started: Instant::now(),
            state: Arc::new(Mutex::new(Some(state))),
        })
    }

    /// Ends the upload, unless the list of parts is wrong: then it goes on.
    fn finish(&self, listed: &[PartReceipt]) -> Result<(State, Vec<Part>)> {
        let mut state = held(&self.state);
        let parts = &state.as_ref().ok_or_else(gone)?.parts;
        check_list(listed, |number| parts.get(&number).map(|part| (part.etag(), part.size)))?;
        let chosen = listed.iter().filter_map(|receipt| parts.get(&receipt.number)).copied().collect();
        Ok((state.take().ok_or_else(gone)?, chosen))
    }
}

fn held(state: &Mutex<Option<State>>) -> MutexGuard<'_, Option<State>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a part to its place, hashed.
fn write_part(state: &Mutex<Option<State>>, number: u32, bytes: &[u8], fsyncs: bool) -> Result<Part> {
    let (draft, start, flush) = {
        let mut state = held(state);
        let state = state.as_mut().ok_or_else(gone)?;
        state.unflushed += bytes.len() as u64;
        let flush = fsyncs && state.unflushed >= FLUSHED;
        if flush {
            state.unflushed = 0;
        }
        (state.draft.clone(), state.place(number, bytes.len() as u64), flush)
    };
    let failed = |e| Error::io("the part cannot be written", e);
    crate::disk::write_at(draft.file(), bytes, start).map_err(failed)?;
    if flush {
        // The disk is at work while further parts are hashed, and not only at the end.
        draft.file().sync_data().map_err(failed)?;
    }
    let part = Part { start, size: bytes.len() as u64, sha256: sha256(bytes) };
    held(state).as_mut().ok_or_else(gone)?.parts.insert(number, part);
    Ok(part)
}

impl Upload for FolderUpload {
    fn put_part(&self, number: u32, bytes: Bytes) -> BoxFuture<'_, Result<PartReceipt>> {
        Box::pin(async move {
            check_part(number, bytes.len() as u64).map_err(|e| e.with_key(&self.key))?;
            let state = self.state.clone();
            let write =
                move |folder: &Folder, _: &Key| write_part(&state, number, &bytes, folder.root.fsyncs());
            let part = self.backend.blocking(&self.key, write).await?;
            Ok(PartReceipt {
                number,
                etag: part.etag(),
                size: part.size,
                digest: PartDigest::Sha256(part.sha256),
                checksum: None,
                attempts: 1,
            })
        })
    }

    fn complete<'a>(
        &'a self,
        parts: &'a [PartReceipt],
        condition: &'a WriteCondition,
    ) -> BoxFuture<'a, Result<Receipt>> {
        Box::pin(async move {
            let (state, parts) = self.finish(parts).map_err(|e| e.with_key(&self.key))?;
            let composite = composite(parts.iter().map(|part| part.sha256));
            let (carried, condition) = (self.carried.clone(), condition.clone());
            let publish =
                move |folder: &Folder, key: &Key| folder.complete(key, state, &parts, carried, &condition);
            let metadata = self.backend.blocking(&self.key, publish).await?;
            Ok(receipt(metadata, Some(composite), self.started))
        })
    }

    fn abort(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            *held(&self.state) = None;
            Ok(())
        })
    }
}

impl Folder {
    fn complete(
        &self,
        key: &Key,
        state: State,
        parts: &[Part],
        carried: Carried,
        condition: &WriteCondition,
    ) -> Result<Metadata> {
        let size = parts.iter().map(|part| part.size).sum();
        let mut next = 0;
        let in_order = parts.iter().all(|part| {
            let fits = part.start == next;
            next += part.size;
            fits
        });
        let draft = match (in_order, Arc::try_unwrap(state.draft)) {
            (true, Ok(draft)) => {
                // A part that was replaced, or is not in the list, may lie behind the end.
                draft.file().set_len(size).map_err(|e| Error::io("the object cannot be cut", e))?;
                draft
            }
            // Out of order, or a part that nobody waits for is being written still.
            (_, Ok(scattered)) => self.gather(&state.at, &scattered, parts)?,
            (_, Err(scattered)) => self.gather(&state.at, &scattered, parts)?,
        };
        self.publish(&state.at, key, Written { draft, carried, sha256: None }, condition)
    }

    fn gather(&self, at: &OwnedFd, scattered: &Draft, parts: &[Part]) -> Result<Draft> {
        let whole = self.begin(at)?;
        for part in parts {
            append(scattered.file(), part.start, part.size, whole.file())?;
        }
        Ok(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where parts of these numbers and sizes are put.
    fn places(parts: &[(u32, u64)]) -> Vec<u64> {
        let folder = tempfile::tempdir().unwrap();
        let at = rustix::fs::openat(
            rustix::fs::CWD,
            folder.path(),
            crate::disk::SEARCH,
            rustix::fs::Mode::empty(),
        )
        .unwrap();
        let draft = Arc::new(Draft::begin(&at, || Err(rustix::io::Errno::NOSYS)).unwrap());
        let (taken, kept) = (BTreeMap::new(), BTreeMap::new());
        let mut state = State { at, draft, stride: None, free: 0, taken, parts: kept, unflushed: 0 };
        parts.iter().map(|(number, size)| state.place(*number, *size)).collect()
    }

    #[test]
    fn parts_of_one_size_go_to_their_places_in_any_order() {
        assert_eq!(places(&[(1, 8), (2, 8), (3, 5)]), [0, 8, 16]);
        assert_eq!(places(&[(3, 8), (1, 8), (4, 1), (2, 8)]), [16, 0, 24, 8]);
        assert_eq!(places(&[(65, 8), (1, 8)]), [512, 0], "as many as may be under way");
        assert_eq!(places(&[(1, 8), (9999, 8), (10_000, 8)]), [0, 8, 16], "no hole for what will never come");
    }

    #[test]
    fn no_two_parts_share_a_byte() {
        assert_eq!(places(&[(3, 5), (1, 8), (2, 8)]), [10, 15, 23], "the last part came first");
        assert_eq!(places(&[(1, 8), (1, 8), (2, 8)]), [0, 8, 16], "a part was replaced");
        assert_eq!(places(&[(1, 0), (2, 0), (3, 7)]), [0, 0, 0], "an empty part is nowhere");
        let mut seen: Vec<(u64, u64)> = Vec::new();
        let parts = [(5, 9), (2, 3), (1, 9), (2, 9), (9, 1), (3, 4), (4, 9), (3, 9)];
        for ((_, size), start) in parts.iter().zip(places(&parts)) {
            assert!(
                seen.iter().all(|(at, len)| at + len <= start || start + size <= *at),
                "{seen:?} {start}"
            );
            seen.push((start, *size));
        }
    }
}
