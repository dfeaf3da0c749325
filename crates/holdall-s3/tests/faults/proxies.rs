//! The way through a proxy: plain requests forwarded, encrypted ones tunnelled, hosts that need none reached directly.

use std::io::Write;

use holdall_s3::{Client, Config, Error, ErrorKind, PutOptions, Timeouts, Transport, TransportConfig};

use crate::support::proxy::Proxy;
use crate::support::raw::{RawServer, header, read_head};
use crate::support::{BUCKET, READ, World, config, in_time, put};

fn client(endpoint: &str, edit: impl FnOnce(&mut TransportConfig)) -> Client {
    let mut way =
        TransportConfig { timeouts: Timeouts { connect: READ, read: READ }, ..TransportConfig::default() };
    edit(&mut way);
    Client::new(Config { ..config(endpoint) }, Transport::new(way)).unwrap()
}

async fn put_k(client: &Client) -> Result<String, Error> {
    in_time(put(client, "k", b"through", &PutOptions::default())).await
}

#[tokio::test]
async fn a_plain_request_goes_to_the_proxy_in_absolute_form() {
    let (world, proxy) = (World::good(), Proxy::start(None));
    let client = client(&world.server.endpoint(), |way| way.http_proxy = Some(proxy.url("")));
    for _ in 0..3 {
        put_k(&client).await.unwrap();
    }
    assert_eq!(world.stored("k").as_deref(), Some(&b"through"[..]));
    let heads = proxy.heads();
    assert_eq!(heads.len(), 3);
    let line = format!("PUT {}/{BUCKET}/k HTTP/1.1\r\n", world.server.endpoint());
    assert!(heads.iter().all(|head| head.starts_with(&line)), "{heads:?}");
    assert_eq!(header(&heads[0], "host"), Some(world.server.address().to_string().as_str()));
    assert_eq!(header(&heads[0], "proxy-authorization"), None);
}

#[tokio::test]
async fn a_proxys_password_is_sent_to_the_proxy() {
    // "user:p@ss word", with what a URL cannot carry in percent signs.
    let (world, proxy) = (World::good(), Proxy::start(Some("Basic dXNlcjpwQHNzIHdvcmQ=")));
    let endpoint = world.server.endpoint();
    put_k(&client(&endpoint, |way| way.http_proxy = Some(proxy.url("user:p%40ss%20word@")))).await.unwrap();
    let tls = "https://localhost:1";
    for (endpoint, user) in
        [(endpoint.as_str(), ""), (endpoint.as_str(), "user:wrong@"), (tls, "user:wrong@")]
    {
        let url = Some(proxy.url(user));
        let client = client(endpoint, |way| (way.http_proxy, way.https_proxy) = (url.clone(), url));
        let error = put_k(&client).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Config | ErrorKind::Unreachable), "{error:?}");
        assert!(error.to_string().contains("proxy"), "{error}");
    }
}

#[tokio::test]
async fn hosts_that_need_no_proxy_are_reached_directly() {
    for no_proxy in ["127.0.0.1", "*", "example.com, 127.0.0.1", "127.0.0.0/8"] {
        let (world, proxy) = (World::good(), Proxy::start(None));
        let client = client(&world.server.endpoint(), |way| {
            way.http_proxy = Some(proxy.url(""));
            way.no_proxy = Some(no_proxy.into());
        });
        put_k(&client).await.unwrap();
        assert_eq!(proxy.server.connections(), 0, "{no_proxy}");
    }
}

#[tokio::test]
async fn the_proxy_of_the_other_scheme_is_not_used() {
    let (world, proxy) = (World::good(), Proxy::start(None));
    put_k(&client(&world.server.endpoint(), |way| way.https_proxy = Some(proxy.url("")))).await.unwrap();
    assert_eq!(proxy.server.connections(), 0);
}

/// A proxy that cannot be used must not be left out in silence: the request would go where it should not.
#[tokio::test]
async fn a_proxy_that_is_no_url_is_a_config_fault_and_not_passed_by() {
    let world = World::good();
    for proxy in [
        "http://us er:hunter2@127.0.0.1:1",
        "http://127.0.0.1:99999",
        "http://",
        "socks5://127.0.0.1:1",
        "https://127.0.0.1:1",
        "ftp://127.0.0.1:1",
        "::::",
    ] {
        let client = client(&world.server.endpoint(), |way| way.http_proxy = Some(proxy.into()));
        let error = put_k(&client).await.expect_err(proxy);
        assert_eq!(error.kind(), ErrorKind::Config, "{proxy}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
    assert_eq!(world.server.connections(), 0);
    assert!(world.server.objects(BUCKET).is_empty());
}

#[tokio::test]
async fn an_empty_proxy_is_none() {
    let world = World::good();
    put_k(&client(&world.server.endpoint(), |way| way.http_proxy = Some(String::new()))).await.unwrap();
}

#[tokio::test]
async fn a_proxy_that_is_away_is_unreachable() {
    let world = World::good();
    let error =
        put_k(&client(&world.server.endpoint(), |way| way.http_proxy = Some("http://127.0.0.1:1".into())))
            .await
            .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(world.server.connections(), 0);
}

/// What a proxy may do to a tunnel, each typed and in time.
#[tokio::test]
async fn a_tunnel_that_does_not_come_about_is_a_typed_fault() {
    let table: [(&[u8], ErrorKind); 5] = [
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", ErrorKind::Unreachable),
        (b"HTTP/1.1 403 No\r\n\r\n", ErrorKind::Unreachable),
        (b"garbage\r\n\r\n", ErrorKind::Unreachable),
        (b"", ErrorKind::Unreachable),
        (b"HTTP/1.1 200 OK\r\n", ErrorKind::Unreachable),
    ];
    for (answer, kind) in table {
        let proxy = RawServer::start(move |mut stream| {
            read_head(&mut stream);
            stream.write_all(answer).ok();
        });
        let client = client("https://localhost:1", |way| way.https_proxy = Some(proxy.endpoint.clone()));
        assert_eq!(put_k(&client).await.unwrap_err().kind(), kind, "{answer:?}");
    }
    let silent = RawServer::start(|mut stream| {
        read_head(&mut stream);
        std::thread::sleep(std::time::Duration::from_secs(60));
    });
    let talkative = RawServer::start(|mut stream| {
        read_head(&mut stream);
        while stream.write_all(&[b'x'; 1000]).is_ok() {}
    });
    for (proxy, kinds) in
        [(silent, [ErrorKind::Timeout; 2]), (talkative, [ErrorKind::Protocol, ErrorKind::Timeout])]
    {
        let client = client("https://localhost:1", |way| way.https_proxy = Some(proxy.endpoint.clone()));
        let error = put_k(&client).await.unwrap_err();
        assert!(kinds.contains(&error.kind()), "{error:?}");
    }
}
