//! The outbox's queue on a real disk: what it takes, gives back, keeps in order, refuses and survives.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "these are tests, and figures that are printed")]

mod bounds;
mod damage;
mod figures;
mod golden;
mod order;
mod payloads;
mod random;
mod rules;
mod support;
