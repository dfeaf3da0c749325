//! Notes of uploads and downloads under way, so that another process can go on with them.
//!
//! One file for each below the journal's folder, locked while it is written: a line that says what goes where, then a
//! line for each part that is done. Lines are not fsynced: what a power cut takes is sent or fetched again. A line that
//! is not whole ends the reading.

mod download;
mod notes;
mod sweep;
mod upload;

pub(super) use download::{Begun as BegunDownload, DownloadJournal, Fetching, Found, Held};
pub(super) use notes::NoteFile;
pub(crate) use sweep::sweep;
pub(super) use upload::{Begun, Journal, Noted, Sending};
