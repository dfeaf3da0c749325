//! What a check found.

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All is well.
    Ok,
    /// Something to know, which is not wrong.
    Note,
    /// Something that may cost data, money or secrecy some day.
    Warning,
    /// Something does not work, or is open to strangers.
    Problem,
    /// It could not be found out.
    Unknown,
}

/// What one check found, what that means, and what mends it.
///
/// Texts may hold what a server said and are to be shown as such. They never hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The check, such as `bucket.lifecycle`. One with several faults has a finding for each.
    pub check: &'static str,
    /// How it ended.
    pub status: Status,
    /// What was found.
    pub what: String,
    /// What that means for whoever uses the store; none where all is well.
    pub means: Option<String>,
    /// The command or the setting that mends it; none where there is nothing to mend.
    pub mend: Option<String>,
    /// Figures and names, such as the clock's skew in seconds.
    pub facts: Vec<(&'static str, String)>,
}

impl Finding {
    fn new(check: &'static str, status: Status, what: impl Into<String>) -> Self {
        Self { check, status, what: what.into(), means: None, mend: None, facts: Vec::new() }
    }

    pub(super) fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, Status::Ok, what)
    }

    pub(super) fn note(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, Status::Note, what)
    }

    pub(super) fn warning(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, Status::Warning, what)
    }

    pub(super) fn problem(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, Status::Problem, what)
    }

    pub(super) fn unknown(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, Status::Unknown, what)
    }

    pub(super) fn means(mut self, text: impl Into<String>) -> Self {
        self.means = Some(text.into());
        self
    }

    pub(super) fn mend(mut self, text: impl Into<String>) -> Self {
        self.mend = Some(text.into());
        self
    }

    pub(super) fn fact(mut self, name: &'static str, value: impl ToString) -> Self {
        self.facts.push((name, value.to_string()));
        self
    }
}

/// How many findings there were of each status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Checks that found all well.
    pub ok: usize,
    /// Notes.
    pub notes: usize,
    /// Warnings.
    pub warnings: usize,
    /// Problems.
    pub problems: usize,
    /// What could not be found out.
    pub unknown: usize,
}

impl Tally {
    /// Counts a status.
    pub fn add(&mut self, status: Status) {
        let count = match status {
            Status::Ok => &mut self.ok,
            Status::Note => &mut self.notes,
            Status::Warning => &mut self.warnings,
            Status::Problem => &mut self.problems,
            Status::Unknown => &mut self.unknown,
        };
        *count += 1;
    }
}
