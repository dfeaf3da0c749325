//! What a question to the server came to.

use super::finding::Finding;
use super::mend;
use holdall_s3::{ErrorKind as Kind, Stage};
use std::error::Error as _;

/// Why a question was not answered, as values that judgements can be tested with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    pub(super) code: Option<String>,
    pub(super) status: Option<u16>,
    pub(super) stage: Option<Stage>,
    /// The fault in words, with its causes.
    pub(super) text: String,
}

/// An answer, or why there is none.
pub(super) type Asked<T> = Result<T, Fault>;

impl From<holdall_s3::Error> for Fault {
    fn from(error: holdall_s3::Error) -> Self {
        let mut text = error.message().to_owned();
        let mut cause = error.source();
        while let Some(error) = cause {
            let said = error.to_string();
            if !text.contains(&said) {
                text += &format!(": {said}");
            }
            cause = error.source();
        }
        Self {
            kind: error.kind(),
            code: error.code().map(str::to_owned),
            status: error.status(),
            stage: error.stage(),
            text,
        }
    }
}

impl Fault {
    /// Adds what the service said to a finding.
    pub(super) fn told_in(&self, finding: Finding) -> Finding {
        let finding = match &self.code {
            Some(code) => finding.fact("code", code),
            None => finding,
        };
        match self.status {
            Some(status) => finding.fact("status", status),
            None => finding,
        }
    }

    pub(super) fn has_code(&self, codes: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|code| codes.contains(&code))
    }
}

/// A question about a bucket that holdall can do without.
pub(super) struct Question {
    /// The check it belongs to.
    pub(super) check: &'static str,
    /// What it is about, such as `versioning`.
    pub(super) about: &'static str,
    /// The right that is needed to ask.
    pub(super) right: &'static str,
}

impl Question {
    /// Judges an answer; without one it is nobody's fault.
    pub(super) fn judge<T>(&self, asked: Asked<T>, known: impl FnOnce(T) -> Vec<Finding>) -> Vec<Finding> {
        match asked {
            Ok(answer) => known(answer),
            Err(fault) => vec![self.open(&fault)],
        }
    }

    /// What is said where the answer stays open.
    pub(super) fn open(&self, fault: &Fault) -> Finding {
        let Self { check, about, right } = self;
        let finding = match fault.kind {
            Kind::PermissionDenied | Kind::Credentials => {
                Finding::unknown(check, format!("the credentials may not ask for {about}"))
                    .means("it stays unknown; putting, getting, deleting and listing do not need it")
                    .mend(mend::allow_to_ask(right))
            }
            Kind::Unsupported => Finding::note(check, format!("the server knows nothing of {about}")),
            _ => Finding::unknown(check, format!("asking for {about} failed: {}", fault.text)),
        };
        fault.told_in(finding)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::doctor::Status;

    pub(in crate::doctor) fn fault(kind: Kind, code: &str) -> Fault {
        let code = Some(code.to_owned()).filter(|code| !code.is_empty());
        Fault { kind, status: code.as_ref().map(|_| 403), code, stage: None, text: "said so".to_owned() }
    }

    /// The first finding's status, words and mending step.
    pub(in crate::doctor) fn seen(findings: &[Finding]) -> (Status, &str, &str) {
        let first = &findings[0];
        (first.status, &first.what, first.mend.as_deref().unwrap_or(""))
    }

    #[test]
    fn what_may_not_be_asked_is_unknown_and_names_the_right() {
        let question = Question { check: "bucket.x", about: "x", right: "s3:GetX" };
        let judged = |kind| question.judge(Err::<(), _>(fault(kind, "C")), |()| unreachable!());
        let denied = judged(Kind::PermissionDenied);
        assert_eq!(seen(&denied).0, Status::Unknown);
        assert!(seen(&denied).2.contains("s3:GetX"), "{denied:?}");
        assert_eq!(seen(&judged(Kind::Unsupported)).0, Status::Note);
        let failed = judged(Kind::Unreachable);
        assert_eq!(seen(&failed), (Status::Unknown, "asking for x failed: said so", ""));
        assert_eq!(failed[0].facts, [("code", "C".to_owned()), ("status", "403".to_owned())]);
    }
}
