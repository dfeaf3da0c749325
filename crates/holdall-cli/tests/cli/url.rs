//! URLs by the setting `url`.

use crate::shell::{Shell, fetch, stdout, transcribe};

#[test]
fn urls_by_settings_and_options() {
    Shell::new().transcript(
        "url",
        &[
            "url a/b.txt",
            "url a/b.txt --strategy public",
            "url a/b.txt --strategy presigned --expires 12h --json",
            "url a s3://other/c --strategy public",
        ],
    );
    Shell::new().with("HOLDALL_PUBLIC_BASE_URL", "https://cdn.example.com/bag").transcript(
        "url_cdn",
        &["url caf\u{e9}/a", "url a --json", "url a --strategy public", "url a --store file:///tmp"],
    );
    Shell::new().with("HOLDALL_ACL", "public-read").transcript("url_public", &["url a"]);
}

#[test]
fn urls_that_there_are_not() {
    let shell = Shell::new();
    std::fs::create_dir(shell.path("store")).unwrap();
    let folder = format!("file://{}", shell.path("store").display());
    shell.transcript(
        "url_errors",
        &[
            &format!("url a --store {folder}"),
            &format!("url a --store {folder} --strategy presigned"),
            "url a --store memory://",
            "url a --strategy cdn",
            "url a --strategy best",
            "url ''",
            "url a '' b --strategy public",
            "url a --expires 8d",
        ],
    );
}

#[test]
fn keys_are_read_from_standard_input() {
    let shell = Shell::new();
    let mut text = String::new();
    let output = shell.feed(&["url", "-", "--strategy", "public"], b"a\n\nb c\ns3://other/d\n\xff\ne");
    transcribe("url - --strategy public", &output, &mut text);
    shell.snapshot("url_lines", &text);
}

#[test]
fn a_url_works_for_a_stranger() {
    let shell = Shell::new();
    shell.server().put_object("b", "a b", b"hello");
    let url = stdout(&shell.run(&["url", "a b"]));
    assert_eq!(fetch(url.trim_end()), (200, b"hello".to_vec()));
}
