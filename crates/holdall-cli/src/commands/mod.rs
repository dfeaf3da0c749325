//! The commands, a file each.

mod audit;
mod bucket;
mod cat;
mod completions;
mod config;
mod cp;
mod demo;
mod doctor;
mod document;
mod du;
mod evidence;
mod expire;
mod export;
mod gc;
mod get;
mod lifecycle;
mod lines;
mod ls;
mod manual;
mod mv;
mod object_version;
mod outbox;
mod planned;
mod presign;
mod pull;
mod push;
mod put;
mod report;
mod rm;
mod route;
mod session;
mod stat;
mod tag;
mod topic;
mod tree;
mod url;
mod verify;
mod watch;

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
    Du(du::Du),
    Stat(stat::Stat),
    Rm(rm::Rm),
    Cp(cp::Cp),
    Mv(mv::Mv),
    Push(push::Push),
    Pull(pull::Pull),
    Report(report::Report),
    Export(export::Export),
    Watch(watch::Watch),
    Verify(verify::Verify),
    Url(url::Url),
    Presign(presign::Presign),
    Gc(gc::Gc),
    Audit(audit::Audit),
    Session(session::Session),
    Evidence(evidence::Evidence),
    Topic(topic::Topic),
    Document(document::Document),
    Outbox(outbox::Outbox),
    Bucket(bucket::Bucket),
    ObjectVersion(object_version::ObjectVersion),
    Tag(tag::Tag),
    Expire(expire::Expire),
    Lifecycle(lifecycle::Lifecycle),
    Config(config::Config),
    Doctor(doctor::Doctor),
    Demo(demo::Demo),
    Completions(completions::Completions),
    Manual(manual::Manual),
}

impl Command {
    /// Whether it ends by itself, and in good order, when it is interrupted or terminated.
    pub(crate) fn hears_signals(&self) -> bool {
        match self {
            Self::Watch(_) => true,
            Self::Topic(command) => command.hears_signals(),
            _ => false,
        }
    }

    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        match self {
            Self::Put(command) => command.run(app).await,
            Self::Get(command) => command.run(app).await,
            Self::Cat(command) => command.run(app).await,
            Self::Ls(command) => command.run(app).await,
            Self::Du(command) => command.run(app).await,
            Self::Stat(command) => command.run(app).await,
            Self::Rm(command) => command.run(app).await,
            Self::Cp(command) => command.run(app).await,
            Self::Mv(command) => command.run(app).await,
            Self::Push(command) => command.run(app).await,
            Self::Pull(command) => command.run(app).await,
            Self::Report(command) => command.run(app),
            Self::Export(command) => command.run(app).await,
            Self::Watch(command) => Box::pin(command.run(app)).await,
            Self::Verify(command) => command.run(app).await,
            Self::Url(command) => command.run(app).await,
            Self::Presign(command) => command.run(app).await,
            Self::Gc(command) => command.run(app).await,
            Self::Audit(command) => command.run(app).await,
            Self::Session(command) => Box::pin(command.run(app)).await,
            Self::Evidence(command) => Box::pin(command.run(app)).await,
            Self::Topic(command) => Box::pin(command.run(app)).await,
            Self::Document(command) => Box::pin(command.run(app)).await,
            Self::Outbox(command) => Box::pin(command.run(app)).await,
            Self::Bucket(command) => command.run(app).await,
            Self::ObjectVersion(command) => command.run(app).await,
            Self::Tag(command) => command.run(app).await,
            Self::Expire(command) => command.run(app).await,
            Self::Lifecycle(command) => Box::pin(command.run(app)).await,
            Self::Config(command) => command.run(app),
            Self::Doctor(command) => command.run(app).await,
            Self::Demo(command) => command.run(app).await,
            Self::Completions(command) => command.run(app),
            Self::Manual(command) => command.run(app),
        }
    }
}
