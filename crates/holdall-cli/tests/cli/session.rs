//! `holdall session`

use crate::real::Bucket;
use crate::shell::{Shell, stdout};
use holdall_testing::fault::{Fault, Rule};
use holdall_testing::server::Server;
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

/// SES-1, SES-2, SES-3, SES-4, SES-7
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
            "session expire run-7 0001 --after 1h",
            "session expire run-7 --never",
            "session expire run-7 0001 --after 0s",
            "session expire run-7 0001 --at 2020-01-02T03:04:05Z",
            "session expire run-7 --at tomorrow",
            "session expire run-7",
            "session expire run-7 --never --after 1h",
            "session store run-7 0001 --html page.html --expires 0s",
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

/// SES-8: a step that has expired is not there, and is swept with what else has, in a folder and on servers.
#[test]
fn ses_8_steps_expire_and_are_swept() {
    expire_and_sweep(&folder());
    expire_and_sweep(&remote());
    for server in Server::all_from_env().unwrap() {
        let mut bucket = Bucket::on(&server, "steps-expire");
        let shell = std::mem::replace(&mut bucket.shell, Shell::bare());
        bucket.shell = shell.with("HOLDALL_ON_REMOTE_ERROR", "raise");
        bucket.shell.write("page.html", "<h1>Shop</h1>");
        expire_and_sweep(&bucket.shell);
    }
}

fn expire_and_sweep(shell: &Shell) {
    let run = |line: &str| shell.run(&line.split(' ').collect::<Vec<_>>());
    let said = |line: &str| stdout(&run(line));
    for step in ["0002", "0003"] {
        said(&format!("session store run-7 {step} --html page.html"));
    }
    let at = "2099-01-02T03:04:05";
    let set = run(&format!("session expire run-7 0002 --at {at}Z"));
    assert_eq!(stderr(&set), format!("run-7/0002 expires {at}.000Z\n"));
    assert!(said("session steps run-7 --json").contains(&format!("\"expires\":\"{at}.000Z\"")));
    assert!(said("session show run-7 0002 --json").contains(&format!("\"expires\":\"{at}.000Z\"")));
    assert!(said("session show run-7 0002").contains(&format!("\nexpires: {at}Z\n")));
    assert_eq!(stderr(&run("session expire run-7 0002 --never")), "run-7/0002 never expires\n");
    assert!(!said("session show run-7 0002 --json").contains("expires"));
    said("session store run-7 0001 --html page.html --expires 1s");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(run("session get run-7 0001 html").status.code(), Some(3));
    assert_eq!(said("session steps run-7 --json").lines().count(), 2);
    let marker = "sessions/run-7/0001/step.json\n";
    assert_eq!(said("expire sweep --grace 0s --dry-run"), marker);
    let swept = run("expire sweep --grace 0s");
    assert_eq!(stdout(&swept), marker);
    assert_eq!(stderr(&swept), "deleted 0 objects and 1 step, 13 B\n");
    assert_eq!(said("expire sweep --grace 0s"), "");
    assert!(!said("ls -r").contains("run-7/0001/"));
    let all = run("session expire run-7 --after 1s --json");
    assert!(stdout(&all).starts_with("{\"session\":\"run-7\",\"steps\":2,\"expires\":\"2"), "{all:?}");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(said("session ls"), "");
    assert_eq!(said("expire sweep --grace 0s").lines().count(), 2);
}
