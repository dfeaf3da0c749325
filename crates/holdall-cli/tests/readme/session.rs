//! Runs a page's commands in a shell of their own.

use crate::compare::same;
use crate::markdown::{Page, Step};
use crate::service::Service;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Runs all, in the page's order, until one fails or prints something else.
pub(crate) fn run(page: &Page, service: Option<&Service>) -> Result<(), String> {
    let dir = TempDir::new().map_err(|error| error.to_string())?;
    let steps: Vec<Step> = page.steps().cloned().collect();
    let ran = shell(dir.path(), &script(dir.path(), &steps, service)?)?;
    for (number, step) in steps.iter().enumerate() {
        let printed = printed(dir.path(), number).map_err(|error| error.to_string())?;
        let printed = service.map_or(printed.clone(), |service| service.as_shown(&printed));
        let last_begun = !data(dir.path(), number + 1).exists();
        if last_begun && !ran {
            return Err(format!("line {}: failed: {}\n{printed}", step.line, step.command));
        }
        if let Some(shown) = &step.shown {
            let lines: Vec<String> = printed.lines().map(str::to_owned).collect();
            // Files of a folder are moved at once and come in no order.
            let any_order =
                ["holdall push", "holdall pull"].iter().any(|verb| step.command.starts_with(verb));
            if !same(shown, &lines, any_order) {
                let (line, command, shown) = (step.line, &step.command, shown.join("\n"));
                return Err(format!("line {line}: {command}\n--- shown\n{shown}\n--- printed\n{printed}"));
            }
        }
    }
    Ok(())
}

/// Where a step's standard output goes.
fn data(dir: &Path, number: usize) -> PathBuf {
    dir.join(format!("data-{number}"))
}

/// Where a step's standard error goes.
fn words(dir: &Path, number: usize) -> PathBuf {
    dir.join(format!("words-{number}"))
}

/// What a step printed: data first and then the words about it, as they come on a terminal.
fn printed(dir: &Path, number: usize) -> io::Result<String> {
    Ok(fs::read_to_string(data(dir, number))? + &fs::read_to_string(words(dir, number))?)
}

/// One script, so that a variable or a folder that one block sets is there in the next.
fn script(dir: &Path, steps: &[Step], service: Option<&Service>) -> Result<String, String> {
    let mut text = String::new();
    for (number, step) in steps.iter().enumerate() {
        let command = match service {
            Some(service) => service.fill_in(&step.command)?,
            None => step.command.clone(),
        };
        let (data, words) = (data(dir, number), words(dir, number));
        text += &format!("{{ {command}\n}} >'{}' 2>'{}'\n", data.display(), words.display());
    }
    Ok(text)
}

/// Whether a script ends well, in a folder that has the repository's documents and nothing else, with nothing of this process's environment.
fn shell(dir: &Path, script: &str) -> Result<bool, String> {
    let binary = Path::new(env!("CARGO_BIN_EXE_holdall")).parent().unwrap_or(dir);
    let folder = |name: &str| {
        let path = dir.join(name);
        fs::create_dir_all(&path).map(|()| path)
    };
    let documents = folder("work/docs").map_err(|error| error.to_string())?;
    copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").as_path(), &documents)
        .map_err(|error| error.to_string())?;
    let prepared = |name| folder(name).map_err(|error: io::Error| error.to_string());
    let mut command = Command::new("bash");
    command.args(["--noprofile", "--norc", "-euo", "pipefail", "-c", script]);
    command.env_clear().current_dir(prepared("work")?).stdin(Stdio::null());
    command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", binary.display()));
    command.env("HOME", prepared("home")?).env("LANG", "C.UTF-8");
    for (name, place) in [("CACHE", "cache"), ("CONFIG", "config"), ("DATA", "data"), ("STATE", "state")] {
        command.env(format!("XDG_{name}_HOME"), prepared(place)?);
    }
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    Ok(status.map_err(|error| format!("no bash: {error}"))?.success())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let entry = entry.path();
        if entry.is_dir() {
            fs::create_dir_all(&target)?;
            copy(&entry, &target)?;
        } else {
            fs::copy(&entry, &target)?;
        }
    }
    Ok(())
}
