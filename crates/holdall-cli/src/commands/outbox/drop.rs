//! `holdall outbox drop`

use super::entries::{Found, Which};
use crate::app::App;
use crate::commands::Outcome;
use crate::text::{count, escaped};
use clap::Args;
use holdall::{Error, ErrorKind, Result};
use std::io::{self, BufRead, IsTerminal, Write};

const AFTER: &str = "\
What is dropped is lost, unless it is elsewhere: `outbox export` saves its bytes. Writes that
depend on it are parked first.";

/// Gives writes up
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Drop {
    #[command(flatten)]
    which: Which,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl Drop {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let queue = super::open(app)?;
        let found = self.which.find(queue.as_ref())?;
        let Some(queue) = queue.filter(|_| !found.is_empty()) else {
            app.report.summary("dropped 0 writes");
            return Ok(());
        };
        if !self.yes && !agreed(&found)? {
            app.report.summary("nothing was dropped");
            return Ok(());
        }
        let dropped: Vec<_> = found.iter().map(|(pending, _)| pending.clone()).collect();
        queue.drop_entries(&dropped).await?;
        app.report.summary(&format!("dropped {}", count(found.len() as u64, "write")));
        Ok(())
    }
}

/// Asks a person.
fn agreed(found: &[Found]) -> Result<bool> {
    if !io::stdin().is_terminal() {
        return Err(Error::new(ErrorKind::InvalidInput, "writes are dropped only by who says so")
            .with_hint("say --yes if they are to be lost"));
    }
    let failed = |error| Error::io("the question cannot be asked", error);
    let mut screen = io::stderr().lock();
    for (pending, _) in found {
        writeln!(screen, "{} {}", pending.id, escaped(&pending.key)).map_err(failed)?;
    }
    write!(screen, "Lose {}? [y/N] ", count(found.len() as u64, "write")).map_err(failed)?;
    screen.flush().map_err(failed)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(failed)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
