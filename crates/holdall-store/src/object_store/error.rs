//! The store's errors as the trait has them; each keeps the store's own as its source.

use crate::error::{Error, ErrorKind};
use object_store::path::Path;

pub(super) type ObjectResult<T> = object_store::Result<T>;

/// The trait's error for a fault that concerns a location.
pub(super) fn of(error: Error, location: &Path) -> object_store::Error {
    use object_store::Error as Out;
    let path = location.to_string();
    let kind = error.kind();
    let source = error.into();
    match kind {
        ErrorKind::NotFound | ErrorKind::BucketNotFound => Out::NotFound { path, source },
        ErrorKind::AlreadyExists => Out::AlreadyExists { path, source },
        ErrorKind::Precondition => Out::Precondition { path, source },
        ErrorKind::PermissionDenied => Out::PermissionDenied { path, source },
        ErrorKind::Credentials => Out::Unauthenticated { path, source },
        ErrorKind::Unsupported => Out::NotSupported { source },
        _ => Out::Generic { store: "holdall", source },
    }
}

/// The fault of a write that must make an object anew.
pub(super) fn taken(error: Error, location: &Path) -> object_store::Error {
    match error.kind() {
        ErrorKind::Precondition => {
            object_store::Error::AlreadyExists { path: location.to_string(), source: error.into() }
        }
        _ => of(error, location),
    }
}
