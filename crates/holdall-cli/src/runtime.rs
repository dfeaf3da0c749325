//! Runs a command on a runtime of its own, and ends it when a signal says so.

use crate::app::App;
use crate::commands::Command;
use crate::failure::{Exit, Failure};
use crate::screen;
use holdall::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

/// A command pays for each thread when it starts, and waits for the network most of its time.
const MOST_THREADS: usize = 4;

/// How long what was interrupted may take to remove its temporary files.
const GRACE: Duration = Duration::from_millis(300);

pub(crate) fn run(command: Command, mut app: App) -> ExitCode {
    let runtime = match build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = Error::io("cannot start threads", error);
            return app.report.failure(&Failure::Error(error)).into();
        }
    };
    let exit = runtime.block_on(async {
        // On a thread of the runtime a command is woken by the thread that reads its sockets.
        let hears_signals = command.hears_signals();
        supervise(tokio::spawn(execute(command, app)), hears_signals).await
    });
    screen::close();
    match exit {
        Exit::HUNG_UP | Exit::INTERRUPTED | Exit::TERMINATED => runtime.shutdown_timeout(GRACE),
        // A read of standard input that nobody needs any more may never end.
        _ => runtime.shutdown_background(),
    }
    exit.into()
}

fn build() -> io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Builder::new_multi_thread().worker_threads(cores.min(MOST_THREADS)).enable_all().build()
}

async fn execute(command: Command, mut app: App) -> Exit {
    let result = command.run(&mut app).await;
    let flushed = app.out.flush();
    let queued = app.queued() + app.unsent;
    app.tell_queued();
    match result.and_then(|()| flushed.map_err(Failure::Output)) {
        Ok(()) if queued > 0 && app.globals.require_remote => Exit::ONLY_QUEUED,
        Ok(()) => Exit::DONE,
        Err(failure) => app.report.failure(&failure),
    }
}

/// Waits for the command or a signal, unless the command hears it itself. A command that is ended so drops what it does, and temporary files with it.
async fn supervise(mut command: JoinHandle<Exit>, hears_signals: bool) -> Exit {
    let exit = tokio::select! {
        result = &mut command => return finished(result),
        () = received(SignalKind::hangup()) => Exit::HUNG_UP,
        () = received(SignalKind::interrupt()), if !hears_signals => Exit::INTERRUPTED,
        () = received(SignalKind::terminate()), if !hears_signals => Exit::TERMINATED,
    };
    command.abort();
    // A command that is stuck in a write to a full pipe does not end; the process does.
    let _ = tokio::time::timeout(GRACE, command).await;
    exit
}

async fn received(kind: SignalKind) {
    match signal(kind) {
        Ok(mut signals) => drop(signals.recv().await),
        // Without a handler the signal still ends the process, by the system's own doing.
        Err(_) => std::future::pending().await,
    }
}

fn finished(result: Result<Exit, tokio::task::JoinError>) -> Exit {
    match result {
        Ok(exit) => exit,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Exit::FAILED,
    }
}
