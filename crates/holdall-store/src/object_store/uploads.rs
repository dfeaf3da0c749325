//! Uploads that are named by an id. They end with the adapter and its clones: an id means nothing to another process.

use super::ObjectStoreAdapter;
use super::error::{ObjectResult, of};
use super::multipart::{Sent, begin, complete};
use crate::backend::Upload;
use crate::error::{Error, ErrorKind};
use async_trait::async_trait;
use bytes::Bytes;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{MultipartId, PutMultipartOptions, PutPayload, PutResult};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The uploads under way, by id.
#[derive(Default)]
pub(super) struct Uploads(Mutex<(u64, HashMap<MultipartId, Named>)>);

#[derive(Clone)]
struct Named {
    location: Path,
    upload: Arc<dyn Upload>,
    sent: Arc<Sent>,
}

impl Uploads {
    fn add(&self, named: Named) -> MultipartId {
        let mut uploads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        uploads.0 += 1;
        let id = uploads.0.to_string();
        uploads.1.insert(id.clone(), named);
        id
    }

    fn get(&self, location: &Path, id: &MultipartId) -> ObjectResult<Named> {
        let uploads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let named = uploads.1.get(id).filter(|named| named.location == *location).cloned();
        named.ok_or_else(|| of(Error::new(ErrorKind::NotFound, "there is no such upload"), location))
    }

    fn remove(&self, id: &MultipartId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.remove(id);
    }
}

#[async_trait]
impl MultipartStore for ObjectStoreAdapter {
    async fn create_multipart(&self, path: &Path) -> ObjectResult<MultipartId> {
        self.create_multipart_opts(path, PutMultipartOptions::default()).await
    }

    async fn create_multipart_opts(
        &self,
        path: &Path,
        opts: PutMultipartOptions,
    ) -> ObjectResult<MultipartId> {
        let upload = begin(self.store(), path, &opts).await?;
        Ok(self.uploads().add(Named { location: path.clone(), upload, sent: Arc::default() }))
    }

    async fn put_part(
        &self,
        path: &Path,
        id: &MultipartId,
        part_idx: usize,
        data: PutPayload,
    ) -> ObjectResult<PartId> {
        let Named { upload, sent, .. } = self.uploads().get(path, id)?;
        let number = u32::try_from(part_idx).unwrap_or(u32::MAX).saturating_add(1);
        let part = upload.put_part(number, Bytes::from(data)).await.map_err(|e| of(e, path))?;
        let content_id = part.etag.clone();
        sent.note(part);
        Ok(PartId { content_id })
    }

    async fn complete_multipart(
        &self,
        path: &Path,
        id: &MultipartId,
        parts: Vec<PartId>,
    ) -> ObjectResult<PutResult> {
        let Named { upload, sent, .. } = self.uploads().get(path, id)?;
        let sent = sent.all();
        let is_named = parts.len() == sent.len()
            && (1..)
                .zip(&parts)
                .zip(&sent)
                .all(|((number, named), part)| part.number == number && part.etag == named.content_id);
        if !is_named {
            let error = Error::new(ErrorKind::InvalidInput, "the parts are not those that were sent");
            return Err(of(error.with_fact("parts", parts.len()).with_fact("sent", sent.len()), path));
        }
        let completed = complete(upload.as_ref(), sent, path).await?;
        self.uploads().remove(id);
        Ok(completed)
    }

    async fn abort_multipart(&self, path: &Path, id: &MultipartId) -> ObjectResult<()> {
        let Named { upload, .. } = self.uploads().get(path, id)?;
        upload.abort().await.map_err(|e| of(e, path))?;
        self.uploads().remove(id);
        Ok(())
    }
}
