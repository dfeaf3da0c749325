//! Bounds on bytes and requests a second: they hold over all connections, and no wait for them is taken for a stall.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use holdall_s3::{Client, GetOptions, PutOptions, RateLimits, Timeouts, Transport, TransportConfig};
use holdall_testing::fault::Kind;

use crate::support::{BUCKET, READ, World, bytes, config, get, in_time, put};

fn bounded(world: &World, bandwidth: u64, requests: u64) -> Client {
    let limits = RateLimits { bandwidth: NonZeroU64::new(bandwidth), requests: NonZeroU64::new(requests) };
    let timeouts = Timeouts { connect: Duration::from_secs(2), read: READ };
    let transport = Transport::new(TransportConfig { timeouts, limits, ..TransportConfig::default() });
    Client::new(config(&world.server.endpoint()), transport).unwrap()
}

#[tokio::test]
async fn all_connections_together_move_no_more_bytes_than_the_bandwidth() {
    const RATE: u64 = 200_000;
    let (world, body) = (World::good(), bytes(100_000));
    let client = bounded(&world, RATE, 0);
    let (start, options) = (Instant::now(), PutOptions::default());
    let puts = ["a", "b"].map(|key| put(&client, key, &body, &options));
    for put in in_time(futures_util::future::join_all(puts)).await {
        put.unwrap();
    }
    let options = GetOptions::default();
    let gets = ["a", "b"].map(|key| get(&client, key, &options));
    for got in in_time(futures_util::future::join_all(gets)).await {
        assert!(got.unwrap() == body);
    }
    // 2 s, less what was saved up and the last bytes, which nobody waits for.
    let least = Duration::from_millis(900);
    assert!(start.elapsed() >= least, "{:?}", start.elapsed());
    assert_eq!((world.count(Kind::PutObject), world.count(Kind::GetObject)), (2, 2), "no wait is a stall");
}

#[tokio::test]
async fn a_wait_longer_than_the_timeout_is_no_stall() {
    let (world, body) = (World::good(), bytes(30_000));
    let client = bounded(&world, 20_000, 0);
    let start = Instant::now();
    in_time(put(&client, "k", &body, &PutOptions::default())).await.unwrap();
    assert!(start.elapsed() > READ * 2, "{:?}", start.elapsed());
    assert_eq!(world.count(Kind::PutObject), 1);
    assert!(world.server.object(BUCKET, "k").unwrap().bytes == body);
}

#[tokio::test]
async fn requests_go_out_at_their_rate() {
    let world = World::good();
    let client = bounded(&world, 0, 20);
    let start = Instant::now();
    let heads = (0..21).map(|_| client.head_bucket());
    for head in in_time(futures_util::future::join_all(heads)).await {
        head.unwrap();
    }
    assert!(start.elapsed() >= Duration::from_millis(890), "{:?}", start.elapsed());
    assert_eq!(world.count(Kind::HeadBucket), 21);
}
