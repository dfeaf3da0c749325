//! The demo: with nothing set, and what it says is so.

use crate::shell::{Shell, stdout, transcribe};

/// The demo's own folder, by what it says in the end.
fn folder(said: &str) -> String {
    said.lines().last().unwrap().strip_prefix("  rm -r ").unwrap().to_owned()
}

/// Without what differs from run to run: the order of a push, and the ETag of a file.
fn settled(text: &str) -> String {
    let is_pushed = |line: &&str| line.starts_with("> runs/42/");
    let mut pushed: Vec<&str> = text.lines().filter(is_pushed).collect();
    pushed.sort_unstable();
    let mut pushed = pushed.into_iter();
    let line = |line: &str| match line {
        _ if line.starts_with("> runs/42/") => pushed.next().unwrap().to_owned(),
        _ if line.starts_with("> etag: ") => "> etag: [etag]".to_owned(),
        line => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_demo_needs_nothing() {
    let shell = Shell::bare();
    std::fs::create_dir(shell.path("tmp")).unwrap();
    let shell = {
        let tmp = shell.path("tmp");
        shell.with("TMPDIR", tmp.to_str().unwrap())
    };
    let output = shell.run(&["demo"]);
    let folder = folder(&stdout(&output));
    let mut text = String::new();
    transcribe("demo", &output, &mut text);
    shell.snapshot("demo", &settled(&text.replace(&folder, "[demo]")));
    let name = std::path::Path::new(&folder).file_name().unwrap().to_str().unwrap();
    assert_eq!(
        shell.read(&format!("tmp/{name}/store/runs/42/run.log")),
        shell.read(&format!("tmp/{name}/sample/run.log"))
    );
}

#[test]
fn what_the_demo_tries_next_works_and_its_removal_leaves_nothing() {
    let shell = Shell::bare();
    std::fs::create_dir(shell.path("a b")).unwrap();
    let shell = {
        let tmp = shell.path("a b");
        shell.with("TMPDIR", tmp.to_str().unwrap())
    };
    let said = stdout(&shell.run(&["demo"]));
    let export = said.lines().find_map(|line| line.strip_prefix("$ export ")).unwrap();
    let end = said.split("Try next").nth(1).unwrap();
    let next: Vec<&str> = end.lines().filter(|line| line.starts_with("  ")).map(str::trim).collect();
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_holdall")).parent().unwrap().display().to_string();
    let script = format!("set -e; PATH={bin}:$PATH; export {export}; {}", next.join("; "));
    let output =
        std::process::Command::new("sh").args(["-c", &script]).current_dir(shell.path("")).output().unwrap();
    assert!(output.status.success(), "{script} {output:?}");
    assert_eq!(
        shell.files(),
        [
            "copy/charts/durations.svg",
            "copy/data/result.json",
            "copy/report.html",
            "copy/run.log",
            "report.html"
        ]
    );
}

#[test]
fn the_demo_in_another_store() {
    let shell = Shell::new();
    let tmp = shell.path("tmp");
    std::fs::create_dir(&tmp).unwrap();
    let shell = shell.with("TMPDIR", tmp.to_str().unwrap());
    let said = stdout(&shell.run(&["demo", "--store", "s3://b", "--json"]));
    let lines: Vec<serde_json::Value> = said
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let prefix = lines.last().unwrap()["prefix"].as_str().unwrap().to_owned();
    assert_eq!(lines.iter().filter(|line| line.get("command").is_some()).count(), 5, "{said}");
    assert!(shell.server().object("b", &format!("{prefix}/report.html")).is_some());
    assert_eq!(
        shell
            .server()
            .objects("b")
            .keys()
            .filter(|key| !key.starts_with(&prefix) && !key.starts_with(".holdall/"))
            .count(),
        0
    );
}

#[test]
fn a_demo_that_cannot_be_is_an_error() {
    let shell = Shell::bare().with("TMPDIR", "/proc/none");
    let output = shell.run(&["demo"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stderr).starts_with("error: the demo's files cannot be written"),
        "{output:?}"
    );
    let shell = Shell::bare();
    let tmp = shell.path("");
    let shell = shell.with("TMPDIR", tmp.to_str().unwrap());
    assert_eq!(shell.run(&["demo", "--store", "nowhere"]).status.code(), Some(2));
    let unreachable =
        shell.with("HOLDALL_ATTEMPTS", "1").with("S3_ACCESS_KEY_ID", "a").with("S3_SECRET_ACCESS_KEY", "b");
    let output =
        unreachable.run(&["demo", "--store", "s3://b", "--endpoint", "http://127.0.0.1:9", "--region", "x"]);
    assert_eq!(output.status.code(), Some(5), "what is there cannot be listed: {output:?}");
}
