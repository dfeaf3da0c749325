//! `holdall demo`

use super::{Command, Outcome};
use crate::app::App;
use crate::cli::Cli;
use clap::{Args, Parser};
use holdall::{Error, ErrorKind, Result};
use serde::Serialize;
use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

const AFTER: &str = "\
Needs no settings and no network. The store is a new folder below the system's temporary
one, unless --store names another; what is made stays, and the last lines say how to remove
it.

Examples:
  holdall demo
  holdall demo --store s3://scratch";

/// The sample: what a nightly run of tests might leave.
const SAMPLE: [(&str, &[u8]); 4] = [
    ("charts/durations.svg", include_bytes!("../../demo/charts/durations.svg")),
    ("report.html", include_bytes!("../../demo/report.html")),
    ("result.json", include_bytes!("../../demo/result.json")),
    ("run.log", include_bytes!("../../demo/run.log")),
];

/// Stores a small sample, and shows the commands that do it
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Demo {}

/// A command that is run next.
#[derive(Serialize)]
struct CommandRecord<'a> {
    command: &'a str,
}

/// What is left behind.
#[derive(Serialize)]
struct LeftRecord<'a> {
    store: &'a str,
    prefix: &'a str,
    folder: &'a str,
}

/// Where the demo takes place.
struct Stage {
    /// The folder of the demo's own.
    folder: String,
    /// The store's URL, and whether it is in that folder.
    store: String,
    own: bool,
    /// Where the sample is put in the store.
    prefix: String,
}

impl Demo {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let stage = Stage::make(app.globals.store.as_deref())?;
        app.globals.store = Some(stage.store.clone());
        stage.introduce(app)?;
        for line in stage.commands() {
            let shown: Vec<String> = line.iter().map(|word| quoted(word)).collect();
            say(&format!("holdall {}", shown.join(" ")), app)?;
            // What a command says in the end must not come before what it printed.
            app.out.flush()?;
            Box::pin(command(&line)?.run(app)).await?;
            app.out.flush()?;
        }
        stage.conclude(app)
    }
}

impl Stage {
    /// Makes the demo's folder with the sample in it.
    fn make(store: Option<&str>) -> Result<Self> {
        let folder = own_folder()?;
        let Some(text) = folder.to_str() else {
            return Err(Error::new(ErrorKind::InvalidInput, "the temporary folder's path is not UTF-8")
                .with_fact("path", folder.display())
                .with_hint("set TMPDIR"));
        };
        for (name, bytes) in SAMPLE {
            write(&folder.join("sample").join(name), bytes)?;
        }
        let own = store.is_none();
        let inside = || format!("file://{}/store", text.replace('%', "%25"));
        let store = store.map_or_else(inside, str::to_owned);
        if own {
            let place = folder.join("store");
            std::fs::create_dir(&place).map_err(|error| fault(&place, error))?;
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let prefix = if own { "runs/42".to_owned() } else { name.into_owned() };
        Ok(Self { folder: text.to_owned(), store, own, prefix })
    }

    fn sample(&self) -> String {
        format!("{}/sample", self.folder)
    }

    /// What is run, word by word.
    fn commands(&self) -> Vec<Vec<String>> {
        let at = |name: &str| format!("{}/{name}", self.prefix);
        let line = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        vec![
            line(&["push", &self.sample(), &self.prefix]),
            line(&["ls", "-l", "-r", &at("")]),
            line(&["stat", &at("report.html")]),
            line(&["cat", &at("run.log"), "--range", "-27"]),
            line(&["du", &at("")]),
        ]
    }

    fn introduce(&self, app: &mut App) -> io::Result<()> {
        if app.globals.json {
            return Ok(());
        }
        writeln!(app.out, "A sample of {} files is in {}.", SAMPLE.len(), self.sample())?;
        writeln!(app.out, "It goes to the store {}; these commands do it:\n", self.store)?;
        writeln!(app.out, "$ export HOLDALL_STORE={}", quoted(&self.store))
    }

    fn conclude(&self, app: &mut App) -> Outcome {
        let Self { folder, store, prefix, own } = self;
        if app.globals.json {
            return Ok(app.out.json(&LeftRecord { store, prefix, folder })?);
        }
        writeln!(app.out)?;
        if *own {
            writeln!(app.out, "The objects are plain files in {folder}/store.")?;
        }
        writeln!(app.out, "\nTry next, after the line that sets HOLDALL_STORE:")?;
        writeln!(app.out, "  holdall get {prefix}/report.html")?;
        writeln!(app.out, "  holdall mv {prefix}/result.json {prefix}/data/")?;
        writeln!(app.out, "  holdall pull {prefix} copy")?;
        writeln!(app.out, "  holdall --help")?;
        writeln!(app.out, "\nRemove all of it:")?;
        if !own {
            writeln!(app.out, "  holdall rm -r {prefix} --store {}", quoted(store))?;
        }
        Ok(writeln!(app.out, "  rm -r {}", quoted(folder))?)
    }
}

fn say(command: &str, app: &mut App) -> io::Result<()> {
    match app.globals.json {
        true => app.out.json(&CommandRecord { command }),
        false => writeln!(app.out, "\n$ {command}"),
    }
}

/// Reads a line as the command line is read.
fn command(line: &[String]) -> Result<Command> {
    let words = std::iter::once("holdall").chain(line.iter().map(String::as_str));
    let cli = Cli::try_parse_from(words);
    cli.map(|cli| cli.command).map_err(|error| {
        Error::new(ErrorKind::InvalidInput, "the demo's own command is not understood").with_source(error)
    })
}

/// Makes a folder that nobody had before, and nobody else may look into.
fn own_folder() -> Result<PathBuf> {
    let above = std::env::temp_dir();
    let mut seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos();
    loop {
        let folder = above.join(format!("holdall-demo-{}-{:04x}", std::process::id(), seed & 0xffff));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => seed = seed.wrapping_add(1),
            Err(error) => return Err(fault(&folder, error)),
            Ok(()) => return Ok(folder),
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let above = path.parent().unwrap_or(path);
    std::fs::create_dir_all(above)
        .and_then(|()| std::fs::write(path, bytes))
        .map_err(|error| fault(path, error))
}

fn fault(path: &Path, error: io::Error) -> Error {
    Error::io("the demo's files cannot be written", error).with_fact("path", path.display())
}

/// A word as a shell takes it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._:%-+=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_from_a_shell() {
        for word in ["", "a b", "it's", "$HOME", "/tmp/x-1.log", "\u{e9}"] {
            let output = std::process::Command::new("sh")
                .args(["-c", &format!("printf %s {}", quoted(word))])
                .output();
            assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap(), word);
        }
    }
}
