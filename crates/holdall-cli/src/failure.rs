//! How a command fails, and the exit status for it.

use holdall::{Error, ErrorKind};
use std::io;
use std::process::ExitCode;

/// What ends a command without success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A fault of the whole command.
    Error(Error),
    /// Standard output does not take what is written.
    Output(io::Error),
    /// Some of many things failed, and each was reported.
    Reported,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// The status that the process ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit(pub(crate) u8);

impl Exit {
    pub(crate) const DONE: Self = Self(0);
    pub(crate) const FAILED: Self = Self(1);
    /// What was asked to be in the store waits in the outbox.
    pub(crate) const ONLY_QUEUED: Self = Self(5);
    pub(crate) const HUNG_UP: Self = Self(129);
    pub(crate) const INTERRUPTED: Self = Self(130);
    /// What a shell shows for a command that SIGPIPE ended: the output is cut, and nobody is left to be told.
    pub(crate) const BROKEN_PIPE: Self = Self(141);
    pub(crate) const TERMINATED: Self = Self(143);

    pub(crate) fn of(failure: &Failure) -> Self {
        match failure {
            Failure::Error(error) => Self::of_kind(error.kind()),
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Self::BROKEN_PIPE,
            Failure::Output(_) | Failure::Reported => Self::FAILED,
        }
    }

    fn of_kind(kind: ErrorKind) -> Self {
        Self(match kind {
            ErrorKind::InvalidInput | ErrorKind::Config => 2,
            ErrorKind::NotFound | ErrorKind::BucketNotFound => 3,
            ErrorKind::PermissionDenied | ErrorKind::Credentials => 4,
            ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Throttled => 5,
            ErrorKind::Precondition | ErrorKind::Conflict | ErrorKind::AlreadyExists | ErrorKind::Held => 6,
            ErrorKind::Full => 7,
            _ => return Self::FAILED,
        })
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.0.into()
    }
}
