//! A sweep that is killed again and again.

use super::write_old;
use crate::kills::is_long;
use crate::shell::{Shell, stdout};
use holdall_testing::random::{Random, seed_from_env};
use std::collections::BTreeSet;
use std::time::Duration;

const POLICY: &str = "[[rule]]\nname = \"old\"\nprefix = \"old/\"\nexpire_after = \"7d\"\n\
    [[rule]]\nname = \"runs\"\nprefix = \"runs/\"\nkeep_last = 2\n";

fn keys(shell: &Shell) -> BTreeSet<String> {
    stdout(&shell.run(&["ls", "-r"])).lines().map(str::to_owned).collect()
}

fn planned(shell: &Shell) -> BTreeSet<String> {
    let plan = stdout(&shell.run(&["lifecycle", "plan", "--policy", "policy.toml", "--json"]));
    let rows = plan.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    rows.filter_map(|row| row["key"].as_str().map(str::to_owned)).collect()
}

/// TOP-12: killed at random and run again, exactly what the plan named is gone, and the others are whole.
#[test]
#[allow(clippy::print_stdout, reason = "the seed of a failure must be known")]
fn top_12_a_sweep_that_is_killed_is_run_again_and_takes_what_the_plan_named() {
    let seed = seed_from_env("HOLDALL_TEST_SEED").unwrap();
    println!("HOLDALL_TEST_SEED={seed}");
    let mut random = Random::named(seed, "sweeps");
    let shell = Shell::folder();
    shell.write("policy.toml", POLICY);
    for n in 0..if is_long() { 8000 } else { 1500 } {
        write_old(&shell, &format!("old/{}/{n}", n % 7), &n.to_string(), 5 + n % 5);
        if n % 10 == 0 {
            write_old(&shell, &format!("runs/{}/{n}", n % 70), &n.to_string(), 1 + n % 70);
        }
    }
    let (before, plan) = (keys(&shell), planned(&shell));
    assert!(plan.len() > 600 && plan.len() < before.len(), "{} of {}", plan.len(), before.len());
    let sweep = ["lifecycle", "sweep", "--policy", "policy.toml", "--concurrency", "2"];
    let mut killed = 0;
    loop {
        let mut child = shell.spawn(&sweep);
        std::thread::sleep(Duration::from_micros(10_000 + random.number() % 60_000));
        child.kill().unwrap();
        if child.wait().unwrap().success() || killed == 100 {
            break;
        }
        killed += 1;
        let left = keys(&shell);
        assert!(left.is_superset(&before.difference(&plan).cloned().collect()), "something else went");
    }
    stdout(&shell.run(&sweep));
    println!("{killed} sweeps were killed");
    assert!(killed > 2, "too few were killed: {killed}");
    let left = keys(&shell);
    assert_eq!(left, before.difference(&plan).cloned().collect());
    for key in left {
        let number = key.rsplit('/').next().unwrap();
        assert_eq!(shell.read(&format!("store/{key}")), number.as_bytes(), "{key}");
    }
    assert_eq!(planned(&shell), BTreeSet::new());
}
