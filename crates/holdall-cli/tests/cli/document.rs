//! `holdall document`.

mod e2e;
mod kills;

use crate::shell::{Shell, stdout};
use holdall_testing::fault::{Fault, Kind, Rule, Script};
use serde_json::Value;
use std::process::Output;

const JOB: &str = r#"{"reference": "25/00284/F", "documents": [
  {"path": "in/Transport.pdf", "source_url": "https://portal.example/d/1", "document_type": "report"},
  {"path": "in/Site plan.pdf", "source_url": "https://portal.example/d/2", "description": "the site"}]}"#;

/// Nobody may read an ACL back, so that the server's word has to do.
fn no_acls() -> Rule {
    Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::Other).query("acl")
}

/// A shell with a server whose objects are public, and a job.
fn s3() -> Shell {
    let shell = Shell::on(Script::new().bucket("b").rule(no_acls()))
        .with("HOLDALL_ACL", "public-read")
        .with("HOLDALL_ROOTS", "documents=planning/")
        .with("HOLDALL_LOG", "error")
        .with("HOLDALL_ATTEMPTS", "1");
    write(&shell);
    shell
}

fn folder() -> Shell {
    let shell = Shell::folder();
    write(&shell);
    shell
}

fn write(shell: &Shell) {
    shell.write("job.json", JOB).write("in/Transport.pdf", "transport").write("in/Site plan.pdf", "plan");
}

fn json(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn there(shell: &Shell) -> [bool; 2] {
    ["in/Transport.pdf", "in/Site plan.pdf"].map(|name| shell.path(name).exists())
}

/// DOC-14, ORC-1, ORC-2
#[test]
fn a_job_from_its_files_to_its_report() {
    let shell = s3();
    shell.transcript("document", &["document status job.json", "document run job.json"]);
    assert_eq!(there(&shell), [true, true], "nothing goes without an ingester");
    let ran = shell.run(&["document", "run", "job.json", "--exec", "/bin/cp {} .", "--json"]);
    assert!(ran.status.success(), "{ran:?}");
    assert_eq!(there(&shell), [false, false]);
    assert_eq!(shell.read("Site plan.pdf"), b"plan", "a blank in a name parts no words");
    let records = json(&ran);
    assert_eq!(records[0]["document_type"], "report");
    assert_eq!(records[1]["source_url"], "https://portal.example/d/2");
    let object = shell.server().object("b", "planning/25_00284_F/002_Site_plan.pdf").unwrap();
    assert_eq!(object.bytes, b"plan");
    shell.transcript(
        "document_report",
        &[
            "document run job.json",
            "document status job.json",
            "document status job.json --json",
            "document report job.json",
            "document report job.json --json",
        ],
    );
}

/// ORC-5, DOC-1, ITS-2
#[test]
fn a_job_where_the_store_is_a_folder() {
    let shell = folder();
    let ran = shell.run(&["document", "run", "job.json", "--exec", "/bin/cp {} ."]);
    assert!(ran.status.success(), "{ran:?}");
    assert_eq!(there(&shell), [true, true]);
    assert_eq!(shell.files().iter().filter(|name| name.starts_with("store/")).count(), 0);
    shell.transcript("document_folder", &["document run job.json", "document report job.json"]);
}

/// ORC-3, ORC-4, DOC-7, DOC-8: each failure is said, and the rest go on.
#[test]
fn what_fails_is_said_and_the_rest_go_on() {
    let shell = s3();
    shell.server().add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::Put).key("001_"));
    let ran = shell.run(&["document", "run", "job.json", "--exec", "/bin/cp {} missing/", "--json"]);
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(said.contains(r#""kind":"permission_denied""#), "{said}");
    assert!(
        said.contains(r#""kind":"ingestion","message":"the command ended with exit status: 1""#),
        "{said}"
    );
    assert_eq!(there(&shell), [true, true]);
    assert_eq!(json(&ran)[0]["url"], "https://portal.example/d/1");
    shell.transcript("document_failed", &["document run job.json", "document status job.json"]);
}

/// DOC-7: of two processes that run one job, one does; nothing is ingested twice.
#[test]
fn a_job_is_run_by_one_process_at_a_time() {
    for shell in [s3(), folder()] {
        let exec = "/bin/sh -c 'echo x >> count; sleep 0.5' {}";
        let start = || shell.spawn(&["document", "run", "job.json", "--exec", exec, "-q"]);
        let ended = [start(), start()].map(|child| child.wait_with_output().unwrap());
        let mut codes = ended.each_ref().map(|output| output.status.code());
        codes.sort_unstable();
        assert_eq!(codes, [Some(0), Some(6)], "{ended:?}");
        assert_eq!(shell.read("count"), b"x\nx\n");
    }
}

/// DOC-7: queued is done and is said; with --require-remote it is status 5.
#[test]
fn a_job_waits_in_the_outbox() {
    let shell = crate::outbox::shell();
    write(&shell);
    shell.server().add_rule(Rule::new(Fault::Reset));
    let run = |more: &[&str]| {
        let words = [&["document", "run", "job.json", "--exec", "/bin/true {}", "--json"][..], more].concat();
        shell.run(&words)
    };
    let ran = run(&[]);
    assert!(ran.status.success(), "{ran:?}");
    assert!(
        json(&ran).iter().all(|record| record["upload"] == "queued" && record["file"] == "kept"),
        "{ran:?}"
    );
    assert_eq!(there(&shell), [true, true]);
    shell.server().clear_rules();
    stdout(&shell.run(&["outbox", "drain"]));
    let ran = run(&["--require-remote"]);
    assert!(ran.status.success(), "{ran:?}");
    assert!(json(&ran).iter().all(|record| record["state"] == "deleted"), "{ran:?}");
    assert_eq!(there(&shell), [false, false]);
}

/// REV-1, REV-2, LET-1, LET-2, DOC-9
#[test]
fn outputs_are_uploaded_and_their_failure_is_a_warning() {
    let shell = s3();
    shell.write("out/7_review.json", "{}").write("out/7_review.md", "# R").write("out/7_letter.md", "Dear");
    shell.server().add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::Put).key("7_review.json"));
    let words =
        ["document", "run", "job.json", "--exec", "/bin/true {}", "--outputs", "out", "--log", "warn"];
    let ran = shell.run(&words);
    assert!(ran.status.success(), "{ran:?}");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(said.contains("WARN holdall::document: the output was not uploaded"), "{said}");
    assert!(said.contains("2 outputs uploaded"), "{said}");
    let stored =
        |name: &str| shell.server().object("b", &format!("planning/25_00284_F/output/{name}")).is_some();
    assert_eq!(["7_review.json", "7_review.md", "7_letter.md"].map(stored), [false, true, true]);
}

/// MIG-1
#[test]
fn what_another_program_uploaded_is_adopted() {
    let shell = s3();
    shell.server().put_object("b", "planning/25_00284_F/001_Transport.pdf", b"transport");
    shell.transcript(
        "document_adopt",
        &[
            "document adopt job.json --dry-run",
            "document status job.json",
            "document adopt job.json --ingested --json",
            "document adopt job.json",
            "document run job.json",
        ],
    );
    let ran = shell.run(&["document", "run", "job.json", "--exec", "/bin/true {}"]);
    assert!(ran.status.success(), "{ran:?}");
    assert_eq!(there(&shell), [false, false]);
}

#[test]
fn usage_and_errors() {
    let shell = folder();
    shell.write("none.json", "x").write("later.json", r#"{"schema": "holdall.job/2", "reference": "a"}"#);
    shell.write("up.json", r#"{"reference": "..", "documents": []}"#).write("other.journal", "hello\n");
    shell.write("twice.json", r#"{"reference": "a", "documents": [{"path": "in/x"}, {"path": "./in/x"}]}"#);
    shell.transcript(
        "document_errors",
        &[
            "document",
            "document run",
            "document run nowhere.json",
            "document run none.json",
            "document run later.json",
            "document run up.json",
            "document run twice.json",
            "document run job.json --journal other.journal",
            "document run job.json --exec ingest",
            "document run job.json --exec {}",
            "document run job.json --exec 'ingest",
            "document run job.json --ingest-at-once 0",
            "document run job.json --outputs nowhere",
            "document status nowhere.json",
            "document report nowhere.json",
            "document report job.json --journal other.journal",
            "document adopt job.json",
        ],
    );
}

/// DOC-2, S3B-6, S3B-7: a job does not begin where settings are missing or nobody answers.
#[test]
fn a_job_does_not_begin_without_its_store() {
    let shell = s3();
    shell.server().add_rule(Rule::new(Fault::Reset));
    let ran = shell.run(&["document", "run", "job.json"]);
    assert_eq!(ran.status.code(), Some(5), "{ran:?}");
    assert!(!shell.path("job.json.journal").exists());
    let shell = shell.variant("HOLDALL_STORE", "");
    write(&shell);
    let ran = shell.run(&["document", "run", "job.json"]);
    assert_eq!(ran.status.code(), Some(2), "{ran:?}");
    assert!(String::from_utf8_lossy(&ran.stderr).contains("S3_BUCKET"), "{ran:?}");
}

/// ENV-1: what a worker is given is what its `config` shows.
#[test]
fn the_workers_configuration_shows_its_variables() {
    let shell =
        s3().with("HOLDALL_STAGING_DIR", "/var/tmp/staging").with("HOLDALL_LOCAL_DIR", "/srv/documents");
    let config = stdout(&shell.run(&["config"]));
    for (name, value) in [
        ("roots", "documents=planning/"),
        ("acl", "public-read"),
        ("staging_dir", "/var/tmp/staging"),
        ("local_dir", "/srv/documents"),
    ] {
        let line =
            config.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {config}"));
        assert!(line.contains(value), "{line}");
    }
}
