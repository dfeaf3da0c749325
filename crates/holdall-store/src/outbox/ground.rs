//! The folder that a queue is in: what may be one, and how much it may take.

use super::stamp;
use crate::disk::{fault, open_folder};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Settings;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

const FORMAT: &str = "holdall.outbox/1\n";
const TMPFS: u64 = 0x0102_1994;
const RAMFS: u64 = 0x8584_58f6;

/// Where a queue is, and its bounds.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder; it is made where it is not there.
    pub folder: PathBuf,
    /// The most bytes that the queue takes.
    pub max_bytes: u64,
    /// The bytes that stay free on its file system.
    pub min_free: u64,
    /// Whether it may lie in memory, which a power cut and a restart empty.
    pub allow_volatile: bool,
    /// A segment with so many bytes is followed by another one.
    pub segment_bytes: u64,
    /// A segment with so many entries and marks is followed by another one.
    pub segment_frames: usize,
}

impl Options {
    /// The folder and the bounds that the settings name.
    ///
    /// # Errors
    ///
    /// `Config` when there is neither a folder nor a home to put it in.
    pub fn of(settings: &Settings) -> Result<Self> {
        let Some(folder) = &settings.outbox_dir else {
            let message = "no folder is named for the outbox, and neither HOME nor XDG_STATE_HOME is set";
            return Err(Error::new(ErrorKind::Config, message).with_hint("set HOLDALL_OUTBOX_DIR"));
        };
        Ok(Self {
            max_bytes: settings.outbox_max_bytes,
            min_free: settings.outbox_min_free,
            allow_volatile: settings.outbox_allow_volatile,
            ..Self::new(folder)
        })
    }

    /// The folder with the bounds that the settings have unless they say otherwise.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            max_bytes: 10 << 30,
            min_free: 1 << 30,
            allow_volatile: false,
            segment_bytes: 64 << 20,
            segment_frames: 32 << 10,
        }
    }
}

/// A queue's folder, open.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) options: Options,
    pub(super) root: OwnedFd,
    /// Segments and their tables.
    pub(super) queue: OwnedFd,
    /// Payloads that are files of their own.
    pub(super) payload: OwnedFd,
    pub(super) lock: OwnedFd,
    /// What was damaged.
    pub(super) quarantine: OwnedFd,
    /// Whether a folder's time tells that it changed.
    pub(super) tells_times: bool,
}

impl Ground {
    /// Opens a folder, and makes in it what is missing.
    ///
    /// # Errors
    ///
    /// `Config` for a folder in memory, `PermissionDenied` for one that others can enter, `Unsupported` for one of a
    /// later version, and what the file system says.
    pub(super) fn open(options: Options) -> Result<Self> {
        make_all(&options.folder)?;
        let failed = |e| of_folder(fault("the outbox cannot be opened", e), &options.folder);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::openat(CWD, &options.folder, flags, Mode::empty()).map_err(failed)?;
        refuse_others(&root, &options.folder)?;
        refuse_memory(&root, &options)?;
        agree_on_format(&root, &options.folder)?;
        let inside = |name| enter(&root, name).map_err(failed);
        let (queue, payload) = (inside("queue")?, inside("payload")?);
        let (lock, quarantine) = (inside("lock")?, inside("quarantine")?);
        rustix::fs::fsync(&root).map_err(failed)?;
        let tells_times = stamp::tells_times(&queue)?;
        Ok(Self { options, root, queue, payload, lock, quarantine, tells_times })
    }

    /// Refuses what would take more than the queue may have. `used` is what it has.
    ///
    /// # Errors
    ///
    /// `Full`.
    pub(super) fn demand_room(&self, used: u64, more: u64) -> Result<()> {
        let full = |message: &str| {
            Error::new(ErrorKind::Full, message)
                .with_fact("folder", self.options.folder.display())
                .with_hint("let the outbox drain (`holdall outbox status`), make room, or allow it more")
        };
        if used.saturating_add(more) > self.options.max_bytes {
            return Err(full("the outbox is full")
                .with_fact("used", used)
                .with_fact("most", self.options.max_bytes));
        }
        let stat =
            rustix::fs::fstatvfs(&self.root).map_err(|e| fault("the outbox cannot be looked at", e))?;
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        if free < self.options.min_free.saturating_add(more) {
            return Err(full("the outbox's file system has too little room left")
                .with_fact("free", free)
                .with_fact("least", self.options.min_free));
        }
        Ok(())
    }
}

fn of_folder(error: Error, folder: &Path) -> Error {
    error.with_fact("folder", folder.display())
}

/// Makes a folder and all above it, each of them on the disk before the next.
fn make_all(folder: &Path) -> Result<()> {
    let failed = |e| of_folder(fault("the outbox's folder cannot be made", e), folder);
    match rustix::fs::mkdirat(CWD, folder, Mode::RWXU) {
        Err(Errno::EXIST) => return Ok(()),
        Err(Errno::NOENT) => {
            let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
            make_all(above.ok_or_else(|| failed(Errno::NOENT))?)?;
            rustix::fs::mkdirat(CWD, folder, Mode::RWXU).or_else(ignore_existing).map_err(failed)?;
        }
        other => other.map_err(failed)?,
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let above = rustix::fs::openat(CWD, above, flags, Mode::empty()).map_err(failed)?;
    rustix::fs::fsync(above).map_err(failed)
}

fn ignore_existing(error: Errno) -> rustix::io::Result<()> {
    if error == Errno::EXIST { Ok(()) } else { Err(error) }
}

/// Opens a folder for this user alone, making it where it is not there.
fn enter(root: &OwnedFd, name: &str) -> rustix::io::Result<OwnedFd> {
    match rustix::fs::mkdirat(root, name, Mode::RWXU) {
        Err(error) if error != Errno::EXIST => Err(error),
        _ => open_folder(root, name),
    }
}

fn refuse_others(root: &OwnedFd, folder: &Path) -> Result<()> {
    let stat = rustix::fs::fstat(root).map_err(|e| fault("the outbox cannot be looked at", e))?;
    if stat.st_uid == rustix::process::geteuid().as_raw() && stat.st_mode & 0o077 == 0 {
        return Ok(());
    }
    let message = "the outbox's folder is not this user's alone";
    let error = Error::new(ErrorKind::PermissionDenied, message)
        .with_fact("mode", format!("{:o}", stat.st_mode & 0o7777))
        .with_hint("make it so with chmod 700, or name another folder by `outbox_dir`");
    Err(of_folder(error, folder))
}

#[allow(clippy::unnecessary_cast, reason = "the field's type differs between architectures")]
fn refuse_memory(root: &OwnedFd, options: &Options) -> Result<()> {
    let stat = rustix::fs::fstatfs(root).map_err(|e| fault("the outbox cannot be looked at", e))?;
    let kind = stat.f_type as u64 & 0xffff_ffff;
    if options.allow_volatile || !matches!(kind, TMPFS | RAMFS) {
        return Ok(());
    }
    let error = Error::new(ErrorKind::Config, "the outbox would lie in memory and be lost with the power")
        .with_hint("name a folder on a disk by `outbox_dir`");
    Err(of_folder(error, &options.folder))
}

/// Reads which version the folder is of; says so in a new one.
fn agree_on_format(root: &OwnedFd, folder: &Path) -> Result<()> {
    let failed = |e: Errno| of_folder(fault("the outbox's format cannot be read", e), folder);
    let broken = |e: std::io::Error| of_folder(Error::io("the outbox's format cannot be read", e), folder);
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file: File =
        rustix::fs::openat(root, "format", flags, Mode::RUSR | Mode::WUSR).map_err(failed)?.into();
    let mut text = String::new();
    (&mut file).take(256).read_to_string(&mut text).map_err(broken)?;
    match text.as_str() {
        FORMAT => Ok(()),
        other if other.starts_with("holdall.outbox/") && other.ends_with('\n') => {
            let error = Error::new(ErrorKind::Unsupported, "a later version of holdall made this outbox");
            Err(of_folder(error.with_fact("format", format!("{:?}", other.trim_end())), folder))
        }
        // Empty, or what a power cut left of the line.
        _ => {
            rustix::fs::ftruncate(&file, 0).map_err(failed)?;
            std::io::Seek::rewind(&mut file).map_err(broken)?;
            file.write_all(FORMAT.as_bytes()).map_err(broken)?;
            rustix::fs::fsync(&file).map_err(failed)
        }
    }
}
