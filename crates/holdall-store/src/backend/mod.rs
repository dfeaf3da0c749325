//! What a place for objects must be able to do, and the places there are.

mod carried;
mod conditions;
mod folding;
pub mod fs;
pub mod memory;
mod parts;
pub(crate) mod payload;
pub mod queued;
mod ranges;
pub(crate) mod read_at;
pub mod s3;
mod tags;
mod upload;

pub(crate) use tags::check_tags;
pub use upload::{Held, PartDigest, PartReceipt, Resumed, Ticket, UnfinishedUpload, Upload, UploadPage};

use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::object::{
    CopyOptions, DeleteFailure, DeleteOptions, Deleted, GcOptions, GetOptions, Leftover, ListOptions,
    Metadata, MoveOptions, Object, Page, PresignOptions, PutOptions, VersionPage,
};
use crate::receipt::Receipt;
use crate::{Payload, PostForm, PostPolicy, Retention};
use holdall_s3::Versioning;
pub use read_at::ReadAt;
use std::any::Any;
use std::fmt;
use std::fs::File;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A future of a backend's call.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The sizes that a backend can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest object of one put, in bytes.
    pub max_put: u64,
    /// The largest object that is copied by one request, in bytes; larger ones are copied in parts.
    pub max_copy: u64,
    /// The smallest part but the last, in bytes.
    pub min_part: u64,
    /// The largest part, in bytes.
    pub max_part: u64,
    /// The most parts of one upload.
    pub max_parts: u32,
}

/// A place for objects. All backends answer alike; the behaviour suite says what "alike" is.
///
/// Every write is atomic: readers see the old object or the new one, whole. A put that fails leaves what was there,
/// unless the fault says that its outcome is unknown.
pub trait Backend: Any + fmt::Debug + Send + Sync {
    /// The kind of place: `memory`, `folder`, `s3`.
    fn kind(&self) -> &'static str;

    /// The store's URL, without credentials.
    fn location(&self) -> String;

    /// Whether objects leave this machine.
    fn is_remote(&self) -> bool;

    /// The sizes it can take.
    fn limits(&self) -> Limits;

    /// Whether another backend is known to be the same place, so that a key means the same object there.
    fn is_same_place(&self, other: &dyn Backend) -> bool {
        let _ = other;
        false
    }

    /// Stores an object whole.
    ///
    /// # Errors
    ///
    /// `Precondition` when the condition does not hold; `Unsupported` when it cannot be decided atomically here, or
    /// encryption, ACL or tags are not applied here.
    fn put<'a>(
        &'a self,
        key: &'a Key,
        payload: Payload,
        options: &'a PutOptions,
    ) -> BoxFuture<'a, Result<Receipt>>;

    /// Opens an object for reading.
    ///
    /// # Errors
    ///
    /// `NotFound`; `Precondition`, also when `if_none_match` matches; `InvalidInput` for a range that starts at or
    /// past the end.
    fn get<'a>(&'a self, key: &'a Key, options: &'a GetOptions) -> BoxFuture<'a, Result<Object>>;

    /// Writes all bytes of an object that was opened to the beginning of a file, without bringing them here; answers
    /// whether it did, which only a backend can whose objects are files themselves.
    ///
    /// # Errors
    ///
    /// `Changed` when the object is no longer the one that was opened.
    fn copy_to_file<'a>(&'a self, opened: &'a Metadata, file: &'a Arc<File>) -> BoxFuture<'a, Result<bool>> {
        let _ = (opened, file);
        Box::pin(async { Ok(false) })
    }

    /// Asks what is known of an object; `options.range` is not looked at.
    fn head<'a>(&'a self, key: &'a Key, options: &'a GetOptions) -> BoxFuture<'a, Result<Metadata>>;

    /// Deletes an object; that it was not there is no error.
    fn delete<'a>(&'a self, key: &'a Key, options: &'a DeleteOptions) -> BoxFuture<'a, Result<Deleted>>;

    /// Deletes up to 1,000 objects and answers those that were not; that one was not there is no failure.
    fn delete_batch<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<DeleteFailure>>>;

    /// Copies an object of any size inside the store. Onto itself only with new attributes.
    fn copy<'a>(
        &'a self,
        from: &'a Key,
        to: &'a Key,
        options: &'a CopyOptions,
    ) -> BoxFuture<'a, Result<Receipt>>;

    /// Copies an object of another backend without bringing its bytes here; none where that cannot be done.
    fn copy_from<'a>(
        &'a self,
        source: &'a dyn Backend,
        from: &'a Key,
        to: &'a Key,
        options: &'a CopyOptions,
    ) -> BoxFuture<'a, Result<Option<Receipt>>> {
        let _ = (source, from, to, options);
        Box::pin(async { Ok(None) })
    }

    /// Gives an object another key in one step, with all that it carries; none where that takes a copy and a deletion.
    ///
    /// # Errors
    ///
    /// `NotFound` for the source; `Precondition` for a condition that does not hold. Nothing is changed then.
    fn rename<'a>(
        &'a self,
        from: &'a Key,
        to: &'a Key,
        options: &'a MoveOptions,
    ) -> BoxFuture<'a, Result<Option<Receipt>>> {
        let _ = (from, to, options);
        Box::pin(async { Ok(None) })
    }

    /// Asks for an object's tags, in no certain order.
    ///
    /// # Errors
    ///
    /// `NotFound`; `Unsupported` where there are none; `PermissionDenied`, since S3 has a right of its own for it.
    fn tags<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Vec<(String, String)>>> {
        let _ = key;
        Box::pin(async { Err(Error::new(ErrorKind::Unsupported, "this kind of store has no tags")) })
    }

    /// Replaces all tags of an object by these; none removes them. The object stays the one that it is.
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidInput` for tags that S3 does not take; `Unsupported`; `PermissionDenied`.
    fn set_tags<'a>(&'a self, key: &'a Key, tags: &'a [(String, String)]) -> BoxFuture<'a, Result<()>> {
        let _ = (key, tags);
        Box::pin(async { Err(Error::new(ErrorKind::Unsupported, "this kind of store has no tags")) })
    }

    /// Lists objects page by page.
    fn list(&self, options: ListOptions) -> Box<dyn Listing>;

    /// Whether versions are kept of what is replaced and deleted.
    ///
    /// # Errors
    ///
    /// `Unsupported` where there is no such thing.
    fn versioning(&self) -> BoxFuture<'_, Result<Versioning>> {
        Box::pin(async { Err(no_versions()) })
    }

    /// Keeps versions from now on, or no more of them; those that there are stay.
    ///
    /// # Errors
    ///
    /// `Unsupported` where there is no such thing; `InvalidInput` for [`Versioning::Off`], which is how a store begins.
    fn set_versioning(&self, versioning: Versioning) -> BoxFuture<'_, Result<()>> {
        let _ = versioning;
        Box::pin(async { Err(no_versions()) })
    }

    /// Lists versions of all objects that begin with a prefix, also of those that were deleted.
    fn list_versions(&self, prefix: Prefix) -> Box<dyn VersionListing>;

    /// Lays a legal hold on a version of an object, or on the latest, or lifts it.
    ///
    /// # Errors
    ///
    /// `NotFound`; `Unsupported` where objects cannot be locked; `PermissionDenied`.
    fn hold<'a>(&'a self, key: &'a Key, version: Option<&'a str>, on: bool) -> BoxFuture<'a, Result<()>> {
        let _ = (key, version, on);
        Box::pin(async { Err(no_locks()) })
    }

    /// Whether a version of an object, or the latest, is under a legal hold.
    ///
    /// # Errors
    ///
    /// As for [`Backend::hold`].
    fn held<'a>(&'a self, key: &'a Key, version: Option<&'a str>) -> BoxFuture<'a, Result<bool>> {
        let _ = (key, version);
        Box::pin(async { Err(no_locks()) })
    }

    /// Retains a version of an object, or the latest; `bypass_governance` also for shorter than it is in that mode.
    ///
    /// # Errors
    ///
    /// As for [`Backend::hold`]; `Held` for what would weaken a retention; `InvalidInput` for a moment that has passed.
    fn retain<'a>(
        &'a self,
        key: &'a Key,
        version: Option<&'a str>,
        retention: Retention,
        bypass_governance: bool,
    ) -> BoxFuture<'a, Result<()>> {
        let _ = (key, version, retention, bypass_governance);
        Box::pin(async { Err(no_locks()) })
    }

    /// How long a version of an object, or the latest, is retained; also what has ended, where the store says it still.
    ///
    /// # Errors
    ///
    /// As for [`Backend::hold`].
    fn retention<'a>(
        &'a self,
        key: &'a Key,
        version: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<Retention>>> {
        let _ = (key, version);
        Box::pin(async { Err(no_locks()) })
    }

    /// Begins an object that is sent in parts. Nothing of it can be seen until it is complete.
    fn begin_upload<'a>(
        &'a self,
        key: &'a Key,
        options: &'a PutOptions,
    ) -> BoxFuture<'a, Result<Box<dyn Upload>>>;

    /// Takes up an upload that was begun earlier with the same options.
    ///
    /// # Errors
    ///
    /// What keeps it from finding out what became of it.
    fn resume_upload<'a>(
        &'a self,
        key: &'a Key,
        ticket: &'a Ticket,
        options: &'a PutOptions,
    ) -> BoxFuture<'a, Result<Resumed>> {
        let _ = (key, ticket, options);
        Box::pin(async { Ok(Resumed::Gone) })
    }

    /// Lists a page of the uploads below a prefix that are not complete, after where one ended. Where nobody tells
    /// whose they are there are none: in a folder [`Backend::gc`] removes what is left of them.
    fn uploads<'a>(
        &'a self,
        prefix: &'a Prefix,
        after: Option<&'a (String, String)>,
    ) -> BoxFuture<'a, Result<UploadPage>> {
        let _ = (prefix, after);
        Box::pin(async { Ok(UploadPage::default()) })
    }

    /// Gives back the parts of an upload; that it was not there is no error.
    fn abort_upload<'a>(&'a self, key: &'a Key, id: &'a str) -> BoxFuture<'a, Result<()>> {
        let _ = (key, id);
        Box::pin(async { Ok(()) })
    }

    /// Makes a URL by which somebody without credentials may make one request.
    ///
    /// # Errors
    ///
    /// `Unsupported` where there is no service that would answer it.
    fn presign<'a>(&'a self, key: &'a Key, options: &'a PresignOptions) -> BoxFuture<'a, Result<String>>;

    /// The headers that a request by such a URL must carry, exactly so.
    ///
    /// # Errors
    ///
    /// As for [`Backend::presign`].
    fn presigned_headers(&self, options: &PresignOptions) -> Result<Vec<(String, String)>>;

    /// Makes a form by which a browser may upload; `policy.key` is relative to the store.
    fn presign_post<'a>(&'a self, policy: &'a PostPolicy) -> BoxFuture<'a, Result<PostForm>>;

    /// The URL of an object for whoever may read it without signing; none where there is no such thing.
    fn public_url(&self, key: &Key) -> Option<String>;

    /// Removes what interrupted writes left behind, and hands on each thing. Objects are never touched.
    ///
    /// # Errors
    ///
    /// What keeps it from finding leftovers; one that cannot be removed is handed on with its error, and the rest go on.
    fn gc<'a>(
        &'a self,
        options: &'a GcOptions,
        found: &'a mut (dyn FnMut(Leftover) + Send),
    ) -> BoxFuture<'a, Result<()>>;

    /// Asks whether the store is there and may be used.
    fn check(&self) -> BoxFuture<'_, Result<()>>;

    /// Asks whether the bucket or the folder is there.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` where it is not said.
    fn exists(&self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async { Err(no_bucket()) })
    }

    /// Makes the bucket or the folder.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`.
    fn create(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Err(no_bucket()) })
    }

    /// Makes the bucket so that its objects can be locked.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`; `Unsupported` where there is no such thing, and nothing is made then.
    fn create_locking(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Err(no_locks()) })
    }

    /// Makes sure that objects can be locked.
    ///
    /// # Errors
    ///
    /// `Unsupported` where they cannot; `PermissionDenied` where that may not be asked.
    fn demand_locks(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Err(no_locks()) })
    }

    /// Deletes the bucket or the folder, which must hold no object.
    ///
    /// # Errors
    ///
    /// `Conflict` when something is in it; nothing is deleted then.
    fn remove(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Err(no_bucket()) })
    }

    /// Forgets what was found out of the service's abilities, because the bucket is not what it was: with versions, Ceph
    /// does not honour conditions that it honours without.
    fn forget(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    /// The outbox before it, where there is one.
    fn queued(&self) -> Option<&queued::QueuedBackend> {
        None
    }

    /// What all keys of the store have before them in the bucket.
    fn root(&self) -> &str {
        ""
    }

    /// The client of the bucket, where there is one.
    fn wire(&self) -> Option<&holdall_s3::Client> {
        None
    }
}

/// Whether two backends are at one service, so that a storage class means the same in both.
pub(crate) fn is_one_service(one: &dyn Backend, other: &dyn Backend) -> bool {
    match (one.wire(), other.wire()) {
        (Some(one), Some(other)) => one.config().endpoint == other.config().endpoint,
        (None, None) => one.is_same_place(other),
        _ => false,
    }
}

/// Says of a failure to delete what was copied that both are there.
pub(crate) fn source_kept(error: Error, to: &Key) -> Error {
    error.with_fact("copied_to", format_args!("{:?}", to.as_str())).with_hint(
        "the copy is there and the source is kept: look at both, then delete the one that is not wanted",
    )
}

fn no_bucket() -> Error {
    Error::new(ErrorKind::Unsupported, "the store has nothing that can be made or deleted")
}

fn no_versions() -> Error {
    Error::new(ErrorKind::Unsupported, "this kind of store keeps no versions")
}

/// Why no object is locked.
pub(crate) fn no_locks() -> Error {
    Error::new(ErrorKind::Unsupported, "objects cannot be locked here").with_hint(
        "legal holds and retention need a bucket on S3 that was made for them: `holdall bucket create --object-lock`",
    )
}

/// Why no version is read of a store that has none.
pub(crate) fn keeps_none() -> Error {
    Error::new(ErrorKind::Unsupported, "the store keeps no versions")
        .with_hint("`holdall bucket versioning --set enabled` lets it keep them from then on")
}

/// Why a version is not read that a key does not have.
pub(crate) fn no_version(version: &str) -> Error {
    Error::new(ErrorKind::NotFound, "there is no such version of the object").with_fact("version", version)
}

/// Why a version is not read that is no object.
pub(crate) fn is_marker(version: &str) -> Error {
    Error::new(ErrorKind::NotFound, "this version only says that the object was deleted")
        .with_fact("version", version)
}

/// Why versions are not taken back.
pub(crate) fn never_off() -> Error {
    Error::new(ErrorKind::InvalidInput, "versioning can be suspended, never taken back")
}

/// Why a bucket or a folder stays.
pub(crate) fn not_empty() -> Error {
    Error::new(ErrorKind::Conflict, "it is not empty, and only what is empty is deleted")
        .with_hint("delete the objects first; where versions are kept, every version too")
}

/// A listing under way.
pub trait Listing: Send {
    /// The next page; none after the last. A page may be empty. After an error there is nothing more.
    fn next_page(&mut self) -> BoxFuture<'_, Option<Result<Page>>>;
}

/// A listing of versions under way.
pub trait VersionListing: Send {
    /// The next page; none after the last. A page may be empty. After an error there is nothing more.
    fn next_page(&mut self) -> BoxFuture<'_, Option<Result<VersionPage>>>;
}
