//! `holdall put`

use super::Outcome;
use crate::app::App;
use crate::args::{ObjectArgs, etag};
use crate::progress::{Showing, What};
use crate::record::ReceiptRecord;
use crate::target::Target;
use crate::text;
use clap::Args;
use holdall::{Error, ErrorKind, PutOptions, Receipt, Result, Store, WriteCondition, telemetry};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

const AFTER: &str = "\
Prints the key. When it returns, the object is in the store, whole; after an error the key
has what it had before.

Examples:
  holdall put report.pdf
  holdall put report.pdf runs/7/ --meta run=7
  tar c results | holdall put - runs/7/results.tar --expected-size 200GiB";

/// Stores a file, or standard input, under a key
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Put {
    /// The file; - is standard input
    file: PathBuf,
    /// The key, or PREFIX/ to which the file's name is appended [default: the file's name]
    #[arg(value_name = "KEY|PREFIX/")]
    key: Option<String>,
    /// The size of standard input, where more than 10,000 parts of the set size may come
    #[arg(long, value_name = "SIZE", value_parser = holdall::parse_size)]
    expected_size: Option<u64>,
    /// Only where the object has this ETag
    #[arg(long, value_name = "ETAG", value_parser = etag, conflicts_with = "create_only")]
    if_match: Option<String>,
    #[command(flatten)]
    object: ObjectArgs,
}

impl Put {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let target = self.target()?;
        app.override_settings(self.object.overrides());
        let store = app.store(&target)?;
        let mut options = self.object.to_options();
        if let Some(etag) = &self.if_match {
            options.condition = WriteCondition::Matches(etag.clone());
        }
        let showing = self.showing(app);
        options.progress = showing.as_ref().and_then(Showing::progress);
        let receipt = if is_standard_input(&self.file) {
            widen_pipe();
            store.put_blocking(&target.key, std::io::stdin(), self.expected_size, &options).await?
        } else {
            put_file(&store, &target.key, &self.file, &options).await?
        };
        drop(showing);
        print(&receipt, telemetry::Outcome::Stored, app)
    }

    /// What is typed on a terminal is no transfer to watch.
    fn showing(&self, app: &App) -> Option<Showing> {
        let typed = is_standard_input(&self.file) && std::io::stdin().is_terminal();
        let what = What::One(self.file.to_string_lossy().into_owned());
        (!typed).then(|| Showing::start(&app.globals, what))
    }

    fn target(&self) -> Result<Target> {
        if is_standard_input(&self.file) {
            let Some(key) = &self.key else {
                return Err(Error::new(ErrorKind::InvalidInput, "standard input needs a key"));
            };
            return Target::parse(key);
        }
        match &self.key {
            None => Ok(Target { location: None, key: name_of(&self.file)?.to_owned() }),
            Some(key) => {
                let target = Target::parse(key)?;
                if target.is_folder() { Ok(target.with_name(name_of(&self.file)?)) } else { Ok(target) }
            }
        }
    }
}

/// Lets more bytes wait in a pipe, where standard input is one: with the 64 KiB of Linux's default its two ends wait for
/// each other 16 times as often. A user without privileges may have 1 MiB (`/proc/sys/fs/pipe-max-size`).
#[cfg(target_os = "linux")]
fn widen_pipe() {
    // What is no pipe, or has too many beside it, is read as it is.
    rustix::pipe::fcntl_setpipe_size(std::io::stdin(), 1 << 20).ok();
}

#[cfg(not(target_os = "linux"))]
fn widen_pipe() {}

fn is_standard_input(file: &Path) -> bool {
    file.as_os_str() == "-"
}

fn name_of(file: &Path) -> Result<&str> {
    let invalid = |message: &str| {
        Error::new(ErrorKind::InvalidInput, message)
            .with_fact("file", format_args!("{file:?}"))
            .with_hint("give a key")
    };
    let name = file.file_name().ok_or_else(|| invalid("file has no name that could be its key"))?;
    name.to_str().ok_or_else(|| invalid("file's name is not UTF-8 and cannot be its key"))
}

async fn put_file(store: &Store, key: &str, file: &Path, options: &PutOptions) -> Result<Receipt> {
    store.put_file(key, file, options).await.map_err(|error| match error.kind() {
        ErrorKind::InvalidInput if file.is_dir() => error.with_hint("push stores a folder"),
        _ => error,
    })
}

/// Prints what a put or a copy answered.
pub(super) fn print(receipt: &Receipt, outcome: telemetry::Outcome, app: &mut App) -> Outcome {
    if app.globals.json {
        return Ok(app.out.json(&ReceiptRecord::new(receipt, outcome))?);
    }
    app.out.name(receipt.key.as_str())?;
    let digest = receipt.sha256.map(|d| format!(" sha256:{}", text::short(d))).unwrap_or_default();
    app.report.summary(&format!(
        "{} {}{digest} verified:{}",
        receipt.state.as_str(),
        text::bytes(receipt.size),
        receipt.verified.as_str()
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(file: &str, key: Option<&str>) -> Result<String> {
        let put = Put {
            file: file.into(),
            key: key.map(str::to_owned),
            expected_size: None,
            if_match: None,
            object: ObjectArgs::default(),
        };
        Ok(put.target()?.key)
    }

    #[test]
    fn the_key_is_the_files_name_unless_told() {
        let table = [
            ("d/a.txt", None, "a.txt"),
            ("d/a.txt", Some("b"), "b"),
            ("d/a.txt", Some("p/"), "p/a.txt"),
            ("d/a.txt", Some("s3://b"), "a.txt"),
            ("d/a.txt", Some("s3://b/p/"), "p/a.txt"),
            ("d/..", Some("k"), "k"),
            ("-", Some("k"), "k"),
            ("./-", None, "-"),
        ];
        for (file, given, expected) in table {
            assert_eq!(key(file, given).unwrap(), expected, "{file} {given:?}");
        }
    }

    #[test]
    fn what_has_no_name_needs_a_key() {
        for (file, given) in [("-", None), ("d/..", None), ("/", Some("p/"))] {
            assert_eq!(key(file, given).unwrap_err().kind(), ErrorKind::InvalidInput, "{file}");
        }
    }
}
