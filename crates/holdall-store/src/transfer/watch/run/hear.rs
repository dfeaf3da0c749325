//! What the kernel tells, and where it cannot.

use super::{Done, Run, SOON};
use crate::error::{Error, ErrorKind, Result};
use crate::integrity::manifest::is_own;
use crate::transfer::landing::is_temporary;
use crate::transfer::watch::kernel::{Hand, Kernel, News};
use crate::transfer::watch::place::shared_file_system;
use crate::transfer::watch::queue::Why;
use crate::transfer::watch::scan::enter;
use crate::transfer::watch::told::{ScanCause, WatchEvent};
use std::time::Instant;

impl Run {
    /// Has the kernel tell of changes, where it can.
    pub(super) async fn listen(&mut self) -> Result<()> {
        if self.options.poll.is_some() {
            self.poll(None);
            return Ok(());
        }
        if let Some(name) = shared_file_system(&self.root.path) {
            let error =
                Error::new(ErrorKind::Unsupported, "this file system does not tell of all changes in it")
                    .with_fact("file_system", name)
                    .with_hint("choose how often it is looked at by --poll");
            self.poll(Some(error));
            return Ok(());
        }
        let kernel = match Kernel::new(&self.root) {
            Ok(kernel) => kernel,
            Err(error) => {
                self.poll(Some(error));
                return Ok(());
            }
        };
        let limit = enter(kernel.clone()).await?;
        self.told.push(WatchEvent::Watching { folders: kernel.count() });
        self.kernel = Some(kernel);
        limit.into_iter().for_each(|limit| self.poll(Some(limit)));
        Ok(())
    }

    pub(super) fn poll(&mut self, error: Option<Error>) {
        if !std::mem::replace(&mut self.is_polling, true) {
            self.told.push(WatchEvent::Polling { error });
            if self.has_scanned {
                self.want_scan(Instant::now() + SOON, ScanCause::Overflow);
            }
        }
    }

    pub(super) fn hear(&mut self, news: Vec<News>) -> Result<()> {
        let now = Instant::now();
        for one in news {
            match one {
                News::Closed(relative) => self.touch(&relative, Why::Closed, now),
                News::Appeared(relative) => self.touch(&relative, Why::Appeared, now),
                News::Gone(relative) if self.options.delete.is_some() => {
                    self.touch(&relative, Why::Closed, now)
                }
                News::FolderGone if self.options.delete.is_some() => {
                    self.want_scan(now + SOON, ScanCause::Folder);
                }
                News::Gone(_) | News::FolderGone => self.change(now),
                News::Folder(relative) => self.enter(relative),
                News::Overflow => self.want_scan(now + SOON, ScanCause::Overflow),
                News::Unmounted => self.never_delete(),
                News::TopGone => return Err(self.root.gone()),
            }
        }
        Ok(())
    }

    pub(super) fn touch(&mut self, relative: &str, why: Why, now: Instant) {
        let name = relative.rsplit('/').next().unwrap_or_default();
        let is_manifest = self.options.manifest && is_own(relative);
        if is_manifest || !self.options.filter.takes(relative) || is_temporary(name) {
            return;
        }
        if !self.queue.touch(relative, why, now) {
            self.want_scan(now + SOON, ScanCause::Overflow);
        }
    }

    pub(super) fn enter(&mut self, relative: String) {
        if let Some(kernel) = self.kernel.clone() {
            self.tasks.spawn_blocking(move || Done::Entered(kernel.enter(&relative, Hand::Files)));
        }
    }

    pub(super) fn never_delete(&mut self) {
        if self.options.delete.is_some() && !std::mem::replace(&mut self.never_deletes, true) {
            let error = Error::new(ErrorKind::Precondition, "something was unmounted below the folder")
                .with_hint("mount it again and restart the watch, which deletes nothing until then");
            self.told.push(WatchEvent::Held { error });
        }
    }
}
