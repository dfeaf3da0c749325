//! The folder itself: how it is opened, made, and brought to the disk.

use super::gc::sweep_temporaries;
use super::names::split;
use crate::disk::{Draft, Holding, SEARCH, enter, fault, make_folder, open_beneath, open_folder};
use crate::error::{Error, ErrorKind, Result};
use crate::key::RESERVED;
use crate::object::GcOptions;
use crate::settings::Fsync;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags};
use rustix::io::{self, Errno};
use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What is under `.holdall/` is as this version writes it.
const FORMAT: &str = "holdall.folder/1\n";

/// How many folders are remembered to be on the disk.
const MAX_SETTLED: usize = 16 * 1024;

/// How often a folder is made again that others remove.
pub(super) const PATIENCE: usize = 1000;

const LISTED: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Names of file systems, as the kernel has them in `statfs(2)`.
const FAT: i64 = 0x4d44;
const EXFAT: i64 = 0x2011_bab0;
const FUSE: i64 = 0x6573_5546;
const CIFS: i64 = 0xff53_4d42;
const SMB2: i64 = 0xfe53_4d42;
const PLAN9: i64 = 0x0102_1997;

/// What a file system's kind says of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// An inode's number is the same tomorrow.
    pub(super) lasting_inodes: bool,
    /// `A` and `a` are one name.
    pub(super) folds_case: bool,
    /// A file that loses its name while it is open has the time of that as its time of modification.
    pub(super) touches_deleted: bool,
}

impl Kind {
    /// The kind that a file or folder is on.
    pub(super) fn of(file: impl AsFd) -> Self {
        #[allow(clippy::unnecessary_cast, reason = "the field's type differs between architectures")]
        let magic = rustix::fs::fstatfs(file).map_or(0, |stat| (stat.f_type as i64) & 0xffff_ffff);
        Self {
            lasting_inodes: ![FAT, EXFAT, FUSE, CIFS, SMB2, PLAN9].contains(&magic),
            folds_case: [FAT, EXFAT, CIFS, SMB2].contains(&magic),
            touches_deleted: [FAT, EXFAT].contains(&magic),
        }
    }
}

/// A folder that is the same one as long as it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Born {
    inode: u64,
    seconds: i64,
    nanoseconds: u32,
}

/// The store's folder.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    /// Where in the path another store's folder ends that this one lies in.
    within: Option<(PathBuf, &'static str)>,
    fsync: Fsync,
    /// Where nobody named a folder, one that is not there yet is an empty store.
    implicit: bool,
    kind: OnceLock<Kind>,
    format_is_known: AtomicBool,
    /// This process looked for temporaries that others left.
    is_swept: AtomicBool,
    /// Folders that are on the disk under their names.
    settled: Mutex<HashSet<Born>>,
}

impl Root {
    pub(super) fn new(path: PathBuf, fsync: Fsync, implicit: bool) -> Self {
        Self {
            path,
            within: None,
            fsync,
            implicit,
            kind: OnceLock::new(),
            format_is_known: AtomicBool::new(false),
            is_swept: AtomicBool::new(false),
            settled: Mutex::default(),
        }
    }

    /// A store of holdall's own inside this one.
    pub(super) fn inside(&self, below: &'static str) -> Self {
        let within = Some((self.path.clone(), below));
        Self { within, ..Self::new(self.path.join(below), self.fsync, true) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn fsyncs(&self) -> bool {
        self.fsync == Fsync::Data
    }

    /// Opens the folder for reading objects; none for one that is not there and that nobody named.
    ///
    /// # Errors
    ///
    /// `BucketNotFound` when it is not there.
    pub(super) fn for_reading(&self) -> Result<Option<OwnedFd>> {
        match self.open() {
            Ok(at) => self.check_format(&at).map(|()| Some(at)),
            Err(Errno::NOENT) if self.implicit => Ok(None),
            Err(Errno::NOENT) => Err(self.named(
                Error::new(ErrorKind::BucketNotFound, "there is no such folder")
                    .with_hint("check the path; the first put makes the folder"),
            )),
            Err(error) => Err(self.cannot_open(error)),
        }
    }

    /// Opens the folder for writing, and makes it where it is not there.
    pub(super) fn for_writing(&self) -> Result<OwnedFd> {
        let at = match self.open() {
            Err(Errno::NOENT) => {
                self.make().map_err(|e| self.cannot_make(e))?;
                self.open()
            }
            other => other,
        };
        let at = at.map_err(|e| self.cannot_open(e))?;
        self.check_format(&at)?;
        if !self.is_swept.swap(true, Ordering::Relaxed) {
            // What is left is no reason not to write: `gc` says what is the matter.
            drop(sweep_temporaries(&at, &GcOptions::default()));
        }
        Ok(at)
    }

    /// Makes the folder; one that nobody named is the user's own.
    fn make(&self) -> std::io::Result<()> {
        let mode = if self.implicit { 0o700 } else { 0o777 };
        std::fs::DirBuilder::new().recursive(true).mode(mode).create(&self.path)
    }

    fn open(&self) -> io::Result<OwnedFd> {
        match &self.within {
            None => rustix::fs::openat(CWD, &self.path, SEARCH, Mode::empty()),
            // Nothing on the way there is a link.
            Some((path, below)) => {
                open_beneath(&rustix::fs::openat(CWD, path, SEARCH, Mode::empty())?, below, SEARCH)
            }
        }
    }

    fn cannot_open(&self, error: Errno) -> Error {
        self.named(match error {
            Errno::NOTDIR => Error::new(ErrorKind::InvalidInput, "the store's path is no folder"),
            _ => fault("the store's folder cannot be opened", error),
        })
    }

    fn cannot_make(&self, error: std::io::Error) -> Error {
        let message = "the store's folder cannot be made";
        self.named(match Errno::from_io_error(&error) {
            Some(errno) => fault(message, errno),
            None => Error::io(message, error),
        })
    }

    fn named(&self, error: Error) -> Error {
        error.with_fact("path", self.path.display())
    }

    /// Brings the folder's own name to the disk, and those above it on its file system: whoever made them may not have
    /// come to it.
    fn settle_above(&self, at: &OwnedFd) -> std::io::Result<()> {
        let device = rustix::fs::fstat(at)?.st_dev;
        let path = std::fs::canonicalize(&self.path)?;
        for above in path.ancestors().skip(1) {
            let folder = match File::open(above) {
                // What may not be read was made by others.
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => continue,
                other => other?,
            };
            if rustix::fs::fstat(&folder)?.st_dev != device {
                break;
            }
            sync_always(&folder)?;
        }
        Ok(())
    }

    /// How folders are opened that names are given in: to be fsynced, they must be open for reading.
    pub(super) fn opened_for_names(&self) -> OFlags {
        if self.fsyncs() { LISTED } else { SEARCH }
    }

    /// What kind of file system the folder is on.
    pub(super) fn kind(&self, at: &OwnedFd) -> Kind {
        *self.kind.get_or_init(|| Kind::of(at))
    }

    /// Refuses a folder that a later version keeps its own things in.
    fn check_format(&self, at: &OwnedFd) -> Result<()> {
        if self.format_is_known.load(Ordering::Relaxed) {
            return Ok(());
        }
        let unreadable = |e| self.named(fault("the store's format cannot be read", e));
        match open_beneath(at, ".holdall/format", OFlags::RDONLY | OFlags::NONBLOCK) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
            Err(error) => return Err(unreadable(error)),
            Ok(file) => {
                let mut text = String::new();
                let read = File::from(file).take(100).read_to_string(&mut text);
                read.map_err(|e| self.named(Error::io("the store's format cannot be read", e)))?;
                if text != FORMAT {
                    return Err(self.named(
                        Error::new(ErrorKind::Unsupported, "the folder's .holdall/ is of another version")
                            .with_fact("format", format!("{:.40}", text.trim_end())),
                    ));
                }
            }
        }
        self.format_is_known.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Opens a folder of holdall's own, made where it is not there. What is in it is not kept beyond a power cut.
    pub(super) fn own(&self, at: &OwnedFd, name: &str) -> Result<OwnedFd> {
        let failed = |e| self.named(fault("the store's own folder cannot be used", e));
        let path = format!("{RESERVED}/{name}");
        match open_beneath(at, &path, LISTED) {
            Err(Errno::NOENT) => {
                self.found(at).map_err(failed)?;
                self.folder(at, &path).map_err(failed)
            }
            other => other.map_err(failed),
        }
    }

    /// Makes `.holdall/` and says which version it is of.
    ///
    /// The text is on the disk whatever the settings are, for half of it would make the store unreadable; and where it
    /// can be seen, the store's own folder is on the disk under its name.
    fn found(&self, at: &OwnedFd) -> io::Result<()> {
        let own = self.folder(at, RESERVED)?;
        match rustix::fs::statat(&own, "format", AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => {}
            other => return other.map(drop),
        }
        let mut draft = Draft::begin(&own, || {
            let folder = Arc::new(enter(&own, "tmp")?);
            Ok(Holding { folder, prefix: "", suffix: "" })
        })?;
        let into_errno = |e: std::io::Error| Errno::from_io_error(&e).unwrap_or(Errno::IO);
        (&**draft.file()).write_all(FORMAT.as_bytes()).map_err(into_errno)?;
        sync_always(draft.file())?;
        self.settle_above(at).map_err(into_errno)?;
        match draft.publish_new(&own, "format") {
            Ok(()) | Err(Errno::EXIST) => self.sync(&own),
            Err(error) => Err(error),
        }
    }

    /// Where files have names until they are whole, on file systems that need them.
    pub(super) fn holding(&self, at: &OwnedFd) -> io::Result<Holding> {
        let folder = self.own(at, "tmp").map_err(as_errno)?;
        Ok(Holding { folder: Arc::new(folder), prefix: "", suffix: "" })
    }

    /// Brings a file or a folder to the disk, where the settings ask for it.
    pub(super) fn sync(&self, file: impl AsFd) -> io::Result<()> {
        if self.fsyncs() { sync_always(file) } else { Ok(()) }
    }

    /// Opens a folder of the store, made where it is not there. When it answers, the folder's own name and those above
    /// it are on the disk.
    ///
    /// Its path may be empty. Others may remove the folder while it is empty.
    pub(super) fn folder(&self, at: &OwnedFd, path: &str) -> io::Result<OwnedFd> {
        for _ in 0..PATIENCE {
            match open_beneath(at, path, LISTED) {
                Err(Errno::NOENT) => {}
                Err(error) => return Err(error),
                Ok(folder) => {
                    self.settle(at, path, &folder)?;
                    return Ok(folder);
                }
            }
            match make_all(at, path) {
                // Somebody removed one of them already.
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Errno::BUSY)
    }

    /// Fsyncs the folders above one, unless this process did so before: whoever made them may not have come to it.
    pub(super) fn settle(&self, at: &OwnedFd, path: &str, folder: &OwnedFd) -> io::Result<()> {
        if path.is_empty() || !self.fsyncs() {
            return Ok(());
        }
        let born = born(folder)?;
        let known = || self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        if born.is_some_and(|born| known().contains(&born)) {
            return Ok(());
        }
        let mut above = path;
        while !above.is_empty() {
            above = split(above).0;
            self.sync(open_beneath(at, above, LISTED)?)?;
        }
        if let Some(born) = born {
            let mut known = known();
            if known.len() >= MAX_SETTLED {
                known.clear();
            }
            known.insert(born);
        }
        Ok(())
    }

    /// Makes a path free that nothing but empty folders take; answers whether it is.
    pub(super) fn clear(&self, at: &OwnedFd, path: &str) -> bool {
        let (above, name) = split(path);
        open_beneath(at, above, SEARCH).and_then(|folder| remove_empty(&folder, name)).is_ok()
    }

    /// Removes folders that have become empty, from one upwards and never the store's own.
    pub(super) fn prune(&self, at: &OwnedFd, path: &str) {
        let mut path = path;
        while !path.is_empty() {
            let (above, name) = split(path);
            let removed = open_beneath(at, above, SEARCH)
                .and_then(|folder| rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR));
            // It is not empty, or somebody else's by now: then it stays, and so do those above.
            if removed.is_err() {
                return;
            }
            path = above;
        }
    }
}

/// Removes a folder in which there are folders alone, such as a write leaves that was cut off before it had a file.
fn remove_empty(above: &OwnedFd, name: &str) -> io::Result<()> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
    let folder = rustix::fs::openat(above, name, flags, Mode::empty())?;
    for entry in rustix::fs::Dir::read_from(&folder)? {
        match entry?.file_name().to_str() {
            Ok("." | "..") => {}
            Ok(below) => remove_empty(&folder, below)?,
            Err(_) => return Err(Errno::NOTEMPTY),
        }
    }
    rustix::fs::unlinkat(above, name, AtFlags::REMOVEDIR)
}

fn sync_always(file: impl AsFd) -> io::Result<()> {
    match rustix::fs::fsync(file) {
        // Some file systems have nothing to do for a folder and say so like this.
        Err(Errno::INVAL) => Ok(()),
        other => other,
    }
}

/// What the file system said.
pub(super) fn as_errno(error: Error) -> Errno {
    let source = std::error::Error::source(&error).and_then(|e| e.downcast_ref::<std::io::Error>());
    source.and_then(Errno::from_io_error).unwrap_or(Errno::IO)
}

/// When a folder was made, where the file system knows.
pub(super) fn born(folder: &OwnedFd) -> io::Result<Option<Born>> {
    let wanted = StatxFlags::BTIME | StatxFlags::INO;
    let stat = match rustix::fs::statx(folder, "", AtFlags::EMPTY_PATH, wanted) {
        Err(Errno::NOSYS | Errno::INVAL | Errno::PERM) => return Ok(None),
        other => other?,
    };
    let known = StatxFlags::from_bits_retain(stat.stx_mask).contains(wanted);
    let born =
        Born { inode: stat.stx_ino, seconds: stat.stx_btime.tv_sec, nanoseconds: stat.stx_btime.tv_nsec };
    Ok(known.then_some(born))
}

fn make_all(at: &OwnedFd, path: &str) -> io::Result<()> {
    let mut folder = open_folder(at, ".")?;
    for name in path.split('/') {
        make_folder(&folder, name)?;
        folder = open_folder(&folder, name)?;
    }
    Ok(())
}
