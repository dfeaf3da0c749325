//! One report of all shards of a push, and what it takes for all to be done.

use super::{PushReport, PushState, Reported};
use crate::error::{Error, ErrorKind, Result};
use crate::transfer::moment;
use crate::transfer::{Shard, TreeSummary};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

const SCHEMA: &str = "holdall.reports/1";

/// The reports of the shards of one push together.
///
/// It says that each shard is there and came to its end, and adds up what they did. It knows nothing else: that each
/// machine had the same files, and the same filters, is for whoever ran them to see to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ShardsReport {
    schema: &'static str,
    /// The folder, as each shard's caller named it.
    pub source: String,
    /// The URL of the store and the prefix.
    pub destination: String,
    /// The service that the store is on, where the settings name one.
    pub endpoint: Option<String>,
    /// How many shards there are.
    pub shards: u32,
    /// Whether there is no [`Gap`].
    pub complete: bool,
    /// When the first began.
    #[serde(with = "moment")]
    pub started: SystemTime,
    /// When the last ended; none while one that is here has not.
    #[serde(with = "moment::optional")]
    pub ended: Option<SystemTime>,
    /// What all that are here did together.
    pub totals: TreeSummary,
    /// The shards that there is no report of.
    pub missing: Vec<Shard>,
    /// Those that there are, in order.
    pub reports: Vec<PushReport>,
}

/// What keeps the shards from being all of the folder, at the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gap {
    /// There is no report of this shard.
    Missing(Shard),
    /// It is under way, or was killed or interrupted.
    NotEnded(Shard),
    /// It moved nothing.
    DryRun(Shard),
    /// It ended early.
    GivenUp(Shard, Option<Reported>),
    /// So many of its files failed.
    Failed(Shard, u64),
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(shard) => write!(f, "shard {shard} has no report"),
            Self::NotEnded(shard) => write!(f, "shard {shard} has not ended: it is under way, or was killed"),
            Self::DryRun(shard) => write!(f, "shard {shard} was a dry run"),
            Self::GivenUp(shard, None) => write!(f, "shard {shard} was given up"),
            Self::GivenUp(shard, Some(error)) => write!(f, "shard {shard} was given up: {}", error.message),
            Self::Failed(shard, 1) => write!(f, "shard {shard} has 1 failure"),
            Self::Failed(shard, failed) => write!(f, "shard {shard} has {failed} failures"),
        }
    }
}

impl ShardsReport {
    /// Puts reports together, in any order.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for none at all, for reports of different pushes (another folder, destination or number of
    /// shards), and for two of one shard.
    pub fn merge(reports: impl IntoIterator<Item = PushReport>) -> Result<Self> {
        let mut in_order: BTreeMap<Shard, PushReport> = BTreeMap::new();
        for report in reports {
            if let Some(other) = in_order.values().next() {
                is_of_the_same(other, &report)?;
            }
            let shard = report.shard;
            if in_order.insert(shard, report).is_some() {
                return Err(Error::new(ErrorKind::InvalidInput, "there are two reports of one shard")
                    .with_fact("shard", shard)
                    .with_hint("give only the report of the shard's last run"));
            }
        }
        let Some(first) = in_order.values().next().cloned() else {
            return Err(Error::new(ErrorKind::InvalidInput, "there is no report"));
        };
        let count = first.shard.count();
        let shards = (1..=count).map(|index| Shard::new(index, count)).collect::<Result<Vec<_>>>()?;
        let missing = shards.into_iter().filter(|shard| !in_order.contains_key(shard)).collect();
        let reports: Vec<PushReport> = in_order.into_values().collect();
        let merged = Self {
            schema: SCHEMA,
            source: first.source,
            destination: first.destination,
            endpoint: first.endpoint,
            shards: count,
            complete: false,
            started: reports.iter().map(|report| report.started).min().unwrap_or(first.started),
            ended: last_end(&reports),
            totals: reports.iter().map(|report| report.totals).fold(TreeSummary::default(), TreeSummary::and),
            missing,
            reports,
        };
        Ok(Self { complete: merged.gaps().is_empty(), ..merged })
    }

    /// What keeps it from being complete, in the order of shards.
    pub fn gaps(&self) -> Vec<Gap> {
        let missing = self.missing.iter().map(|shard| (*shard, Gap::Missing(*shard)));
        let others = self.reports.iter().filter_map(|report| Some((report.shard, gap(report)?)));
        let mut gaps: Vec<_> = missing.chain(others).collect();
        gaps.sort_by_key(|(shard, _)| *shard);
        gaps.into_iter().map(|(_, gap)| gap).collect()
    }
}

fn gap(report: &PushReport) -> Option<Gap> {
    let shard = report.shard;
    match report.state {
        PushState::Begun => Some(Gap::NotEnded(shard)),
        PushState::GivenUp => Some(Gap::GivenUp(shard, report.error.clone())),
        PushState::Failed => Some(Gap::Failed(shard, report.totals.failed)),
        PushState::Done if report.totals.failed > 0 => Some(Gap::Failed(shard, report.totals.failed)),
        PushState::Done if report.dry_run => Some(Gap::DryRun(shard)),
        PushState::Done => None,
    }
}

/// When the last ended, if all have.
fn last_end(reports: &[PushReport]) -> Option<SystemTime> {
    let ends: Option<Vec<SystemTime>> = reports.iter().map(|report| report.ended).collect();
    ends?.into_iter().max()
}

/// Refuses what another push has reported.
fn is_of_the_same(one: &PushReport, other: &PushReport) -> Result<()> {
    let none = || "none".to_owned();
    let facts = [
        ("source", one.source.clone(), other.source.clone()),
        ("destination", one.destination.clone(), other.destination.clone()),
        ("endpoint", one.endpoint.clone().unwrap_or_else(none), other.endpoint.clone().unwrap_or_else(none)),
        ("shards", one.shard.count().to_string(), other.shard.count().to_string()),
    ];
    match facts.into_iter().find(|(_, one, other)| one != other) {
        None => Ok(()),
        Some((what, one, other)) => {
            Err(Error::new(ErrorKind::InvalidInput, "these reports are not of one push")
                .with_fact("differs", what)
                .with_fact("one", one)
                .with_fact("other", other)
                .with_hint(
                    "name the folder alike on each machine, and give all of them the same number of shards",
                ))
        }
    }
}
