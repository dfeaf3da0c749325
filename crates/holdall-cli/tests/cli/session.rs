//! `holdall session`

use crate::shell::{Shell, stdout};
use holdall_testing::fault::{Fault, Rule};
use std::process::Output;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

fn with_files(shell: Shell) -> Shell {
    shell.write("page.html", "<h1>Shop</h1>").write("latin.html", b"<meta charset=latin1>\xe9");
    shell.write("shot.png", PNG).write("action.json", "{\"click\": 1}").write("trace.har", "a long trace");
    shell
}

fn folder() -> Shell {
    let shell = with_files(Shell::bare());
    let url = format!("file://{}", shell.path("store").display());
    shell.with("HOLDALL_STORE", &url)
}

/// A shell with a server, which names a folder for an outbox and says nothing of when it is used.
fn remote() -> Shell {
    let shell = with_files(Shell::new())
        .with("HOLDALL_ATTEMPTS", "1")
        .with("HOLDALL_LOG", "error")
        .with("HOLDALL_OUTBOX_MIN_FREE", "0")
        .with("HOLDALL_OUTBOX_ALLOW_VOLATILE", "true");
    let outbox = shell.path("outbox").display().to_string();
    shell.with("HOLDALL_OUTBOX_DIR", &outbox)
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const STORY: [&str; 24] = [
    "session ls",
    "session steps run-7",
    "session show run-7 0001",
    "session store run-7 0001 --html page.html --screenshot shot.png --action action.json --time 2025-01-02T03:04:05Z",
    "session store run-7 0002 --html latin.html --screenshot page.html --time 2025-01-02T03:04:06.5Z",
    "session store run-7 0003 --action {} --part trace.har=trace.har --time 2025-01-02T03:04:07Z",
    "session ls",
    "session ls --json",
    "session steps run-7",
    "session steps run-7 --json",
    "session steps run-7 --limit 2",
    "session steps run-7 0 --since 2025-01-02T03:04:06Z --until 2025-01-02T03:04:07Z --check",
    "session show run-7 0002",
    "session get run-7 0001 action",
    "session get run-7 0003 trace.har --range 2..6",
    "session store run-7 0001 --html latin.html -q",
    "session get run-7 0001 action",
    "session verify run-7",
    "session export run-7 out",
    "session export run-7 out --step 0001",
    "session export run-7 out.zip --zip --json",
    "session rm run-7 0001 0009",
    "session rm run-7",
    "session rm run-7",
];

/// SES-1, SES-2, SES-3, SES-4, SES-7, SES-13
#[test]
fn a_session_is_stored_listed_read_exported_and_deleted() {
    let shell = folder();
    shell.transcript("session", &STORY);
    assert_eq!(shell.read("out/run-7/0003/trace.har"), b"a long trace");
    assert!(shell.read("out.zip").starts_with(b"PK\x03\x04"));
    let left: Vec<_> =
        shell.files().into_iter().filter(|name| name.starts_with("store/sessions/run-7")).collect();
    assert_eq!(left, [""; 0]);
}

/// SES-1, SES-4: folder and server print the same.
#[test]
fn a_folder_and_a_server_say_the_same() {
    let (folder, remote) = (folder(), remote());
    for line in STORY.iter().filter(|line| !line.starts_with("session rm run-7")) {
        let words: Vec<&str> = line.split(' ').collect();
        let (one, other) = (folder.run(&words), remote.run(&words));
        assert_eq!(one.status.code(), other.status.code(), "{line}: {other:?}");
        let said = |bytes: &[u8], shell: &Shell| {
            let text = String::from_utf8_lossy(bytes).replace(&*shell.path("").to_string_lossy(), "");
            text.lines().filter(|line| !line.starts_with("stored: ")).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(said(&one.stdout, &folder), said(&other.stdout, &remote), "{line}");
        assert_eq!(said(&one.stderr, &folder), said(&other.stderr, &remote), "{line}");
    }
}

/// SES-10
#[test]
fn errors() {
    let shell = folder();
    shell.transcript(
        "session_errors",
        &[
            "session",
            "session store run-7 0001",
            "session store a/b 0001 --html page.html",
            "session store run-7 .holdall --html page.html",
            "session store run-7 0001 --html none.html",
            "session store run-7 0001 --action page.html",
            "session store run-7 0001 --html - --screenshot -",
            "session store run-7 0001 --part a=page.html --part a=shot.png",
            "session store run-7 0001 --html page.html --time yesterday",
            "session steps run-7 --after x",
            "session steps run-7 --limit 0",
            "session get run-7 0001 html",
            "session export run-7 out",
            "session verify run-7 0001",
            "session rm none",
        ],
    );
    assert!(!shell.path("store").exists(), "nothing was written");
}

/// SES-6: without a word in the settings a step waits, is read at once, and is sent later.
#[test]
fn a_step_waits_while_the_store_is_away_unless_it_is_told_not_to() {
    let shell = remote();
    shell.server().add_rule(Rule::new(Fault::Reset));
    let stored = shell.run(&["session", "store", "run-7", "0001", "--html", "page.html"]);
    assert_eq!(stored.status.code(), Some(0), "{stored:?}");
    let said = stderr(&stored);
    assert!(said.contains("queued run-7/0001: 1 part") && said.contains("holdall outbox drain"), "{said}");
    assert_eq!(stdout(&shell.run(&["session", "get", "run-7", "0001", "html"])), "<h1>Shop</h1>");
    let other = shell.run(&["session", "get", "run-7", "0002", "html"]);
    assert_eq!(other.status.code(), Some(5), "{other:?}");
    let line = ["session", "store", "run-7", "0002", "--html", "page.html", "--require-remote"];
    assert_eq!(shell.run(&line).status.code(), Some(5));
    let told = shell.run(&["session", "show", "run-7", "0001", "--json"]);
    assert!(stdout(&told).contains("\"read_from\":\"outbox\""), "{told:?}");
    let raise = shell.command(&["session", "store", "run-7", "0003", "--html", "page.html"]);
    let mut raise = raise;
    let raised = raise.env("HOLDALL_ON_REMOTE_ERROR", "raise").output().unwrap();
    assert_eq!(raised.status.code(), Some(5), "{raised:?}");
    shell.server().clear_rules();
    stdout(&shell.run(&["outbox", "drain", "-q"]));
    let listed = stdout(&shell.run(&["session", "steps", "run-7", "--check"]));
    assert_eq!(listed.lines().count(), 2, "{listed}");
    stdout(&shell.run(&["session", "verify", "run-7"]));
}

/// MIG-1
#[test]
fn files_are_adopted() {
    let shell = folder();
    shell.write("store/sessions/old/1/page.html", "<p>").write("store/sessions/old/2.png", PNG);
    shell.write("store/sessions/old/3/action.json", "none");
    shell.transcript(
        "session_adopt",
        &[
            "session adopt --dry-run",
            "session adopt old",
            "session adopt --json",
            "session ls",
            "session get old 1 html",
            "session verify old",
        ],
    );
    assert_eq!(shell.read("store/sessions/old/2.png"), PNG);
}

/// SES-3
#[test]
fn standard_input_is_a_part() {
    let shell = folder();
    let stored = shell.feed(&["session", "store", "run-7", "0001", "--html", "-"], b"<p>fed</p>");
    assert!(stored.status.success(), "{stored:?}");
    assert_eq!(stdout(&shell.run(&["session", "get", "run-7", "0001", "html"])), "<p>fed</p>");
}

/// SES-2
#[test]
fn damage_is_found_and_what_can_be_is_mended() {
    let shell = folder();
    stdout(&shell.run(&["session", "store", "run-7", "0001", "--html", "page.html", "-q"]));
    let files = shell.files();
    let page = files.iter().find(|name| name.starts_with("store/") && name.ends_with("page.html")).unwrap();
    shell.write(page, "<h1>Shot</h1>");
    let found = shell.run(&["session", "verify", "run-7", "--mend", "--json"]);
    assert_eq!(found.status.code(), Some(1), "{found:?}");
    assert!(
        String::from_utf8_lossy(&found.stdout)
            .starts_with("{\"fault\":\"different\",\"step\":\"0001\",\"part\":\"html\"")
    );
    let read = shell.run(&["session", "get", "run-7", "0001", "html"]);
    assert_eq!(read.status.code(), Some(1), "{read:?}");
    let index = files.iter().find(|name| name.contains(".holdall-index/")).unwrap();
    std::fs::remove_file(shell.path(index)).unwrap();
    stdout(&shell.run(&["session", "store", "run-7", "0002", "--html", "page.html", "-q"]));
    stdout(&shell.run(&["session", "store", "run-7", "0001", "--html", "page.html", "-q"]));
    assert_eq!(stdout(&shell.run(&["session", "steps", "run-7"])).lines().count(), 2);
}
