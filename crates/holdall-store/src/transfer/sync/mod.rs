//! What a folder's transfer has to do: what is unchanged, what moves, what is too much at the destination.
//!
//! Everything comes in the bytewise order of relative keys and is compared as it comes, so that memory does not follow
//! the number of files: what must be sorted or kept goes to temporary files once it is more than a bound.

mod covering;
mod digest;
mod entry;
mod index;
mod listed;
mod names;
mod scratch;
mod sorter;
mod surplus;
mod verdict;

pub use surplus::MaxDelete;
pub use verdict::Compare;

pub(super) use covering::Covering;
pub(super) use digest::Digest;
pub(super) use entry::Entry;
pub(super) use index::{Cursor, Log, open_index};
pub(super) use listed::Listed;
pub(super) use names::{Names, NamesRead};
pub(super) use scratch::{Scratch, scratch_of};
pub(super) use sorter::{Sorted, Sorter};
pub(super) use surplus::Surplus;
pub(super) use verdict::{Verdict, judge};
