//! The `holdall` command.

mod app;
mod args;
mod cli;
mod commands;
mod failure;
mod logging;
mod output;
mod progress;
mod record;
mod report;
mod runtime;
mod screen;
mod target;
mod text;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let mut app = match app::App::new(cli.globals) {
        Ok(app) => app,
        Err(failed) => return failed.into(),
    };
    match logging::start(&app) {
        Ok(()) => runtime::run(cli.command, app),
        Err(error) => app.report.failure(&error.into()).into(),
    }
}
