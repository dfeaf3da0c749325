//! What keys had before: a folder store of its own in `.holdall/versions/`, in which each version is an object.
//!
//! A version's file is the object's own, under a second name (a hard link) that it gets before it loses the first: no byte
//! is copied, and whatever happens meanwhile, what a key had is there under one of them or both. `docs/FOLDER.md` has the
//! names.

use super::delete::Touched;
use super::folder::{Folder, Found, Opened};
use super::names::split;
use super::publish::{Named, Sealed, now, sidecar};
use super::record::{Identity, Record};
use crate::WriteCondition;
use crate::disk::{Draft, SEARCH, fault, open_beneath};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::OwnedFd;

/// The folder of versions.
pub(super) const VERSIONS: &str = ".holdall/versions";

/// Ends a key in the name of a version. In the key itself it is escaped, so that names have the order of their keys.
const END: char = '\u{1}';
const ESCAPE: char = '\u{2}';

/// A version, or the mark that an object was deleted, by its name among the versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Past {
    /// The name, as a key of the store of versions.
    pub(super) name: Key,
    /// When it came to the past, in nanoseconds since 1970; later ones have later times, whatever the clock says.
    moment: u64,
    pub(super) is_marker: bool,
}

impl Past {
    fn new(key: &str, moment: u64, is_marker: bool) -> Self {
        let mut name = escaped(key);
        name.push(END);
        // The latest is the first in order.
        name.push_str(&format!("/{:016x}{}", u64::MAX - moment, if is_marker { 'd' } else { 'v' }));
        Self { name: Key::listed(&name), moment, is_marker }
    }

    /// Reads a name; answers the key that it is of. None for what holdall does not write.
    pub(super) fn parse(name: &str) -> Option<(String, Self)> {
        let (above, leaf) = name.rsplit_once('/')?;
        let (digits, kind) = leaf.split_at_checked(16)?;
        let is_marker = match kind {
            "d" => true,
            "v" => false,
            _ => return None,
        };
        let moment = u64::MAX - u64::from_str_radix(digits, 16).ok()?;
        let key = unescaped(above.strip_suffix(END)?)?;
        Some((key, Self { name: Key::listed(name), moment, is_marker }))
    }

    /// The version that a mark is.
    pub(super) fn marker(&self) -> String {
        format!("d{:016x}", self.moment)
    }
}

/// What names of versions begin with whose keys begin with a prefix.
pub(super) fn escaped(prefix: &str) -> String {
    let mut text = String::with_capacity(prefix.len() + 20);
    for c in prefix.chars() {
        if matches!(c, END | ESCAPE) {
            text.push(ESCAPE);
        }
        text.push(c);
    }
    text
}

fn unescaped(text: &str) -> Option<String> {
    let mut key = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        key.push(if c == ESCAPE { chars.next()? } else { c });
    }
    Some(key)
}

/// The version that a file in this state is.
pub(super) fn version_of(identity: Identity, lasting_inodes: bool) -> String {
    identity.etag(lasting_inodes).trim_matches('"').to_owned()
}

/// Writes and reads in the store of versions; the key's lock is held by whoever writes.
impl Folder {
    /// The store of versions; none where this is one.
    pub(super) fn history(&self) -> Option<&Self> {
        self.history.as_deref()
    }

    /// Opens the folder of versions; none where nothing was ever kept.
    pub(super) fn past_at(&self, at: &OwnedFd) -> Result<Option<OwnedFd>> {
        match open_beneath(at, VERSIONS, SEARCH) {
            Ok(there) => Ok(Some(there)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(fault("the store's versions cannot be opened", error)),
        }
    }

    /// The same, made where it is not there; its name is on the disk.
    pub(super) fn make_past(&self, at: &OwnedFd) -> Result<OwnedFd> {
        self.root.folder(at, VERSIONS).map_err(|e| fault("the store's versions cannot be opened", e))
    }

    /// All that a key had, the latest first.
    pub(super) fn past(&self, there: &OwnedFd, key: &Key) -> Result<Vec<Past>> {
        let Some(history) = self.history() else { return Ok(Vec::new()) };
        let any = Past::new(key.as_str(), 0, false).name;
        let plain = history.can_be_path(there, &any).then(|| any.as_str().to_owned());
        let mut past = Vec::new();
        for path in plain.into_iter().chain(Some(history.odd(there, any.as_str()))) {
            let (above, _) = split(any.as_str());
            for name in super::gc::names(there, split(&path).0)? {
                let leaf = if path == any.as_str() { Some(name.as_str()) } else { name.strip_prefix('f') };
                past.extend(leaf.and_then(|leaf| Past::parse(&format!("{above}/{leaf}"))));
            }
        }
        past.sort_unstable_by_key(|one: &(String, Past)| std::cmp::Reverse(one.1.moment));
        Ok(past.into_iter().map(|(_, past)| past).collect())
    }

    /// Keeps what a key has, before something else takes its place.
    pub(super) fn keep(&self, at: &OwnedFd, key: &Key, found: &Found) -> Result<()> {
        let Some(history) = self.history() else { return Ok(()) };
        let there = self.make_past(at)?;
        let past = self.past(&there, key)?;
        if let Some(latest) = past.first()
            && history.identity_of(&there, latest)? == Some(found.identity)
        {
            // Whoever kept it was cut off before it was replaced, and perhaps before it was on the disk. Its tags may be
            // others by now.
            self.keep_sidecar(at, &there, key, &latest.name, found.identity)?;
            return self.settle_past(&there, key);
        }
        let name = Past::new(key.as_str(), next_moment(&past), false).name;
        self.keep_sidecar(at, &there, key, &name, found.identity)?;
        let path = history.place_of(&there, &name);
        let (above, leaf) = split(&path);
        let failed = |e| fault("a version cannot be kept", e);
        let folder = history.root.folder(&there, above).map_err(failed)?;
        let (from, file) = (&found.folder, split(&found.path).1);
        rustix::fs::linkat(from, file, &folder, leaf, AtFlags::empty()).map_err(unlinkable)?;
        history.root.sync(&folder).map_err(failed)
    }

    /// Keeps the record of what a key has, where it is a file of its own.
    fn keep_sidecar(
        &self,
        at: &OwnedFd,
        there: &OwnedFd,
        key: &Key,
        name: &Key,
        identity: Identity,
    ) -> Result<()> {
        if let (Some(history), Some(mut record)) = (self.history(), self.read_sidecar(at, key, identity)?) {
            record.name(name.as_str());
            history.put_sidecar(there, &sidecar(name, identity), &record)?;
        }
        Ok(())
    }

    /// Brings to the disk what somebody did to a key's versions who may not have come to it.
    pub(super) fn settle_past(&self, there: &OwnedFd, key: &Key) -> Result<()> {
        let Some(history) = self.history() else { return Ok(()) };
        let mut touched = Touched::default();
        history.doubt(there, &Past::new(key.as_str(), 0, false).name, &mut touched);
        history.sync_and_prune(there, &mut touched)
    }

    /// Marks that a key has nothing any more; answers the mark's version.
    pub(super) fn mark(&self, at: &OwnedFd, key: &Key) -> Result<String> {
        let Some(history) = self.history() else { return Ok(String::new()) };
        let there = self.make_past(at)?;
        let marker = Past::new(key.as_str(), next_moment(&self.past(&there, key)?), true);
        let path = history.place_of(&there, &marker.name);
        let (above, leaf) = split(&path);
        let failed = |e| fault("the deletion cannot be marked", e);
        let folder = history.root.folder(&there, above).map_err(failed)?;
        let mut draft = history.begin(&there)?;
        history.root.sync(draft.file()).map_err(failed)?;
        draft.publish_new(&folder, leaf).map_err(failed)?;
        history.root.sync(&folder).map_err(failed)?;
        Ok(marker.marker())
    }

    /// Gives a key what it had before.
    pub(super) fn promote(&self, at: &OwnedFd, there: &OwnedFd, key: &Key, past: &Past) -> Result<()> {
        let Some(history) = self.history() else { return Ok(()) };
        let (opened, record) = history.existing(there, &past.name)?;
        let Opened { file, identity } = opened;
        let carries = Record::read(&file, identity)?.is_some() || record.is_none();
        let draft = Draft::of(file).ok_or_else(|| unlinkable(Errno::OPNOTSUPP))?;
        let mut sealed = Sealed::again(draft, identity, record.unwrap_or_default(), carries);
        let Named { folder, replaced } = self.name(at, key, &mut sealed, &WriteCondition::Always)?;
        self.root.sync(&folder).map_err(|e| fault("the object's name may not be on the disk", e))?;
        if let Some(old) = replaced.filter(|old| self.has_sidecar(at, old)) {
            self.remove_sidecar(at, &old);
        }
        self.forget(there, past)
    }

    /// Removes a version for good.
    pub(super) fn forget(&self, there: &OwnedFd, past: &Past) -> Result<()> {
        let Some(history) = self.history() else { return Ok(()) };
        let mut touched = Touched::default();
        history.delete_held(there, &past.name, &mut touched)?;
        history.sync_and_prune(there, &mut touched)
    }

    /// In which state a version's file is.
    pub(super) fn identity_of(&self, there: &OwnedFd, past: &Past) -> Result<Option<Identity>> {
        Ok(self.find(there, &past.name)?.map(|found| found.identity))
    }

    fn place_of(&self, there: &OwnedFd, name: &Key) -> String {
        match self.can_be_path(there, name) {
            true => name.as_str().to_owned(),
            false => self.odd(there, name.as_str()),
        }
    }

    /// Makes sure that a file can have two names here, which versions take.
    pub(super) fn demand_links(&self, at: &OwnedFd) -> Result<()> {
        let tmp = self.root.own(at, "tmp")?;
        let (one, two) =
            (format!("link-{:016x}", crate::disk::unique()), format!("link-{:016x}", crate::disk::unique()));
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::WRONLY | OFlags::NOFOLLOW;
        let made = rustix::fs::openat(&tmp, &one, flags, Mode::RUSR | Mode::WUSR);
        made.map(File::from).map_err(|e| fault("the store's own folder cannot be used", e))?;
        let linked = rustix::fs::linkat(&tmp, &one, &tmp, &two, AtFlags::empty()).map_err(unlinkable);
        for name in [one, two] {
            match rustix::fs::unlinkat(&tmp, name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => return Err(fault("the store's own folder cannot be used", error)),
            }
        }
        linked
    }
}

/// A time after all that are there.
fn next_moment(past: &[Past]) -> u64 {
    let now = now().cast_unsigned();
    past.first().map_or(now, |latest| now.max(latest.moment + 1))
}

fn unlinkable(error: Errno) -> Error {
    match error {
        Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK | Errno::XDEV => {
            let message = "a version cannot be kept: the file cannot have a second name";
            Error::new(ErrorKind::Unsupported, message)
                .with_source(std::io::Error::from(error))
                .with_hint("versions need a file system with hard links, and files that are the user's own")
        }
        error => fault("a version cannot be kept", error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn golden_names_of_versions() {
        let moment = 1_700_000_000_123_456_789;
        let table = [
            ("a", false, "a\u{1}/e8686301c27a32eav"),
            ("dir/b.txt", true, "dir/b.txt\u{1}/e8686301c27a32ead"),
            ("odd\u{1}\u{2}", false, "odd\u{2}\u{1}\u{2}\u{2}\u{1}/e8686301c27a32eav"),
        ];
        for (key, is_marker, name) in table {
            let past = Past::new(key, moment, is_marker);
            assert_eq!(past.name.as_str(), name);
            assert_eq!(Past::parse(name), Some((key.to_owned(), past)));
        }
    }

    #[test]
    fn what_holdall_does_not_write_is_no_version() {
        for name in [
            "a",
            "a\u{1}",
            "a/0000000000000000v",
            "a\u{1}/0000000000000000x",
            "a\u{1}/v",
            "a\u{2}\u{1}/00000000000000é",
        ] {
            assert_eq!(Past::parse(name), None, "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn names_of_versions_have_the_order_of_their_keys(one in "[\u{1}-\u{3}!/a]{1,6}", other in "[\u{1}-\u{3}!/a]{1,6}", at: u64, then: u64) {
            let (first, second) = (Past::new(&one, at, false), Past::new(&other, then, false));
            if one != other {
                prop_assert_eq!(one.cmp(&other), first.name.as_str().cmp(second.name.as_str()));
            } else {
                prop_assert_eq!(then.cmp(&at), first.name.as_str().cmp(second.name.as_str()));
            }
        }
    }
}
