//! A model of a disk, and what may be on it after a power cut.
//!
//! What was fsynced is there: the bytes, attributes, time and size of a file, the entries of a folder. Of the rest any
//! part may be there, in any order.

mod build;
mod cut;
mod event;
mod fsyncs;
mod image;
mod record;

pub(crate) use cut::{Cuts, explore, scratch};
pub(crate) use event::{Entry, Event};
pub(crate) use fsyncs::{Class, classes, place_of};
pub(crate) use record::Recorder;
