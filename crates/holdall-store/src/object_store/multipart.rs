//! Objects sent in parts, one after the other.

use super::adapter::put_result;
use super::error::{ObjectResult, of};
use super::{attributes, path};
use crate::backend::{PartReceipt, Upload};
use crate::error::{Error, ErrorKind};
use crate::key::Key;
use crate::{Store, WriteCondition};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use object_store::path::Path;
use object_store::{MultipartUpload, PutMultipartOptions, PutPayload, PutResult, UploadPart};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// An upload under way.
pub(super) struct Parts {
    location: Path,
    upload: Arc<dyn Upload>,
    /// How many parts there are to be.
    begun: u32,
    sent: Arc<Sent>,
}

/// The parts that the store has, by number.
#[derive(Default)]
pub(super) struct Sent(Mutex<BTreeMap<u32, PartReceipt>>);

impl Sent {
    pub(super) fn note(&self, part: PartReceipt) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(part.number, part);
    }

    pub(super) fn all(&self) -> Vec<PartReceipt> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// Begins an upload with what the object is to carry.
pub(super) async fn begin(
    store: &Store,
    location: &Path,
    options: &PutMultipartOptions,
) -> ObjectResult<Arc<dyn Upload>> {
    let key: Key = path::key(location)?;
    let options = attributes::put_options(&options.attributes, &options.tags)?;
    let begun = async {
        let options = store.put_options(&key, &[], &options)?;
        store.backend().begin_upload(&key, &options).await
    };
    begun.await.map(Arc::from).map_err(|e| of(e.with_key(&key), location))
}

/// Makes the object of its parts; one that has none is empty.
pub(super) async fn complete(
    upload: &dyn Upload,
    mut parts: Vec<PartReceipt>,
    location: &Path,
) -> ObjectResult<PutResult> {
    let completed = async {
        if parts.is_empty() {
            parts.push(upload.put_part(1, Bytes::new()).await?);
        }
        upload.complete(&parts, &WriteCondition::Always).await
    };
    completed.await.map(put_result).map_err(|e| of(e, location))
}

impl Parts {
    pub(super) async fn begin(
        store: &Store,
        location: &Path,
        options: PutMultipartOptions,
    ) -> ObjectResult<Self> {
        let upload = begin(store, location, &options).await?;
        Ok(Self { location: location.clone(), upload, begun: 0, sent: Arc::default() })
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("location", &self.location).finish_non_exhaustive()
    }
}

#[async_trait]
impl MultipartUpload for Parts {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.begun += 1;
        let number = self.begun;
        let (upload, sent, location) = (self.upload.clone(), self.sent.clone(), self.location.clone());
        async move {
            let part = upload.put_part(number, Bytes::from(data)).await.map_err(|e| of(e, &location))?;
            sent.note(part);
            Ok(())
        }
        .boxed()
    }

    async fn complete(&mut self) -> ObjectResult<PutResult> {
        let parts = self.sent.all();
        if parts.len() != self.begun as usize {
            let error = Error::new(ErrorKind::Incomplete, "some parts were not sent")
                .with_fact("parts", self.begun)
                .with_fact("sent", parts.len());
            return Err(of(error, &self.location));
        }
        complete(self.upload.as_ref(), parts, &self.location).await
    }

    async fn abort(&mut self) -> ObjectResult<()> {
        self.upload.abort().await.map_err(|e| of(e, &self.location))
    }
}
