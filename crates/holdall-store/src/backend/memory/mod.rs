//! Keeps objects in this process, and answers as S3 does.
//!
//! For tests of code that stores things: nothing is installed or connected, every answer and every refusal is the one
//! that S3 gives, and what was stored can be looked at.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! use holdall_store::backend::memory::MemoryBackend;
//! use holdall_store::{Settings, Store};
//! use std::sync::Arc;
//!
//! let memory = Arc::new(MemoryBackend::private());
//! let store = Store::with_backend(memory.clone(), Settings::default());
//!
//! // What is under test stores something …
//! store.put("reports/1.pdf", "%PDF-1.7").await?;
//!
//! // … and the test looks at what arrived, and where.
//! let report = memory.object("reports/1.pdf").expect("it was stored");
//! assert_eq!(report.bytes, "%PDF-1.7");
//! assert_eq!(report.metadata.attributes.content_type.as_deref(), Some("application/pdf"));
//! assert_eq!(memory.objects().len(), 1);
//! assert_eq!(
//!     store.url_for("reports/1.pdf").await?.as_deref(),
//!     Some("https://test-bucket.example.com/reports/1.pdf"),
//! );
//! # Ok::<(), holdall_store::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Objects are held whole, so memory is the sum of their sizes, and twice the size of an object while its parts are
//! joined. Bytes are copied in: nothing keeps a caller's buffer alive.

mod backend;
mod content;
mod copy;
mod listing;
mod objects;
mod put;
mod read;
mod registry;
mod tags;
mod upload;
mod versions;

pub use backend::MemoryBackend;
pub use objects::StoredObject;
