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
            "presign k --put",
            "presign k --put --content-type text/plain --json",
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

#[test]
fn uploads_are_encrypted_as_the_settings_say() {
    let shell = Shell::new().with("HOLDALL_KMS_KEY_ID", "key-1");
    shell.transcript("presign_encrypted", &["presign k --put", "presign k --put --json", "presign k --json"]);
    let form = stdout(&shell.run(&["presign", "k", "--post"]));
    for field in ["x-amz-server-side-encryption=aws:kms", "x-amz-server-side-encryption-aws-kms-key-id=key-1"]
    {
        assert!(form.lines().any(|line| line == field), "{form}");
    }
}

#[test]
fn a_form_has_fixed_fields_and_metadata() {
    let shell = Shell::new();
    let line =
        ["presign", "k", "--post", "--field", "acl=private", "--meta", "run=7", "--content-type", "a/b"];
    let form = stdout(&shell.run(&line));
    for field in ["acl=private", "x-amz-meta-run=7", "Content-Type=a/b"] {
        assert!(form.lines().any(|line| line == field), "{form}");
    }
    shell.transcript(
        "presign_refused",
        &[
            "presign k --put --post",
            "presign k --put --method get",
            "presign k --field acl=private",
            "presign k --post --field key=other",
            "presign k --post --field acl=private --field ACL=public-read",
            "presign k --post --meta holdall-put=1",
            "presign k --put --store memory://",
        ],
    );
}
