//! The process that is killed: it works on a store and says what it does, before and after.
//!
//! A line is one `writev` to the standard output: nothing else here calls it, so that it is told apart in a trace.

use crate::check::open;
use crate::operation::{Operation, Outcome};
use crate::queue::QueueWork;
use crate::scene::Scene;
use crate::traffic::Traffic;
use holdall_store::{Fsync, Store};
use std::io::IoSlice;
use std::path::Path;
use std::process::Command;

/// Names the work of a child; its words are on lines of their own.
const VARIABLE: &str = "HOLDALL_CRASH_CHILD";

/// What a child is to do.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    /// All of a scene.
    Whole(&'static Scene),
    /// The play alone, by another process than the one before, with writes of other numbers.
    Again(&'static Scene),
    /// One operation of a scene.
    One(&'static Scene, u64),
    /// Whatever comes, without end.
    Traffic(Traffic),
    /// Writes to an outbox, which the folder then is.
    Queue(QueueWork),
}

impl Work {
    /// Has a command do this to the store in a folder, beside whatever else the command does.
    pub(crate) fn assign(&self, command: &mut Command, folder: &Path, fsync: Fsync) {
        let folder = folder.to_str().expect("a path of tests is text");
        let what = match self {
            Self::Whole(scene) => format!("whole\n{}", scene.name),
            Self::Again(scene) => format!("again\n{}", scene.name),
            Self::One(scene, id) => format!("one\n{} {id}", scene.name),
            Self::Traffic(traffic) => format!("traffic\n{}", traffic.to_text()),
            Self::Queue(work) => format!("queue\n{}", work.to_text()),
        };
        let fsync = if fsync == Fsync::Data { "data" } else { "none" };
        command.env(VARIABLE, format!("{what}\n{folder}\n{fsync}"));
    }
}

/// Does what this process was started for, if it is a child.
pub(crate) fn is_child() -> bool {
    let Ok(text) = std::env::var(VARIABLE) else { return false };
    let words: Vec<&str> = text.split('\n').collect();
    let [what, which, folder, fsync] = words[..] else {
        panic!("the work of a child is no such thing: {text:?}")
    };
    if what == "queue" {
        QueueWork::from_text(which).perform(Path::new(folder));
        return true;
    }
    let fsync = if fsync == "data" { Fsync::Data } else { Fsync::None };
    let store = open(Path::new(folder), fsync);
    match what {
        "traffic" => parallel(Traffic::from_text(which), &store),
        "whole" => serial(Scene::named(which).whole(), &store),
        "again" => serial(Scene::named(which).again(), &store),
        _ => serial(vec![one(which)], &store),
    }
    true
}

fn one(which: &str) -> (u64, Operation) {
    let (name, id) = which.split_once(' ').expect("a scene and a number");
    let id = id.parse().expect("a number");
    (id, Scene::named(name).operation(id))
}

/// One thread waits and another one blocks, so that every run makes the same calls.
fn serial(operations: Vec<(u64, Operation)>, store: &Store) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().max_blocking_threads(1).build().expect("a runtime");
    runtime.block_on(async {
        for (id, operation) in operations {
            watched(store, id, &operation).await;
        }
    });
}

fn parallel(traffic: Traffic, store: &Store) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..traffic.tasks {
            let store = store.clone();
            tasks.spawn(async move {
                for index in 0.. {
                    let (id, operation) = traffic.operation(task, index);
                    watched(&store, id, &operation).await;
                }
            });
        }
        tasks.join_all().await;
    });
}

async fn watched(store: &Store, id: u64, operation: &Operation) {
    say(&format!("begin {id}\n"));
    match operation.perform(store).await {
        Ok(Outcome::Done) => say(&format!("done {id}\n")),
        Ok(Outcome::Refused) => say(&format!("refused {id}\n")),
        Err(error) => {
            say(&format!("failed {id} {error:?}\n"));
            std::process::exit(1);
        }
    }
}

pub(crate) fn say(line: &str) {
    let written = rustix::io::writev(std::io::stdout(), &[IoSlice::new(line.as_bytes())]);
    assert_eq!(written, Ok(line.len()), "the parent reads whole lines");
}

/// What a child said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Begin(u64),
    End(u64, Outcome),
}

impl Said {
    pub(crate) fn begins(&self, id: u64) -> bool {
        *self == Self::Begin(id)
    }

    pub(crate) fn is_end(&self) -> bool {
        matches!(self, Self::End(..))
    }

    /// Reads a line.
    ///
    /// # Errors
    ///
    /// The line itself when it says that a call failed.
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        let (word, rest) =
            line.trim_end().split_once(' ').ok_or_else(|| format!("the child says {line:?}"))?;
        let id = || rest.parse().map_err(|_| format!("the child says {line:?}"));
        match word {
            "begin" => Ok(Self::Begin(id()?)),
            "done" => Ok(Self::End(id()?, Outcome::Done)),
            "refused" => Ok(Self::End(id()?, Outcome::Refused)),
            _ => Err(format!("the child says {line:?}")),
        }
    }
}
