//! A bucket's own rules: on a Ceph of the test's own, for which a day lasts five seconds.

use crate::real::{below, client, wait};
use crate::shell::{Shell, stdout, transcribe};
use holdall_s3::{LifecycleFilter, LifecycleRule};
use holdall_testing::server::{Kind, Server};
use std::time::{Duration, Instant};

/// The server looks every five seconds, and is not alone on its machine.
const PATIENCE: Duration = Duration::from_secs(120);

fn keys(shell: &Shell) -> String {
    stdout(&shell.run(&["ls", "-r"]))
}

/// TOP-12, SES-8: the server deletes what the policy says, and nothing else.
#[test]
fn top_12_a_rule_that_is_pushed_is_seen_to_delete() {
    assert!(std::env::var_os("HOLDALL_TEST_CEPH").is_some(), "it is set where Ceph is installed");
    let server = Server::start_with(Kind::Ceph, &[("HOLDALL_CEPH_LC_DEBUG", "5")]).unwrap();
    let client = client(&server, "rules");
    wait(client.create_bucket()).unwrap();
    let shell = below(&server, "rules");
    for key in ["tmp/old", "kept", "frames/1"] {
        shell.write("f", key);
        stdout(&shell.run(&["put", "f", key]));
    }
    let theirs = LifecycleRule::new("theirs", &LifecycleFilter::prefix("elsewhere/")).expire(9);
    wait(client.put_lifecycle(&holdall_s3::Lifecycle::new(vec![theirs.clone()]))).unwrap();
    shell.write(
        "policy.toml",
        "[[rule]]\nname = \"tmp\"\nprefix = \"tmp/\"\nexpire_after = \"1d\"\n\
         [[rule]]\nname = \"frames\"\nprefix = \"\"\nglob = \"frames/**\"\nexpire_after = \"1d\"\n",
    );
    let mut text = String::new();
    for line in ["", "--apply", "--json"] {
        let line = format!("lifecycle push --policy policy.toml {line}");
        transcribe(line.trim(), &shell.run(&line.split_whitespace().collect::<Vec<_>>()), &mut text);
    }
    let start = Instant::now();
    while keys(&shell) != "frames/1\nkept\n" {
        assert!(start.elapsed() < PATIENCE, "it is still there: {}", keys(&shell));
        std::thread::sleep(Duration::from_millis(500));
    }
    // The next policy has the rule no more.
    shell.write(
        "policy.toml",
        "[[rule]]\nname = \"past\"\nprefix = \"\"\nexpire_noncurrent_after = \"9d\"\nkeep_noncurrent = 2\n",
    );
    let line = "lifecycle push --policy policy.toml --apply";
    transcribe(line, &shell.run(&line.split(' ').collect::<Vec<_>>()), &mut text);
    shell.snapshot("lifecycle_push", &text);
    let rules = wait(client.lifecycle()).unwrap().rules;
    assert!(rules.contains(&theirs), "{rules:?}");
    assert!(rules.iter().all(|rule| rule.id() != "holdall-policy-tmp"), "{rules:?}");
}
