//! Runs the checks that fit the store.

use super::finding::{Finding, Tally};
use super::scene::Scene;
use super::{bucket, folder, outbox, settings};
use crate::settings::{Resolved, Sources};
use crate::url::Location;
use std::time::Duration;

/// What a doctor may do, and from when on things are old.
#[derive(Debug, Clone)]
pub struct Options {
    /// Nothing is written; what cannot be tried so is [`Unknown`](super::Status::Unknown).
    pub read_only: bool,
    /// Uploads and other leftovers that nobody has touched for so long are found.
    pub older_than: Duration,
}

impl Default for Options {
    /// Writes throw-away objects; a week is old.
    fn default() -> Self {
        Self { read_only: false, older_than: Duration::from_secs(7 * 86_400) }
    }
}

/// Looks at the store that sources name, and hands on each finding once it is judged.
///
/// What it writes lies below `.holdall/probe/` of the store and is removed before it ends; dropped before, its future may
/// leave an object of a few bytes. In a bucket it takes some 30 requests, and 200 more the first time in a week at a
/// server whose conditions have to be tried.
pub async fn examine(sources: &Sources, options: &Options, found: &mut (dyn FnMut(Finding) + Send)) -> Tally {
    let mut tally = Tally::default();
    let mut hand_on = |findings: Vec<Finding>| {
        for finding in findings {
            tally.add(finding.status);
            found(finding);
        }
    };
    match sources.resolve() {
        Err(error) => hand_on(vec![settings::refused(&error)]),
        Ok(resolved) => {
            hand_on(settings::judge(&resolved));
            place(&resolved, options, &mut hand_on).await;
        }
    }
    tally
}

async fn place(resolved: &Resolved, options: &Options, found: &mut (dyn FnMut(Vec<Finding>) + Send)) {
    match &resolved.settings.store {
        Some(Location::S3 { bucket, prefix }) => {
            if resolved.settings.has_outbox() {
                found(outbox::examine(&resolved.settings).await);
            }
            match Scene::open(resolved, bucket, prefix) {
                Ok(scene) => Box::pin(bucket::examine(&scene, options, found)).await,
                Err(error) => found(vec![settings::unresolved(&error)]),
            }
        }
        Some(Location::Folder(path)) => found(folder::examine(path, false, resolved, options).await),
        Some(Location::Memory(_)) => found(vec![
            Finding::note("store.memory", "the store is in memory")
                .means("it is empty when a process begins and gone when it ends")
                .mend("set HOLDALL_STORE=s3://BUCKET or file:///FOLDER to keep things"),
        ]),
        None => match &resolved.settings.default_store {
            Some(path) => found(folder::examine(path, true, resolved, options).await),
            None => found(vec![
                Finding::problem(
                    "folder.there",
                    "no store is named, and neither HOME nor XDG_DATA_HOME is set",
                )
                .means("there is no place for the default store")
                .mend("set HOLDALL_STORE, or S3_BUCKET with its endpoint and keys"),
            ]),
        },
    }
}
