//! TLS: whose certificate is trusted, for which name, and what is said when it is not.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use holdall_s3::{Client, Error, ErrorKind, GetOptions, Timeouts, Transport, TransportConfig};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::PrivateKeyDer;

use crate::support::proxy::Proxy;
use crate::support::raw::{RawServer, read_request};
use crate::support::{READ, config, get, in_time};

const BODY: &str = "encrypted";

/// An authority of the tests' own, and servers with its certificates.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, folder: tempfile::tempdir().unwrap() }
    }

    fn bundle(&self) -> PathBuf {
        self.write("bundle.pem", self.issuer.pem().as_bytes())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// A server whose certificate is for a name. It answers every request with one object.
    fn serve(&self, name: &str) -> RawServer {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let config = Arc::new(config);
        RawServer::start(move |stream| {
            let mut tls = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
            let answer =
                format!("HTTP/1.1 200 OK\r\netag: \"x\"\r\ncontent-length: {}\r\n\r\n{BODY}", BODY.len());
            while read_request(&mut tls).is_some() && tls.write_all(answer.as_bytes()).is_ok() {
                tls.flush().ok();
            }
        })
    }
}

/// The same port by another name, over https.
fn https(server: &RawServer, host: &str) -> String {
    format!("https://{host}:{}", server.endpoint.rsplit(':').next().unwrap())
}

fn client(endpoint: &str, bundle: Option<&Path>) -> Client {
    client_by(
        endpoint,
        TransportConfig { ca_bundle: bundle.map(Path::to_owned), ..TransportConfig::default() },
    )
}

fn client_by(endpoint: &str, way: TransportConfig) -> Client {
    let timeouts = Timeouts { connect: READ * 2, read: READ * 2 };
    let mut config = config(endpoint);
    config.retry.attempts = 2;
    Client::new(config, Transport::new(TransportConfig { timeouts, ..way })).unwrap()
}

async fn get_k(client: &Client) -> Result<Vec<u8>, Error> {
    in_time(get(client, "k", &GetOptions::default())).await
}

#[tokio::test]
async fn a_bundle_is_trusted() {
    let authority = Authority::new();
    for name in ["localhost", "127.0.0.1"] {
        let server = authority.serve(name);
        let client = client(&https(&server, name), Some(&authority.bundle()));
        for _ in 0..3 {
            assert_eq!(get_k(&client).await.unwrap(), BODY.as_bytes());
        }
        assert_eq!(server.connections(), 1, "the connection is used again");
    }
}

#[tokio::test]
async fn an_unknown_authority_is_refused_once_and_says_tls() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = authority.serve("localhost");
    let bundle = other.bundle();
    for bundle in [None, Some(bundle.as_path())] {
        let error = get_k(&client(&https(&server, "localhost"), bundle)).await.unwrap_err();
        // A machine without any authorities says that instead.
        let no_roots = bundle.is_none() && error.kind() == ErrorKind::Config;
        assert!(error.kind() == ErrorKind::Unreachable || no_roots, "{error:?}");
        assert!(error.to_string().contains("TLS") || no_roots, "{error}");
        assert_eq!(error.attempts(), 1, "it will not be another one next time");
        assert!(!error.is_ambiguous());
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new();
    let server = authority.serve("other.example");
    for host in ["localhost", "127.0.0.1"] {
        let error = get_k(&client(&https(&server, host), Some(&authority.bundle()))).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Unreachable, 1), "{error:?}");
        assert!(error.to_string().contains("TLS"), "{error}");
    }
}

#[tokio::test]
async fn a_bundle_that_is_none_is_a_config_fault_that_names_the_file() {
    let authority = Authority::new();
    let server = authority.serve("localhost");
    let broken = "-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----\n";
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let unclosed = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    let bundles = [
        authority.folder.path().join("missing.pem"),
        authority.folder.path().to_owned(),
        authority.write("empty.pem", b""),
        authority.write("garbage.pem", &[0xff, 0, 1, 2, 3]),
        authority.write("text.pem", b"hello"),
        authority.write("broken.pem", broken.as_bytes()),
        authority.write("no-certificate.pem", no_certificate.as_bytes()),
        authority.write("unclosed.pem", unclosed.as_bytes()),
        authority.write("second-broken.pem", (authority.issuer.pem() + broken).as_bytes()),
    ];
    for bundle in bundles {
        let error = get_k(&client(&https(&server, "localhost"), Some(&bundle))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{}: {error:?}", bundle.display());
        assert!(error.to_string().contains(&*bundle.to_string_lossy()), "{error}");
    }
    assert_eq!(server.connections(), 0, "a connection was made for nothing");
}

#[tokio::test]
async fn a_server_without_tls_is_unreachable() {
    let plain = RawServer::saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let talks_first = RawServer::start(|mut stream| {
        stream.write_all(b"220 mail.example ESMTP\r\n").ok();
        stream.read_to_end(&mut Vec::new()).ok();
    });
    let closes = RawServer::start(drop);
    let authority = Authority::new();
    for server in [plain, talks_first, closes] {
        let error =
            get_k(&client(&https(&server, "localhost"), Some(&authority.bundle()))).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Timeout), "{error:?}");
    }
}

#[tokio::test]
async fn a_handshake_that_stalls_is_a_timeout_of_the_connection() {
    let silent = RawServer::start(|stream| {
        std::thread::sleep(Duration::from_secs(60));
        drop(stream);
    });
    let authority = Authority::new();
    let error = get_k(&client(&https(&silent, "localhost"), Some(&authority.bundle()))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn https_goes_through_a_proxy_by_a_tunnel_that_hides_the_request() {
    let authority = Authority::new();
    let server = authority.serve("bucket.example");
    let proxy = Proxy::start(Some("Basic dTpw"));
    let endpoint = https(&server, "bucket.example");
    let way = TransportConfig {
        https_proxy: Some(proxy.url("u:p@")),
        ca_bundle: Some(authority.bundle()),
        ..TransportConfig::default()
    };
    let client = client_by(&endpoint, way);
    assert_eq!(get_k(&client).await.unwrap(), BODY.as_bytes());
    assert_eq!(get_k(&client).await.unwrap(), BODY.as_bytes());
    let heads = proxy.heads();
    assert_eq!(heads.len(), 1, "the tunnel is used again");
    let authority = endpoint.trim_start_matches("https://");
    assert!(
        heads[0].starts_with(&format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n")),
        "{heads:?}"
    );
    assert!(!heads[0].to_lowercase().contains("\r\nauthorization"), "{heads:?}");
}
