//! A large file on its way here, and its notes, by which another process goes on with it where it was cut off.

use super::journal::{BegunDownload as Begun, DownloadJournal, Fetching, Found};
use super::landing::{Spot, Temporary};
use super::plan::PartPlan;
use super::resume;
use crate::Range;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::{GetOptions, Metadata, Object};
use crate::store::Store;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// The journal of a download under way. A fault of it never fails the download.
pub(super) struct Notes {
    journal: DownloadJournal,
    /// Whether the last note was taken: one that was not may have torn the file.
    is_sound: bool,
    /// Whether the file has ranges that are noted.
    is_of_use: bool,
}

impl Notes {
    fn of_nothing(journal: DownloadJournal) -> Self {
        Self { journal, is_sound: true, is_of_use: false }
    }

    pub(super) fn note(&mut self, range: &std::ops::Range<u64>, sum: String) {
        if self.is_sound {
            let noted = self.journal.note(range, sum);
            let not_noted = |error: &io::Error| tracing::info!(%error, "a range cannot be noted");
            self.is_sound = noted.inspect_err(not_noted).is_ok();
            self.is_of_use |= self.is_sound;
        }
    }

    /// Removes them: the file has its name, or is gone.
    pub(super) fn end(self) {
        if let Err(error) = self.journal.end() {
            tracing::info!(%error, "the journal of a download that ended cannot be removed");
        }
    }
}

/// Whether the same download may go on after this fault, once what is in its way was mended.
fn may_go_on(error: &Error) -> bool {
    error.kind() == ErrorKind::Incomplete || resume::may_go_on(error)
}

/// A file that is written in ranges.
pub(super) struct Arrival {
    pub(super) temporary: Temporary,
    pub(super) plan: PartPlan,
    /// The checksums of ranges that an earlier process wrote, by number.
    pub(super) written: BTreeMap<u32, String>,
    /// None where it ends with this process.
    pub(super) notes: Option<Notes>,
}

/// A download that an earlier process began, taken up: what it left is locked and open.
pub(super) struct Cut {
    arrival: Arrival,
    etag: String,
}

/// A download that goes on.
pub(super) struct Resumed {
    pub(super) arrival: Arrival,
    pub(super) metadata: Metadata,
    /// The first range that is missing, with its stream; none when none is.
    pub(super) opened: Option<(u32, Object)>,
}

/// What names a download in the journal, and the journal's folder; none where it is not resumed. A customer's key is
/// never written down, and what is encrypted by one is not left lying about either.
fn noted_as<'a>(
    store: &'a Store,
    key: &Key,
    spot: &Spot,
    options: &GetOptions,
) -> Option<(&'a Path, Fetching)> {
    let folder = store.settings().journal.as_deref().filter(|_| store.is_remote())?;
    if options.range.is_some() || options.encryption.is_some() {
        return None;
    }
    Some((folder, Fetching::new(store, key, options.version.as_ref(), spot.folder_path()?, spot.name())))
}

/// Takes up what an earlier process left of the same download, if there is something to go on with.
pub(super) fn find(store: &Store, key: &Key, spot: &Spot, options: &GetOptions) -> Option<Cut> {
    let (folder, fetching) = noted_as(store, key, spot, options)?;
    let (journal, begun) = match DownloadJournal::find(folder, &fetching, store.backend().limits()) {
        Ok(Found::Noted(journal, begun)) => (journal, begun),
        Ok(Found::Nothing | Found::Busy) => return None,
        Err(error) => {
            tracing::info!(%error, folder = %folder.display(), "the journal cannot be read");
            return None;
        }
    };
    let mut notes = Notes::of_nothing(journal);
    let taken_up = begun.and_then(|begun| Some((spot.take_up(&begun.held, begun.plan.size)?, begun)));
    let Some((temporary, Begun { etag, plan, written, .. })) = taken_up else {
        tracing::debug!(%key, "nothing is left of the download that was noted");
        notes.end();
        return None;
    };
    notes.is_of_use = !written.is_empty();
    Some(Cut { arrival: Arrival { temporary, plan, written, notes: Some(notes) }, etag })
}

impl Cut {
    /// Asks for the first range that is missing. None when it is of another object: then what was left is removed.
    ///
    /// # Errors
    ///
    /// What keeps the object from being read.
    pub(super) async fn reopen(
        self,
        store: &Store,
        key: &Key,
        options: &GetOptions,
    ) -> Result<Option<Resumed>> {
        let Self { arrival, etag } = self;
        let asked = match arrival.first_missing() {
            Some(index) => ask(store, key, (index, arrival.plan), options).await,
            None => store.backend().head(key, options).await.map(|metadata| Some((metadata, None))),
        };
        match asked {
            Ok(Some((metadata, opened)))
                if metadata.etag.as_ref() == Some(&etag) && metadata.size == arrival.plan.size =>
            {
                tracing::debug!(%key, ranges = arrival.written.len(), "the download goes on");
                Ok(Some(Resumed { arrival, metadata, opened }))
            }
            Ok(_) => {
                arrival.fail(Error::new(ErrorKind::Changed, "the object was replaced"));
                Ok(None)
            }
            Err(error) => Err(arrival.fail(error)),
        }
    }
}

/// Asks for a range; none when the object has none such, because it is a smaller one.
async fn ask(
    store: &Store,
    key: &Key,
    (index, plan): (u32, PartPlan),
    options: &GetOptions,
) -> Result<Option<(Metadata, Option<(u32, Object)>)>> {
    let range = plan.range(index);
    let range = Some(Range::Bounded { start: range.start, end: range.end });
    match store.backend().get(key, &GetOptions { range, ..options.clone() }).await {
        Ok(object) => Ok(Some((object.metadata.clone(), Some((index, object))))),
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(None),
        Err(error) => Err(error),
    }
}

impl Arrival {
    /// Takes a file that was begun, and notes it where it can be resumed: from then on it stays.
    pub(super) fn begin(
        store: &Store,
        (key, etag, plan): (&Key, &str, PartPlan),
        spot: &Spot,
        mut temporary: Temporary,
        options: &GetOptions,
    ) -> Self {
        let mut notes = None;
        if let Some((folder, fetching)) = noted_as(store, key, spot, options) {
            match note(folder, &fetching, &mut temporary, (etag, plan)) {
                Ok(journal) => notes = journal.map(Notes::of_nothing),
                Err(error) => {
                    let folder = folder.display();
                    tracing::info!(%error, %folder, "no journal: this download would not be resumed");
                }
            }
        }
        Self { temporary, plan, written: BTreeMap::new(), notes }
    }

    fn first_missing(&self) -> Option<u32> {
        (0..self.plan.count()).find(|index| !self.written.contains_key(index))
    }

    /// Ends after a failure, which is what the caller gets to see: file and notes stay for the next try where it may go
    /// on with them, else they are removed.
    pub(super) fn fail(self, error: Error) -> Error {
        if let Some(notes) = self.notes
            && !(notes.is_of_use && may_go_on(&error))
        {
            self.temporary.give_up();
            notes.end();
        }
        error
    }
}

/// The notes come first, so that no file is ever there that nobody knows of.
fn note(
    folder: &Path,
    fetching: &Fetching,
    temporary: &mut Temporary,
    (etag, plan): (&str, PartPlan),
) -> io::Result<Option<DownloadJournal>> {
    let (etag, held) = (etag.to_owned(), temporary.held()?);
    let begun = Begun { etag, plan, held, written: BTreeMap::new() };
    let Some(journal) = DownloadJournal::begin(folder, fetching, &begun)? else { return Ok(None) };
    if let Err(error) = temporary.stay(&begun.held) {
        journal.end()?;
        return Err(error);
    }
    Ok(Some(journal))
}
