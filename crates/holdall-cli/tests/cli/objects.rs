//! Single objects, there and back.

use crate::shell::{Shell, stdout, transcribe};

#[test]
fn an_object_there_and_back() {
    let shell = Shell::new();
    shell.write("a.txt", "hello").write("dir/.keep", "");
    shell.transcript(
        "there_and_back",
        &[
            "put a.txt",
            "put a.txt runs/7/ --meta run=7 --cache-control max-age=60",
            "put a.txt s3://b/runs/8/b.html --content-type text/plain --quiet",
            "ls",
            "ls runs/",
            "ls -r",
            "ls -l runs/7/",
            "ls nothing/",
            "stat runs/7/a.txt",
            "cat runs/7/a.txt a.txt",
            "cat a.txt --range 1..3",
            "cat a.txt --range -2",
            "get a.txt got.txt",
            "get runs/7/a.txt dir",
            "get a.txt dir/nowhere/",
            "get a.txt -",
            "cp a.txt copies/",
            "cp a.txt s3://b/copies/b.txt",
            "rm a.txt",
            "rm a.txt",
            "rm a.txt --json",
            "rm a.txt never-was",
            "rm -r runs --dry-run",
            "rm -r runs",
            "rm -r copies s3://b/none",
            "ls -r",
        ],
    );
    assert_eq!(shell.read("got.txt"), b"hello");
    assert_eq!(shell.read("dir/a.txt"), b"hello");
}

#[test]
fn an_object_as_json() {
    let shell = Shell::new();
    shell.write("a.txt", "hello");
    shell.transcript(
        "as_json",
        &[
            "put a.txt runs/a.txt --meta run=7 --json",
            "ls --json",
            "ls -r --json",
            "stat runs/a.txt --json",
            "get runs/a.txt --json",
            "cp runs/a.txt b.txt --json",
            "rm b.txt --json",
            "rm runs/a.txt b.txt --json",
            "rm -r x --json",
            "stat runs/a.txt --json",
            "cat x y --json",
        ],
    );
}

#[test]
fn standard_input_is_put_under_a_key() {
    let shell = Shell::new();
    let bytes: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let mut text = String::new();
    transcribe("put - big", &shell.feed(&["put", "-", "big"], &bytes), &mut text);
    transcribe("put - empty", &shell.feed(&["put", "-", "empty"], b""), &mut text);
    shell.snapshot("standard_input", &text);
    assert_eq!(shell.run(&["cat", "big"]).stdout, bytes);
    assert_eq!(shell.run(&["cat", "empty"]).stdout, b"");
}

#[test]
fn large_objects_go_in_parts_and_come_back() {
    let shell = Shell::new();
    let bytes: Vec<u8> = (0..20_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    shell.write("big", &bytes);
    let receipt = stdout(&shell.run(&["put", "big", "--json"]));
    assert!(receipt.contains("-3\",\"etag\""), "three parts: {receipt}");
    stdout(&shell.run(&["get", "big", "back"]));
    assert!(shell.read("back") == bytes);
}

#[test]
fn conditions_keep_what_is_there() {
    let shell = Shell::new();
    shell.write("a", "one").write("b", "two");
    shell.transcript(
        "conditions",
        &[
            "put a k --create-only",
            "put b k --create-only",
            "put b k --if-match 0123",
            "cat k",
            "put b k --if-match f97c5d29941bfb1b2fdab0874906ab82",
            "cat k",
        ],
    );
}

#[test]
fn copies_between_stores_carry_what_objects_carry() {
    let shell = Shell::new();
    shell.server().create_bucket("other");
    shell.write("a", vec![7; 100_000]);
    shell.transcript(
        "copies_between_stores",
        &[
            "put a k --meta run=7 --content-type x/y --cache-control no-store --quiet",
            "cp k s3://other/copy",
            "stat s3://other/copy",
            "cp k memory://somewhere/",
            "cp missing s3://other/",
            "cp k s3://missing/ --quiet",
        ],
    );
    assert_eq!(shell.server().object("other", "copy").unwrap().bytes, vec![7; 100_000]);
}

#[test]
fn prefixes_of_one_bucket_are_copied_by_the_server() {
    let shell = Shell::new();
    shell.server().put_object("b", "p/a", b"hello");
    stdout(&shell.run(&["cp", "--store", "s3://b/p", "a", "s3://b/q/a"]));
    let asked: Vec<String> = shell.server().log().iter().map(|seen| format!("{:?}", seen.kind)).collect();
    assert!(asked.contains(&"CopyObject".to_owned()), "{asked:?}");
    assert!(!asked.contains(&"GetObject".to_owned()), "{asked:?}");
    assert_eq!(shell.server().object("b", "q/a").unwrap().bytes, b"hello");
}

#[test]
fn odd_keys_survive() {
    let shell = Shell::new();
    for key in ["a b", "a\nb", "\u{e9}", "a//b", "100%", "a+b?c#d", "\u{1b}[31m"] {
        let put = shell.feed(&["put", "-", key, "--json"], key.as_bytes());
        assert!(put.status.success(), "{key:?} {put:?}");
        assert_eq!(stdout(&shell.run(&["cat", key])), key);
        let listed = stdout(&shell.run(&["ls", "-r", key, "--json"]));
        let quoted = key.replace('\n', "\\n").replace('\u{1b}', "\\u001b");
        assert!(listed.starts_with(&format!("{{\"key\":\"{quoted}\"")), "{key:?} {listed}");
    }
    let listed = stdout(&shell.run(&["ls", "-r"]));
    assert!(listed.contains("a\nb\n") && listed.contains("\u{1b}[31m\n"), "a pipe gets keys as they are");
}

#[test]
fn rm_goes_through_all_pages() {
    let shell = Shell::new();
    for n in 0..2_500 {
        shell.server().put_object("b", &format!("runs/{n:05}"), b"");
    }
    shell.server().put_object("b", "runs2", b"");
    shell.transcript("rm_pages", &["rm -r runs", "ls -r", "rm -r --all", "ls -r"]);
}
