//! Payloads that are files of their own: streamed or shared into the queue's folder, and read back in pieces.
//!
//! The file is whole and on the disk before the entry that names it is written. Until then it is locked, so that nobody
//! takes it for what a killed writer left.

use super::entry::Entry;
use super::ground::Ground;
use crate::backend::payload::{changed, check_digest, unreadable};
use crate::disk::{Draft, Holding, fault, open_beneath, unique};
use crate::error::{Error, ErrorKind, Result};
use crate::object::ObjectStream;
use crate::{Sha256, Source};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use ring::digest::{Context, SHA256};
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Payloads are written and read in pieces of this size.
pub const PIECE: usize = 1 << 20;

/// A payload's file, which no entry names yet.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) sha256: Sha256,
    ground: Arc<Ground>,
    _locked: Arc<File>,
    is_named: bool,
}

impl Placed {
    /// Leaves the file to the entry that names it.
    pub(super) fn keep(mut self) {
        self.is_named = true;
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        if !self.is_named
            && let Err(error) = rustix::fs::unlinkat(&self.ground.payload, &self.name, AtFlags::empty())
        {
            tracing::warn!(name = self.name, %error, "a payload of the outbox is left behind");
        }
    }
}

fn begin(ground: &Arc<Ground>) -> Result<Draft> {
    let failed = |e| fault("a payload of the outbox cannot be made", e);
    let folder = ground.payload.try_clone().map_err(|e| Error::io("a payload cannot be made", e))?;
    let holding = || Ok(Holding { folder: Arc::new(folder), prefix: "part-", suffix: "" });
    let draft = Draft::begin(&ground.payload, holding).map_err(failed)?;
    rustix::fs::fchmod(&**draft.file(), Mode::RUSR | Mode::WUSR).map_err(failed)?;
    // Where it has a name already, nobody takes it for what a killed writer left.
    rustix::fs::flock(&**draft.file(), FlockOperation::NonBlockingLockExclusive).map_err(failed)?;
    Ok(draft)
}

/// Brings a payload's file to the disk and gives it its name.
fn place(ground: &Arc<Ground>, mut draft: Draft, size: u64, sha256: Sha256) -> Result<Placed> {
    let failed = |e| fault("a payload of the outbox may not be on the disk", e);
    let file = draft.file().clone();
    rustix::fs::fsync(&*file).map_err(failed)?;
    let name = format!("{:016x}{:016x}", unique(), unique());
    draft.publish_new(&ground.payload, &name).map_err(failed)?;
    let placed = Placed { name, size, sha256, ground: ground.clone(), _locked: file, is_named: false };
    rustix::fs::fsync(&ground.payload).map_err(failed)?;
    Ok(placed)
}

/// Writes what a source gives.
pub(super) async fn stream(ground: &Arc<Ground>, source: &dyn Source) -> Result<Placed> {
    let promised = source.len();
    let mut pieces = source.open();
    let draft = {
        let ground = ground.clone();
        blocking(move || begin(&ground)).await?
    };
    let file = draft.file().clone();
    let mut digest = Context::new(&SHA256);
    let (mut size, mut buffer) = (0, Vec::with_capacity(PIECE));
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(unreadable)?;
        size += piece.len() as u64;
        if size > promised {
            return Err(changed("the source grew while it was read", promised));
        }
        buffer.extend_from_slice(&piece);
        if buffer.len() >= PIECE {
            (digest, buffer) = write(&file, size, digest, buffer).await?;
        }
    }
    if size < promised {
        return Err(changed("the source shrank while it was read", promised));
    }
    (digest, _) = write(&file, size, digest, buffer).await?;
    let sha256 = finished(digest);
    check_digest(source.sha256(), Some(sha256))?;
    let ground = ground.clone();
    blocking(move || place(&ground, draft, size, sha256)).await
}

/// Writes a piece that ends at a place of the file.
async fn write(
    file: &Arc<File>,
    end: u64,
    mut digest: Context,
    mut piece: Vec<u8>,
) -> Result<(Context, Vec<u8>)> {
    let file = file.clone();
    blocking(move || {
        digest.update(&piece);
        file.write_all_at(&piece, end - piece.len() as u64).map_err(unwritable)?;
        piece.clear();
        Ok((digest, piece))
    })
    .await
}

fn unwritable(error: std::io::Error) -> Error {
    Error::io("a payload of the outbox cannot be written", error)
}

/// Bytes that come in parts in any order, until they are put together.
#[derive(Debug)]
pub(crate) struct Spool(Draft);

impl Spool {
    pub(super) fn begin(ground: &Arc<Ground>) -> Result<Self> {
        begin(ground).map(Self)
    }

    /// Writes a part to a place of its own.
    pub(crate) fn write(&self, bytes: &[u8], at: u64) -> Result<()> {
        self.0.file().write_all_at(bytes, at).map_err(unwritable)
    }

    /// Makes a payload of parts, each a range of what was written.
    pub(super) fn place(&self, ground: &Arc<Ground>, parts: &[std::ops::Range<u64>]) -> Result<Placed> {
        let whole = begin(ground)?;
        for part in parts {
            crate::disk::append(self.0.file(), part.start, part.end - part.start, whole.file())?;
        }
        let (size, sha256) = digest_of(whole.file())?;
        place(ground, whole, size, sha256)
    }
}

/// Writes bytes at hand.
pub(super) fn bytes(ground: &Arc<Ground>, bytes: &[u8]) -> Result<Placed> {
    let draft = begin(ground)?;
    draft.file().write_all_at(bytes, 0).map_err(unwritable)?;
    place(ground, draft, bytes.len() as u64, crate::sha256(bytes))
}

/// Takes a file's bytes, by sharing its blocks where the file system can.
pub(super) fn file(ground: &Arc<Ground>, from: &File) -> Result<Placed> {
    let looked = |e| Error::io("the file cannot be looked at", e);
    let before = from.metadata().map_err(looked)?;
    let draft = begin(ground)?;
    if rustix::fs::ioctl_ficlone(&**draft.file(), from).is_err() {
        crate::disk::append(from, 0, before.len(), draft.file())?;
    }
    let (size, sha256) = digest_of(draft.file())?;
    let after = from.metadata().map_err(looked)?;
    // Blocks are shared at one moment; a copy takes longer, and must not be of two states.
    if size != before.len() || after.modified().ok() != before.modified().ok() || after.len() != before.len()
    {
        return Err(changed("the file was changed while it was copied", before.len()));
    }
    place(ground, draft, size, sha256)
}

fn digest_of(file: &File) -> Result<(u64, Sha256)> {
    let (mut digest, mut at, mut buffer) = (Context::new(&SHA256), 0, vec![0; PIECE]);
    loop {
        let n = file
            .read_at(&mut buffer, at)
            .map_err(|e| Error::io("a payload of the outbox cannot be read", e))?;
        if n == 0 {
            return Ok((at, finished(digest)));
        }
        digest.update(&buffer[..n]);
        at += n as u64;
    }
}

fn finished(digest: Context) -> Sha256 {
    Sha256(digest.finish().as_ref().try_into().expect("SHA-256 has 32 bytes"))
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| {
        Error::new(ErrorKind::Cancelled, "the work was given up: the runtime is shutting down")
    })?
}

/// Bytes of an entry, in pieces. The last piece is followed by an end only where all are what was put.
#[derive(Debug)]
pub struct Content {
    bytes: Held,
    at: u64,
    /// Where it ends; a file that has more is damaged, unless a range is all that is wanted.
    end: u64,
    size: u64,
    is_range: bool,
    digest: Option<(Hashing, Sha256)>,
}

#[derive(Debug)]
enum Held {
    Memory(Bytes),
    File(File),
}

/// `ring`'s context, which shows nothing of itself.
struct Hashing(Context);

impl std::fmt::Debug for Hashing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Context")
    }
}

impl Content {
    /// Opens the bytes of an entry; `inline` are those that lie beside it.
    pub(super) fn open(ground: &Ground, entry: &Entry, inline: Vec<u8>) -> Result<Self> {
        let bytes = match &entry.file {
            None => Held::Memory(inline.into()),
            Some(name) => Held::File(open(ground, name)?),
        };
        let digest = entry.sha256.map(|sha256| (Hashing(Context::new(&SHA256)), sha256));
        Ok(Self { bytes, at: 0, end: entry.size, size: entry.size, is_range: false, digest })
    }

    /// Only a range of the bytes. What is not read as a whole is not compared with the digest.
    pub fn range(self, range: std::ops::Range<u64>) -> Self {
        if range == (0..self.size) {
            return self;
        }
        let bytes = match self.bytes {
            Held::Memory(bytes) => Held::Memory(bytes.slice(range.start as usize..range.end as usize)),
            file => file,
        };
        Self { bytes, at: range.start, end: range.end, is_range: true, digest: None, ..self }
    }

    /// Another handle of the file that has the bytes, where they have one of their own.
    pub(crate) fn file(&self) -> Result<Option<File>> {
        match &self.bytes {
            Held::Memory(_) => Ok(None),
            Held::File(file) => {
                let again = file.try_clone();
                again.map(Some).map_err(|e| Error::io("a payload of the outbox cannot be opened", e))
            }
        }
    }

    /// The bytes as they are read.
    pub(crate) fn stream(self) -> ObjectStream {
        Box::pin(stream::try_unfold(self, |mut content| async move {
            let piece =
                blocking(move || content.next_piece().map(|piece| piece.map(|piece| (piece, content))));
            piece.await
        }))
    }

    /// The number of bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads the next piece; none after the last.
    ///
    /// # Errors
    ///
    /// `Integrity` where the bytes are not those that were put: nothing that was read counts then.
    pub fn next_piece(&mut self) -> Result<Option<Bytes>> {
        let piece = match &mut self.bytes {
            Held::Memory(bytes) => bytes.split_to(bytes.len().min(PIECE)),
            Held::File(file) if self.is_range => read_piece(file, self.at, self.end - self.at)?,
            Held::File(file) => read_piece(file, self.at, u64::MAX)?,
        };
        self.at += piece.len() as u64;
        if !piece.is_empty() {
            if let Some((digest, _)) = &mut self.digest {
                digest.0.update(&piece);
            }
            return Ok(Some(piece));
        }
        let digest = self.digest.take().map(|(digest, wanted)| finished(digest.0) == wanted);
        if self.at != self.end || digest == Some(false) {
            return Err(super::view::damaged());
        }
        Ok(None)
    }

    /// Reads all of it.
    ///
    /// # Errors
    ///
    /// As for [`Content::next_piece`].
    pub fn bytes(mut self) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(piece) = self.next_piece()? {
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }

    /// Reads all of it, to know whether it is sound.
    pub(crate) fn check(mut self) -> Result<()> {
        while self.next_piece()?.is_some() {}
        Ok(())
    }
}

fn read_piece(file: &File, at: u64, most: u64) -> Result<Bytes> {
    let mut buffer = vec![0; most.min(PIECE as u64) as usize];
    let mut read = 0;
    while read < buffer.len() {
        match file.read_at(&mut buffer[read..], at + read as u64) {
            Ok(0) => break,
            Ok(n) => read += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io("a payload of the outbox cannot be read", error)),
        }
    }
    buffer.truncate(read);
    Ok(buffer.into())
}

fn open(ground: &Ground, name: &str) -> Result<File> {
    // The name comes from a file: it may not lead anywhere else.
    if name.contains('/') {
        return Err(super::view::damaged());
    }
    match open_beneath(&ground.payload, name, OFlags::RDONLY) {
        Ok(file) => Ok(file.into()),
        Err(Errno::NOENT | Errno::LOOP) => Err(super::view::damaged()),
        Err(error) => Err(fault("a payload of the outbox cannot be opened", error)),
    }
}

/// Every payload's file: its name and size.
pub(super) fn list(ground: &Ground) -> Result<Vec<(String, u64)>> {
    let failed = |e| fault("the outbox's payloads cannot be listed", e);
    let mut found = Vec::new();
    for entry in rustix::fs::Dir::read_from(&ground.payload).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        if name == "." || name == ".." {
            continue;
        }
        match rustix::fs::statat(&ground.payload, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => found.push((name.to_owned(), u64::try_from(stat.st_size).unwrap_or_default())),
            Err(Errno::NOENT) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(found)
}

/// Locks a payload's file, to remove it; none where it is in use or gone.
pub(super) fn lock(ground: &Ground, name: &str) -> Result<Option<File>> {
    let failed = |e| fault("a payload of the outbox cannot be locked", e);
    let file: File = match open_beneath(&ground.payload, name, OFlags::RDONLY) {
        Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
        other => other.map_err(failed)?.into(),
    };
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Ok(None),
        other => other.map(|()| Some(file)).map_err(failed),
    }
}

pub(super) fn remove(ground: &Ground, name: &str) -> Result<()> {
    match rustix::fs::unlinkat(&ground.payload, name, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        other => other.map_err(|e| fault("a payload of the outbox cannot be removed", e)),
    }
}

/// Keeps a damaged payload for people, out of the way.
pub(super) fn set_apart(ground: &Ground, name: Option<&str>) -> Result<()> {
    let Some(name) = name.filter(|name| !name.contains('/')) else { return Ok(()) };
    match rustix::fs::renameat(&ground.payload, name, &ground.quarantine, name) {
        Err(Errno::NOENT) => Ok(()),
        other => other.map_err(|e| fault("a payload of the outbox cannot be set apart", e)),
    }
}
