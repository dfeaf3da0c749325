//! What is said on standard error: errors, their causes and hints, and a line on what was done.

use crate::failure::{Exit, Failure};
use crate::record::{ErrorLine, ErrorRecord, FaultLine};
use crate::screen;
use crate::text::escaped;
use holdall::document::Fault;
use holdall::{Error, Metadata, ReadFrom};
use std::borrow::Cow;
use std::error::Error as _;
use std::io::Write;

pub(crate) struct Report {
    json: bool,
    quiet: bool,
    /// A hint that helps with one failure of many is given once.
    hinted: Vec<Cow<'static, str>>,
}

impl Report {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet, hinted: Vec::new() }
    }

    /// Reports why the command failed, and answers its exit status.
    pub(crate) fn failure(&mut self, failure: &Failure) -> Exit {
        let exit = Exit::of(failure);
        match failure {
            Failure::Error(error) => self.error(error, None),
            Failure::Output(_) if exit == Exit::BROKEN_PIPE => {}
            Failure::Output(error) => self.write(&format!("error: cannot write the output: {error}\n")),
            Failure::Reported => {}
        }
        exit
    }

    /// Reports an error; `name` is the one of many things that it concerns.
    pub(crate) fn error(&mut self, error: &Error, name: Option<&str>) {
        let text = match self.json {
            true => ErrorLine { error: ErrorRecord::new(error, name) }.line(),
            false => self.in_words(error, name),
        };
        self.write(&text);
    }

    /// Reports an error that was written down, of one of many things.
    pub(crate) fn fault(&mut self, fault: &Fault, name: &str) {
        if self.json {
            return self.write(&FaultLine::new(fault, name).line());
        }
        let mut text = format!("error: {}: {}\n", escaped(name), escaped(&fault.message));
        if let Some(cause) = &fault.cause {
            text += &format!("  cause: {}\n", escaped(cause));
        }
        if let Some(hint) = fault.hint.as_ref().filter(|hint| !self.hinted.iter().any(|given| given == *hint))
        {
            self.hinted.push(hint.clone().into());
            text += &format!("hint: {hint}\n");
        }
        self.write(&text);
    }

    fn in_words(&mut self, error: &Error, name: Option<&str>) -> String {
        let mut text = String::from("error: ");
        let named = error.to_string();
        match name {
            Some(name) if error.key() != Some(name) => text += &format!("{}: ", escaped(name)),
            _ => {}
        }
        text += &escaped(&named);
        text.push('\n');
        for cause in causes(error) {
            text += &format!("  cause: {}\n", escaped(&cause));
        }
        if let Some(hint) = error.hint().filter(|hint| !self.hinted.iter().any(|given| given == hint)) {
            self.hinted.push(hint.into());
            text += &format!("hint: {hint}\n");
        }
        text
    }

    /// Says that what was read may not be what the store has.
    pub(crate) fn read_from(&self, object: &Metadata) {
        if object.read_from == ReadFrom::LocalCopy {
            self.summary(&format!(
                "the store is away: this is the copy of {} on this machine, and others may have written since",
                escaped(object.key.as_str())
            ));
        }
    }

    /// Says in a line what was done, for people.
    pub(crate) fn summary(&self, text: &str) {
        if !self.quiet && !self.json {
            self.write(&format!("{text}\n"));
        }
    }

    fn write(&self, text: &str) {
        // Where standard error is closed nobody is left to be told; the exit status still says it.
        let _ = screen::cleared(|| std::io::stderr().lock().write_all(text.as_bytes()));
    }
}

/// The causes of an error, but those whose words were said already.
pub(crate) fn causes(error: &Error) -> Vec<String> {
    let mut said = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !text.is_empty() && !said.iter().any(|before| before.contains(&text)) {
            said.push(text);
        }
        next = cause.source();
    }
    said.split_off(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdall::ErrorKind;

    fn nested() -> Error {
        let inner = Error::new(ErrorKind::Unreachable, "connection refused");
        let middle = Error::new(ErrorKind::Unreachable, "connection refused").with_source(inner);
        Error::new(ErrorKind::Unreachable, "cannot connect").with_key("a\n").with_source(middle)
    }

    #[test]
    fn each_cause_is_said_once() {
        assert_eq!(causes(&nested()), ["connection refused"]);
    }

    #[test]
    fn a_hint_is_given_once() {
        let mut report = Report::new(false, false);
        let first = report.in_words(&nested(), Some("a\n"));
        assert!(first.starts_with("error: cannot connect key=\"a\\n\"\n  cause: connection refused\nhint: "));
        assert!(!report.in_words(&nested(), Some("other")).contains("hint"));
    }

    #[test]
    fn what_a_server_says_cannot_drive_the_terminal() {
        let error = Error::new(ErrorKind::Protocol, "\u{1b}[2J");
        assert!(!Report::new(false, false).in_words(&error, None).contains('\u{1b}'));
    }
}
