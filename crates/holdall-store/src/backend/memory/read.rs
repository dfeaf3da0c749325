//! Reads objects and what is known of them.

use super::backend::MemoryBackend;
use super::objects::StoredObject;
use crate::Encryption;
use crate::backend::conditions::check_read;
use crate::backend::ranges::{check_form, resolve};
use crate::error::{Error, ErrorKind, Result};
use crate::expiry::check_for;
use crate::key::Key;
use crate::object::{GetOptions, Metadata, Object, ObjectStream};
use bytes::Bytes;
use futures_util::stream;
use std::sync::Arc;

/// Bytes come in pieces of at most this size, as they do from a connection.
const PIECE: u64 = 256 * 1024;

impl MemoryBackend {
    pub(super) fn get_object(&self, key: &Key, options: &GetOptions) -> Result<Object> {
        check_form(options.range)?;
        let object = self.find(key, options)?;
        let range = resolve(options.range, object.metadata.size)?;
        let stream = pieces(object.bytes.clone(), range.clone());
        Ok(Object { metadata: object.metadata.clone(), range, attempts: 1, stream })
    }

    pub(super) fn head_object(&self, key: &Key, options: &GetOptions) -> Result<Metadata> {
        Ok(self.find(key, options)?.metadata.clone())
    }

    fn find(&self, key: &Key, options: &GetOptions) -> Result<Arc<StoredObject>> {
        let object = match &options.version {
            Some(version) => self.map().version(key, version).map_err(|e| e.with_key(key))?,
            None => self.existing(key)?,
        };
        // S3 ignores the other kinds on a read and refuses a key that the object was not encrypted with.
        if let Some(Encryption::Customer(_)) = options.encryption {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "the object is not encrypted with a customer's key",
            ));
        }
        check_for(&object.metadata, options)?;
        check_read(&object.metadata, &options.conditions)?;
        Ok(object)
    }

    pub(super) fn existing(&self, key: &Key) -> Result<Arc<StoredObject>> {
        let missing = || Error::new(ErrorKind::NotFound, "there is no such object").with_key(key);
        self.map().get(key.as_str()).ok_or_else(missing)
    }
}

fn pieces(bytes: Bytes, range: std::ops::Range<u64>) -> ObjectStream {
    let end = range.end;
    let piece = move |start: u64| {
        let stop = end.min(start + PIECE);
        Ok(bytes.slice(start as usize..stop as usize))
    };
    Box::pin(stream::iter(range.step_by(PIECE as usize).map(piece)))
}
