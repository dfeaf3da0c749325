//! Runs the real command and looks at standard output, standard error and status together.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod backfill;
mod bucket;
mod crash;
mod demo;
mod doctor;
mod document;
mod du;
mod each_verb;
mod errors;
mod evidence;
mod expire;
mod export;
mod folders;
mod gc;
mod help;
mod hostile;
mod kills;
mod lock;
mod memory;
mod mv;
mod objects;
mod outbox;
mod parity;
mod presign;
mod real;
mod report;
mod resume;
mod resume_get;
mod session;
mod settings;
mod shell;
mod shells;
mod signals;
mod sync;
mod tag;
mod telemetry;
mod terminal;
mod topic;
mod url;
mod usage;
mod verify;
mod versions;
mod watch;
