//! What a case is run on.

use super::capability::Capability;
use super::failure::{Failure, Outcome};
use super::place::Place;
use super::profile::{Cell, Profile};
use super::secrets::hear;
use crate::random::Random;
use bytes::Bytes;
use holdall_store::{Backend, Key, ListOptions, Metadata, Page, Prefix, Receipt, Store};
use std::sync::Arc;
use tokio::task::JoinSet;

/// A store, a prefix that no other case uses, and what is known of the server.
#[derive(Clone, Debug)]
pub struct Subject {
    place: Arc<Place>,
    store: Store,
    prefix: String,
    profile: Profile,
    seed: u64,
}

impl Subject {
    /// Makes the subject of one case, named so that its keys are its own.
    ///
    /// # Errors
    ///
    /// Says why the place's store does not open.
    pub fn new(place: &Arc<Place>, profile: Profile, seed: u64, name: &str) -> Outcome<Self> {
        let prefix = format!("{seed:016x}/{}/", name.replace('/', "-"));
        let store = place.store()?;
        tracing::trace!(backend = ?store.backend(), settings = ?store.settings(), "a case begins");
        Ok(Self { place: place.clone(), store, prefix, profile, seed })
    }

    /// Runs on another store, with keys from its root on.
    pub fn on(&self, store: Store) -> Self {
        Self { store, prefix: String::new(), ..self.clone() }
    }

    /// Runs on a store that nothing else uses, with keys from its root on: a bucket of its own where there are buckets.
    pub(crate) async fn alone(&self) -> Outcome<Self> {
        Ok(self.on(self.place.own_store().await?))
    }

    /// Runs on a store that nothing else uses and in which objects can be locked.
    pub(crate) async fn locking(&self) -> Outcome<Self> {
        Ok(self.on(self.place.locking_store().await?))
    }

    /// Runs below a name, so that another case's keys are not met.
    pub(crate) fn below(&self, name: &str) -> Self {
        Self { prefix: format!("{}{}/", self.prefix, name.replace('/', "-")), ..self.clone() }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The store's backend.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        self.store.backend()
    }

    /// Where the store is.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// What the case's keys begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What the server is known to do.
    pub(crate) fn can(&self, capability: Capability) -> Cell {
        self.profile.cell(capability)
    }

    /// A key of the case's own.
    pub fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A key of the case's own, as backends take it.
    pub(crate) fn parsed(&self, name: &str) -> Outcome<Key> {
        Ok(Key::parse(&self.key(name))?)
    }

    /// Numbers that depend on the run's seed and this name.
    pub(crate) fn random(&self, name: &str) -> Random {
        Random::named(self.seed, name)
    }

    /// Stores bytes.
    pub(crate) async fn put(&self, name: &str, bytes: impl Into<Bytes>) -> Outcome<Receipt> {
        self.store.put(&self.key(name), bytes).await.map_err(|e| at("put", name, e))
    }

    /// Stores an empty object at each name, 32 at a time.
    pub(crate) async fn put_many(&self, names: &[String]) -> Outcome {
        let mut lanes = JoinSet::new();
        for lane in names.chunks(names.len().div_ceil(32).max(1)) {
            let (subject, lane) = (self.clone(), lane.to_vec());
            lanes.spawn(async move {
                for name in lane {
                    subject.put(&name, "").await?;
                }
                Outcome::Ok(())
            });
        }
        while let Some(done) = lanes.join_next().await {
            done??;
        }
        Ok(())
    }

    /// Reads all bytes.
    pub(crate) async fn read(&self, name: &str) -> Outcome<Bytes> {
        let object = self.store.get(&self.key(name)).await.map_err(|e| at("get", name, e))?;
        object.bytes().await.map_err(|e| at("read", name, e))
    }

    /// Asks for metadata.
    pub(crate) async fn head(&self, name: &str) -> Outcome<Metadata> {
        self.store.head(&self.key(name)).await.map_err(|e| at("head", name, e))
    }

    /// Whether there is an object.
    pub(crate) async fn exists(&self, name: &str) -> Outcome<bool> {
        self.store.exists(&self.key(name)).await.map_err(|e| at("exists", name, e))
    }

    /// Lists below the case's prefix and more; names come without the case's prefix.
    pub(crate) async fn list(&self, rest: &str, options: ListOptions) -> Outcome<Listed> {
        let listed = self.pages(rest, options).await?;
        let names = listed.iter().flat_map(|page| page.names.clone()).collect();
        let prefixes = listed.iter().flat_map(|page| page.prefixes.clone()).collect();
        Ok(Listed { names, prefixes })
    }

    /// Lists all names below the case's prefix.
    pub(crate) async fn names(&self) -> Outcome<Vec<String>> {
        Ok(self.list("", ListOptions::default()).await?.names)
    }

    /// As [`Subject::list`], page by page; `start_after` is completed with the case's prefix.
    pub(crate) async fn pages(&self, rest: &str, options: ListOptions) -> Outcome<Vec<Listed>> {
        let options = ListOptions {
            prefix: Prefix::parse(&self.key(rest))?,
            start_after: options.start_after.map(|after| self.key(&after)),
            ..options
        };
        let mut list = self.store.list_with(options)?;
        let mut pages = Vec::new();
        while let Some(page) = list.next_page().await {
            pages.push(self.relative(page?)?);
        }
        Ok(pages)
    }

    fn relative(&self, page: Page) -> Outcome<Listed> {
        let cut = |text: &str| {
            let rest = text.strip_prefix(&self.prefix).map(str::to_owned);
            rest.ok_or_else(|| Failure::new(format!("{text:?} was listed under {:?}", self.prefix)))
        };
        Ok(Listed {
            names: page.objects.iter().map(|object| cut(object.key.as_str())).collect::<Outcome<_>>()?,
            prefixes: page.prefixes.iter().map(|prefix| cut(prefix)).collect::<Outcome<_>>()?,
        })
    }
}

/// What a listing answered, without the case's prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Objects.
    pub(crate) names: Vec<String>,
    /// Common prefixes.
    pub(crate) prefixes: Vec<String>,
}

#[track_caller]
fn at(verb: &str, name: &str, error: holdall_store::Error) -> Failure {
    hear(&error);
    Failure::new(format!("{verb} of {name:?} failed with {:?}: {error}", error.kind()))
}
