//! Deleting objects whose files are gone.

use super::{Done, Run, SOON};
use crate::error::{Error, Result};
use crate::transfer::watch::delete::{delete, next_batch};
use crate::transfer::watch::gone::Decision;
use crate::transfer::watch::told::ScanCause;
use std::sync::Arc;
use std::time::Instant;

impl Run {
    pub(super) fn delete_due(&mut self, now: Instant) -> Result<()> {
        if self.never_deletes {
            self.surplus = None;
        }
        if self.is_deleting {
            return Ok(());
        }
        if let Some(names) = &mut self.surplus {
            let fault = |e| Error::io("the list of what is to be deleted cannot be read", e);
            let names = next_batch(names).map_err(fault)?;
            if names.is_empty() {
                self.surplus = None;
            } else {
                self.delete(names);
                return Ok(());
            }
        }
        match self.gone.decide(now) {
            Decision::Delete(names) if !self.never_deletes => self.delete(names),
            Decision::LookAtAll if !self.never_deletes => self.want_scan(now + SOON, ScanCause::Folder),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn delete(&mut self, names: Vec<Arc<str>>) {
        // What waits to be stored, or is being stored, is there again.
        let names: Vec<_> = names.into_iter().filter(|name| self.queue.claim(name)).collect();
        let (push, root) = (self.push.clone(), self.root.clone());
        self.is_deleting = true;
        self.tasks.spawn(async move {
            delete(&push, &root, names.clone()).await;
            Done::Deleted(names)
        });
    }
}
