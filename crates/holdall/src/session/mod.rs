//! Steps of agents, kept by session: each is there whole or not at all.
//!
//! A [`Sessions`] stands on a store. A step has parts (HTML, a screenshot, an action, and others by name) and a marker,
//! written last, that names them with their digests: the step is what its marker says. `docs/SESSIONS.md` has the layout
//! and says what holds when several store, read and delete one step at once, and while the store is away.

mod adopt;
mod clock;
mod content;
mod copy;
mod delete;
mod examine;
mod expire;
mod export;
mod finding;
mod hashing;
mod index;
mod layout;
mod list;
mod many;
mod marker;
mod moment;
mod part;
mod publish;
mod read;
mod sessions;
mod step;
mod store;
mod sweep;
mod tombstone;
mod verify;

pub use adopt::{AdoptOptions, Adopted, AdoptedStep};
pub use clock::Clock;
pub use content::Content;
pub use delete::{SessionDeleted, StepDeleted};
pub use expire::SessionExpiration;
pub use export::Exported;
pub use finding::{Fault, Finding, VerifySummary};
pub use index::{StepEntry, StepPage, StepsOptions};
pub use list::{SessionPage, SessionsOptions};
pub use many::Stored;
pub use part::{Flag, PartName, StepPart};
pub use read::{PartStream, StepContent};
pub use sessions::Sessions;
pub use step::Step;
pub use store::{NewStep, StepReceipt};
pub use verify::VerifyOptions;
