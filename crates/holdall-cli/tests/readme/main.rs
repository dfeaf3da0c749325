//! Runs the commands that the documents show, and compares what they print with what the documents show of it (MIG-4).
//!
//! The blocks of a page that are marked `sh` or `console` are one session: a folder, an environment and a shell of
//! their own, in the page's order. A block that cannot be run says so after its language, where readers do not see it:
//! `sh skip (why)`. A page that names `S3_ENDPOINT_URL` runs on the Ceph server of `HOLDALL_TEST_CEPH`.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod compare;
mod markdown;
mod service;
mod session;

use holdall_testing::server::Server;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use markdown::{Block, Page};
use service::Service;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where pages are, from the root of the repository on.
const FOLDERS: [&str; 4] = ["", "docs", "docs/adr", "bench"];

fn main() -> ExitCode {
    let args = Arguments::from_args();
    let mut trials: Vec<Trial> = pages().into_iter().flat_map(trials_of).collect();
    trials.push(Trial::test("the check finds what is wrong", finds_what_is_wrong));
    libtest_mimic::run(&args, trials).exit_code()
}

fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths: Vec<PathBuf> = FOLDERS
        .iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    paths.sort();
    assert!(paths.contains(&root.join("README.md")), "{paths:?}");
    let name = |path: &Path| path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

/// A trial for all that a page lets run, and one for each block that it does not.
fn trials_of((name, text): (String, String)) -> Vec<Trial> {
    let page = match markdown::parse(&text) {
        Ok(page) => page,
        Err(fault) => return vec![Trial::test(name, || Err(fault.into()))],
    };
    let mut trials = Vec::new();
    for Block { line, skip, .. } in page.blocks.iter().filter(|block| block.skip.is_some()) {
        let why = skip.clone();
        trials.push(Trial::ignorable_test(format!("{name}:{line}"), || Ok(ignored(why))));
    }
    if page.steps().next().is_some() {
        trials.push(Trial::ignorable_test(name, move || run(&page)));
    }
    trials
}

fn ignored(why: Option<String>) -> Completion {
    why.map_or_else(Completion::ignored, Completion::ignored_with)
}

fn run(page: &Page) -> Result<Completion, Failed> {
    if !page.names_a_service() {
        session::run(page, None)?;
        return Ok(Completion::Completed);
    }
    let Some(server) = Server::from_env("ceph") else {
        return Ok(Completion::ignored_with("it needs an S3 server, and HOLDALL_TEST_CEPH names none"));
    };
    let service = Service::on(&server?)?;
    let outcome = session::run(page, Some(&service));
    let closed = service.close();
    outcome.and(closed)?;
    Ok(Completion::Completed)
}

/// A page that lies is found out; one that is right is not.
fn finds_what_is_wrong() -> Result<(), Failed> {
    let table = [
        (
            "right output",
            "```console\n$ printf 'a\\nb\\n'\na\nb\n$ echo 12 in 0.3 s\n1… in 7.1 s\n```\n",
            None,
        ),
        (
            "one session",
            "```sh\nexport A=1; mkdir d; cd d\n```\n\n```console\n$ echo $A; ls -d ../d\n1\n../d\n```\n",
            None,
        ),
        ("another output", "```console\n$ echo a\nb\n```\n", Some("line 2")),
        ("more output", "```console\n$ printf 'a\\nb\\n'\na\n```\n", Some("line 2")),
        ("less output", "```console\n$ true\na\n```\n", Some("line 2")),
        ("another order", "```console\n$ printf 'b\\na\\n'\na\nb\n```\n", Some("line 2")),
        ("a failure", "x\n```sh\ntrue\nfalse\ntrue\n```\n", Some("line 3")),
        ("a failure in a pipe", "```console\n$ false | true\n```\n", Some("line 2")),
        ("a wrong option", "```console\n$ holdall ls --wrong\n```\n", Some("unexpected argument")),
        ("a name that is not set", "```sh\necho $NOT_SET\n```\n", Some("NOT_SET")),
        ("another shell", "```fish\nls\n```\n", None),
    ];
    for (name, text, wanted) in table {
        let found = markdown::parse(text).and_then(|page| session::run(&page, None)).err();
        let as_wanted = match (&found, wanted) {
            (None, None) => true,
            (Some(found), Some(wanted)) => found.contains(wanted),
            _ => false,
        };
        if !as_wanted {
            return Err(format!("{name}: found {found:?}, wanted {wanted:?}").into());
        }
    }
    for wrong in ["```bash\nls\n```\n", "```sh now\nls\n```\n", "```sh\nls\n", "```console\nls\n```\n"] {
        if markdown::parse(wrong).is_ok() {
            return Err(format!("{wrong:?} was taken").into());
        }
    }
    Ok(())
}
