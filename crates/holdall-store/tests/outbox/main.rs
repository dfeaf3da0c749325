//! The outbox's queue on a real disk: what it takes, gives back, keeps in order, refuses and survives.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod bounds;
mod damage;
mod golden;
mod order;
mod payloads;
mod random;
mod rules;
mod support;
