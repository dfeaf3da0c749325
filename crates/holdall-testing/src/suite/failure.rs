//! What a case says when a promise does not hold.

use super::secrets::{hear, heard};
use holdall_store::ErrorKind;
use std::fmt::{self, Debug, Display};
use std::panic::Location;

/// Why a case failed, and where it noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    text: String,
    unsupported: bool,
}

/// What a case or a step of it answers.
pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// Says what is wrong.
    #[track_caller]
    pub fn new(text: impl Display) -> Self {
        let at = Location::caller();
        Self { text: format!("{text}\n  at {}:{}", at.file(), at.line()), unsupported: false }
    }

    /// Whether the store, or the suite's own plain client, said that it cannot do this: on a server that nothing is known
    /// of, no fault.
    pub fn is_unsupported(&self) -> bool {
        self.unsupported
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    #[track_caller]
    fn from(error: E) -> Self {
        let mut text = format!("unexpected error: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        let error = &error as &(dyn std::error::Error + 'static);
        hear(error);
        let store = error.downcast_ref::<holdall_store::Error>();
        // The plain client of the suite speaks no TLS.
        let plain = error.downcast_ref::<std::io::Error>();
        let unsupported = store.is_some_and(|error| error.kind() == ErrorKind::Unsupported)
            || plain.is_some_and(|error| error.kind() == std::io::ErrorKind::Unsupported);
        Self { unsupported, ..Self::new(text) }
    }
}

/// Demands that something is so.
#[track_caller]
pub(crate) fn ensure(so: bool, what: impl Display) -> Outcome {
    if so { Ok(()) } else { Err(Failure::new(format!("not so: {what}"))) }
}

/// Demands that two values are equal.
#[track_caller]
pub(crate) fn equal<T: PartialEq<U> + Debug, U: Debug>(what: impl Display, got: T, wanted: U) -> Outcome {
    if got == wanted {
        return Ok(());
    }
    Err(Failure::new(format!("{what}\n     got {got:?}\n  wanted {wanted:?}")))
}

/// Demands equal bytes, and says where they differ instead of showing all of them.
#[track_caller]
pub(crate) fn same_bytes(what: impl Display, got: &[u8], wanted: &[u8]) -> Outcome {
    if got == wanted {
        return Ok(());
    }
    let at = got.iter().zip(wanted).take_while(|(a, b)| a == b).count();
    Err(Failure::new(format!(
        "{what}: bytes differ from offset {at} on; got {} bytes, wanted {}",
        got.len(),
        wanted.len()
    )))
}

/// Demands that a call fails, with this kind.
#[track_caller]
pub(crate) fn fails<T>(
    what: impl Display,
    result: holdall_store::Result<T>,
    kind: ErrorKind,
) -> Outcome<holdall_store::Error> {
    match heard(result) {
        Ok(_) => Err(Failure::new(format!("{what}: succeeded, wanted {kind:?}"))),
        Err(error) if error.kind() == kind => Ok(error),
        Err(error) => {
            Err(Failure::new(format!("{what}: failed with {:?}, wanted {kind:?}: {error}", error.kind())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_say_where_they_were_noticed() {
        fn io() -> Outcome {
            std::fs::read("/nowhere/at/all")?;
            Ok(())
        }
        let text = io().unwrap_err().to_string();
        assert!(text.contains("No such file") && text.contains("failure.rs"), "{text}");
        let text = same_bytes("x", b"abc", b"abd").unwrap_err().to_string();
        assert!(text.contains("offset 2"), "{text}");
    }
}
