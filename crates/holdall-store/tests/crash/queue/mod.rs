//! The outbox's promise, put to the same test as the folder store's: what was acknowledged is there after a kill and after
//! a power cut, once, in its order, and what was refused is not.

mod faults;
mod ledger;
mod trials;
mod work;

pub(crate) use faults::faults;
pub(crate) use trials::{lost_fsyncs, power_cuts, random_kills};
pub(crate) use work::QueueWork;
