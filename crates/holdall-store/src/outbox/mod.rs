//! Keeps writes that the remote has not taken, on this machine's disk, until it has.
//!
//! `docs/OUTBOX.md` has the folder's layout and its format, `docs/adr/0011-outbox.md` why they are so. A [`Queue`] is one
//! folder, shared by any number of tasks and processes. What [`Queue::append`] acknowledged is on the disk: it survives a
//! kill and a power cut at any instant. Nothing here speaks to a store; that is for whoever drains.
//!
//! Calls that are not `async` read the disk: an asynchronous caller makes them where it may block.

pub(crate) mod breaker;
mod commit;
mod compact;
mod drain;
mod entry;
mod filter;
mod frame;
mod ground;
mod kept;
mod lock;
mod look;
mod mark;
mod payload;
mod queue;
mod repair;
mod run;
mod scan;
mod segment;
mod stamp;
mod table;
mod view;

pub use compact::Compacted;
pub(crate) use drain::{AtKey, drain_key};
pub use drain::{Delivery, Drained, Drainer, Draining, Pauses, Remote};
pub use entry::{Depended, Destination, Entry, EntryId, Headers, Kind};
pub use ground::Options;
pub(crate) use kept::{Copied, Kept, KeptUpload};
pub use lock::{DrainLock, KeyLock};
pub use look::{Cursor, Ready};
pub use mark::Mark;
pub use payload::{Content, PIECE};
pub(crate) use payload::{Spool, blocking};
pub use queue::Queue;
pub use repair::{Damage, Report};
pub use table::{Pending, Standing};
pub use view::Status;
