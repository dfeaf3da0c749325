//! What pulled files and the folder store share of the local file system: paths that cannot leave a folder, and files
//! that appear under their names whole or not at all.

mod append;
mod beneath;
mod draft;
mod write;

pub(crate) use append::append;
pub(crate) use beneath::{SEARCH, enter, make_folder, open_beneath, open_folder};
pub(crate) use draft::{Draft, Holding};
pub(crate) use write::{write, write_at};

use crate::error::{Error, ErrorKind};
use rustix::io::Errno;

/// The longest name that file systems take, in bytes.
pub(crate) const MAX_NAME: usize = 255;

/// Makes an error of what the file system said, and tells missing rights and missing room apart from the rest.
pub(crate) fn fault(message: &str, error: Errno) -> Error {
    match error {
        Errno::ACCESS | Errno::PERM | Errno::ROFS => Error::new(ErrorKind::PermissionDenied, message)
            .with_hint("check who owns the folder, its permissions, and that its file system may be written")
            .with_source(std::io::Error::from(error)),
        _ => Error::io(message, error.into()),
    }
}

/// A name that nobody else has.
pub(crate) fn unique() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    // The standard library's own random state: different in every instance, and no secret is made of it.
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
