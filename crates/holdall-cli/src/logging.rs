//! What the libraries log, on standard error.

use crate::cli::Globals;
use holdall::{Error, ErrorKind, Result};
use std::io::{IsTerminal, stderr};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts to log what the option or a variable asks for, else warnings.
///
/// # Errors
///
/// `Config` for a text that names no level.
pub(crate) fn start(globals: &Globals) -> Result<()> {
    let lines = tracing_subscriber::fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal());
    tracing_subscriber::registry().with(lines).with(filter(globals)?).init();
    Ok(())
}

fn filter(globals: &Globals) -> Result<Targets> {
    let variable = |name: &'static str| Some((name, std::env::var(name).ok().filter(|v| !v.is_empty())?));
    let given = globals.log.clone().map(|text| ("--log", text));
    let Some((name, text)) = given.or_else(|| variable("HOLDALL_LOG")).or_else(|| variable("RUST_LOG"))
    else {
        let level = if globals.quiet { LevelFilter::ERROR } else { LevelFilter::WARN };
        return Ok(Targets::new().with_default(level));
    };
    text.parse().map_err(|_| {
        Error::new(ErrorKind::Config, format!("{name} is not valid: not a level or target=level,..."))
            .with_hint("the levels are error, warn, info, debug and trace")
    })
}
