//! One behaviour suite for every backend and every server.
//!
//! A [`Case`] proves one promise on a [`Subject`]: a store, and the [`Profile`] of the server behind it. What a server
//! cannot do is declared there as a [`Capability`] with its value; a case that needs it is reported as unsupported,
//! and [`disprove`] shows that the server really cannot and that holdall says so.

mod capability;
mod case;
mod compatibility;
mod completion;
mod concurrency;
mod conditions;
mod copy;
mod delete;
mod errors;
mod expiry;
mod failure;
mod forms;
mod keys;
mod lifecycle;
mod listing;
mod lock;
mod metadata;
mod objects;
mod paging;
mod parts;
mod place;
mod presign;
mod probe;
mod profile;
mod ranges;
mod rename;
pub mod secrets;
mod service;
mod subject;
mod tags;
mod upload;
mod versions;
mod wire;

pub use capability::Capability;
pub use case::{Case, Scope, cases};
pub use compatibility::compatibility_markdown;
pub use failure::{Failure, Outcome};
pub use place::Place;
pub use probe::disprove;
pub use profile::{Cell, Profile, Value};
pub use subject::Subject;
