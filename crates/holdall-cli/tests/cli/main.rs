//! Runs the real command and looks at standard output, standard error and status together.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod doctor;
mod errors;
mod folders;
mod gc;
mod help;
mod hostile;
mod objects;
mod parity;
mod presign;
mod real;
mod settings;
mod shell;
mod signals;
mod terminal;
mod usage;
