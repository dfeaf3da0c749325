//! What the libraries log, on standard error.

use crate::app::App;
use crate::screen;
use holdall::{Error, ErrorKind, LogFormat, Resolved, Result};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts to log what the settings ask for, else what `RUST_LOG` does, else warnings.
///
/// Settings that cannot be used are left to the command to complain of, if it needs them.
///
/// # Errors
///
/// `Config` for a text that names no level.
pub(crate) fn start(app: &App) -> Result<()> {
    let resolved = app.sources(None).ok().and_then(|sources| sources.resolve().ok());
    let format = resolved.as_ref().map(|resolved| resolved.settings.log_format).unwrap_or_default();
    let subscriber = tracing_subscriber::registry().with(filter(resolved.as_ref(), app.globals.quiet)?);
    let lines = tracing_subscriber::fmt::layer().with_writer(screen::stderr);
    match format {
        // Colours would need a crate more, and asked for without it the subscriber complains on every terminal.
        LogFormat::Text => subscriber.with(lines.with_ansi(false)).init(),
        LogFormat::Json => subscriber.with(lines.json().flatten_event(true)).init(),
    }
    Ok(())
}

fn filter(resolved: Option<&Resolved>, quiet: bool) -> Result<Targets> {
    let log = resolved.and_then(|resolved| resolved.values.iter().find(|value| value.setting.name == "log"));
    if let Some(log) = log
        && let Some(text) = &log.value
    {
        let wrong = || {
            let message = format!("{} is not valid: not a level or target=level,...", log.origin);
            Error::new(ErrorKind::Config, message)
                .with_hint("the levels are error, warn, info, debug, trace and off")
        };
        return parse(text).ok_or_else(wrong);
    }
    let default = Targets::new().with_default(if quiet { LevelFilter::ERROR } else { LevelFilter::WARN });
    // The command tells these itself.
    let default = default.with_target(holdall::document::EVENTS, LevelFilter::OFF);
    // It is not holdall's own, and what it says to other programs may be more than is understood here.
    let others = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    Ok(others.and_then(|text| text.parse().ok()).unwrap_or(default))
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
