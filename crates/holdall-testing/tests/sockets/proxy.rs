//! The proxy between a bare client and the sink.

use std::io::{ErrorKind, Read as _};
use std::net::{Shutdown, SocketAddr};
use std::time::{Duration, Instant};

use holdall_testing::proxy::{Cut, Proxy, Shape, Way};
use holdall_testing::sink::{Sink, SinkOptions, pattern_matches};

use crate::client::Client;

const SIZE: usize = 3_000_000;
const GET: &str = "GET /b/size=3000000";

fn world() -> (Sink, Proxy) {
    let sink = Sink::start(SinkOptions { remember: true, ..SinkOptions::default() }).unwrap();
    let proxy = Proxy::before(&sink.endpoint()).unwrap();
    (sink, proxy)
}

fn client(proxy: &Proxy) -> Client {
    let address: SocketAddr = proxy.endpoint().trim_start_matches("http://").parse().unwrap();
    let client = Client::of(address);
    client.0.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    client
}

fn wait_until_closed(proxy: &Proxy) {
    let start = Instant::now();
    while proxy.open() > 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "a connection stays open");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn bytes_pass_both_ways_and_are_counted() {
    let (_sink, proxy) = world();
    let mut client = client(&proxy);
    let put = client.ask("PUT /b/k", "", &vec![7; SIZE]);
    assert_eq!(put.status, 200);
    let sent = proxy.bytes(Way::Up);
    assert!((SIZE as u64 + 20..SIZE as u64 + 200).contains(&sent), "{sent}");
    let before = proxy.bytes(Way::Down);
    let got = client.ask("GET /b/k", "", b"");
    assert!(pattern_matches(0, &got.body));
    assert_eq!(proxy.bytes(Way::Down) - before, (got.head.len() + SIZE) as u64);
    assert_eq!((proxy.connections(), proxy.open()), (1, 1));
    drop(client);
    wait_until_closed(&proxy);
}

#[test]
fn shaped_bytes_are_the_same_bytes() {
    let (_sink, proxy) = world();
    proxy.shape(Shape { delay: Duration::from_millis(5), rate: Some(20_000_000) });
    let mut clients = [client(&proxy), client(&proxy)];
    for client in &mut clients {
        client.send(format!("{GET} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes());
    }
    for client in &mut clients {
        let got = client.answer(true);
        assert_eq!(got.body.len(), SIZE);
        assert!(pattern_matches(0, &got.body));
    }
    assert_eq!(proxy.connections(), 2);
}

#[test]
fn a_client_that_has_said_all_still_gets_its_answer() {
    let (_sink, proxy) = world();
    proxy.shape(Shape { delay: Duration::from_millis(20), rate: None });
    let mut client = client(&proxy);
    client.send(format!("{GET} HTTP/1.1\r\nConnection: close\r\n\r\n").as_bytes());
    client.0.shutdown(Shutdown::Write).unwrap();
    let (came, orderly) = client.rest();
    assert!(orderly && came.len() > SIZE, "{}", came.len());
    wait_until_closed(&proxy);
}

#[test]
fn a_reset_on_the_way_down_is_seen_once() {
    let (_sink, proxy) = world();
    proxy.cut(Way::Down, 1000, Cut::Reset);
    let (came, orderly) = client(&proxy).ask_raw(GET, "", b"");
    assert!(!orderly && came.len() <= 1000, "{}", came.len());
    assert_eq!(proxy.cuts_left(), 0);
    assert_eq!(client(&proxy).ask(GET, "", b"").body.len(), SIZE);
}

#[test]
fn a_reset_on_the_way_up_keeps_the_rest_from_the_server() {
    let (_sink, proxy) = world();
    proxy.cut(Way::Up, 1_000_000, Cut::Reset);
    let mut first = client(&proxy);
    let head = format!("PUT /b/k HTTP/1.1\r\nContent-Length: {SIZE}\r\n\r\n");
    // The reset may come while it still sends.
    let sent = std::io::Write::write_all(&mut first.0, &[head.as_bytes(), &vec![7; SIZE]].concat());
    let (came, orderly) = first.rest();
    assert!(came.is_empty() && (!orderly || sent.is_err()));
    wait_until_closed(&proxy);
    assert_eq!(client(&proxy).ask("HEAD /b/k", "", b"").status, 404);
}

#[test]
fn a_stalled_connection_says_nothing_until_the_client_closes_it() {
    let (_sink, proxy) = world();
    proxy.cut(Way::Down, 1000, Cut::Stall);
    let mut stalled = client(&proxy);
    stalled.send(format!("{GET} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes());
    let mut came = vec![0; 1000];
    stalled.0.read_exact(&mut came).unwrap();
    stalled.0.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let error = stalled.0.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    assert_eq!(client(&proxy).ask(GET, "", b"").body.len(), SIZE, "others go on");
    drop(stalled);
    wait_until_closed(&proxy);
}

/// Its close waits behind what it has to say, which nobody reads.
#[test]
fn a_stalled_connection_whose_client_was_cut_off_ends_when_the_way_is_mended() {
    let (_sink, proxy) = world();
    proxy.cut(Way::Up, 1000, Cut::Stall);
    let stalled = client(&proxy);
    stalled.0.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
    let full = std::io::Write::write_all(&mut &stalled.0, &[b' '; 32 << 20]);
    assert_eq!(full.unwrap_err().kind(), ErrorKind::WouldBlock);
    drop(stalled);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!((proxy.open(), proxy.cuts_left()), (1, 0));
    proxy.cut(Way::Up, 0, Cut::Reset);
    proxy.shape(Shape { delay: Duration::from_secs(60), rate: Some(1) });
    proxy.mend();
    wait_until_closed(&proxy);
    assert_eq!(client(&proxy).ask(GET, "", b"").body.len(), SIZE, "nothing is shaped or cut");
}

#[test]
fn a_server_that_is_not_there_is_a_connection_that_closes() {
    let (sink, proxy) = world();
    drop(sink);
    let (came, _) = client(&proxy).rest();
    assert_eq!(came, b"");
}

#[test]
fn the_proxys_end_ends_every_connection() {
    let (_sink, proxy) = world();
    let mut idle = client(&proxy);
    assert_eq!(idle.ask(GET, "", b"").body.len(), SIZE);
    drop(proxy);
    assert_eq!(idle.rest().0, b"");
}

#[test]
fn what_is_no_endpoint_is_refused() {
    for endpoint in ["https://127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1", "http://"] {
        assert!(Proxy::before(endpoint).is_err(), "{endpoint}");
    }
}
