//! `holdall lifecycle` on folders, services that refuse, and a Ceph that deletes by its own rules.

mod ceph;
mod kills;
mod refusals;

use crate::shell::{Shell, stdout};
use holdall_testing::fault::{Fault, Kind, Rule};
use std::time::{Duration, SystemTime};

const POLICY: &str = r#"
[[rule]]
name = "frames"
prefix = "media/"
glob = "**/partial_movie_files/**"
expire_after = "7d"

[[rule]]
name = "runs"
prefix = "runs/"
keep_last = 1
"#;

/// Writes an object as another program would, so many days ago.
fn write_old(shell: &Shell, key: &str, bytes: &str, days: u64) {
    let then = SystemTime::now() - Duration::from_secs(days * 86_400);
    match shell.own_server() {
        Some(server) => server.put_object_at("b", key, bytes.as_bytes(), then),
        None => {
            shell.write(&format!("store/{key}"), bytes);
            let file = std::fs::File::options().write(true).open(shell.path(&format!("store/{key}")));
            file.unwrap().set_modified(then).unwrap();
        }
    }
}

fn scene() -> Shell {
    let shell = Shell::folder();
    shell.write("policy.toml", POLICY);
    for (key, bytes, days) in [
        ("media/a/film.mp4", "film", 99),
        ("media/a/partial_movie_files/1.mp4", "frame", 8),
        ("media/a/partial_movie_files/2.mp4", "frame", 6),
        ("runs/1/log", "one", 3),
        ("runs/2/log", "two", 2),
        ("runs/2/old", "two", 9),
    ] {
        write_old(&shell, key, bytes, days);
    }
    shell
}

/// TOP-12: nested folders go by age, the newest run stays, and a sweep does what the plan says.
#[test]
fn top_12_a_plan_says_what_a_sweep_does() {
    let shell = scene();
    shell.transcript(
        "lifecycle_plan_and_sweep",
        &[
            "lifecycle plan --policy policy.toml",
            "lifecycle sweep --policy policy.toml",
            "lifecycle sweep --policy policy.toml --quiet",
            "ls -r",
            "lifecycle plan --policy policy.toml --json",
        ],
    );
}

/// SES-8: `lifecycle sweep` deletes what has expired by a moment of its own, with a policy or without.
#[test]
fn ses_8_what_has_expired_by_its_own_moment_goes_first() {
    let shell = scene();
    stdout(&shell.run(&["expire", "set", "media/a/film.mp4", "--after", "1s"]));
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(stdout(&shell.run(&["lifecycle", "sweep", "--grace", "0s"])), "media/a/film.mp4\n");
    assert_eq!(stdout(&shell.run(&["lifecycle", "sweep", "--grace", "0s"])), "");
}

#[test]
fn top_12_a_policy_that_takes_everything_needs_a_word() {
    let shell = Shell::folder();
    shell.write("all.toml", "[[rule]]\nname = \"all\"\nprefix = \"\"\nexpire_after = \"1d\"\n");
    write_old(&shell, "a", "a", 2);
    write_old(&shell, "b", "b", 2);
    shell.transcript(
        "lifecycle_everything",
        &[
            "lifecycle plan --policy all.toml",
            "lifecycle sweep --policy all.toml",
            "ls",
            "lifecycle push --policy all.toml",
            "lifecycle sweep --yes-delete-all",
            "lifecycle sweep --policy all.toml --yes-delete-all",
            "ls",
        ],
    );
}

#[test]
fn what_is_no_policy_is_told_and_nothing_goes() {
    let shell = scene();
    shell.write("typo.toml", POLICY.replace("expire_after", "expire_afer"));
    shell.write("broken.toml", "[[rule");
    shell.transcript(
        "lifecycle_errors",
        &[
            "lifecycle plan",
            "lifecycle plan --policy none.toml",
            "lifecycle sweep --policy typo.toml",
            "lifecycle sweep --policy broken.toml --json",
            "lifecycle push --policy policy.toml",
            "lifecycle sweep --grace soon",
        ],
    );
    assert_eq!(stdout(&shell.run(&["ls", "-r"])).lines().count(), 6);
}

/// One object that cannot be deleted is told, and the rest go.
#[test]
fn one_that_cannot_be_deleted_keeps_none_of_the_others() {
    let shell = Shell::new().with("HOLDALL_ATTEMPTS", "1");
    for key in ["tmp/a", "tmp/b", "tmp/c", "kept"] {
        shell.server().put_object("b", key, b"bytes");
    }
    shell
        .server()
        .add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::DeleteObject).key("tmp/b"));
    shell.write("policy.toml", "[[rule]]\nname = \"tmp\"\nprefix = \"tmp/\"\nexpire_after = \"1s\"\n");
    std::thread::sleep(Duration::from_millis(2100));
    let swept = shell.run(&["lifecycle", "sweep", "--policy", "policy.toml", "--grace", "0s"]);
    let said = String::from_utf8_lossy(&swept.stderr).into_owned();
    assert_eq!(swept.status.code(), Some(1), "{said}");
    assert!(said.contains("key=\"tmp/b\"") && said.contains("deleted 2 objects, 10 B; 1 failed"), "{said}");
    assert_eq!(stdout(&shell.run(&["ls", "-r"])), "kept\ntmp/b\n");
}
