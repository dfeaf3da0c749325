//! `holdall manual`

use super::Outcome;
use crate::app::App;
use crate::cli::Cli;
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use holdall::{Error, Result};
use serde::Serialize;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const AFTER: &str = "\
Prints the paths. Files of the same names are replaced.

Examples:
  holdall manual ~/.local/share/man/man1 && man holdall-push";

/// Writes the manual's pages to a folder: holdall.1, and one for each command
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Manual {
    /// The folder; it is made where it is not there
    dir: PathBuf,
}

/// A page that was written.
#[derive(Serialize)]
struct PageRecord<'a> {
    path: &'a str,
}

impl Manual {
    pub(crate) fn run(self, app: &mut App) -> Outcome {
        std::fs::create_dir_all(&self.dir)
            .map_err(|error| fault("the folder cannot be made", &self.dir, error))?;
        let mut whole = Cli::command();
        whole.build();
        let mut commands = Vec::new();
        with_parts(&whole, &mut commands);
        for command in commands {
            let path = write_page(command, &self.dir)?;
            let path = path.to_string_lossy();
            match app.globals.json {
                true => app.out.json(&PageRecord { path: &path })?,
                false => app.out.name(&path)?,
            }
        }
        Ok(())
    }
}

/// A command and those below it that are shown.
fn with_parts(command: &Command, all: &mut Vec<Command>) {
    all.push(command.clone());
    for part in command.get_subcommands().filter(|part| !part.is_hide_set()) {
        with_parts(part, all);
    }
}

fn fault(message: &str, path: &Path, error: io::Error) -> Error {
    Error::io(message, error).with_fact("path", path.display())
}

fn write_page(command: Command, dir: &Path) -> Result<PathBuf> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let path = dir.join(format!("{name}.1"));
    let page = page(command);
    let failed = |error| fault("the page cannot be written", &path, error);
    std::fs::write(&path, page.map_err(failed)?).map_err(failed)?;
    Ok(path)
}

fn page(command: Command) -> io::Result<Vec<u8>> {
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let has_parts = command.get_subcommands().next().is_some();
    let man = Man::new(command);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if has_parts {
        man.render_subcommands_section(&mut page)?;
    }
    notes(&after, &mut page)?;
    Ok(page)
}

/// What follows the help, line by line: examples are lines of a shell.
fn notes(text: &str, page: &mut Vec<u8>) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    writeln!(page, ".SH NOTES\n.nf")?;
    for line in text.lines() {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        let guard = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
        writeln!(page, "{guard}{line}")?;
    }
    writeln!(page, ".fi")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_text_is_no_request() {
        let mut page = Vec::new();
        notes(".TH x\n'a' \\ --b", &mut page).unwrap();
        assert_eq!(String::from_utf8(page).unwrap(), ".SH NOTES\n.nf\n\\&.TH x\n\\&'a' \\e \\-\\-b\n.fi\n");
    }
}
