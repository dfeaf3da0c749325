//! Folders that are watched: nothing is torn, nothing is missing in the end, and nothing goes that should stay.

mod limits;
mod manifest;
pub(crate) mod watcher;
mod writers;

use crate::shell::Shell;
use holdall_testing::fault::{Fault, Kind, Rule};
use rustix::process::Signal;
use std::fs;
use std::time::Duration;
use watcher::{Watcher, state_shell, stored, until};

#[test]
fn what_is_there_is_stored_first_and_then_what_is_closed_renamed_or_linked() {
    let shell = state_shell();
    shell.write("in/old", "old").write("in/sub/old", "sub");
    let mut watcher = Watcher::start(&shell, &["watch", "in", "p"]);
    watcher.until_scanned();
    assert_eq!(stored(&shell, "p/"), ["old", "sub/old"]);
    shell.write("in/new", "new").write("in/made/at/once/deep", "deep");
    shell.write("elsewhere/a", "a").write("elsewhere/b/c", "c");
    fs::rename(shell.path("elsewhere"), shell.path("in/moved")).unwrap();
    fs::hard_link(shell.path("in/old"), shell.path("in/linked")).unwrap();
    fs::rename(shell.path("in/sub"), shell.path("in/renamed")).unwrap();
    shell.write("in/renamed/later", "later");
    let wanted = [
        "linked",
        "made/at/once/deep",
        "moved/a",
        "moved/b/c",
        "new",
        "old",
        "renamed/later",
        "renamed/old",
        "sub/old",
    ];
    until("all is stored", || stored(&shell, "p/") == wanted);
    for name in wanted.iter().filter(|name| **name != "sub/old") {
        let object = shell.server().object("b", &format!("p/{name}")).unwrap();
        assert!(object.bytes == shell.read(&format!("in/{name}")), "{name}");
    }
    assert_eq!(watcher.end(Signal::TERM), Some(0));
}

#[test]
fn a_file_is_stored_when_its_writer_closed_it_and_not_before() {
    use std::io::Write;
    let shell = state_shell();
    shell.write("in/first", "1");
    let mut held = fs::File::create(shell.path("in/held")).unwrap();
    held.write_all(b"half").unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let mut watcher = Watcher::start(&shell, &["watch", "in", "p", "--rescan", "200ms"]);
    watcher.until_scanned();
    std::thread::sleep(Duration::from_millis(700));
    shell.write("in/after", "2");
    until("a later file is stored", || shell.server().object("b", "p/after").is_some());
    assert!(shell.server().object("b", "p/held").is_none(), "it is open for writing");
    held.write_all(b" and whole").unwrap();
    drop(held);
    until("it is stored", || shell.server().object("b", "p/held").is_some());
    assert_eq!(shell.server().object("b", "p/held").unwrap().bytes, b"half and whole");
    assert_eq!(watcher.end(Signal::INT), Some(0));
    let sent = |key: &str| shell.server().log().iter().filter(|s| s.method == "PUT" && s.key == key).count();
    assert_eq!((sent("p/held"), sent("p/first"), sent("p/after")), (1, 1, 1));
}

#[test]
fn an_outage_is_told_once_and_everything_is_there_after_it() {
    let shell = state_shell().with("HOLDALL_ATTEMPTS", "1");
    shell.write("in/a", "a");
    let mut watcher = Watcher::start(&shell, &["watch", "in", "p", "--json"]);
    watcher.until_scanned();
    shell.server().add_rule(Rule::new(Fault::Reset));
    for n in 0..50 {
        shell.write(&format!("in/{n}"), n.to_string());
    }
    watcher.until(|event| event["event"] == "down");
    std::thread::sleep(Duration::from_secs(2));
    shell.write("in/a", "changed meanwhile");
    shell.server().clear_rules();
    watcher.until(|event| event["event"] == "up");
    until("all is stored", || stored(&shell, "p/").len() == 51);
    until("the change is stored", || {
        shell.server().object("b", "p/a").unwrap().bytes == b"changed meanwhile"
    });
    assert_eq!(watcher.end(Signal::TERM), Some(0));
    let told = |what: &str| watcher.events.iter().filter(|event| event["event"] == what).count();
    assert_eq!((told("down"), told("up"), told("failed")), (1, 1, 0));
}

#[test]
fn top_8_after_a_kill_only_what_changed_is_sent() {
    let shell = state_shell();
    for n in 0..200 {
        shell.write(&format!("in/{n}"), n.to_string());
    }
    let mut watcher = Watcher::start(&shell, &["watch", "in", "p"]);
    watcher.until_scanned();
    shell.write("in/late", "late");
    until("all is stored", || stored(&shell, "p/").len() == 201);
    watcher.kill();
    shell.write("in/7", "changed").write("in/more", "more");
    shell.server().clear_log();
    let mut watcher = Watcher::start(&shell, &["watch", "in", "p"]);
    watcher.until_scanned();
    until("the change is stored", || shell.server().object("b", "p/7").unwrap().bytes == b"changed");
    until("the new file is stored", || shell.server().object("b", "p/more").is_some());
    assert_eq!(watcher.end(Signal::TERM), Some(0));
    let log = shell.server().log();
    let mut sent: Vec<_> = log
        .iter()
        .filter(|s| s.method == "PUT")
        .map(|s| &*s.key)
        .filter(|key| key.starts_with("p/"))
        .collect();
    sent.sort_unstable();
    assert_eq!(sent, ["p/7", "p/more"]);
}

#[test]
fn deletes_follow_files_and_never_the_folder() {
    let shell = state_shell();
    for n in 0..30 {
        shell.write(&format!("in/keep/{n}"), "x");
    }
    for n in 0..5 {
        shell.write(&format!("in/go/{n}"), "x");
    }
    shell.server().put_object("b", "p/surplus", b"x");
    shell.server().put_object("b", "q/other", b"x");
    let mut watcher = Watcher::start(&shell, &["watch", "in", "p", "--delete", "--json"]);
    watcher.until_scanned();
    until("what is surplus went", || shell.server().object("b", "p/surplus").is_none());
    fs::remove_file(shell.path("in/go/0")).unwrap();
    fs::rename(shell.path("in/keep/0"), shell.path("in/keep/renamed")).unwrap();
    until("it went", || shell.server().object("b", "p/go/0").is_none());
    until("it has its new name alone", || {
        shell.server().object("b", "p/keep/0").is_none()
            && shell.server().object("b", "p/keep/renamed").is_some()
    });
    fs::rename(shell.path("in/go"), shell.path("gone")).unwrap();
    until("the folder's objects went", || stored(&shell, "p/go/").is_empty());
    fs::remove_dir_all(shell.path("in/keep")).unwrap();
    shell.write("in/last", "x");
    watcher.until(|event| event["event"] == "held");
    fs::rename(shell.path("in"), shell.path("away")).unwrap();
    assert_eq!(watcher.wait(), Some(3), "{}", watcher.said());
    assert_eq!(stored(&shell, "p/keep/").len(), 30);
    assert!(shell.server().object("b", "q/other").is_some());
}

#[test]
fn a_file_that_cannot_be_stored_is_said_and_the_rest_goes_on() {
    let refused = Fault::refuse(403, "AccessDenied");
    let shell = Shell::with_fault(Rule::new(refused).on(Kind::PutObject).key("refused"));
    let state = shell.path("state").display().to_string();
    let shell = shell.with("XDG_STATE_HOME", &state);
    shell.write("in/refused", "x");
    let mut watcher = Watcher::start(&shell, &["watch", "in", "p", "--json", "--rescan", "100ms"]);
    watcher.until(|event| event["event"] == "failed" && event["error"]["kind"] == "permission_denied");
    shell.write("in/other", "x");
    watcher.until(|event| event["event"] == "pushed" && event["key"] == "p/other");
    for _ in 0..3 {
        watcher.until(|event| event["event"] == "scanned" && event["failed"] == 1);
    }
    assert_eq!(watcher.end(Signal::TERM), Some(0));
    assert_eq!(
        watcher.events.iter().filter(|event| event["event"] == "failed").count(),
        1,
        "it is said once"
    );
}

#[test]
fn usage_that_means_nothing_is_refused() {
    let shell = state_shell();
    shell.write("file", "x");
    shell.transcript(
        "watch_usage",
        &[
            "watch nothing p",
            "watch file p",
            "watch . p --max-delete 5",
            "watch . p --poll 0",
            "watch . .holdall",
        ],
    );
}
