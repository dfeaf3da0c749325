//! A [`Store`](crate::Store) as an `ObjectStore` of the crate [`object_store`], for what is written against that trait.
//!
//! Present with the feature `object-store`, and for version 0.14 of that crate.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use holdall_store::Store;
//! use holdall_store::object_store::ObjectStoreAdapter;
//! use object_store::{ObjectStore, ObjectStoreExt, path::Path};
//!
//! let store = ObjectStoreAdapter::new(Store::memory());
//! store.put(&Path::from("runs/7/log.txt"), "done".into()).await?;
//! let listed = store.list_with_delimiter(Some(&Path::from("runs"))).await?;
//! assert_eq!(listed.common_prefixes, [Path::from("runs/7")]);
//! # Ok::<(), object_store::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Keys that no `Path` can hold
//!
//! A store's keys are opaque, and a `Path` has no empty, `.` or `..` segments and no slash at its ends. Where a listing
//! meets such a key (`a//b`, `dir/`), its item is an error that names the key, and the rest goes on;
//! `list_with_delimiter` and `list_paginated`, which answer all or nothing, fail. [`Store::list`](crate::Store::list)
//! has them all. No key is ever given for another.
//!
//! # What is more, and what is not
//!
//! Promises are the store's: a condition is decided atomically or `NotSupported`, and what a server does not keep
//! (tags, metadata names) is refused. `PutMode::Update` goes by the `ETag` alone. A copy or a rename onto itself changes
//! nothing. Extensions are ignored.

mod adapter;
mod attributes;
mod error;
mod get;
mod list;
mod multipart;
mod path;
mod uploads;

pub use adapter::ObjectStoreAdapter;
