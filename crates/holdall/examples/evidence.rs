//! Stores the evidence of a decision with the files that belong to it, and reads it back by the decision alone.
//!
//! ```sh
//! HOLDALL_STORE=file:///tmp/bag cargo run -p holdall --example evidence -- d-117 risk scores.json scan.pdf
//! ```

#![allow(clippy::print_stdout, reason = "a program that says what it did")]

use holdall::evidence::{AttachOptions, AttachmentName, Content, Evidence, Json, NewBundle, StoreOptions};
use holdall::{DecisionId, EvidenceType, Settings, Store};
use std::error::Error;
use std::path::Path;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [decision, kind, data, files @ ..] = &args[..] else {
        return Err("usage: evidence DECISION TYPE DATA.json [FILE…]".into());
    };
    let settings = Settings::from_env()?;
    let evidence = Evidence::open(&Store::from_settings(&settings)?, &settings)?;
    let decision = DecisionId::parse(decision)?;

    let data = Json::parse(&std::fs::read(data)?)?;
    let bundle = NewBundle::new(decision.clone(), EvidenceType::parse(kind)?, data);
    let stored = evidence.store(&bundle, &StoreOptions::default()).await?;
    println!("{}: {}", stored.key, stored.outcome.as_str());
    for file in files.iter().map(Path::new) {
        let name = file.file_name().ok_or("this is no file's name")?.to_string_lossy();
        let (name, content) = (AttachmentName::parse(&name)?, Content::File(file.to_owned()));
        let stored = evidence.attach(&decision, &name, &content, &AttachOptions::default()).await?;
        println!("{}: {}", stored.key, stored.outcome.as_str());
    }

    let found = evidence.retrieve(&decision).await?;
    println!("{} {}", found.checksum, found.data.canonical());
    for attachment in evidence.attachments(&decision).await? {
        println!("{} {}", attachment.sha256, attachment.name.as_str());
    }
    Ok(())
}
