//! Keeps objects as plain files of a folder, and answers as S3 does.
//!
//! Any folder is a store: its files are objects, at once and unprepared, and reading changes nothing in it. What is
//! stored lies at its key as a file that anybody can open; what goes with it (content type, metadata, tags, digest) is
//! an extended attribute of the file, or where the file system has none, a file of its own under `.holdall/`. What is
//! under `.holdall/` is described in `docs/FOLDER.md`.
//!
//! - A write appears whole or not at all, with everything that belongs to it. With `fsync = data`, the default, it is
//!   on the disk when the call returns and survives a power cut; with `fsync = none` it survives the end of the process.
//! - `create only` and `if match` hold against all tasks and processes that use holdall on the same file system.
//! - A key that can be no path (`a` beside `a/b`, `a//b`, `dir/`, `../x`) is kept under `.holdall/odd/`; a file that
//!   somebody else put there always means itself.
//! - A file that was changed by others is an object still: of the new bytes, with the type that its name says.
//! - Symbolic links, sockets and devices are no objects. Nothing is read or written outside of the folder.
//! - Memory: a listing holds the names of one folder at a time in a bounded window; bytes pass in pieces.

mod backend;
mod bucket;
mod compact;
mod copy;
mod delete;
mod folder;
mod gc;
mod history;
mod listing;
mod lock;
mod names;
mod object;
mod past_listing;
mod publish;
mod put;
mod read;
mod record;
mod rename;
mod root;
mod tags;
mod upload;
mod versions;
mod walk;
mod window;

pub use backend::FolderBackend;
