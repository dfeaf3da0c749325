//! `holdall doctor` on what was broken on purpose: each fault is found, and its mending step is named.

mod ceph;
mod folder;
mod server;
mod settings;

use crate::shell::Shell;
use serde_json::Value;

/// What a doctor found.
pub(crate) struct Report {
    findings: Vec<Value>,
    summary: Value,
    status: i32,
}

/// Runs the doctor with these arguments more.
pub(crate) fn doctor(shell: &Shell, arguments: &[&str]) -> Report {
    let output = shell.run(&[&["doctor", "--json"], arguments].concat());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!said.contains("canary"), "a secret is shown: {said}");
    let mut findings: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = findings.pop().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let status = output.status.code().unwrap();
    let report = Report { findings, summary: summary["summary"].clone(), status };
    let problems = report.of_status("problem").len();
    assert_eq!(report.summary["problems"], problems, "{said}");
    assert_eq!(report.status, i32::from(problems > 0), "the exit status says whether there are problems");
    report
}

impl Report {
    fn of_status(&self, status: &str) -> Vec<&Value> {
        self.findings.iter().filter(|finding| finding["status"] == status).collect()
    }

    /// The finding of a check that has this status.
    pub(crate) fn find(&self, check: &str, status: &str) -> &Value {
        let mut found = self.findings.iter().filter(|finding| finding["check"] == check);
        found.find(|finding| finding["status"] == status).unwrap_or_else(|| {
            panic!("{check} is not {status} in {:#?}", self.findings);
        })
    }

    /// Asserts that a check has this status, and that its mending step names all of these.
    pub(crate) fn names(&self, check: &str, status: &str, mend: &[&str]) {
        let finding = self.find(check, status);
        let said = finding["mend"].as_str().unwrap_or_default();
        assert!(finding["means"].is_string() && mend.iter().all(|part| said.contains(part)), "{finding:#}");
    }

    /// Asserts that these and no others are problems.
    pub(crate) fn problems(&self, checks: &[&str]) {
        let found: Vec<&str> =
            self.of_status("problem").iter().map(|finding| finding["check"].as_str().unwrap()).collect();
        assert_eq!(found, checks, "{:#?}", self.findings);
    }

    /// Asserts that a check was not made.
    pub(crate) fn lacks(&self, check: &str) {
        assert!(self.findings.iter().all(|finding| finding["check"] != check), "{:#?}", self.findings);
    }
}
