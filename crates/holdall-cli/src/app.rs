//! What a command works with: stores, standard output, and the report on standard error.

use crate::cli::{Globals, Override};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::report::Report;
use crate::target::Target;
use crate::text::{count, escaped};
use holdall::{Error, Location, Settings, Sources, Store};

pub(crate) struct App {
    pub(crate) globals: Globals,
    pub(crate) report: Report,
    pub(crate) out: Output,
    overrides: Vec<Override>,
    /// Stores that are open, so that many keys of one store share its connections.
    open: Vec<(Option<Location>, Store)>,
    /// How many files were left as they are though the store is not known to have them.
    pub(crate) unsent: u64,
}

impl App {
    /// Opens standard output; what keeps it from that is reported already.
    pub(crate) fn new(globals: Globals) -> Result<Self, Exit> {
        let mut report = Report::new(globals.json, globals.quiet);
        let out = Output::open().map_err(|error| report.failure(&Failure::Output(error)))?;
        Ok(Self { overrides: globals.overrides(), report, out, globals, open: Vec::new(), unsent: 0 })
    }

    /// Sets settings for this command alone; before the first store is opened.
    pub(crate) fn override_settings(&mut self, more: impl IntoIterator<Item = Override>) {
        self.overrides.extend(more);
    }

    /// The store that a target lies in.
    pub(crate) fn store(&mut self, target: &Target) -> Result<Store, Error> {
        self.store_at(target.location.as_ref())
    }

    /// The store at a place, or the current store.
    pub(crate) fn store_at(&mut self, location: Option<&Location>) -> Result<Store, Error> {
        if let Some((_, store)) = self.open.iter().find(|(at, _)| at.as_ref() == location) {
            return Ok(store.clone());
        }
        let store = Store::from_settings(&self.settings(location)?)?;
        self.open.push((location.cloned(), store.clone()));
        Ok(store)
    }

    /// The current store by other settings than those that were given; before it is opened otherwise.
    pub(crate) fn store_by(&mut self, settings: &Settings) -> Result<Store, Error> {
        let store = Store::from_settings(settings)?;
        self.open.push((None, store.clone()));
        Ok(store)
    }

    /// How many writes of this command were queued.
    pub(crate) fn queued(&self) -> u64 {
        self.open.iter().filter_map(|(_, store)| store.outbox()).map(|outbox| outbox.queued()).sum()
    }

    /// Says where writes wait that the remote did not take, and of what was found unchanged while it waits.
    pub(crate) fn tell_queued(&self) {
        if self.unsent > 0 {
            let files = count(self.unsent, "unchanged file");
            self.report.summary(&format!(
                "{files} not known to be in the store: in the outbox, or the store is away"
            ));
        }
        for outbox in self.open.iter().filter_map(|(_, store)| store.outbox()) {
            let (n, folder) = (outbox.queued(), outbox.folder().display().to_string());
            if n > 0 {
                let (writes, folder) = (count(n, "write"), escaped(&folder));
                self.report
                    .summary(&format!("queued {writes} in {folder}; `holdall outbox drain` sends them"));
            }
        }
    }

    /// The settings for the store at a place, or for the current store.
    pub(crate) fn settings(&self, location: Option<&Location>) -> Result<Settings, Error> {
        Ok(self.sources(location)?.resolve()?.settings)
    }

    /// Where the settings for the store at a place are looked for, or for the current store.
    pub(crate) fn sources(&self, location: Option<&Location>) -> Result<Sources, Error> {
        let mut sources = Sources::from_env();
        for given in &self.overrides {
            sources = sources.with_argument(given.setting, given.option, &*given.value);
        }
        if let Some(path) = &self.globals.config {
            sources = sources.with_config(path);
        }
        if let Some(profile) = &self.globals.profile {
            sources = sources.with_profile(profile);
        }
        Ok(match (location, &self.globals.store) {
            (Some(location), _) => sources.with_store("the argument", location.clone()),
            (None, Some(url)) => sources.with_store("--store", Location::parse(url)?),
            (None, None) => sources,
        })
    }
}
