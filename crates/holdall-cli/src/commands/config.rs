//! `holdall config`

use super::Outcome;
use crate::app::App;
use crate::text::escaped;
use clap::Args;
use holdall::{Error, ErrorKind, Origin, Resolved, SETTINGS, Value};
use serde::Serialize;
use std::io::{self, Write as _};

const AFTER: &str = "\
Each line has a setting, its value and where that comes from. What is secret is shown as ***.
What would set it too, and does not because something else wins, is named behind it.

Examples:
  holdall config
  holdall config store region endpoint
  holdall config --profile staging --json";

/// Shows every setting, its value, and where that comes from
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Config {
    /// Only these settings
    #[arg(value_name = "SETTING")]
    settings: Vec<String>,
}

/// A setting as JSON.
#[derive(Serialize)]
struct SettingRecord<'a> {
    setting: &'static str,
    value: Option<&'a str>,
    source: String,
    secret: bool,
    unused: Vec<String>,
}

impl Config {
    pub(crate) fn run(&self, app: &mut App) -> Outcome {
        for name in &self.settings {
            if !SETTINGS.iter().any(|setting| setting.name == name) {
                return Err(Error::new(ErrorKind::InvalidInput, "no setting has this name")
                    .with_fact("name", escaped(name))
                    .with_hint("`holdall config` shows them all")
                    .into());
            }
        }
        let resolved = app.sources(None)?.resolve().map_err(Error::from)?;
        note(&resolved, app);
        let wanted = |value: &&Value| {
            self.settings.is_empty() || self.settings.iter().any(|name| name == value.setting.name)
        };
        let values: Vec<&Value> = resolved.values.iter().filter(wanted).collect();
        Ok(match app.globals.json {
            true => values.iter().try_for_each(|value| app.out.json(&record(value))),
            false => print(&values, app),
        }?)
    }
}

/// Says which file was read, and which variables were likely meant to set something and do not.
fn note(resolved: &Resolved, app: &App) {
    app.report.summary(&match &resolved.config_file {
        Some(path) => format!("configuration file: {}", escaped(&path.to_string_lossy())),
        None => "no configuration file".to_owned(),
    });
    for (name, meant) in &resolved.unknown {
        let name = escaped(name);
        app.report.summary(&match meant {
            Some(meant) => format!("{name} sets nothing; is {meant} meant?"),
            None => format!("{name} sets nothing"),
        });
    }
}

fn record(value: &Value) -> SettingRecord<'_> {
    SettingRecord {
        setting: value.setting.name,
        value: value.value.as_deref(),
        source: value.origin.to_string(),
        secret: value.setting.secret,
        unused: value.unused.iter().map(ToString::to_string).collect(),
    }
}

/// Prints a line for each, in columns.
fn print(values: &[&Value], app: &mut App) -> io::Result<()> {
    let text =
        |value: &Value| value.value.as_deref().map_or_else(|| "-".to_owned(), |v| escaped(v).into_owned());
    let names = values.iter().map(|value| value.setting.name.len()).max().unwrap_or_default();
    let widest = values.iter().map(|value| text(value).chars().count()).max().unwrap_or_default().min(40);
    for value in values {
        let mut line =
            format!("{:names$}  {:widest$}  {}", value.setting.name, text(value), source(&value.origin));
        if !value.unused.is_empty() {
            let unused: Vec<String> = value.unused.iter().map(source).collect();
            line += &format!(" (not used: {})", unused.join(", "));
        }
        writeln!(app.out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn source(origin: &Origin) -> String {
    escaped(&origin.to_string()).into_owned()
}
