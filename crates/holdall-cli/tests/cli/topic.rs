//! `holdall topic`.

mod kills;
mod load;

use crate::shell::{Shell, stdout};
use crate::watch::watcher::{Watcher, state_shell, until};
use holdall_testing::fault::{Fault, Rule};
use rustix::process::Signal;
use std::process::Output;

fn write_topic(shell: &Shell, dir: &str) {
    shell.write(&format!("{dir}/plan.txt"), "plan");
    shell.write(&format!("{dir}/scene1/Scene1.mp4"), "video").write(&format!("{dir}/scene1/code.py"), "code");
    shell.write(&format!("{dir}/all_combined.mp4"), "all of it");
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(output: &Output) -> Vec<serde_json::Value> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// TOP-3, TOP-6, TOP-8, TOP-10
#[test]
fn a_topic_from_its_folder_to_its_urls() {
    let shell = Shell::folder().with("HOLDALL_PUBLIC_BASE_URL", "https://cdn.example");
    write_topic(&shell, "out");
    let push = |title: &str| shell.run(&["topic", "push", "out", "--title", title]);
    let first = push("Euler's Formula");
    assert!(first.status.success(), "{first:?}");
    assert!(stderr(&first).starts_with("pushed 4 files"), "{first:?}");
    assert!(stderr(&push("Euler's Formula")).starts_with("pushed 0 files, 0 B, 4 unchanged"));
    let refused = push("Eulers formula!");
    assert_eq!(refused.status.code(), Some(6), "{refused:?}");
    assert!(stderr(&refused).contains("another title has the topic's slug"), "{refused:?}");
    shell.transcript(
        "topic",
        &[
            "topic ls",
            "topic show eulers-formula",
            "topic urls eulers-formula",
            "topic urls --format json",
            "verify topics/eulers-formula out",
            "topic push out --title Sets --dry-run",
            "topic push out --title Sets",
            "topic ls --json",
            "topic show sets --json",
        ],
    );
}

/// TOP-11
#[test]
fn a_backfill_says_of_each_topic_what_became_of_it() {
    let shell = Shell::folder();
    write_topic(&shell, "old/Group Theory");
    shell.write("old/Sets/title.txt", "Set Theory\n").write("old/???/x", "x").write("old/loose", "x");
    shell.transcript(
        "topic_backfill",
        &[
            "topic backfill old --dry-run",
            "topic backfill old --title-file title.txt",
            "topic backfill old --title-file title.txt --json",
            "topic ls",
            "topic backfill nowhere",
        ],
    );
    let urls = stdout(&shell.run(&["topic", "urls"]));
    assert_eq!(urls.lines().count(), 1 + 5, "{urls}");
    assert!(urls.contains("group-theory,Group Theory,scene1/Scene1.mp4,"), "{urls}");
}

#[test]
fn what_others_put_there_is_adopted() {
    let shell = Shell::folder();
    write_topic(&shell, "in");
    for prefix in ["topics/sets", "topics/My Topic", "topics/groups"] {
        stdout(&shell.run(&["push", "in", prefix]));
    }
    shell.transcript(
        "topic_adopt",
        &[
            "topic ls",
            "topic adopt sets --dry-run",
            "topic adopt sets --title Sets",
            "topic adopt --all",
            "topic adopt --all --json",
            "topic ls",
            "verify topics/groups",
            "topic adopt none",
            "topic adopt",
            "topic adopt a b --title C",
        ],
    );
}

#[test]
fn usage_and_errors() {
    let shell = Shell::folder();
    shell.write("out/x", "x").write("roles.toml", "[[role]]\nname = \"X\"\nfiles = [\"*\"]\n");
    shell.transcript(
        "topic_errors",
        &[
            "topic",
            "topic push",
            "topic push nowhere",
            "topic push out --title ???",
            "topic push out/x --title A",
            "topic show none",
            "topic show ../up",
            "topic urls none",
            "topic urls --roles roles.toml",
            "topic urls --roles nowhere.toml",
            "topic urls --format csv --json",
            "topic urls --expires 0",
            "topic push out --title A",
            "topic urls a --expires 1h",
            "topic urls a --json",
            "topic ls extra",
        ],
    );
    Shell::with_fault(Rule::new(Fault::refuse(403, "AccessDenied")))
        .transcript("topic_denied", &["topic ls", "topic urls a"]);
}

/// TOP-10: rules of one's own.
#[test]
fn roles_are_given_by_a_file_of_rules() {
    let shell = Shell::folder().with("HOLDALL_PUBLIC_BASE_URL", "https://cdn.example");
    shell.write("out/final/cut.avi", "x").write("out/scene2/a.blend", "y");
    let rules = "[[role]]\nname = \"combined_video\"\nfiles = [\"final/*.avi\"]\n\n[[role]]\nname = \"source\"\nfiles = [\"*.blend\"]\n";
    shell.write("roles.toml", rules);
    stdout(&shell.run(&["topic", "push", "out", "--title", "A", "-q"]));
    let index = json(&shell.run(&["topic", "urls", "a", "--json", "--roles", "roles.toml"]));
    assert_eq!(index[0]["combined_video_s3_url"], "https://cdn.example/topics/a/final/cut.avi");
    assert_eq!(index[0]["scenes"][0]["source_code_s3_url"], "https://cdn.example/topics/a/scene2/a.blend");
}

/// TOP-3: whoever comes second is told, and has sent nothing.
#[test]
fn of_two_processes_that_claim_one_slug_one_has_it() {
    for shell in [Shell::folder(), Shell::new()] {
        write_topic(&shell, "one");
        shell.write("two/else", "else");
        for round in 0..5 {
            let titles = [format!("Race {round}"), format!("race: {round}")];
            let start = |dir: &str, title: &str| shell.spawn(&["topic", "push", dir, "--title", title, "-q"]);
            let children = [start("one", &titles[0]), start("two", &titles[1])];
            let ended = children.map(|child| child.wait_with_output().unwrap());
            let mut codes = ended.each_ref().map(|output| output.status.code());
            codes.sort_unstable();
            assert_eq!(codes, [Some(0), Some(6)], "{ended:?}");
            let winner = if ended[0].status.success() { "one" } else { "two" };
            let prefix = format!("topics/race-{round}");
            let verified = shell.run(&["verify", &prefix, winner]);
            assert!(verified.status.success(), "{verified:?}");
        }
    }
}

/// TOP-7, TOP-6: an outage is waited out in the outbox.
#[test]
fn topics_wait_while_the_store_is_away() {
    let shell = crate::outbox::shell();
    write_topic(&shell, "out");
    shell.server().add_rule(Rule::new(Fault::Reset));
    let pushed = shell.run(&["topic", "push", "out", "--title", "Sets", "--json"]);
    assert!(pushed.status.success(), "{pushed:?}");
    let said = json(&pushed);
    assert_eq!(said.last().unwrap()["claim"], "queued", "{said:?}");
    let refused = shell.run(&["topic", "push", "out", "--title", "Sets", "--require-remote", "-q"]);
    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
    shell.server().clear_rules();
    for _ in 0..8 {
        if json(&shell.run(&["outbox", "ls", "--json"])).is_empty() {
            break;
        }
        stdout(&shell.run(&["outbox", "drain"]));
    }
    let verified = shell.run(&["verify", "topics/sets", "out"]);
    assert!(verified.status.success(), "{verified:?}");
}

/// TOP-7: for writers that cannot say when a file is written.
#[test]
fn a_watch_keeps_a_topic_current_until_it_is_told_to_end() {
    let shell = state_shell();
    shell.write("out/scene1/Scene1.mp4", "first");
    let mut watcher = Watcher::start(&shell, &["topic", "watch", "out", "--title", "Sets"]);
    watcher.until_scanned();
    shell.write("out/scene2/Scene2.mp4", "second");
    until("it is stored", || shell.server().object("b", "topics/sets/scene2/Scene2.mp4").is_some());
    assert_eq!(watcher.end(Signal::TERM), Some(0));
    let verified = shell.run(&["verify", "topics/sets", "out"]);
    assert!(verified.status.success(), "{verified:?}");
    let refused = shell.run(&["topic", "watch", "out", "--title", "sets?"]);
    assert_eq!(refused.status.code(), Some(6), "{refused:?}");
}

/// TOP-14: a folder in the place of S3 has the same layout.
#[test]
fn a_folder_wins_over_the_variables_of_s3_and_has_the_same_layout() {
    let on_s3 = Shell::new();
    write_topic(&on_s3, "out");
    stdout(&on_s3.run(&["topic", "push", "out", "--title", "Sets"]));
    let local = on_s3.variant("HOLDALL_STORE", "");
    std::fs::create_dir(local.path("store")).unwrap();
    let url = format!("file://{}", local.path("store").display());
    let local = local.with("S3_BUCKET", "b");
    write_topic(&local, "out");
    let mut push = local.command(&["topic", "push", "out", "--title", "Sets"]);
    assert!(push.env("HOLDALL_STORE", url).output().unwrap().status.success());
    let objects: Vec<String> =
        on_s3.server().objects("b").into_keys().filter(|key| !key.starts_with('.')).collect();
    let files: Vec<String> = local
        .files()
        .into_iter()
        .filter_map(|file| file.strip_prefix("store/").map(str::to_owned))
        .filter(|file| !file.starts_with('.'))
        .collect();
    assert_eq!(files, objects);
}
