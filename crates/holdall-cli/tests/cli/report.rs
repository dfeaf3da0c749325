//! Reports of pushes, and what is made of those of all shards.

use crate::shell::{Shell, stdout};
use holdall_testing::fault::{Fault, Kind, Rule};
use serde_json::Value;

fn shell() -> Shell {
    let shell = Shell::new();
    let state = shell.path("state").display().to_string();
    let shell = shell.with("XDG_STATE_HOME", &state);
    for n in 0..20 {
        shell.write(&format!("in/topic-{n:02}/scene.txt"), n.to_string());
    }
    shell
}

fn report(shell: &Shell, name: &str) -> Value {
    serde_json::from_slice(&shell.read(name)).unwrap()
}

#[test]
fn all_shards_make_one_report() {
    let shell = shell();
    for index in 1..=3 {
        let (shard, file) = (format!("{index}/3"), format!("shard-{index}.json"));
        stdout(&shell.run(&["push", "in", "runs", "--shard", &shard, "--report", &file]));
    }
    assert_eq!(shell.server().objects("b").len(), 20);
    shell.write("in/topic-03/scene.txt", "other").write("other/x", "x");
    shell.transcript(
        "report",
        &[
            "report shard-3.json shard-1.json shard-2.json",
            "report shard-3.json shard-1.json shard-2.json --json",
            "report shard-2.json",
            "report shard-1.json shard-2.json shard-1.json",
            "push in runs --report whole.json",
            "report whole.json",
            "report whole.json shard-1.json",
            "push in runs --report whole.json --dry-run",
            "report whole.json",
        ],
    );
}

#[test]
fn what_it_refuses() {
    let shell = shell();
    shell
        .write("torn.json", r#"{"schema":"holdall.report/1","sou"#)
        .write("later.json", r#"{"schema":"holdall.report/2"}"#);
    shell.transcript(
        "report_errors",
        &[
            "report",
            "report missing.json",
            "report torn.json",
            "report later.json",
            "report in",
            "push in runs --shard 0/3",
            "push in runs --shard 4/3",
            "push in runs --shard half",
            "push in runs --report none/at/all.json",
        ],
    );
    assert!(
        shell.server().objects("b").is_empty(),
        "a report that cannot be written is known before the work"
    );
}

#[test]
fn failures_are_reported_by_name_and_the_shard_is_not_done() {
    let shell = shell();
    shell.server().add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::Put).key("topic-07"));
    let output = shell.run(&["push", "in", "runs", "--report", "r.json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = report(&shell, "r.json");
    assert_eq!(
        (&said["state"], &said["totals"]["done"], &said["totals"]["failed"]),
        (&"failed".into(), &19.into(), &1.into())
    );
    let failure = &said["failures"][0];
    assert_eq!(
        (&failure["name"], &failure["kind"]),
        (&"in/topic-07/scene.txt".into(), &"permission_denied".into())
    );
    assert!(said["ended"].is_string() && !said.to_string().contains("canary-secret"), "{said}");
    shell.transcript("report_failed", &["report r.json"]);
}

#[test]
fn a_push_that_is_given_up_or_killed_leaves_no_report_that_looks_done() {
    let shell = shell();
    stdout(&shell.run(&["push", "in", "runs", "--report", "r.json"]));
    assert_eq!(report(&shell, "r.json")["state"], "done");
    let output = shell.run(&["push", "in", "runs", "--store", "s3://none", "--report", "r.json"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = report(&shell, "r.json");
    assert_eq!((&said["state"], &said["error"]["kind"]), (&"given_up".into(), &"bucket_not_found".into()));

    stdout(&shell.run(&["push", "in", "runs", "--report", "r.json"]));
    shell.server().add_rule(Rule::new(Fault::Stall).on(Kind::Put));
    shell.write("in/new", "new");
    let mut child = shell.spawn(&["push", "in", "runs", "--report", "r.json"]);
    while report(&shell, "r.json")["state"] != "begun" {
        assert!(child.try_wait().unwrap().is_none(), "it waits for an answer that does not come");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(report(&shell, "r.json")["ended"], Value::Null);
    let output = shell.run(&["report", "r.json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}
