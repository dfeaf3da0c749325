//! Opens paths below a folder so that neither `..` nor a symbolic link leads out of it, whenever it was placed.

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::{self, Errno};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

/// A folder to be entered, and nothing more: it needs no right to read it.
pub(crate) const SEARCH: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

const LISTED: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Kernels before 5.6 and some sandboxes have no `openat2`.
static NO_OPENAT2: AtomicBool = AtomicBool::new(false);

/// Opens a relative path without following any symbolic link on the way or at its end.
///
/// An empty path is the folder itself. Errors are those of `openat`; a symbolic link on the way is `ELOOP` or
/// `ENOTDIR`.
pub(crate) fn open_beneath(at: impl AsFd, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
    let at = at.as_fd();
    let path = if path.is_empty() { "." } else { path };
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    if NO_OPENAT2.load(Ordering::Relaxed) {
        return step_by_step(at, path, flags);
    }
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(at, path, flags, Mode::empty(), resolve) {
        // A sandbox answers with EPERM to calls that it does not know; the other way then says what is the matter.
        Err(error @ (Errno::NOSYS | Errno::PERM)) => {
            if error == Errno::NOSYS {
                NO_OPENAT2.store(true, Ordering::Relaxed);
            }
            step_by_step(at, path, flags)
        }
        other => other,
    }
}

/// The same by one call for each name.
fn step_by_step(at: impl AsFd, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
    let Some((folders, name)) = path.rsplit_once('/') else { return open_one(at, path, flags) };
    let mut names = folders.split('/');
    let first = names.next().unwrap_or_default();
    let mut folder = open_one(at, first, SEARCH | OFlags::NOFOLLOW)?;
    for name in names {
        folder = open_one(&folder, name, SEARCH | OFlags::NOFOLLOW)?;
    }
    open_one(&folder, name, flags)
}

fn open_one(at: impl AsFd, name: &str, flags: OFlags) -> io::Result<OwnedFd> {
    if name == ".." || name.is_empty() {
        return Err(Errno::XDEV);
    }
    rustix::fs::openat(at, name, flags, Mode::empty())
}

/// Opens a folder by its name, to be entered, listed and fsynced.
pub(crate) fn open_folder(at: impl AsFd, name: &str) -> io::Result<OwnedFd> {
    rustix::fs::openat(at, name, LISTED | OFlags::NOFOLLOW, Mode::empty())
}

/// Makes a folder; answers whether it was not there.
pub(crate) fn make_folder(at: impl AsFd, name: &str) -> io::Result<bool> {
    match rustix::fs::mkdirat(at, name, Mode::from_raw_mode(0o777)) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Opens a folder by its name, making it where it is not there.
pub(crate) fn enter(at: impl AsFd, name: &str) -> io::Result<OwnedFd> {
    let at = at.as_fd();
    match open_folder(at, name) {
        Err(Errno::NOENT) => {
            make_folder(at, name)?;
            open_folder(at, name)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::CWD;
    use std::os::unix::fs::symlink;

    type Open = fn(&OwnedFd, &str, OFlags) -> io::Result<OwnedFd>;

    #[test]
    fn nothing_leads_out_by_either_way() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(outside.path().join("secret"), "s").unwrap();
        std::fs::create_dir_all(inside.path().join("a/b")).unwrap();
        std::fs::write(inside.path().join("a/b/file"), "f").unwrap();
        symlink(outside.path(), inside.path().join("out")).unwrap();
        symlink(outside.path(), inside.path().join("a/out")).unwrap();
        symlink("b", inside.path().join("a/within")).unwrap();
        symlink(outside.path().join("secret"), inside.path().join("a/link")).unwrap();
        let at = rustix::fs::openat(CWD, inside.path(), SEARCH, Mode::empty()).unwrap();
        let ways: [(&str, Open); 2] = [
            ("openat2", |at, path, flags| open_beneath(at, path, flags)),
            ("step by step", |at, path, flags| step_by_step(at, path, flags | OFlags::NOFOLLOW)),
        ];
        for (way, open) in ways {
            open(&at, "a/b/file", OFlags::RDONLY).unwrap();
            open(&at, "a/b", LISTED).unwrap();
            let refused = ["out/secret", "a/out/secret", "a/within/file", "a/link", "../x", "a/../../x"];
            for path in refused {
                let error = open(&at, path, OFlags::RDONLY).unwrap_err();
                let kinds = [Errno::LOOP, Errno::NOTDIR, Errno::XDEV, Errno::NOENT];
                assert!(kinds.contains(&error) && error != Errno::NOENT, "{way} {path}: {error}");
            }
            assert_eq!(open(&at, "a/none", OFlags::RDONLY).unwrap_err(), Errno::NOENT, "{way}");
        }
    }
}
