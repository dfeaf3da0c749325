//! The commands, a file each.

mod cat;
mod config;
mod cp;
mod doctor;
mod gc;
mod get;
mod ls;
mod presign;
mod pull;
mod push;
mod put;
mod rm;
mod stat;
mod tree;

use crate::app::App;
use crate::failure::Failure;
use clap::Subcommand;

/// How a command ends.
pub(crate) type Outcome = Result<(), Failure>;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Put(put::Put),
    Get(get::Get),
    Cat(cat::Cat),
    Ls(ls::Ls),
    Stat(stat::Stat),
    Rm(rm::Rm),
    Cp(cp::Cp),
    Push(push::Push),
    Pull(pull::Pull),
    Presign(presign::Presign),
    Gc(gc::Gc),
    Config(config::Config),
    Doctor(doctor::Doctor),
}

impl Command {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        match self {
            Self::Put(command) => command.run(app).await,
            Self::Get(command) => command.run(app).await,
            Self::Cat(command) => command.run(app).await,
            Self::Ls(command) => command.run(app).await,
            Self::Stat(command) => command.run(app).await,
            Self::Rm(command) => command.run(app).await,
            Self::Cp(command) => command.run(app).await,
            Self::Push(command) => command.run(app).await,
            Self::Pull(command) => command.run(app).await,
            Self::Presign(command) => command.run(app).await,
            Self::Gc(command) => command.run(app).await,
            Self::Config(command) => command.run(app),
            Self::Doctor(command) => command.run(app).await,
        }
    }
}
