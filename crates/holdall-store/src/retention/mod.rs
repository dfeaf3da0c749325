//! Rules by which objects, old versions and unfinished uploads go, or move to a storage class.
//!
//! A [`Policy`] is read from TOML. [`Store::plan_lifecycle`](crate::Store::plan_lifecycle) says what is due by it,
//! [`Store::sweep_lifecycle`](crate::Store::sweep_lifecycle) does that. `docs/LIFECYCLE.md` has the rules.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use holdall_store::Store;
//! use holdall_store::retention::{LifecycleOptions, Policy};
//! use std::time::{Duration, SystemTime};
//!
//! let policy = Policy::parse(r#"
//!     [[rule]]
//!     name = "frames"
//!     prefix = "media/"
//!     glob = "**/partial_movie_files/**"
//!     expire_after = "7d"
//! "#)?;
//! let store = Store::memory();
//! store.put("media/a/partial_movie_files/1.mp4", "frames").await?;
//! store.put("media/a/film.mp4", "film").await?;
//! let in_a_month = SystemTime::now() + Duration::from_secs(30 * 86_400);
//! let options = LifecycleOptions { now: Some(in_a_month), ..LifecycleOptions::default() };
//! let planned = store.plan_lifecycle(&policy, &options, &mut |_| ()).await?;
//! assert_eq!((planned.looked, planned.deleted.objects, planned.deleted.bytes), (2, 1, 6));
//! # Ok::<(), holdall_store::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod act;
mod decide;
mod event;
mod last;
mod past;
mod policy;
mod push;
mod run;
mod sweep;

pub use event::{Action, Due, LifecycleEvent, LifecycleOptions, LifecycleSummary};
pub use policy::{Policy, Rule};
pub use push::{AppliedRule, RuleKind, RuleStep, RulesPlan};
