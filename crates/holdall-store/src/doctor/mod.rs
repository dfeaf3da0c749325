//! A checklist of a store: what is looked at, what it means, and what mends it.
//!
//! [`examine`] hands on a [`Finding`] for each check as soon as it is judged: settings first, then the way to the store,
//! then what is configured there, and last what can be done with objects, tried on throw-away ones below
//! `.holdall/probe/` that are removed again. Nothing that goes wrong ends it: it is a finding.
//!
//! What the credentials may not ask is [`Status::Unknown`] and no fault, for holdall needs no more than to put, get,
//! delete and list. What a server does not know is a [`Status::Note`].
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use holdall_store::doctor::{Options, Status, examine};
//! use holdall_store::{Sources, Variables};
//!
//! let sources = Sources::new(Variables::from_pairs([("S3_ENDPOINT_URL", "https://minio.example")]));
//! let mut findings = Vec::new();
//! let tally = examine(&sources, &Options::default(), &mut |finding| findings.push(finding)).await;
//! assert_eq!((findings[0].check, findings[0].status), ("settings.resolve", Status::Problem));
//! assert_eq!(findings[0].mend.as_deref(), Some("set S3_BUCKET or HOLDALL_STORE"));
//! assert_eq!(tally.problems, 1);
//! # Ok::<(), holdall_store::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod asked;
mod bucket;
mod configured;
mod endpoint;
mod examine;
mod exposure;
mod finding;
mod folder;
mod lifecycle;
mod mend;
mod outbox;
mod presigned;
mod scene;
mod settings;
mod trial;

pub use examine::{Options, examine};
pub use finding::{Finding, Status, Tally};
pub use settings::unresolved;
