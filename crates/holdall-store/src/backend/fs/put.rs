//! Stores objects whole.

use super::backend::FolderBackend;
use super::folder::Folder;
use super::publish::Written;
use crate::backend::carried::Carried;
use crate::backend::parts::{LIMITS, check_size};
use crate::backend::payload::{announced, changed, check_digest, unreadable};
use crate::disk::Draft;
use crate::error::{Error, Result};
use crate::key::Key;
use crate::object::{Metadata, PutOptions};
use crate::receipt::{Receipt, State, Verified};
use crate::{Payload, Sha256, Source, WriteCondition, sha256};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

/// Up to this size an object is written on the spot, where nothing is fsynced.
const INLINE: usize = 64 * 1024;

/// What a stream brings is gathered to so much before it is written.
const GATHERED: usize = 1 << 20;

impl FolderBackend {
    pub(super) async fn put_object(
        &self,
        key: &Key,
        payload: Payload,
        options: &PutOptions,
    ) -> Result<Receipt> {
        let started = Instant::now();
        let carried = Carried::of(options)?;
        check_size(payload.len(), LIMITS.max_put)?;
        let announced = announced(&payload);
        let condition = options.condition.clone();
        let metadata = match payload {
            Payload::Source(source) => self.put_source(key, &*source, carried, condition).await?,
            payload => {
                let bytes = payload.at_hand().unwrap_or_default();
                let put = Put { bytes, announced, carried, condition };
                match self.folder().put_now(key, &put).map_err(|e| e.with_key(key))? {
                    Some(metadata) => metadata,
                    None => self.blocking(key, move |folder, key| folder.put_bytes(key, put)).await?,
                }
            }
        };
        Ok(receipt(metadata, None, started))
    }

    async fn put_source(
        &self,
        key: &Key,
        source: &dyn Source,
        carried: Carried,
        condition: WriteCondition,
    ) -> Result<Metadata> {
        let promised = source.len();
        let (at, draft) = self
            .blocking(key, |folder, _| {
                let at = folder.root.for_writing()?;
                let draft = folder.begin(&at)?;
                Ok((Arc::new(at), draft))
            })
            .await?;
        let mut writing =
            Writing { draft, digest: ring::digest::Context::new(&ring::digest::SHA256), size: 0 };
        let mut pieces = source.open();
        let mut gathered = BytesMut::new();
        loop {
            let piece = pieces.next().await.transpose().map_err(unreadable)?;
            let ended = piece.is_none();
            gathered.extend_from_slice(&piece.unwrap_or_default());
            if gathered.len() >= GATHERED || ended {
                let bytes = gathered.split().freeze();
                writing = self.blocking(key, move |_, _| writing.write(&bytes, promised)).await?;
            }
            if ended {
                break;
            }
        }
        let announced = source.sha256();
        self.blocking(key, move |folder, key| {
            let written = writing.finish(promised, announced, carried)?;
            folder.publish(&at, key, written, &condition)
        })
        .await
    }
}

/// A stream on its way to the disk.
struct Writing {
    draft: Draft,
    digest: ring::digest::Context,
    size: u64,
}

impl Writing {
    fn write(mut self, bytes: &Bytes, promised: u64) -> Result<Self> {
        self.size += bytes.len() as u64;
        if self.size > promised {
            return Err(changed("the source grew while it was read", promised));
        }
        self.digest.update(bytes);
        write_all(self.draft.file(), bytes)?;
        Ok(self)
    }

    fn finish(self, promised: u64, announced: Option<Sha256>, carried: Carried) -> Result<Written> {
        if self.size < promised {
            return Err(changed("the source shrank while it was read", promised));
        }
        let mut found = Sha256([0; 32]);
        found.0.copy_from_slice(self.digest.finish().as_ref());
        check_digest(announced, Some(found))?;
        Ok(Written { draft: self.draft, carried, sha256: Some(found) })
    }
}

fn write_all(file: &File, bytes: &[u8]) -> Result<()> {
    crate::disk::write(file, bytes).map_err(|e| Error::io("the object cannot be written", e))
}

/// A put whose bytes are at hand.
struct Put {
    bytes: Bytes,
    announced: Option<Sha256>,
    carried: Carried,
    condition: WriteCondition,
}

impl Folder {
    /// Puts a small object on the spot where nothing has to be waited for: no disk and no lock. Handing it to another
    /// thread costs more than writing it to the page cache.
    fn put_now(&self, key: &Key, put: &Put) -> Result<Option<Metadata>> {
        if self.root.fsyncs() || put.bytes.len() > INLINE {
            return Ok(None);
        }
        let at = self.root.for_writing()?;
        let Some(held) = self.locks.try_hold(&self.root, &at, key.as_str())? else { return Ok(None) };
        let written = self.write(&at, put)?;
        self.publish_held(&at, key, written, &put.condition, Some(held)).map(Some)
    }

    fn put_bytes(&self, key: &Key, put: Put) -> Result<Metadata> {
        let at = self.root.for_writing()?;
        let written = self.write(&at, &put)?;
        self.publish(&at, key, written, &put.condition)
    }

    fn write(&self, at: &OwnedFd, put: &Put) -> Result<Written> {
        let sha256 = Some(sha256(&put.bytes));
        check_digest(put.announced, sha256)?;
        let draft = self.begin(at)?;
        write_all(draft.file(), &put.bytes)?;
        Ok(Written { draft, carried: put.carried.clone(), sha256 })
    }
}

pub(super) fn receipt(metadata: Metadata, composite: Option<String>, started: Instant) -> Receipt {
    Receipt {
        key: metadata.key,
        size: metadata.size,
        sha256: metadata.sha256,
        composite,
        etag: metadata.etag,
        version: metadata.version,
        state: State::Stored,
        outbox: None,
        verified: Verified::Local,
        attempts: 1,
        elapsed: started.elapsed(),
    }
}
