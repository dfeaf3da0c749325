//! What servers and networks do, and the status it ends with.

use crate::shell::{Shell, stdout, transcribe};
use holdall_testing::fault::{Fault, Kind, Rule};

#[test]
fn what_a_service_refuses() {
    let table = [
        ("access_denied", Fault::refuse(403, "AccessDenied"), 4),
        ("wrong_signature", Fault::refuse(403, "SignatureDoesNotMatch"), 4),
        ("unknown_access_key", Fault::refuse(403, "InvalidAccessKeyId"), 4),
        ("slow_down", Fault::slow_down(None), 5),
        ("internal_error", Fault::internal_error(), 5),
        ("precondition", Fault::refuse(412, "PreconditionFailed"), 6),
        ("archived", Fault::refuse(403, "InvalidObjectState"), 1),
        ("no_bucket", Fault::refuse(404, "NoSuchBucket"), 3),
        ("reset", Fault::Reset, 5),
        ("garbage", Fault::Garbage(b"\x16\x03 this is no HTTP\r\n\r\n".to_vec()), 1),
    ];
    for (name, fault, status) in table {
        let shell = Shell::with_fault(Rule::new(fault).on(Kind::Get));
        shell.server().put_object("b", "k", b"hello");
        let output = shell.run(&["get", "k", "got"]);
        let mut text = String::new();
        transcribe("get k got", &output, &mut text);
        assert_eq!(output.status.code(), Some(status), "{name}: {text}");
        assert_eq!(shell.files(), [""; 0], "{name} left a file behind");
        shell.snapshot(&format!("refused_{name}"), &text);
    }
}

#[test]
fn bodies_that_end_early_or_are_damaged_leave_no_file() {
    let table = [
        ("short", Fault::ShortBody { missing: 10 }),
        ("reset", Fault::ResetMidBody { after: 10 }),
        ("cut", Fault::WrongLength { by: 5 }),
    ];
    for (name, fault) in table {
        let shell = Shell::with_fault(Rule::new(fault).on(Kind::Get));
        shell.server().put_object("b", "k", &[7; 1000]);
        for line in [["get", "k", "got"], ["get", "k", "-"], ["cat", "k", "-q"]] {
            let output = shell.run(&line);
            assert!(matches!(output.status.code(), Some(1 | 5)), "{name} {line:?} {output:?}");
            assert!(output.stderr.starts_with(b"error: "), "{name} {line:?} {output:?}");
        }
        assert_eq!(shell.files(), [""; 0], "{name} left a file behind");
    }
}

#[test]
fn a_failed_get_leaves_the_file_that_was_there() {
    let shell = Shell::with_fault(Rule::new(Fault::ResetMidBody { after: 10 }).on(Kind::Get));
    shell.server().put_object("b", "k", &[7; 1000]);
    shell.write("got", "precious");
    assert_ne!(shell.run(&["get", "k", "got"]).status.code(), Some(0));
    assert_eq!(shell.read("got"), b"precious");
    assert_eq!(shell.files(), ["got"]);
}

#[test]
fn endpoints_that_do_not_answer() {
    let bare = || {
        Shell::bare()
            .with("HOLDALL_ATTEMPTS", "1")
            .with("S3_ACCESS_KEY_ID", "a")
            .with("S3_SECRET_ACCESS_KEY", "b")
    };
    // Port 9 is discard, which nothing serves; `.invalid` is reserved never to exist.
    for (name, endpoint) in [("refused", "http://127.0.0.1:9"), ("unknown_host", "http://nowhere.invalid")] {
        let output = bare().run(&["stat", "s3://b/k", "--endpoint", endpoint, "--region", "x"]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(5), "{name}: {text}");
        assert!(text.contains("  cause: ") && text.contains("hint: "), "{name}: {text}");
    }
    let shell = Shell::new();
    let tls = shell.server().endpoint().replace("http:", "https:");
    let output = bare().run(&["stat", "s3://b/k", "--endpoint", &tls, "--region", "x"]);
    assert_eq!(output.status.code(), Some(5), "{output:?}");
}

#[test]
fn a_server_that_stalls_is_a_timeout() {
    let shell = Shell::with_fault(Rule::new(Fault::Stall)).with("HOLDALL_READ_TIMEOUT", "0.2");
    shell.transcript("stall", &["stat k", "stat k --json"]);
}

#[test]
fn keys_that_are_not_deleted_are_reported_one_by_one() {
    let keep = Fault::RefuseKeys { containing: "kept".to_owned(), code: "AccessDenied".to_owned() };
    let shell = Shell::with_fault(Rule::new(keep).on(Kind::DeleteObjects));
    for key in ["x/a", "x/kept-1", "x/kept-2"] {
        shell.server().put_object("b", key, b"");
    }
    shell.transcript(
        "rm_that_fails_in_part",
        &["rm x/a x/kept-1", "rm -r x", "rm -r x --json", "ls -r", "rm s3://nowhere/a"],
    );
}

#[test]
fn a_listing_that_breaks_off_is_no_listing() {
    let shell = Shell::with_fault(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::List).nth(2));
    for n in 0..1_500 {
        shell.server().put_object("b", &format!("{n:05}"), b"");
    }
    let output = shell.run(&["ls", "-r"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let output = Shell::with_fault(Rule::new(Fault::NoToken).on(Kind::List)).run(&["ls"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn retries_are_counted_in_the_receipt() {
    let shell = Shell::with_fault(Rule::new(Fault::slow_down(None)).on(Kind::Put).key("subject").first(2));
    let shell = shell.with("HOLDALL_ATTEMPTS", "5");
    shell.write("subject", "hello");
    let output = shell.run(&["put", "subject", "--json"]);
    assert!(stdout(&output).contains("\"attempts\":3,"), "{output:?}");
}
