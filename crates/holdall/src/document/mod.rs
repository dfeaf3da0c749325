//! Documents that a worker fetches, publishes, has ingested, and then removes.
//!
//! A [`JobSpec`] names the files of one reference. [`Documents::job`] opens a [`Job`] of it, whose journal on disk knows
//! how far each document is: it is **staged**, **uploaded** and verified, **ingested** by a callback of the caller's, and
//! only then its local file is **deleted**. A job that was killed at any instant goes on from its journal.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use holdall::document::{Documents, JobSpec, Ready};
//! use holdall::{Settings, Store};
//!
//! let dir = tempfile::tempdir()?;
//! std::fs::write(dir.path().join("Transport.pdf"), "%PDF-1.7")?;
//! let spec = JobSpec::parse(
//!     br#"{"reference": "25/00284/F", "documents": [
//!         {"path": "Transport.pdf", "source_url": "https://portal.example/d/1"}]}"#,
//!     dir.path(),
//! )?;
//!
//! let store = Store::memory();
//! let documents = Documents::open(&store, &Settings::default())?;
//! let mut job = documents.job(spec, &dir.path().join("job.journal"))?;
//! let ingest = |document: Ready| async move { println_to_index(&document.url.unwrap()) };
//! let report = job.run(&ingest, &mut |_| ()).await?;
//!
//! assert_eq!(report.deleted, 1);
//! assert!(!dir.path().join("Transport.pdf").exists());
//! let key = "documents/25_00284_F/001_Transport.pdf";
//! assert_eq!(store.get(key).await?.bytes().await?, "%PDF-1.7");
//! assert_eq!(job.records()[0].url.as_deref(), Some("https://test-bucket.example.com/documents/25_00284_F/001_Transport.pdf"));
//! # fn println_to_index(_: &str) -> Result<(), holdall::document::Refused> { Ok(()) }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Whether anything is uploaded follows from the store: on S3 documents are published, and in memory too, for tests of
//! one's own; where the store is a folder nothing is copied or deleted, and source URLs stay ([`Documents::publishes`]).

mod adopt;
mod compare;
mod documents;
mod event;
mod file;
mod format;
mod ingest;
mod job;
mod journal;
mod output;
mod progress;
mod publish;
mod record;
mod reference;
mod spec;
mod staging;

pub use adopt::{AdoptOptions, Adopted};
pub use documents::Documents;
pub use event::{EVENTS, JobEvent, TARGET};
pub use ingest::{Ready, Refused};
pub use job::Job;
pub use output::{Output, OutputKind, Outputs};
pub use record::{DocumentRecord, Fault, FileState, IngestionState, Report, State, UploadState};
pub use reference::Reference;
pub use spec::{Document, JobSpec};
pub use staging::Staging;
