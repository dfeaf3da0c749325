//! `holdall url`

use super::Outcome;
use super::lines::{Lines, key_of};
use crate::app::App;
use crate::args::not_empty;
use crate::cli::Override;
use crate::failure::Failure;
use crate::target::Target;
use clap::{Args, ValueEnum};
use holdall::{Error, ErrorKind, Result, Store};
use serde::Serialize;
use std::io::Write;

const AFTER: &str = "\
With auto it is below the CDN's base URL where HOLDALL_PUBLIC_BASE_URL is set, the service's
own where HOLDALL_ACL makes objects public, else presigned. Whether the object is there is
not asked.

Examples:
  holdall url runs/7/report.html
  holdall url runs/7/report.html --strategy presigned --expires 12h
  holdall ls -r runs/7/ | holdall url -";

/// Prints the URLs that objects have by the setting url
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Url {
    /// The keys; - reads keys from standard input, one a line
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<String>,
    /// Which URL [default: the setting url, auto]
    #[arg(long, value_enum)]
    strategy: Option<Strategy>,
    /// How long a presigned one is good, at most 7d [default: the setting presign_expiration, 1h]
    #[arg(long, value_name = "TIME", value_parser = not_empty())]
    expires: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Strategy {
    /// By the other settings
    Auto,
    /// Below the CDN's base URL
    Cdn,
    /// The service's own, unsigned
    Public,
    /// Signed, and good for a while
    Presigned,
}

impl Strategy {
    fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cdn => "cdn",
            Self::Public => "public",
            Self::Presigned => "presigned",
        }
    }
}

/// An object's URL.
#[derive(Serialize)]
struct UrlRecord<'a> {
    key: &'a str,
    url: &'a str,
}

impl Url {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let strategy = self.strategy.map(|strategy| strategy.as_str().to_owned());
        app.override_settings(Override::given([
            ("--strategy", "url", &strategy),
            ("--expires", "presign_expiration", &self.expires),
        ]));
        match &*self.keys {
            [one] if one != "-" => print(one, app).await,
            keys => {
                let mut failed = false;
                for key in keys {
                    if key == "-" {
                        lines(&mut failed, app).await?;
                    } else {
                        report(key.as_bytes(), print(key, app).await, &mut failed, app)?;
                    }
                }
                if failed { Err(Failure::Reported) } else { Ok(()) }
            }
        }
    }
}

/// Prints the URL of each line of standard input, in order.
async fn lines(failed: &mut bool, app: &mut App) -> Outcome {
    let mut lines = Lines::of_stdin();
    while let Some(line) = lines.next().await? {
        let outcome = match key_of(line) {
            Ok(key) => print(key, app).await,
            Err(error) => Err(error.into()),
        };
        report(line, outcome, failed, app)?;
    }
    Ok(())
}

/// Reports what is no key, after which the rest go on; all else would befall the others too.
fn report(key: &[u8], outcome: Outcome, failed: &mut bool, app: &mut App) -> Outcome {
    match outcome {
        Err(Failure::Error(error)) if error.kind() == ErrorKind::InvalidInput => {
            *failed = true;
            app.report.error(&error, Some(&String::from_utf8_lossy(key)));
            Ok(())
        }
        other => other,
    }
}

async fn print(key: &str, app: &mut App) -> Outcome {
    let target = Target::parse(key)?;
    let url = url_of(&app.store(&target)?, &target.key).await?;
    if app.globals.json {
        return Ok(app.out.json(&UrlRecord { key: &target.key, url: &url })?);
    }
    app.out.write_all(url.as_bytes())?;
    Ok(app.out.end_line()?)
}

async fn url_of(store: &Store, key: &str) -> Result<String> {
    let none = || {
        Error::new(ErrorKind::Unsupported, "objects of this store have no URL")
            .with_key(key)
            .with_fact("store", store.location())
            .with_hint("set HOLDALL_PUBLIC_BASE_URL to where its objects are served, or use an s3:// store")
    };
    // What memory answers is for tests within one process; nobody else could follow it.
    let is_memory = store.backend().kind() == "memory" && store.settings().public_base_url.is_none();
    match store.url_for(key).await {
        Ok(Some(_)) if is_memory => Err(none()),
        Ok(url) => url.ok_or_else(none),
        Err(error) if error.kind() == ErrorKind::Unsupported => Err(none().with_source(error)),
        Err(error) => Err(error),
    }
}
