//! Moves bytes between a store and files, streams and folders.
//!
//! What is done is decided first, as plain values (`plan`); the rest carries it out. Memory is bounded by the pool of
//! part buffers, whatever the size of an object or the number of files.

mod arrival;
mod buffers;
mod copy;
mod download;
mod event;
mod export;
mod feed;
mod filter;
mod journal;
mod landing;
mod moment;
mod parts;
mod plan;
mod pull;
mod push;
mod ranges;
mod rename;
mod report;
mod resume;
mod shard;
mod source;
mod sync;
mod tree;
mod upload;
mod verify;
mod walk;
mod watch;
mod whole;

pub use copy::{Copied, Way};
pub use download::Fetched;
pub use event::{PullOptions, PushOptions, TreeEvent, TreeSummary};
pub use export::{Export, ExportFormat, ExportOptions, ExportRow, ExportText, Exported};
pub use filter::Filter;
pub use push::{DescribeOptions, DescribedPrefix, Piecemeal};
pub use rename::Moved;
pub use report::{Gap, PushReport, PushState, Reported, ShardsReport};
pub use shard::Shard;
pub use sync::{Compare, MaxDelete};
pub use verify::{Difference, Side, VerifyEvent, VerifyOptions, VerifySummary};
pub use watch::{ScanCause, WatchEvent, WatchOptions, Watching};

pub(crate) use buffers::Buffers;
pub(crate) use journal::sweep as sweep_journals;
pub(crate) use plan::PartPlan;
pub(crate) use source::Opened;
pub(crate) use upload::{goes_in_parts, put_bytes_in_parts};
