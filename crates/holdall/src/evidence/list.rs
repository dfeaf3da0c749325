//! Listing bundles by type, year and month.

use super::Evidence;
use super::layout::{BY_ID, BundlePath, check_type};
use crate::{DecisionId, EvidenceType};
use holdall_store::{Error, ErrorKind, Key, ListOptions, Metadata, ObjectList, Prefix, Result};
use std::time::SystemTime;

/// Which bundles.
#[derive(Debug, Clone, Default)]
pub struct BundleFilter {
    /// Of this type.
    pub kind: Option<EvidenceType>,
    /// Of this year.
    pub year: Option<u16>,
    /// Of this month of the year, 1 to 12.
    pub month: Option<u8>,
}

/// A bundle, as a listing has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The decision that it is of.
    pub decision: DecisionId,
    /// What kind of evidence it is.
    pub kind: EvidenceType,
    /// The year of its making.
    pub year: u16,
    /// The month.
    pub month: u8,
    /// The object's key.
    pub key: Key,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written.
    pub last_modified: Option<SystemTime>,
}

/// A listing under way; memory is a page and the next, and the names of the types.
#[derive(Debug)]
pub struct BundleList {
    evidence: Evidence,
    /// Prefixes to be listed yet, the first at the end.
    prefixes: Vec<String>,
    list: Option<ObjectList>,
}

impl Evidence {
    /// Lists bundles in the bytewise order of keys.
    ///
    /// It says what lies there and reads nothing: after a replacement that was cut off a decision may be there twice, and
    /// `verify` says what no claim names. Costs a request for 1,000 bundles; without a type also one for each type.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall::evidence::{BundleFilter, Evidence};
    /// use holdall::{Settings, Store};
    /// let evidence = Evidence::open(&Store::memory(), &Settings::default())?;
    /// let mut list = evidence.list(&BundleFilter { year: Some(2026), ..BundleFilter::default() }).await?;
    /// assert!(list.next().await.is_none());
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a month without a year, or that is none, and for the type `by-id`. What lies among the bundles and
    /// is none is an error of its own of the listing, which then goes on.
    pub async fn list(&self, filter: &BundleFilter) -> Result<BundleList> {
        let time = time_of(filter)?;
        let kinds = match &filter.kind {
            Some(kind) => {
                check_type(kind)?;
                vec![kind.as_str().to_owned()]
            }
            None => self.kinds().await?,
        };
        let mut prefixes: Vec<String> =
            kinds.into_iter().map(|kind| format!("{}{kind}/{time}", self.root.as_str())).collect();
        prefixes.sort_by(|a, b| b.cmp(a));
        Ok(BundleList { evidence: self.clone(), prefixes, list: None })
    }

    /// The folders below the root, but that of claims.
    async fn kinds(&self) -> Result<Vec<String>> {
        let options = ListOptions {
            prefix: Prefix::parse(self.root.as_str())?,
            delimiter: Some("/".to_owned()),
            ..ListOptions::default()
        };
        let found = self.store.list_with(options)?.collect().await?;
        let folder = |prefix: &String| prefix[self.root.as_str().len()..].trim_end_matches('/').to_owned();
        Ok(found.prefixes.iter().map(folder).filter(|kind| kind != BY_ID).collect())
    }

    pub(super) fn listed(&self, object: Metadata) -> Result<Listed> {
        let path = object.key.as_str().strip_prefix(self.root.as_str()).and_then(BundlePath::parse);
        let path = path.ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "an object lies among evidence and is none")
                .with_key(&object.key)
        })?;
        Ok(Listed {
            decision: path.decision,
            kind: path.kind,
            year: path.month.year,
            month: path.month.month,
            key: object.key,
            size: object.size,
            last_modified: object.last_modified,
        })
    }
}

impl BundleList {
    /// The next bundle; none after the last.
    pub async fn next(&mut self) -> Option<Result<Listed>> {
        loop {
            if let Some(list) = &mut self.list
                && let Some(object) = list.next().await
            {
                return Some(object.and_then(|object| self.evidence.listed(object)));
            }
            let prefix = self.prefixes.pop()?;
            match self.evidence.store.list(&prefix) {
                Ok(list) => self.list = Some(list),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// The part of a prefix that says when.
fn time_of(filter: &BundleFilter) -> Result<String> {
    match (filter.year, filter.month) {
        (None, None) => Ok(String::new()),
        (None, Some(_)) => Err(Error::new(ErrorKind::InvalidInput, "a month needs its year")),
        (Some(year @ 1..=9999), None) => Ok(format!("{year:04}/")),
        (Some(year @ 1..=9999), Some(month @ 1..=12)) => Ok(format!("{year:04}/{month:02}/")),
        _ => Err(Error::new(ErrorKind::InvalidInput, "there is no such year or month")),
    }
}
