//! The sink over TLS, asked by a client that trusts its authority, and by one that does not.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use holdall_testing::sink::{Sink, SinkOptions, pattern_matches};
use holdall_testing::tls::Authority;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

type Tls = StreamOwned<ClientConnection, TcpStream>;

fn sink(authority: &Authority) -> Sink {
    let tls = Some(authority.server().unwrap());
    Sink::start(SinkOptions { remember: true, threads: 2, tls, ..SinkOptions::default() }).unwrap()
}

fn connect(sink: &Sink, trusted: &Authority) -> Tls {
    let bundle = tempfile::NamedTempFile::new().unwrap();
    trusted.write_bundle(bundle.path()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(bundle.path()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(connection, TcpStream::connect(sink.address()).unwrap())
}

fn head(tls: &mut Tls) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        tls.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

#[test]
fn large_bodies_go_both_ways() {
    let authority = Authority::new().unwrap();
    let sink = sink(&authority);
    assert!(sink.endpoint().starts_with("https://127.0.0.1:"));
    let mut tls = connect(&sink, &authority);
    let size = 5_000_000;
    write!(tls, "PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: {size}\r\n\r\n").unwrap();
    tls.write_all(&vec![7; size]).unwrap();
    assert!(head(&mut tls).starts_with("HTTP/1.1 200 "));
    write!(tls, "GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    assert!(head(&mut tls).contains(&format!("Content-Length: {size}\r\n")));
    let mut body = vec![0; size];
    tls.read_exact(&mut body).unwrap();
    assert!(pattern_matches(0, &body));
}

#[test]
fn requests_that_come_in_one_record_are_all_answered() {
    let authority = Authority::new().unwrap();
    let sink = sink(&authority);
    let mut tls = connect(&sink, &authority);
    let many = 300;
    tls.write_all("HEAD /b/size=1 HTTP/1.1\r\nHost: h\r\n\r\n".repeat(many).as_bytes()).unwrap();
    for _ in 0..many {
        assert!(head(&mut tls).starts_with("HTTP/1.1 200 "));
    }
}

#[test]
fn who_does_not_trust_the_authority_gets_no_further() {
    let (authority, other) = (Authority::new().unwrap(), Authority::new().unwrap());
    let sink = sink(&authority);
    let mut tls = connect(&sink, &other);
    let error = tls.write_all(b"HEAD /b HTTP/1.1\r\n\r\n").unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    let mut trusting = connect(&sink, &authority);
    trusting.write_all(b"HEAD /b HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    assert!(head(&mut trusting).starts_with("HTTP/1.1 200 "));
}

#[test]
fn plain_http_is_not_answered() {
    let authority = Authority::new().unwrap();
    let sink = sink(&authority);
    let mut plain = TcpStream::connect(sink.address()).unwrap();
    plain.write_all(b"HEAD /b HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    let mut came = Vec::new();
    // Closed with or without a reset: what was sent may still have been unread.
    plain.read_to_end(&mut came).ok();
    assert!(!came.starts_with(b"HTTP/"), "{came:?}");
}
