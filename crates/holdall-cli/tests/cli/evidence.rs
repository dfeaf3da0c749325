//! `holdall evidence` (EVI-8 … EVI-11, MIG-1).

mod kills;

use crate::shell::{Shell, stdout};
use serde_json::Value;

const WHEN: &str = "2026-01-15T12:00:00";

fn json(shell: &Shell, words: &[&str]) -> Value {
    serde_json::from_str(&stdout(&shell.run(words))).unwrap()
}

#[test]
/// EVI-8, EVI-9, EVI-10
fn evidence_is_stored_read_listed_and_removed() {
    for (name, shell) in [("evidence_folder", Shell::folder()), ("evidence_server", Shell::new())] {
        shell.write("data.json", r#"{"b": 1.50, "a": "x"}"#).write("other.json", r#"{"a": 1}"#);
        shell.write("run.json", r#"{"model": "m-3"}"#);
        let store =
            format!("evidence store d-1 --type risk data.json --metadata run.json --created-at {WHEN}");
        let replace = format!("evidence store d-1 --type risk other.json --replace --created-at {WHEN}");
        shell.transcript(
            name,
            &[
                &store,
                &store,
                &format!("{store} --json"),
                &format!("evidence store d-1 --type price other.json --created-at {WHEN}"),
                "evidence get d-1",
                "evidence get d-1 --data",
                "evidence get d-1 --json",
                "evidence ls",
                "evidence ls --type risk --year 2026 --month 2",
                "evidence verify",
                &replace,
                "evidence get d-1 --data",
                "evidence verify --json",
                "evidence rm d-1",
                "evidence get d-1",
                "evidence rm d-1",
                "evidence ls",
            ],
        );
    }
}

#[test]
/// EVI-11
fn files_are_attached_listed_kept_and_removed() {
    let shell = Shell::folder();
    shell.write("data.json", "{}").write("scan.pdf", "%PDF").write("other.pdf", "other");
    stdout(&shell.run(&["evidence", "store", "d-1", "--type", "risk", "data.json"]));
    let attached = json(&shell, &["evidence", "attach", "d-1", "scan.pdf", "--meta", "page=3", "--json"]);
    assert_eq!((attached["outcome"].as_str(), attached["size"].as_u64()), (Some("stored"), Some(4)));
    let again = json(&shell, &["evidence", "attach", "d-1", "scan.pdf", "--json"]);
    assert_eq!((again["outcome"].as_str(), &again["key"]), (Some("unchanged"), &attached["key"]));
    let refused = shell.run(&["evidence", "attach", "d-1", "other.pdf", "--name", "scan.pdf"]);
    assert_eq!(refused.status.code(), Some(6), "{refused:?}");
    let listed = json(&shell, &["evidence", "attachments", "d-1", "--json"]);
    assert_eq!(
        (listed["name"].as_str(), listed["content_type"].as_str()),
        (Some("scan.pdf"), Some("application/pdf"))
    );
    assert_eq!(stdout(&shell.run(&["evidence", "attachments", "d-1", "--cat", "scan.pdf"])), "%PDF");
    let removed = json(&shell, &["evidence", "rm", "d-1", "--json"]);
    assert_eq!((removed["bundle"].as_bool(), removed["kept"][0].as_str()), (Some(true), Some("scan.pdf")));
    let removed = json(&shell, &["evidence", "rm", "d-1", "--attachments", "--json"]);
    assert_eq!(removed["removed"][0], "scan.pdf");
    assert_eq!(stdout(&shell.run(&["evidence", "attachments", "d-1"])), "");
}

#[test]
/// EVI-8, EVI-9
fn what_it_refuses() {
    let shell = Shell::new();
    shell
        .write("large.json", "{\"n\": 9007199254740993}")
        .write("twice.json", "{\"a\": 1, \"a\": 2}")
        .write("half.json", "{\"a\": \"\\ud800\"}")
        .write("no.json", "{a}")
        .write("list.json", "[]")
        .write("fine.json", "{}");
    let long = format!("evidence get {}", "x".repeat(300));
    shell.transcript(
        "evidence_errors",
        &[
            "evidence store d-1 --type risk large.json",
            "evidence store d-1 --type risk twice.json",
            "evidence store d-1 --type risk half.json",
            "evidence store d-1 --type risk no.json",
            "evidence store d-1 --type risk missing.json",
            "evidence store d-1 --type risk fine.json --metadata list.json",
            "evidence store d-1 --type by-id fine.json",
            "evidence store a/b --type risk fine.json",
            "evidence store d-1 --type risk fine.json --created-at yesterday",
            "evidence store d-1 fine.json",
            &long,
            "evidence get ..",
            "evidence get none",
            "evidence ls --month 1",
            "evidence ls --year 2026 --month 13",
            "evidence share d-1 --until 2020-01-01T00:00:00Z",
            "evidence share d-1 --expires 0s",
            "evidence attach d-1 .",
            "evidence verify none",
        ],
    );
    assert!(
        shell.server().objects("b").keys().all(|key| !key.contains("evidence")),
        "nothing is half written"
    );
}

#[test]
/// EVI-9
fn a_link_is_fetched_by_anybody() {
    let shell = Shell::new();
    shell.write("data.json", r#"{"a": 1}"#);
    stdout(&shell.run(&["evidence", "store", "d-1", "--type", "risk", "data.json"]));
    let url = stdout(&shell.run(&["evidence", "share", "d-1", "--expires", "1h"]));
    let (status, body) = crate::shell::fetch(url.trim());
    assert_eq!(
        (status, body),
        (200, stdout(&shell.run(&["evidence", "get", "d-1"])).trim_end().as_bytes().to_vec())
    );
}

#[test]
/// MIG-1
fn existing_evidence_is_adopted() {
    let shell = Shell::folder();
    let foreign = r#"{"decision_id":"d-1","evidence_type":"risk","version":"1.0","created_at":"2025-11-02T08:30:00","checksum":"c0ffee","metadata":{},"evidence_data":{"a":1}}"#;
    shell
        .write("store/evidence/risk/2025/11/d-1.json", foreign)
        .write("store/evidence/risk/2025/11/d-2.json", "{}");
    shell.transcript(
        "evidence_adopt",
        &[
            "evidence adopt --dry-run",
            "evidence adopt",
            "evidence adopt --json",
            "evidence get d-1",
            "evidence verify d-1",
        ],
    );
}
