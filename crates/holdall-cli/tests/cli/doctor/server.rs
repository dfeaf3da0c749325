//! Servers that are not what they should be.

use super::doctor;
use crate::shell::Shell;
use holdall_testing::fault::{Fault, Kind, Rule, Script};
use std::io::{Read, Write};
use std::net::TcpListener;

/// A shell whose store is in a bucket of a server at this address.
fn at(endpoint: &str) -> Shell {
    Shell::bare()
        .with("S3_BUCKET", "b")
        .with("S3_ENDPOINT_URL", endpoint)
        .with("S3_REGION", "us-east-1")
        .with("S3_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .with("S3_SECRET_ACCESS_KEY", "canary-secret")
}

/// A server that answers everything with these bytes.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    // It ends with the process of the tests.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            // Whoever has hung up asks for nothing.
            if stream.read(&mut head).is_ok_and(|n| n > 0) {
                stream.write_all(answer.as_bytes()).unwrap();
            }
        }
    });
    endpoint
}

#[test]
fn evi_13_nobody_listens() {
    let report = doctor(&at("http://127.0.0.1:1"), &[]);
    report.problems(&["endpoint.reach"]);
    report.names("endpoint.reach", "problem", &["start the service", "S3_ENDPOINT_URL"]);
    report.lacks("bucket.exists");
}

#[test]
fn evi_13_a_server_without_tls() {
    let server = answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let report = doctor(&at(&server.replace("http:", "https:")), &[]);
    report.problems(&["endpoint.reach"]);
    report.names("endpoint.reach", "problem", &["HOLDALL_CA_BUNDLE", "http:// in S3_ENDPOINT_URL"]);
}

#[test]
fn evi_13_a_web_server_is_no_s3_service() {
    let page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 34\r\nConnection: close\r\n\r\n\
                <!DOCTYPE html><html>hello</html>\n";
    let report = doctor(&at(&answering(page)), &[]);
    report.problems(&["endpoint.kind"]);
    report.names("endpoint.kind", "problem", &["the URL of the S3 service in S3_ENDPOINT_URL"]);
    report.lacks("bucket.exists");
}

#[test]
fn evi_13_a_server_that_speaks_no_http() {
    let report = doctor(&at(&answering("SSH-2.0-OpenSSH_9.9\r\n")), &[]);
    report.problems(&["endpoint.kind"]);
    report.names("endpoint.kind", "problem", &["the scheme, the host and the port in S3_ENDPOINT_URL"]);
}

#[test]
fn evi_13_a_bucket_in_a_host_that_has_no_address() {
    let server = answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    let shell = at(&server).with("S3_FORCE_PATH_STYLE", "false");
    let report = doctor(&shell, &[]);
    report.problems(&["endpoint.path_style"]);
    report.names("endpoint.path_style", "problem", &["set S3_FORCE_PATH_STYLE=true"]);
}

#[test]
fn evi_13_a_proxy_in_the_way() {
    let shell =
        at("http://storage.example:9000").with("HOLDALL_HTTP_PROXY", "http://user:canary@127.0.0.1:1");
    let report = doctor(&shell, &[]);
    report.problems(&["endpoint.reach"]);
    report.names("endpoint.reach", "problem", &["correct HOLDALL_HTTP_PROXY", "NO_PROXY"]);
}

#[test]
fn evi_13_clocks_that_disagree() {
    for (seconds, status) in [(7200, "problem"), (-300, "warning")] {
        let rule = Rule::new(Fault::ClockSkew { seconds });
        let report = doctor(&Shell::with_fault(rule), &[]);
        report.names("endpoint.clock", status, &["timedatectl set-ntp true"]);
        let said = report.find("endpoint.clock", status)["facts"]["skew_seconds"].as_str().unwrap();
        let measured: i64 = said.parse().unwrap();
        assert!((measured - seconds).abs() < 30, "{measured}");
    }
}

#[test]
fn evi_13_credentials_that_ended() {
    let report = doctor(&Shell::with_fault(Rule::new(Fault::expired_token()).from(2)), &[]);
    report.problems(&["credentials.accepted"]);
    report.names("credentials.accepted", "problem", &["renew ", "SESSION_TOKEN"]);
}

#[test]
fn evi_13_no_credentials() {
    let server = Shell::new();
    let shell = Shell::bare()
        .with("S3_BUCKET", "b")
        .with("S3_ENDPOINT_URL", &server.server().endpoint())
        .with("AWS_EC2_METADATA_DISABLED", "true");
    let report = doctor(&shell, &[]);
    report.problems(&["credentials.found"]);
    report.names("credentials.found", "problem", &["HOLDALL_ACCESS_KEY_ID", "HOLDALL_NO_SIGN_REQUEST=true"]);
}

#[test]
fn evi_13_a_bucket_of_another_region() {
    let redirect = Fault::Redirect { status: 301, region: Some("eu-west-7".to_owned()) };
    let report = doctor(&Shell::with_fault(Rule::new(redirect).nth(2)), &["--read-only"]);
    report.problems(&[]);
    report.names("endpoint.region", "warning", &["set S3_REGION=eu-west-7"]);
}

#[test]
fn evi_13_bytes_that_read_back_as_others() {
    let rule = Rule::new(Fault::CorruptWrite).on(Kind::PutObject);
    let report = doctor(&Shell::with_fault(rule), &[]);
    report.names("object.read", "problem", &["without a proxy or a cache"]);
}

#[test]
fn evi_13_uploads_in_parts_that_fail_are_aborted() {
    let rule = Rule::new(Fault::refuse(501, "NotImplemented")).on(Kind::UploadPart);
    let shell = Shell::with_fault(rule);
    let report = doctor(&shell, &[]);
    report.problems(&["object.multipart"]);
    report.names("object.multipart", "problem", &["HOLDALL_MULTIPART_THRESHOLD"]);
    assert!(shell.server().log().iter().any(|seen| seen.kind == Kind::AbortMultipartUpload));
    assert!(shell.server().objects("b").is_empty());
}

#[test]
fn evi_13_read_only_writes_nothing() {
    let shell = Shell::new();
    let report = doctor(&shell, &["--read-only"]);
    report.problems(&[]);
    report.find("object.put", "unknown");
    let log = shell.server().log();
    assert!(
        log.len() > 5 && log.iter().all(|seen| matches!(seen.method.as_str(), "GET" | "HEAD")),
        "{log:#?}"
    );
}

#[test]
fn evi_13_what_is_said_is_shown_and_nothing_stays() {
    let shell = Shell::new();
    shell.transcript("doctor", &["doctor"]);
    shell.transcript("doctor_json", &["doctor --json --read-only"]);
    assert!(shell.server().objects("b").is_empty());
    let missing = Shell::on(Script::new());
    missing.transcript("doctor_no_bucket", &["doctor"]);
}
