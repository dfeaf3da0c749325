//! Versions of objects, as they are asked for.

use super::backend::FolderBackend;
use super::delete::Touched;
use super::folder::{Folder, Opened};
use super::history::{Past, version_of};
use super::read::missing;
use super::record::{Identity, Record};
use crate::Versioning;
use crate::backend::conditions::check_delete;
use crate::backend::{is_marker, keeps_none, never_off, no_version};
use crate::disk::{fault, open_beneath};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, RESERVED};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;

/// Says whether versions are kept. Where it is not there, they never were.
pub(super) const VERSIONING: &str = "versioning";
const ENABLED: &str = "holdall.versioning/1 enabled\n";
const SUSPENDED: &str = "holdall.versioning/1 suspended\n";

/// Which versions are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    None,
    All,
    /// Those of what was stored while all were kept, and before.
    Lasting,
}

impl FolderBackend {
    pub(super) fn versioning_of(folder: &Folder) -> Result<Versioning> {
        let Some(at) = folder.root.for_reading()? else { return Ok(Versioning::Off) };
        Ok(match folder.keeping(&at)? {
            Keeping::None => Versioning::Off,
            Keeping::All => Versioning::Enabled,
            Keeping::Lasting => Versioning::Suspended,
        })
    }
}

impl Folder {
    /// Which versions are kept now.
    pub(super) fn keeping(&self, at: &OwnedFd) -> Result<Keeping> {
        let failed = |e| fault("what the store says of versions cannot be read", e);
        let path = format!("{RESERVED}/{VERSIONING}");
        let file = match open_beneath(at, &path, OFlags::RDONLY | OFlags::NONBLOCK) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(Keeping::None),
            other => File::from(other.map_err(failed)?),
        };
        let unread = |e| Error::io("what the store says of versions cannot be read", e);
        let mut text = String::new();
        file.take(100).read_to_string(&mut text).map_err(unread)?;
        match text.as_str() {
            ENABLED => Ok(Keeping::All),
            SUSPENDED => Ok(Keeping::Lasting),
            _ => Err(Error::new(
                ErrorKind::Unsupported,
                "what the store says of versions is of another version",
            )
            .with_fact("says", format_args!("{:.40?}", text.trim_end()))),
        }
    }

    pub(super) fn set_versioning(&self, versioning: Versioning) -> Result<()> {
        let text = match versioning {
            Versioning::Off => return Err(never_off()),
            Versioning::Enabled => ENABLED,
            Versioning::Suspended => SUSPENDED,
        };
        let at = self.root.for_writing()?;
        self.demand_links(&at)?;
        let failed = |e| fault("the store cannot be told about versions", e);
        let own = self.root.folder(&at, RESERVED).map_err(failed)?;
        let mut draft = self.begin(&at)?;
        let written = (&**draft.file()).write_all(text.as_bytes());
        written.map_err(|e| Error::io("the store cannot be told about versions", e))?;
        self.root.sync(draft.file()).map_err(failed)?;
        draft.publish_over(&own, VERSIONING, || self.root.holding(&at)).map_err(failed)?;
        self.root.sync(&own).map_err(failed)
    }

    /// The version that a file in this state is; none where none are kept.
    pub(super) fn version(&self, at: &OwnedFd, identity: Identity) -> Result<Option<String>> {
        Ok(self.version_among(at, self.keeping(at)?, identity))
    }

    pub(super) fn version_among(&self, at: &OwnedFd, keeping: Keeping, identity: Identity) -> Option<String> {
        (keeping != Keeping::None).then(|| version_of(identity, self.root.kind(at).lasting_inodes))
    }

    /// Keeps what a key has, where it is to be kept; the key's lock is held.
    pub(super) fn keep_before_write(&self, at: &OwnedFd, key: &Key, keeping: Keeping) -> Result<()> {
        if keeping != Keeping::None
            && let Some(found) = self.find(at, key)?
            && (keeping == Keeping::All || !self.is_passing(at, key)?)
        {
            self.keep(at, key, &found)?;
        }
        Ok(())
    }

    /// Whether an object was stored while no versions were kept any more.
    fn is_passing(&self, at: &OwnedFd, key: &Key) -> Result<bool> {
        let described = self.open_described(at, key)?;
        Ok(described.is_some_and(|(_, record)| record.is_some_and(|record| record.passing)))
    }

    /// Opens a version of an object.
    pub(super) fn open_version(
        &self,
        at: &OwnedFd,
        key: &Key,
        version: &str,
    ) -> Result<(Opened, Option<Record>)> {
        if self.keeping(at)? == Keeping::None {
            return Err(keeps_none());
        }
        // A version comes to the past before it leaves its key, and goes back to it the other way round.
        for _ in 0..2 {
            if let Some((opened, record)) = self.open_described(at, key)?
                && self.version(at, opened.identity)?.as_deref() == Some(version)
            {
                return Ok((opened, record));
            }
            if let Some(found) = self.open_past(at, key, version)? {
                return Ok(found);
            }
        }
        Err(no_version(version))
    }

    fn open_past(&self, at: &OwnedFd, key: &Key, version: &str) -> Result<Option<(Opened, Option<Record>)>> {
        let (Some(history), Some(there)) = (self.history(), self.past_at(at)?) else { return Ok(None) };
        for (past, named) in self.named_past(&there, key)? {
            if named == version {
                return if past.is_marker {
                    Err(is_marker(version))
                } else {
                    history.open_described(&there, &past.name)
                };
            }
        }
        Ok(None)
    }

    /// All that a key had with the versions they are, the latest first.
    fn named_past(&self, there: &OwnedFd, key: &Key) -> Result<Vec<(Past, String)>> {
        let Some(history) = self.history() else { return Ok(Vec::new()) };
        let lasting = history.root.kind(there).lasting_inodes;
        let mut named = Vec::new();
        for past in self.past(there, key)? {
            let version = match past.is_marker {
                true => Some(past.marker()),
                false => history.identity_of(there, &past)?.map(|identity| version_of(identity, lasting)),
            };
            named.extend(version.map(|version| (past, version)));
        }
        Ok(named)
    }

    /// Deletes an object whose versions are kept: it becomes one, and a mark says that it is gone. Answers whether there
    /// was one, and the mark's version.
    pub(super) fn delete_kept(&self, key: &Key, if_match: Option<&str>) -> Result<(bool, String)> {
        let at = self.root.for_writing()?;
        let _held = self.locks.hold(&self.root, &at, key.as_str())?;
        let found = self.find(&at, key)?;
        if let Some(if_match) = if_match {
            let lasting = self.root.kind(&at).lasting_inodes;
            let etag = found.as_ref().map(|found| found.identity.etag(lasting));
            check_delete(etag.as_deref(), if_match)?;
        }
        let mut touched = Touched::default();
        if found.is_some() {
            self.keep_before_write(&at, key, self.keeping(&at)?)?;
            self.delete_held(&at, key, &mut touched)?;
        } else {
            self.doubt(&at, key, &mut touched);
        }
        self.sync_and_prune(&at, &mut touched)?;
        Ok((found.is_some(), self.mark(&at, key)?))
    }

    fn delete_unkept(&self, at: &OwnedFd, key: &Key) -> Result<()> {
        let mut touched = Touched::default();
        self.delete_held(at, key, &mut touched)?;
        self.sync_and_prune(at, &mut touched)
    }

    /// Deletes a version for good, and answers whether it was there. What was before the latest takes its place.
    pub(super) fn delete_version(&self, key: &Key, version: &str) -> Result<bool> {
        let at = self.root.for_reading()?.ok_or_else(missing)?;
        if self.keeping(&at)? == Keeping::None {
            return Err(keeps_none());
        }
        let _held = self.locks.hold(&self.root, &at, key.as_str())?;
        let there = self.make_past(&at)?;
        let current = match self.find(&at, key)? {
            Some(found) => self.version(&at, found.identity)?,
            None => None,
        };
        let mut past = self.named_past(&there, key)?;
        if current.as_deref() == Some(version) {
            // Whoever kept it may have been cut off before it was replaced.
            for (left, _) in past.extract_if(.., |(_, named)| named == version) {
                self.forget(&there, &left)?;
            }
            match past.first().filter(|(latest, _)| !latest.is_marker) {
                Some((latest, _)) => self.promote(&at, &there, key, latest)?,
                None => self.delete_unkept(&at, key)?,
            }
            return Ok(true);
        }
        let Some(place) = past.iter().position(|(_, named)| named == version) else {
            // Somebody may have deleted it.
            return self.settle_past(&there, key).map(|()| false);
        };
        let was_deleted = current.is_none() && place == 0 && past[0].0.is_marker;
        if let Some((before, _)) = past.get(1).filter(|(before, _)| was_deleted && !before.is_marker) {
            self.promote(&at, &there, key, before)?;
        }
        self.forget(&there, &past[place].0)?;
        Ok(true)
    }
}
