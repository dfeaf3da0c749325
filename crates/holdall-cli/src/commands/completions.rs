//! `holdall completions`

use super::Outcome;
use crate::app::App;
use crate::cli::Cli;
use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::aot::{Bash, Fish, Generator, Zsh};
use std::io::Write;

const AFTER: &str = "\
Examples:
  holdall completions bash > ~/.local/share/bash-completion/completions/holdall
  holdall completions zsh > ~/.zfunc/_holdall
  holdall completions fish > ~/.config/fish/completions/holdall.fish";

/// Prints a script that completes this command in a shell
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Completions {
    pub(crate) fn run(self, app: &mut App) -> Outcome {
        let script = match self.shell {
            Shell::Bash => script(Bash),
            Shell::Zsh => script(Zsh),
            Shell::Fish => script(Fish),
        };
        Ok(app.out.write_all(&script)?)
    }
}

/// Written at once: a generator takes a reader that went away for a fault of its own.
fn script(shell: impl Generator) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "holdall", &mut script);
    script
}
