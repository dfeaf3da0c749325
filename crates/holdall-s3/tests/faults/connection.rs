//! Connections that break, stay silent, or are no longer there when they are used again.

use std::io::Write;
use std::time::{Duration, Instant};

use holdall_s3::{ErrorKind, PutOptions};
use holdall_testing::fault::{Fault, FaultServer, Kind, Rule, Script};

use crate::support::raw::{RawServer, read_head, read_request};
use crate::support::{ATTEMPTS, BUCKET, READ, World, bytes, client_of, config, in_time, on_get, put};

#[tokio::test]
async fn a_connection_is_used_again() {
    let world = World::good();
    for n in 0..20 {
        in_time(world.put(&format!("k{n}"), b"x")).await.unwrap();
        assert_eq!(in_time(world.get(&format!("k{n}"))).await.unwrap(), b"x");
    }
    assert_eq!(world.server.connections(), 1);
}

#[tokio::test]
async fn idle_connections_that_the_server_closed_cost_no_attempt() {
    let world = World::good();
    for n in 0..5 {
        in_time(world.put(&format!("k{n}"), b"x")).await.unwrap();
        world.server.disconnect();
    }
    let client = world.client(|c| c.retry.attempts = 1);
    for n in 5..10 {
        in_time(put(&client, &format!("k{n}"), b"x", &PutOptions::default())).await.unwrap();
        world.server.disconnect();
    }
    assert_eq!(world.count(Kind::PutObject), 10);
}

#[tokio::test]
async fn the_keep_alive_race_costs_no_attempt() {
    let world = World::with(Rule::new(Fault::CloseOnReuse).every(2));
    let client = world.client(|c| c.retry.attempts = 1);
    for n in 0..10 {
        let answer =
            in_time(client.put(&format!("k{n}"), "x".as_bytes().into(), &PutOptions::default())).await;
        assert_eq!(answer.unwrap().attempts, 1);
    }
    assert_eq!(world.server.objects(BUCKET).len(), 10);
}

/// Every idle connection may be dead: the free second sending is for one of them, not one for each attempt.
#[tokio::test]
async fn kept_connections_do_not_double_the_attempts() {
    let world = World::good();
    let idle = (0..10).map(|_| world.client.head_bucket());
    futures_util::future::try_join_all(idle).await.unwrap();
    world.server.clear_log();
    world.server.add_rule(Rule::new(Fault::AnswerLost).on(Kind::DeleteObject));
    let error = in_time(world.client.delete("k", &Default::default())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(world.count(Kind::DeleteObject) <= ATTEMPTS + 1, "{}", world.count(Kind::DeleteObject));
}

#[tokio::test]
async fn nobody_at_home_is_unreachable_after_the_attempts_set() {
    let endpoint = FaultServer::start(Script::new(), 1).unwrap().endpoint();
    let error = in_time(client_of(config(&endpoint)).head_bucket()).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Unreachable, ATTEMPTS));
    assert!(!error.is_ambiguous(), "nothing was sent");
}

#[tokio::test]
async fn a_host_without_an_address_is_unreachable_and_named() {
    let error = in_time(client_of(config("http://no-such-host.invalid")).head_bucket()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("no-such-host.invalid"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_back_in_time_is_not_missed() {
    let world = World::with(Rule::new(Fault::Reset).first(u64::from(ATTEMPTS) - 1));
    in_time(world.put("k", b"x")).await.unwrap();
    assert_eq!(world.count(Kind::PutObject), ATTEMPTS);
}

/// A server that takes the connection and reads nothing of a body too large for any socket buffer.
#[tokio::test]
async fn a_server_that_stops_reading_is_a_timeout() {
    let server = RawServer::start(|mut stream| {
        read_head(&mut stream);
        std::thread::sleep(Duration::from_secs(60));
    });
    let client = client_of({
        let mut config = config(&server.endpoint);
        config.retry.attempts = 2;
        config
    });
    let start = Instant::now();
    let error = in_time(put(&client, "k", &bytes(32 << 20), &PutOptions::default())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    // One sending each of the two attempts, and those of the look at what became of it.
    assert!(start.elapsed() < READ * 10, "{:?}", start.elapsed());
    assert!(server.connections() <= 4);
}

/// Informational answers are progress of nothing: a server that sends nothing else keeps nobody waiting for ever.
#[tokio::test]
async fn endless_informational_answers_are_a_timeout() {
    let server = RawServer::start(|mut stream| {
        read_request(&mut stream);
        let many = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100);
        while stream.write_all(&many).is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let error = in_time(client_of(config(&server.endpoint)).head_bucket()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Protocol), "{error:?}");
}

/// What is answered before it was sent cannot have been stored.
#[tokio::test]
async fn a_success_before_the_body_was_sent_is_no_success() {
    let server = RawServer::start(|mut stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\netag: \"early\"\r\ncontent-length: 0\r\n\r\n").ok();
        std::thread::sleep(Duration::from_secs(60));
    });
    let client = client_of(config(&server.endpoint));
    let error = in_time(put(&client, "k", &bytes(32 << 20), &PutOptions::default())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

/// A connection whose last body is still stuck in it must not be waited for.
#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_that_is_stuck_is_not_waited_for() {
    let server = RawServer::start(|mut stream| {
        read_head(&mut stream);
        std::thread::sleep(READ / 5);
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").ok();
        std::thread::sleep(Duration::from_secs(60));
    });
    // Somewhere among these sizes is one that the client has handed over and the sockets do not hold.
    let all = bytes(8 << 20);
    let sizes = (4..64).map(|n| n * 128 * 1024);
    let tries = sizes.map(|size| {
        let (client, body) = (client_of(config(&server.endpoint)), &all[..size]);
        async move {
            for _ in 0..2 {
                put(&client, "k", body, &PutOptions::default()).await.unwrap_err();
            }
        }
    });
    in_time(futures_util::future::join_all(tries)).await;
}

#[tokio::test]
async fn an_answer_too_long_does_not_spill_into_the_next() {
    for fault in [Fault::LongBody { extra: 40 }, Fault::WrongLength { by: -20 }] {
        let world = World::with(on_get(fault).every(2));
        let (one, two) = (bytes(1000), bytes(300));
        world.server.put_object(BUCKET, "one", &one);
        world.server.put_object(BUCKET, "two", &two);
        for _ in 0..20 {
            assert_eq!(in_time(world.get("one")).await.unwrap(), one);
            // The damaged one: shorter than it is without a way to know, or right.
            let damaged = in_time(world.get("two")).await.unwrap();
            assert!(two.starts_with(&damaged));
        }
    }
}

#[tokio::test]
async fn dropping_a_request_closes_its_connection_and_no_other() {
    let world = World::good();
    world.server.put_object(BUCKET, "k", &bytes(4 << 20));
    world.server.add_rule(on_get(Fault::StallMidBody { after: 100 }).once());
    let answer = in_time(world.client.get("k", &Default::default())).await.unwrap();
    drop(answer);
    assert_eq!(in_time(world.get("k")).await.unwrap(), bytes(4 << 20));
    let start = Instant::now();
    while world.server.open_connections() > 1 && start.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(world.server.open_connections(), 1);
}
