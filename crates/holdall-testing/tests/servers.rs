//! The start scripts, tried for real. They need `servers/<name> install` first, hence the `#[ignore]`.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use holdall_testing::server::{Kind, Server};

/// Sends an unsigned request and answers the status.
fn status(server: &Server) -> std::io::Result<u16> {
    let host = server.endpoint.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host)?;
    write!(stream, "GET /no-such-bucket HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    code.ok_or_else(|| std::io::Error::other(answer))
}

/// Whether a temporary folder describes the server at this endpoint.
fn has_folder(endpoint: &str) -> bool {
    let entries = std::fs::read_dir(std::env::temp_dir()).unwrap();
    let mut described =
        entries.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("env")).ok());
    described.any(|line| line.contains(endpoint))
}

fn answers_until_dropped(kind: Kind) {
    let server = Server::start(kind).unwrap();
    assert!((400..500).contains(&status(&server).unwrap()));
    let endpoint = server.endpoint.clone();
    assert!(has_folder(&endpoint));
    drop(server);
    assert!(TcpStream::connect(endpoint.trim_start_matches("http://")).is_err());
    assert!(!has_folder(&endpoint));
}

#[test]
#[ignore = "needs servers/ceph install"]
fn ceph_answers_until_dropped() {
    answers_until_dropped(Kind::Ceph);
}

#[test]
#[ignore = "needs servers/s3s-fs install"]
fn s3s_fs_answers_until_dropped() {
    answers_until_dropped(Kind::S3sFs);
}

#[test]
#[ignore = "needs servers/moto install"]
fn moto_answers_until_dropped() {
    answers_until_dropped(Kind::Moto);
}

#[test]
#[ignore = "needs servers/ceph install"]
fn a_paused_ceph_refuses_connections_and_comes_back_on_its_port() {
    let server = Server::start(Kind::Ceph).unwrap();
    server.pause().unwrap();
    assert!(status(&server).is_err());
    server.resume().unwrap();
    assert!(status(&server).is_ok());
    let other = server.user("other").unwrap();
    assert_eq!(other.endpoint, server.endpoint);
    assert_ne!((other.access_key, other.secret_key), (server.access_key.clone(), server.secret_key.clone()));
}

#[test]
#[ignore = "needs servers/s3s-fs install"]
fn a_verb_that_a_server_lacks_is_an_error() {
    let server = Server::start(Kind::S3sFs).unwrap();
    assert!(server.pause().unwrap_err().contains("usage"));
}

#[test]
fn every_kind_has_an_executable_script() {
    use std::os::unix::fs::PermissionsExt;
    for kind in Kind::ALL {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("servers").join(kind.name());
        assert_ne!(script.metadata().unwrap().permissions().mode() & 0o111, 0, "{}", script.display());
    }
}
