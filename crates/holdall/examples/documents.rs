//! Publishes the documents of a job, has them ingested, and deletes the local files of those that are both.
//!
//! ```sh
//! S3_BUCKET=artifacts HOLDALL_ACL=public-read cargo run -p holdall --example documents -- case/job.json
//! ```
//!
//! Where the store is a folder, nothing is published or deleted. Killed at any moment, it goes on when it is run again.

#![allow(clippy::print_stdout, reason = "a program that says what it did")]

use holdall::document::{Documents, JobSpec, Ready, Refused};
use holdall::{Settings, Store};
use std::error::Error;
use std::path::Path;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [path] = &args[..] else { return Err("usage: documents JOB.json".into()) };
    let path = Path::new(path);
    let settings = Settings::from_env()?;
    // A store that is away is found out before any work is done.
    let documents = Documents::open(&Store::connect(&settings).await?, &settings)?;

    let spec = JobSpec::parse(&std::fs::read(path)?, path.parent().unwrap_or(Path::new(".")))?;
    let mut job = documents.job(spec, &path.with_extension("json.journal"))?;
    let report = job.run(&ingest, &mut |_| ()).await?;
    for record in job.records() {
        println!("{:03} {} {}", record.number, record.state, record.url.unwrap_or_default());
    }
    println!("{} documents, {} uploaded, {} ingested", report.documents, report.uploaded, report.ingested);
    if report.has_failures() { Err("not all documents were published and ingested".into()) } else { Ok(()) }
}

/// What takes a document: here it only looks whether it is one.
async fn ingest(document: Ready) -> Result<(), Refused> {
    let bytes = tokio::fs::read(&document.path).await?;
    if bytes.starts_with(b"%PDF-") { Ok(()) } else { Err("this is no PDF".into()) }
}
