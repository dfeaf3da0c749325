//! One bag for everything agents and pipelines produce: artifacts kept on any S3-compatible storage.
//!
//! Open a [`Store`] by URL or from the environment, put bytes, files or streams under keys, and read them back. A put
//! answers a [`Receipt`] that says where the bytes are safe and how that was verified; whatever goes wrong is an
//! [`Error`] whose [`kind`](Error::kind) says what the caller can do about it.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use holdall::{ErrorKind, Settings, Store};
//!
//! let store = Store::open("memory://artifacts", &Settings::default())?;
//! let receipt = store.put("runs/7/report.html", "<h1>Run 7</h1>").await?;
//! assert_eq!(receipt.size, 14);
//!
//! let object = store.get("runs/7/report.html").await?;
//! assert_eq!(object.metadata.attributes.content_type.as_deref(), Some("text/html; charset=utf-8"));
//! assert_eq!(object.bytes().await?, "<h1>Run 7</h1>");
//!
//! let mut list = store.list("runs/")?;
//! while let Some(object) = list.next().await {
//!     assert_eq!(object?.key.as_str(), "runs/7/report.html");
//! }
//!
//! let missing = store.get("runs/8/report.html").await.unwrap_err();
//! assert_eq!(missing.kind(), ErrorKind::NotFound);
//! # Ok::<(), holdall::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! On S3 the store is `s3://bucket/prefix`, and [`Settings::from_env`] reads endpoint, region and keys from the
//! variables that are usual for S3. Files and folders are moved by [`Store::put_file`], [`Store::get_to_file`],
//! [`Store::push`] and [`Store::pull`], in memory bounded by the settings and not by the size of what is moved;
//! [`Store::verify`] says whether all of it is there.
//!
//! With the feature `object-store` a store is also an `ObjectStore` of the crate `object_store`: see the module of that
//! name.
//!
//! Futures are `Send` and run on the caller's tokio runtime, which needs its I/O and time drivers.

pub mod document;
pub mod evidence;
mod id;
mod roots;
pub mod session;
mod sweep;
mod sweeper;
pub mod topic;

pub use holdall_store::*;
pub use id::{DecisionId, EvidenceType, MAX_ID, SessionId, StepId};
pub use roots::{Collection, Root};
pub use sweep::{Swept, sweep};
pub use sweeper::{Round, SweeperOptions, Sweeping, sweeper};

/// The examples of the README are compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
