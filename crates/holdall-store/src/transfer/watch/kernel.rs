//! What the kernel tells of a folder and all folders in it, by inotify.

use super::folders::{Folders, below};
use super::place::Root;
use super::queue;
use crate::error::{Error, ErrorKind, Result};
use crate::key::RESERVED;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use std::collections::HashSet;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// How much is read by one call.
const READ: usize = 64 * 1024;

/// What happened; paths are relative to the top.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// A file was closed after writing, or renamed into place.
    Closed(String),
    /// A file has a name that it did not have, and need not be closed any more.
    Appeared(String),
    /// A file is not there any more.
    Gone(String),
    /// A folder is new at this path.
    Folder(String),
    /// A folder went elsewhere, with all that was in it.
    FolderGone,
    /// The kernel could not keep all in mind.
    Overflow,
    /// Something that was mounted below the top is so no more.
    Unmounted,
    /// The top itself went.
    TopGone,
}

/// A folder that was watched and read.
#[derive(Debug, Default)]
pub(super) struct Entered {
    /// The files in it, as far as they were asked for and there was room.
    pub(super) files: Vec<String>,
    /// Whether there are more.
    pub(super) has_more: bool,
    /// What keeps the kernel from telling of all of it.
    pub(super) limit: Option<Error>,
}

/// What of a folder is to be handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hand {
    Files,
    Nothing,
}

/// Watches of one folder and all in it. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Kernel {
    fd: Arc<AsyncFd<OwnedFd>>,
    folders: Arc<Mutex<Folders>>,
    root: Root,
}

fn mask() -> WatchFlags {
    use WatchFlags as W;
    let files = W::CLOSE_WRITE | W::MOVED_TO | W::MOVED_FROM | W::CREATE | W::DELETE;
    files | W::MOVE_SELF | W::DELETE_SELF | W::ONLYDIR | W::EXCL_UNLINK
}

/// Has the runtime tell when there is something to read.
fn registered(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    #[allow(unsafe_code, reason = "the safe form is deprecated")]
    // SAFETY: an `OwnedFd` is the descriptor that it answers, and stays it until it is dropped.
    unsafe {
        Ok(AsyncFd::register_with_interest(fd, Interest::READABLE)?)
    }
}

impl Kernel {
    /// Begins to listen; nothing is watched yet.
    ///
    /// # Errors
    ///
    /// `Full` when the user has too many watches of folders under way.
    pub(super) fn new(root: &Root) -> Result<Self> {
        let made = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).map_err(io::Error::from);
        let made = made.and_then(registered).map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::MFILE) => Error::new(ErrorKind::Full, "the kernel allows no more inotify instances")
                .with_source(error)
                .with_hint("allow more: sudo sysctl fs.inotify.max_user_instances=1024"),
            _ => Error::io("the kernel cannot be asked for changes", error),
        });
        Ok(Self { fd: Arc::new(made?), folders: Arc::default(), root: root.clone() })
    }

    fn folders(&self) -> MutexGuard<'_, Folders> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many folders are watched.
    pub(super) fn count(&self) -> u64 {
        self.folders().count()
    }

    /// Watches a folder and all in it, each before it is read. It may be watched already, here or at another path.
    pub(super) fn enter(&self, folder: &str, hand: Hand) -> Entered {
        let mut entered = Entered::default();
        let mut seen = HashSet::new();
        let mut stack = vec![folder.to_owned()];
        while let Some(folder) = stack.pop() {
            match self.add(&folder) {
                // A folder that is mounted twice is watched where it was found first.
                Ok(watch) if !seen.insert(watch) => continue,
                Ok(_) => {}
                Err(Errno::NOSPC) => entered.limit = Some(too_many_folders()),
                // It went meanwhile, is a link by now, or may not be read, which is said by whoever walks there.
                Err(_) => continue,
            }
            self.read(&folder, hand, &mut entered, &mut stack);
        }
        entered
    }

    fn add(&self, folder: &str) -> Result<i32, Errno> {
        // The lock is held until the folder is known: what happens in it is then told with its path.
        let mut folders = self.folders();
        let flags = if folder.is_empty() { mask() } else { mask() | WatchFlags::DONT_FOLLOW };
        let watch = inotify::add_watch(&*self.fd, self.root.path.join(folder), flags)?;
        if folder.is_empty() {
            folders.put(watch, None, "");
            return Ok(watch);
        }
        let (above, name) = folder.rsplit_once('/').unwrap_or(("", folder));
        let above = inotify::add_watch(&*self.fd, self.root.path.join(above), mask())?;
        folders.put(watch, Some(above), name);
        Ok(watch)
    }

    fn read(&self, folder: &str, hand: Hand, entered: &mut Entered, stack: &mut Vec<String>) {
        let Ok(entries) = std::fs::read_dir(self.root.path.join(folder)) else { return };
        for entry in entries.flatten() {
            let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else { continue };
            let relative = below(folder, &name);
            if kind.is_dir() && relative != RESERVED {
                stack.push(relative);
            } else if kind.is_file() && hand == Hand::Files {
                entered.has_more |= entered.files.len() >= queue::MOST;
                if !entered.has_more {
                    entered.files.push(relative);
                }
            }
        }
    }

    /// Waits for news; dropped, it loses none.
    ///
    /// # Errors
    ///
    /// What keeps them from being read.
    pub(super) async fn news(&self) -> Result<Vec<News>> {
        let fault = |e| Error::io("the kernel's news of the folder cannot be read", e);
        loop {
            let mut guard = self.fd.readable().await.map_err(fault)?;
            match self.drain() {
                Ok(news) => return Ok(news),
                Err(Errno::WOULDBLOCK) => guard.clear_ready(),
                Err(Errno::INTR) => {}
                Err(error) => return Err(fault(error.into())),
            }
        }
    }

    /// Reads as much as comes at once.
    fn drain(&self) -> Result<Vec<News>, Errno> {
        let mut buffer = [MaybeUninit::uninit(); READ];
        let mut reader = Reader::new(&*self.fd, &mut buffer);
        let mut news = Vec::new();
        loop {
            let event = reader.next()?;
            let name = event.file_name().map(|name| name.to_str().map(str::to_owned));
            news.extend(self.judge(event.wd(), event.events(), name));
            if reader.is_buffer_empty() {
                return Ok(news);
            }
        }
    }

    fn judge(
        &self,
        watch: i32,
        what: ReadFlags,
        name: Option<Result<String, std::str::Utf8Error>>,
    ) -> Option<News> {
        if what.contains(ReadFlags::QUEUE_OVERFLOW) {
            return Some(News::Overflow);
        }
        let Some(name) = name else { return self.of_itself(watch, what) };
        // A name that is no key is reported whenever everything is looked at.
        let relative = below(&self.folders().path(watch)?, &name.ok()?);
        if relative == RESERVED {
            return None;
        }
        let is_folder = what.contains(ReadFlags::ISDIR);
        Some(match is_folder {
            true if what.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) => News::Folder(relative),
            // Of a folder that was deleted every file was told before.
            true if what.contains(ReadFlags::MOVED_FROM) => News::FolderGone,
            false if what.intersects(ReadFlags::CLOSE_WRITE | ReadFlags::MOVED_TO) => News::Closed(relative),
            false if what.contains(ReadFlags::CREATE) => News::Appeared(relative),
            false if what.intersects(ReadFlags::DELETE | ReadFlags::MOVED_FROM) => News::Gone(relative),
            _ => return None,
        })
    }

    /// What happened to a folder that is watched, other than in it.
    fn of_itself(&self, watch: i32, what: ReadFlags) -> Option<News> {
        let is_top = self.folders().is_top(watch);
        let ends = ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::IGNORED | ReadFlags::UNMOUNT;
        if is_top && what.intersects(ends) {
            return Some(News::TopGone);
        }
        if what.contains(ReadFlags::UNMOUNT) {
            return Some(News::Unmounted);
        }
        if what.contains(ReadFlags::IGNORED) {
            self.folders().forget(watch);
        }
        if what.contains(ReadFlags::MOVE_SELF) {
            self.follow(watch);
        }
        None
    }

    /// Keeps a folder that was renamed only if it is where it is thought to be.
    fn follow(&self, watch: i32) {
        let path = self.folders().path(watch);
        if path.is_some_and(|path| self.add(&path) == Ok(watch)) {
            return;
        }
        for watch in self.folders().take_out(watch) {
            // A watch that is gone already cannot be removed, and need not be.
            if let Err(error) = inotify::remove_watch(&*self.fd, watch) {
                tracing::debug!(%error, "a folder that went is not watched any more");
            }
        }
    }
}

fn too_many_folders() -> Error {
    let most = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").unwrap_or_default();
    Error::new(ErrorKind::Full, "the kernel watches no more folders for this user")
        .with_fact("max_user_watches", most.trim())
        .with_hint("allow more: sudo sysctl fs.inotify.max_user_watches=1048576")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::time::Duration;

    async fn told(kernel: &Kernel, wanted: &News) -> bool {
        let told = tokio::time::timeout(Duration::from_secs(5), async {
            loop {
                if kernel.news().await.unwrap().contains(wanted) {
                    return;
                }
            }
        });
        told.await.is_ok()
    }

    #[tokio::test]
    async fn files_are_told_of_by_their_paths_wherever_their_folders_go() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        fs::write(dir.path().join("a/b/there"), "").unwrap();
        let kernel = Kernel::new(&Root::of(dir.path()).unwrap()).unwrap();
        let entered = kernel.enter("", Hand::Files);
        assert_eq!((entered.files, kernel.count()), (vec!["a/b/there".to_owned()], 3));
        fs::write(dir.path().join("a/b/new"), "x").unwrap();
        assert!(told(&kernel, &News::Closed("a/b/new".into())).await);
        fs::rename(dir.path().join("a"), dir.path().join("z")).unwrap();
        assert!(told(&kernel, &News::Folder("z".into())).await);
        assert_eq!(kernel.enter("z", Hand::Files).files.len(), 2);
        fs::remove_file(dir.path().join("z/b/new")).unwrap();
        assert!(told(&kernel, &News::Gone("z/b/new".into())).await);
        fs::hard_link(dir.path().join("z/b/there"), dir.path().join("z/linked")).unwrap();
        assert!(told(&kernel, &News::Appeared("z/linked".into())).await);
        let elsewhere = tempfile::tempdir().unwrap();
        fs::rename(dir.path().join("z"), elsewhere.path().join("z")).unwrap();
        fs::remove_dir(dir.path()).unwrap();
        assert!(told(&kernel, &News::TopGone).await);
        assert_eq!(kernel.count(), 1, "what went is not watched");
    }
}
