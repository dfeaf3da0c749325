//! Presigned URLs and forms.

use crate::shell::{Shell, fetch, stdout, transcribe};

#[test]
fn urls_and_forms() {
    Shell::new().transcript(
        "presign",
        &[
            "presign a/b.txt",
            "presign s3://other/k --expires 12h --method put --content-type text/plain",
            "presign k --method delete --json",
            "presign k --download-name r\u{e9}sum\u{e9}.pdf",
        ],
    );
}

#[test]
fn a_form_has_the_fields_that_were_asked_for() {
    let shell = Shell::new();
    let line = [
        "presign",
        "up/${filename}",
        "--post",
        "--max-size",
        "10MiB",
        "--starts-with",
        "Content-Type=image/",
    ];
    let text = stdout(&shell.run(&line));
    let mut lines = text.lines();
    assert!(lines.next().unwrap().starts_with("http://127.0.0.1:"), "{text}");
    let names: Vec<&str> = lines.map(|line| line.split_once('=').unwrap().0).collect();
    assert!(
        names.contains(&"key") && names.contains(&"policy") && names.contains(&"x-amz-signature"),
        "{text}"
    );
    let json = stdout(&shell.run(&[&line[..], &["--json"]].concat()));
    assert!(json.starts_with("{\"url\":\"http://127.0.0.1:") && json.contains("\"policy\":\""), "{json}");
}

#[test]
fn a_url_works_without_credentials() {
    let shell = Shell::new();
    shell.server().put_object("b", "a b", b"hello");
    let url = stdout(&shell.run(&["presign", "a b"]));
    assert_eq!(fetch(url.trim_end()), (200, b"hello".to_vec()));
}

#[test]
fn keys_are_read_from_standard_input() {
    let shell = Shell::new();
    let mut text = String::new();
    let output = shell.feed(&["presign", "-"], b"a\n\nb c\ns3://other/d\n\xff\ne");
    transcribe("presign -", &output, &mut text);
    shell.snapshot("presign_lines", &text);
}

#[test]
fn many_keys_keep_their_order() {
    let shell = Shell::new();
    let keys: String = (0..20_000).map(|n| format!("runs/{n}\n")).collect();
    let urls = stdout(&shell.feed(&["presign", "-"], keys.as_bytes()));
    assert_eq!(urls.lines().count(), 20_000);
    for (url, key) in urls.lines().zip(keys.lines()) {
        assert!(url.contains(&format!("/b/{key}?")), "{url} {key}");
    }
}
