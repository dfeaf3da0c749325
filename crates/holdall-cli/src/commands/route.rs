//! The way of an object inside a store or between two, for `cp` and `mv`.

use crate::app::App;
use crate::target::Target;
use holdall::{Metadata, Result, Store};
use serde::Serialize;
use std::io;

/// Where an object is and where it is to be.
pub(super) struct Route {
    pub(super) from: End,
    pub(super) to: End,
}

/// A key in a store.
pub(super) struct End {
    pub(super) store: Store,
    pub(super) key: String,
}

/// What would be done.
#[derive(Serialize)]
struct PlannedRecord<'a> {
    source: &'a str,
    key: &'a str,
    size: u64,
    dry_run: bool,
}

impl Route {
    /// Reads the two ends; a destination that is a folder gets the source's last name.
    pub(super) fn parse(source: &str, destination: &str, app: &mut App) -> Result<Self> {
        let source = Target::parse(source)?;
        let destination = Target::parse(destination)?;
        let destination =
            if destination.is_folder() { destination.with_name(source.file_name()?) } else { destination };
        let end = |store, key| End { store, key };
        let (from, to) = (app.store(&source)?, app.store(&destination)?);
        Ok(Self { from: end(from, source.key), to: end(to, destination.key) })
    }

    /// Says what would be done.
    pub(super) fn print_plan(&self, object: &Metadata, verb: &str, app: &mut App) -> io::Result<()> {
        let (source, key, size) = (&*self.from.key, &*self.to.key, object.size);
        if app.globals.json {
            return app.out.json(&PlannedRecord { source, key, size, dry_run: true });
        }
        app.out.name(key)?;
        app.report.summary(&format!("would {verb} {}", crate::text::bytes(size)));
        Ok(())
    }
}
