//! What the libraries log, on standard error.

use crate::cli::Globals;
use crate::screen;
use holdall::{Error, ErrorKind, Result};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts to log what the option or a variable asks for, else warnings.
///
/// # Errors
///
/// `Config` for a text that names no level.
pub(crate) fn start(globals: &Globals) -> Result<()> {
    // Colours would need a crate more, and asked for without it the subscriber complains on every terminal.
    let lines = tracing_subscriber::fmt::layer().with_writer(screen::stderr).with_ansi(false);
    tracing_subscriber::registry().with(lines).with(filter(globals)?).init();
    Ok(())
}

fn filter(globals: &Globals) -> Result<Targets> {
    let variable = |name: &'static str| Some((name, std::env::var(name).ok().filter(|v| !v.is_empty())?));
    let given = globals.log.clone().map(|text| ("--log", text));
    if let Some((name, text)) = given.or_else(|| variable("HOLDALL_LOG")) {
        return parse(&text).ok_or_else(|| {
            Error::new(ErrorKind::Config, format!("{name} is not valid: not a level or target=level,..."))
                .with_hint("the levels are error, warn, info, debug, trace and off")
        });
    }
    let default =
        Targets::new().with_default(if globals.quiet { LevelFilter::ERROR } else { LevelFilter::WARN });
    // It is not holdall's own, and what it says to other programs may be more than is understood here.
    Ok(variable("RUST_LOG").and_then(|(_, text)| text.parse().ok()).unwrap_or(default))
}

/// Reads levels and `target=level`. A word that is no level is not taken for a target, as it likely was meant as one.
fn parse(text: &str) -> Option<Targets> {
    let known = |part: &str| part.contains('=') || part.parse::<LevelFilter>().is_ok();
    if text.split(',').all(known) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_level_is_no_target() {
        for text in ["debug", "holdall_s3=trace", "warn,holdall_s3=trace,hyper=off"] {
            assert!(parse(text).is_some(), "{text}");
        }
        for text in ["loud", "debug,loud", "a=loud", "a=b=c"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
