//! Writes an object to a file: small ones by one stream, large ones by ranges at once.

use super::arrival::{self, Arrival, Notes, Resumed};
use super::landing::Spot;
use super::plan::PartPlan;
use super::ranges::{Into, Pinned, Wanted, fetch_ranges, write_stream};
use crate::Progress;
use crate::error::Result;
use crate::key::Key;
use crate::object::{GetOptions, Metadata, Object};
use crate::store::Store;
use crate::telemetry::{Direction, Watch};
use std::path::Path;
use std::time::{Duration, Instant};

/// What a fetch to a file answers.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The object.
    pub metadata: Metadata,
    /// How many bytes the file has, which are fewer than the object's for a range.
    pub size: u64,
    /// How often the first request of the fetch was sent.
    pub attempts: u32,
    /// How long the fetch took.
    pub elapsed: Duration,
}

impl Store {
    /// Writes an object to a file, which appears whole or not at all; large objects are read in ranges at once.
    ///
    /// A large object of a remote store goes on where an earlier call for the same file was cut off, if the object is
    /// still the same: [`Settings::journal`](crate::Settings::journal) says where that is noted. Until then what has
    /// come lies in the file's folder, under a name like `.holdall-0123456789abcdef.part`.
    ///
    /// # Errors
    ///
    /// `Changed` when the object is replaced while it is read, `Integrity` when its recorded digest does not match,
    /// `Full` without space. After an error the file is what it was before.
    pub async fn get_to_file(&self, key: &str, path: &Path, options: &GetOptions) -> Result<Fetched> {
        let key = Key::parse(key)?;
        let watch = Watch::begin(Direction::Down, self, key.as_str());
        let fetched = match Spot::at(path) {
            Ok(spot) => self.fetch(&key, spot, None, options).await,
            Err(error) => Err(error),
        };
        watch.end(fetched)
    }

    /// Writes an object to a place for a file. `counted` is its size where that is known, and expected by the progress.
    pub(super) async fn fetch(
        &self,
        key: &Key,
        spot: Spot,
        counted: Option<u64>,
        options: &GetOptions,
    ) -> Result<Fetched> {
        let start = Instant::now();
        let expect = |size| {
            if let (None, Some(progress)) = (counted, &options.progress) {
                progress.expect(size);
                progress.complete();
            }
        };
        let may_be_large = counted.is_none_or(|size| self.is_large(size));
        if may_be_large && let Some(cut) = arrival::find(self, key, &spot, options) {
            let reopened = cut.reopen(self, key, options).await.map_err(|e| e.with_key(key))?;
            if let Some(resumed) = reopened {
                expect(resumed.metadata.size);
                let attempts = resumed.opened.as_ref().map_or(1, |(_, object)| object.attempts);
                let metadata = self.land_rest(resumed, options).await?;
                let (size, metadata) = (metadata.size, metadata.shown());
                return Ok(Fetched { size, metadata, attempts, elapsed: start.elapsed() });
            }
        }
        let object = self.backend().get(key, options).await.map_err(|e| e.with_key(key))?;
        let (size, attempts) = (object.range.end - object.range.start, object.attempts);
        expect(size);
        let metadata = self.land(object, &spot, options).await?.shown();
        Ok(Fetched { metadata, size, attempts, elapsed: start.elapsed() })
    }

    /// Whether so many bytes are fetched by ranges.
    fn is_large(&self, size: u64) -> bool {
        size >= 2 * self.settings().part_size
    }

    /// Writes an opened object to a place for a file.
    async fn land(&self, object: Object, spot: &Spot, options: &GetOptions) -> Result<Metadata> {
        let (metadata, range) = (object.metadata.clone(), object.range.clone());
        let size = range.end - range.start;
        let mut temporary = spot.begin()?;
        // Without an ETag nothing proves that ranges are of one object.
        let etag = metadata.etag.as_deref().filter(|_| self.is_large(size));
        if size == metadata.size && self.backend().copy_to_file(&metadata, &temporary.file()).await? {
            options.progress.iter().for_each(|progress| progress.add(size));
        } else if let Some(etag) = etag {
            temporary.reserve(size)?;
            let plan = PartPlan::new(size, self.settings().part_size, self.backend().limits())?;
            let arrival = Arrival::begin(self, (&metadata.key, etag, plan), spot, temporary, options);
            return self.land_ranges(metadata, range.start, arrival, Some((0, object)), options).await;
        } else {
            let into = Into { file: &temporary.file(), offset: 0, sum: None };
            let written = write_stream(object, into, size, options.progress.as_ref()).await;
            written.map_err(|e| e.with_key(&metadata.key))?;
        }
        temporary.commit()?;
        Ok(metadata)
    }

    /// Goes on with a file of which an earlier process fetched some.
    async fn land_rest(&self, resumed: Resumed, options: &GetOptions) -> Result<Metadata> {
        let Resumed { arrival, metadata, opened } = resumed;
        match arrival.temporary.reserve(metadata.size) {
            Ok(()) => self.land_ranges(metadata, 0, arrival, opened, options).await,
            Err(error) => Err(arrival.fail(error)),
        }
    }

    /// Writes the ranges of an object, from `begin` on, that the file does not have.
    async fn land_ranges(
        &self,
        metadata: Metadata,
        begin: u64,
        mut arrival: Arrival,
        opened: Option<(u32, Object)>,
        options: &GetOptions,
    ) -> Result<Metadata> {
        let progress = options.progress.as_ref().map(Progress::part);
        let options = GetOptions { progress, ..options.clone() };
        let wanted = Wanted {
            key: metadata.key.clone(),
            file: arrival.temporary.file(),
            begin,
            plan: arrival.plan,
            pinned: Pinned::of(&metadata, &options),
            sums: arrival.notes.is_some(),
        };
        let landed = match fetch_ranges(self, wanted, &mut arrival, opened).await {
            Ok(()) => arrival.temporary.commit(),
            Err(error) => Err(error),
        };
        match landed {
            Ok(()) => {
                arrival.notes.into_iter().for_each(Notes::end);
                Ok(metadata)
            }
            Err(error) => Err(arrival.fail(error).with_key(&metadata.key)),
        }
    }
}
