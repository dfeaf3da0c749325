//! Objects that arrive in parts.

use super::content::{Content, Part};
use super::objects::{Objects, StoredObject};
use super::put::receipt;
use crate::WriteCondition;
use crate::backend::carried::Carried;
use crate::backend::parts::{check_list, check_part, gone};
use crate::backend::{BoxFuture, PartDigest, PartReceipt, Upload};
use crate::error::{Error, ErrorKind, Result};
use crate::integrity::composite;
use crate::key::Key;
use crate::object::PutOptions;
use crate::receipt::Receipt;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

type Parts = BTreeMap<u32, Part>;

/// An upload under way. Its parts go with it when it is dropped.
pub(super) struct MemoryUpload {
    objects: Arc<Objects>,
    key: Key,
    carried: Carried,
    started: Instant,
    /// None once it was completed or aborted.
    parts: Mutex<Option<Parts>>,
}

impl MemoryUpload {
    /// Begins an upload.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a condition, which S3 takes when the upload is completed.
    pub(super) fn begin(objects: Arc<Objects>, key: &Key, options: &PutOptions) -> Result<Self> {
        if options.condition != WriteCondition::Always {
            let message = "a condition is given when the upload is completed";
            return Err(Error::new(ErrorKind::InvalidInput, message).with_key(key));
        }
        let carried = Carried::of(options)?;
        let parts = Mutex::new(Some(Parts::new()));
        Ok(Self { objects, key: key.clone(), carried, started: Instant::now(), parts })
    }

    fn parts(&self) -> MutexGuard<'_, Option<Parts>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, number: u32, bytes: &[u8]) -> Result<PartReceipt> {
        check_part(number, bytes.len() as u64)?;
        // The caller's buffer may be lent from a pool that waits for it.
        let part = Part::new(Bytes::copy_from_slice(bytes));
        let receipt = PartReceipt {
            number,
            etag: part.etag(),
            size: part.bytes.len() as u64,
            digest: PartDigest::Sha256(part.sha256),
            checksum: None,
            attempts: 1,
        };
        self.parts().as_mut().ok_or_else(gone)?.insert(number, part);
        Ok(receipt)
    }

    /// Ends the upload, unless the list of parts is wrong: then it goes on.
    fn finish(&self, listed: &[PartReceipt]) -> Result<Vec<Part>> {
        let mut state = self.parts();
        let parts = state.as_ref().ok_or_else(gone)?;
        check_list(listed, |number| {
            let part = parts.get(&number)?;
            Some((part.etag(), part.bytes.len() as u64))
        })?;
        let chosen = listed.iter().filter_map(|receipt| parts.get(&receipt.number)).cloned().collect();
        *state = None;
        Ok(chosen)
    }
}

impl Upload for MemoryUpload {
    fn put_part(&self, number: u32, bytes: Bytes) -> BoxFuture<'_, Result<PartReceipt>> {
        Box::pin(async move { self.add(number, &bytes).map_err(|e| e.with_key(&self.key)) })
    }

    fn complete<'a>(
        &'a self,
        parts: &'a [PartReceipt],
        condition: &'a WriteCondition,
    ) -> BoxFuture<'a, Result<Receipt>> {
        Box::pin(async move {
            let parts = self.finish(parts).map_err(|e| e.with_key(&self.key))?;
            let object = StoredObject::new(&self.key, Content::of_parts(&parts), self.carried.clone());
            let object = self.objects.insert(object, condition).map_err(|e| e.with_key(&self.key))?;
            let composite = composite(parts.iter().map(|part| part.sha256));
            Ok(receipt(&object, Some(composite), self.started))
        })
    }

    fn abort(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            *self.parts() = None;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: usize = 5 << 20;

    fn begin() -> (Arc<Objects>, MemoryUpload) {
        let objects = Arc::new(Objects::default());
        let key = Key::parse("k").unwrap();
        let upload = MemoryUpload::begin(objects.clone(), &key, &PutOptions::default()).unwrap();
        (objects, upload)
    }

    async fn complete(upload: &MemoryUpload, parts: &[PartReceipt]) -> Result<Receipt, ErrorKind> {
        upload.complete(parts, &WriteCondition::Always).await.map_err(|e| e.kind())
    }

    #[tokio::test]
    async fn a_wrong_list_is_refused_and_the_upload_goes_on() {
        let (objects, upload) = begin();
        let last = upload.put_part(7, Bytes::from_static(b"end")).await.unwrap();
        let old = upload.put_part(2, vec![1; MIN].into()).await.unwrap();
        let first = upload.put_part(2, vec![2; MIN].into()).await.unwrap();
        let small = upload.put_part(1, Bytes::from_static(b"small")).await.unwrap();
        let unknown = PartReceipt { number: 3, ..first.clone() };
        let table = [
            ("empty", vec![]),
            ("out of order", vec![last.clone(), first.clone()]),
            ("twice", vec![first.clone(), first.clone()]),
            ("replaced", vec![old, last.clone()]),
            ("not there", vec![unknown]),
            ("too small", vec![small, last.clone()]),
        ];
        for (name, parts) in table {
            assert_eq!(complete(&upload, &parts).await.unwrap_err(), ErrorKind::InvalidInput, "{name}");
        }
        assert!(objects.get("k").is_none());
        let receipt = complete(&upload, &[first, last]).await.unwrap();
        assert_eq!(receipt.size, MIN as u64 + 3);
        assert_eq!(objects.get("k").unwrap().bytes[MIN - 1..], b"\x02end"[..]);
    }

    #[tokio::test]
    async fn an_upload_that_has_ended_is_not_found() {
        let (_, upload) = begin();
        let part = upload.put_part(1, Bytes::new()).await.unwrap();
        complete(&upload, std::slice::from_ref(&part)).await.unwrap();
        assert_eq!(complete(&upload, &[part]).await.unwrap_err(), ErrorKind::NotFound);
        assert_eq!(upload.put_part(1, Bytes::new()).await.unwrap_err().kind(), ErrorKind::NotFound);
        upload.abort().await.unwrap();
        upload.abort().await.unwrap();
    }

    #[tokio::test]
    async fn a_condition_that_fails_gives_the_parts_back() {
        let (objects, upload) = begin();
        let part = upload.put_part(1, Bytes::from_static(b"first")).await.unwrap();
        let receipt = complete(&upload, &[part]).await.unwrap();
        // printf first | openssl sha256 -binary | openssl sha256 -binary | base64
        assert_eq!(receipt.composite.as_deref(), Some("S5+ssHwWW2HviRJj5eTOKhtx46Ct7ElmYex5B/p6C88=-1"));
        let late = MemoryUpload::begin(objects.clone(), &upload.key, &PutOptions::default()).unwrap();
        let part = late.put_part(1, Bytes::from_static(b"late")).await.unwrap();
        let error = late.complete(&[part], &WriteCondition::Absent).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Precondition);
        assert!(late.parts().is_none());
        assert_eq!(objects.get("k").unwrap().bytes, "first");
    }
}
