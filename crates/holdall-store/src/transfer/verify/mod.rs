//! Compares a prefix, its manifest and a folder with one another.

mod check;
mod event;
mod reading;
mod sides;

pub use event::{Difference, Side, VerifyEvent, VerifyOptions, VerifySummary};

use super::push::{Walking, folder_error};
use super::sync::scratch_of;
use super::tree::as_folder;
use super::walk::{Manner, Walk};
use crate::error::{Error, ErrorKind, Result};
use crate::integrity::manifest::MANIFEST;
use crate::key::Prefix;
use crate::object::Metadata;
use crate::store::Store;
use check::{Check, Checked};
use futures_util::StreamExt;
pub(super) use reading::digest_of;
use sides::{Described, Item, Sides};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use tokio::task::{JoinError, JoinSet};

impl Store {
    /// Compares the objects below `prefix` (as a folder), the manifest that [`Store::push`] wrote there and, where one is
    /// given, a folder with one another.
    ///
    /// The manifest says what should be there. Without one the folder does, and where there is neither it is `NotFound`.
    /// No object is read but the manifest, unless [`VerifyOptions::deep`] asks for it: sizes, the `ETag`s that the
    /// manifest noted and the digests that objects were stored with prove what they can, and an object that nothing of
    /// these proves gives [`VerifyEvent::Unproven`]. Files of the folder are read.
    ///
    /// Each difference gives one event, in no order; what is as it should be gives none. Memory does not follow the
    /// number of paths. Dropping the future ends it.
    ///
    /// # Errors
    ///
    /// Only what concerns the whole: `NotFound` as above, a folder that is not there, a listing that fails, `Integrity`
    /// for a manifest that is damaged, `Changed` for one that is written meanwhile.
    pub async fn verify(
        &self,
        prefix: &str,
        dir: Option<&Path>,
        options: &VerifyOptions,
        on_event: &mut (dyn FnMut(VerifyEvent) + Send),
    ) -> Result<VerifySummary> {
        Prefix::parse(prefix)?;
        let prefix = as_folder(prefix);
        let folder = dir.map(|dir| walk(self, dir, options)).transpose()?;
        let manifest = fetch_manifest(self, &prefix).await?;
        if manifest.is_none() && dir.is_none() {
            return Err(Error::new(ErrorKind::NotFound, "there is no manifest to verify by")
                .with_key(format!("{prefix}{MANIFEST}"))
                .with_hint("push with --manifest writes one; or name a folder to compare with"));
        }
        let (manifest, fetched) = manifest.unzip();
        let check = Check {
            store: self.clone(),
            dir: dir.map(Path::to_owned),
            options: options.clone(),
            is_described: manifest.is_some(),
            stop: Arc::default(),
        };
        let sides = Sides::new(self.list(&prefix)?, &prefix, manifest, folder, options.filter.clone());
        let summary = VerifySummary { manifest: check.is_described, ..VerifySummary::default() };
        let mut verification =
            Verification { check: Arc::new(check), checks: JoinSet::new(), summary, on_event };
        verification.run(sides, fetched).await?;
        Ok(verification.summary)
    }
}

/// Checks under way, and what they found so far.
struct Verification<'a> {
    check: Arc<Check>,
    checks: JoinSet<Checked>,
    summary: VerifySummary,
    on_event: &'a mut (dyn FnMut(VerifyEvent) + Send),
}

impl Verification<'_> {
    async fn run(&mut self, mut sides: Sides, fetched: Option<Metadata>) -> Result<()> {
        while let Some(item) = sides.next().await? {
            for failure in sides.failures() {
                self.report(Checked { events: vec![failure], ..Checked::default() });
            }
            self.item(item).await?;
        }
        for failure in sides.failures() {
            self.report(Checked { events: vec![failure], ..Checked::default() });
        }
        if let Some((sums, manifest)) = sides.own() {
            self.item(sums).await?;
            unchanged(fetched, manifest)?;
        }
        while let Some(checked) = self.checks.join_next().await {
            self.joined(checked)?;
        }
        Ok(())
    }

    /// Judges a path on the spot where that can be done, else beside others.
    async fn item(&mut self, item: Item) -> Result<()> {
        if let Some(checked) = self.check.at_once(&item) {
            self.report(checked);
            return Ok(());
        }
        while self.checks.len() >= self.check.store.settings().concurrency.max(1)
            && let Some(checked) = self.checks.join_next().await
        {
            self.joined(checked)?;
        }
        let check = self.check.clone();
        self.checks.spawn(async move { check.check(item).await });
        Ok(())
    }

    fn joined(&mut self, checked: Result<Checked, JoinError>) -> Result<()> {
        let ended = |e| Error::new(ErrorKind::Cancelled, "a check ended early").with_source(e);
        self.report(checked.map_err(ended)?);
        Ok(())
    }

    fn report(&mut self, checked: Checked) {
        checked.count(&mut self.summary);
        checked.events.into_iter().for_each(&mut *self.on_event);
    }
}

fn walk(store: &Store, dir: &Path, options: &VerifyOptions) -> Result<Walking> {
    let manner = Manner {
        filter: options.filter.clone(),
        follow: options.follow_symlinks,
        scratch: scratch_of(store),
    };
    Ok(Walking::start(Walk::new(dir, manner).map_err(|e| folder_error(dir, e))?))
}

/// Brings the manifest of a prefix to a temporary file and begins to read it; none where there is none.
async fn fetch_manifest(store: &Store, prefix: &str) -> Result<Option<(Described, Metadata)>> {
    let mut object = match store.get(&format!("{prefix}{MANIFEST}")).await {
        Ok(object) => object,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let fault = |e| Error::io("the manifest cannot be kept in a temporary file", e);
    let mut file: File = scratch_of(store).file().map_err(fault)?;
    while let Some(piece) = object.stream.next().await {
        file.write_all(&piece?).map_err(fault)?;
    }
    let key = object.metadata.key.clone();
    Ok(Some((Described::start(file, key), object.metadata)))
}

/// Refuses a manifest that was written again since it was fetched.
fn unchanged(fetched: Option<Metadata>, listed: Option<Metadata>) -> Result<()> {
    let etag = |object: Option<Metadata>| object.and_then(|object| object.etag);
    match (etag(fetched), etag(listed)) {
        (Some(fetched), Some(listed)) if fetched != listed => {
            Err(Error::new(ErrorKind::Changed, "the manifest was written again while it was compared"))
        }
        _ => Ok(()),
    }
}
