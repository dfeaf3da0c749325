//! Stores what an agent recorded as a session, and reads it back.
//!
//! ```sh
//! HOLDALL_STORE=file:///tmp/bag cargo run -p holdall --example sessions -- run-7 recorded/
//! ```
//!
//! Each folder in `recorded/` is a step: what the agent saw (`page.html`, `screenshot.png`) and what it did
//! (`action.json`).

#![allow(clippy::print_stdout, reason = "a program that says what it did")]

use holdall::session::{Content, NewStep, Sessions, StepsOptions};
use holdall::{SessionId, StepId};
use std::error::Error;
use std::path::{Path, PathBuf};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [session, recorded] = &args[..] else { return Err("usage: sessions SESSION FOLDER".into()) };
    let session = SessionId::parse(session)?;
    // Opened so, sessions have an outbox: while a remote store is away, steps wait on this machine.
    let sessions = Sessions::from_env()?;
    for (step, folder) in steps(recorded.as_ref())? {
        let html = folder.join("page.html");
        let new = NewStep::new(&session, &step)
            .at(html.metadata()?.modified()?)
            .html(Content::file(html))
            .screenshot(Content::file(folder.join("screenshot.png")))
            .action(Content::file(folder.join("action.json")));
        let receipt = sessions.store(new).await?;
        println!("{step}: {}, {} bytes", receipt.state.as_str(), receipt.step.size());
    }
    let latest = sessions.steps(&session, &StepsOptions::default()).await?;
    for entry in latest.steps {
        let content = sessions.retrieve(&session, &entry.step).await?;
        let action = content.action().map(|action| String::from_utf8_lossy(action).into_owned());
        println!("{}: {}", entry.step, action.unwrap_or_default());
    }
    Ok(())
}

/// The folders of the steps, by their names.
fn steps(recorded: &Path) -> Result<Vec<(StepId, PathBuf)>, Box<dyn Error>> {
    let mut steps = Vec::new();
    for entry in std::fs::read_dir(recorded)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            steps.push((StepId::parse(&entry.file_name().to_string_lossy())?, entry.path()));
        }
    }
    steps.sort();
    Ok(steps)
}
