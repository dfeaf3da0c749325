//! The command line: options that every command has, and the commands.

use crate::args::not_empty;
use crate::commands::Command;
use clap::{Args, Parser, ValueEnum};
use std::path::PathBuf;

const AFTER: &str = "\
A KEY is a key of the current store, or a full URL: s3://bucket/key, file:///dir/key.
The current store is --store, else $HOLDALL_STORE, else the bucket of $S3_BUCKET, else a folder
of the user's; `holdall config` shows which, and why.

Exit status: 0 done, 1 something failed, 2 usage or settings, 3 not found, 4 no permission,
5 unreachable, timeout or throttled, 6 precondition, conflict or held, 7 no room left, 129, 130
and 143 ended by a signal, 141 the reader of the output went away.";

/// Keeps artifacts on S3-compatible object storage.
#[derive(Debug, Parser)]
#[command(
    name = "holdall",
    version,
    after_help = AFTER,
    max_term_width = 100,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Globals {
    /// The store, such as s3://bucket/prefix; wins over all variables
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// The profile of the configuration file
    #[arg(long, global = true, value_name = "NAME", value_parser = not_empty())]
    pub(crate) profile: Option<String>,
    /// The configuration file [default: $HOLDALL_CONFIG, ~/.config/holdall/config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The service's endpoint
    #[arg(long, global = true, value_name = "URL", value_parser = not_empty())]
    pub(crate) endpoint: Option<String>,
    /// The region to sign for
    #[arg(long, global = true, value_parser = not_empty())]
    pub(crate) region: Option<String>,
    /// Put the bucket in the path of URLs: true, false or auto
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = not_empty()
    )]
    pub(crate) path_style: Option<String>,
    /// Requests in flight
    #[arg(long, global = true, value_name = "N", value_parser = not_empty())]
    pub(crate) concurrency: Option<String>,
    /// Bytes a second, both directions together, such as 10MiB
    #[arg(long, global = true, value_name = "SIZE", value_parser = not_empty())]
    pub(crate) bandwidth: Option<String>,
    /// Fail with status 5 when a write waits in the outbox instead of being in the store
    #[arg(long, global = true)]
    pub(crate) require_remote: bool,
    /// One JSON object a line on standard output, errors as JSON on standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Nothing on standard error but errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// What standard error shows of a transfer under way
    #[arg(long, global = true, value_name = "HOW", value_enum, default_value_t)]
    pub(crate) progress: ShowProgress,
    /// What is logged to standard error: error, warn, info, debug, trace, or target=level,...
    /// [default: $HOLDALL_LOG, $RUST_LOG, warn]
    #[arg(long, global = true, value_name = "LEVEL", value_parser = not_empty())]
    pub(crate) log: Option<String>,
}

/// How a transfer under way is shown; never with --json or --quiet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShowProgress {
    /// A line that is erased in the end, on a terminal; elsewhere nothing
    #[default]
    Auto,
    /// A line every few seconds, for logs
    Plain,
    /// Nothing
    None,
}

impl Globals {
    /// The settings that were given as options.
    pub(crate) fn overrides(&self) -> Vec<Override> {
        let given = [
            ("--endpoint", "endpoint", &self.endpoint),
            ("--region", "region", &self.region),
            ("--path-style", "path_style", &self.path_style),
            ("--concurrency", "concurrency", &self.concurrency),
            ("--bandwidth", "bandwidth", &self.bandwidth),
            ("--log", "log", &self.log),
        ];
        Override::given(given)
    }
}

/// A setting given as an option. It is read as its variable would be, so that both take the same values.
#[derive(Debug, Clone)]
pub(crate) struct Override {
    pub(crate) option: &'static str,
    pub(crate) setting: &'static str,
    pub(crate) value: String,
}

impl Override {
    pub(crate) fn given<const N: usize>(
        options: [(&'static str, &'static str, &Option<String>); N],
    ) -> Vec<Self> {
        let set = |(option, setting, value): (_, _, &Option<String>)| {
            Some(Self { option, setting, value: value.clone()? })
        };
        options.into_iter().filter_map(set).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }
}
