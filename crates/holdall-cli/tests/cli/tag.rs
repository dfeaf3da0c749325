//! Tags of objects, by commands alone.

use crate::real::Bucket;
use crate::shell::{Shell, stdout};
use holdall_testing::server::Server;

/// TOP-12: an object is tagged, and its tags are listed and removed.
fn story(shell: &Shell) {
    let say = |line: &str| stdout(&shell.run(&line.split(' ').collect::<Vec<_>>()));
    shell.write("one", "first");
    say("put one a --tag old=1");
    let before = say("stat a --json");
    assert_eq!(say("tag ls a"), "old=1\n");
    assert_eq!(say("tag set a keep=short run=7"), "keep=short\nold=1\nrun=7\n");
    assert_eq!(
        say("tag set a run=8 --json"),
        "{\"key\":\"a\",\"tags\":{\"keep\":\"short\",\"old\":\"1\",\"run\":\"8\"}}\n"
    );
    assert_eq!(say("tag rm a old never"), "keep=short\nrun=8\n");
    assert_eq!(say("tag set a x=a=b --replace"), "x=a=b\n");
    say("cp a b");
    assert_eq!(say("tag ls b"), "x=a=b\n");
    assert_eq!(say("tag rm a --all"), "");
    assert_eq!(say("tag ls a --json"), "{\"key\":\"a\",\"tags\":{}}\n");
    assert_eq!(say("cat a"), "first");
    let etag = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["etag"].clone();
    assert_eq!(etag(&before), etag(&say("stat a --json")));
}

#[test]
fn top_12_objects_of_a_folder_are_tagged() {
    story(&Shell::folder());
}

#[test]
fn top_12_objects_of_a_bucket_are_tagged() {
    for server in Server::all_from_env().unwrap().iter().filter(|server| server.name != "s3s-fs") {
        story(&Bucket::on(server, "tags").shell);
    }
}

#[test]
fn what_cannot_be_tagged_is_told() {
    let shell = Shell::folder();
    shell.write("one", "first");
    shell.transcript(
        "tag_errors",
        &[
            "put one -q",
            "tag",
            "tag ls none",
            "tag set none a=1",
            "tag set one",
            "tag set one a",
            "tag set one a=1 a=2",
            "tag set one 1=1 2=2 3=3 4=4 5=5 6=6 7=7 8=8 9=9 10=10 11=11",
            "tag rm one",
            "tag rm one a --all",
            "tag rm none --all --json",
            "tag ls one",
        ],
    );
}

/// s3s-fs keeps no tags: nothing of an object may change there.
#[test]
fn a_server_without_tags_is_asked_for_none() {
    for server in Server::all_from_env().unwrap().iter().filter(|server| server.name == "s3s-fs") {
        let bucket = Bucket::on(server, "no-tags");
        bucket.shell.write("one", "first");
        stdout(&bucket.shell.run(&["put", "one", "a"]));
        for line in ["tag set a k=v --replace", "tag rm a --all"] {
            let output = bucket.shell.run(&line.split(' ').collect::<Vec<_>>());
            assert_eq!(output.status.code(), Some(1), "{output:?}");
        }
        assert_eq!(stdout(&bucket.shell.run(&["cat", "a"])), "first");
    }
}
