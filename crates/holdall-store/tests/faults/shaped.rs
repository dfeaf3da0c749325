//! A way to the server that is slow, narrow, or breaks: what is slow goes on, what is silent is given up in time.

use std::time::Duration;

use holdall_store::{ErrorKind, GetOptions, Settings, Store};
use holdall_testing::proxy::{Cut, Proxy, Shape, Way};

use crate::support::{MIB, World, all_of, bytes, in_time};

/// Sent as one request, and in parts.
const SIZES: [usize; 2] = [2 * MIB, 11 * MIB];

fn patient(settings: &mut Settings) {
    settings.attempts = 3;
}

fn once(settings: &mut Settings) {
    settings.attempts = 1;
}

async fn put(store: &Store, size: usize) -> Result<(), ErrorKind> {
    in_time(store.put("k", bytes(size))).await.map(drop).map_err(|error| error.kind())
}

/// Whether what is got is right, by both ways that there are: as a stream, and to a file.
async fn get(world: &World, store: &Store, size: usize) -> Result<bool, ErrorKind> {
    let path = world.dir.path().join("got");
    let fetch = async {
        store.get_to_file("k", &path, &GetOptions::default()).await?;
        store.get("k").await?.bytes().await
    };
    let streamed = in_time(fetch).await.map_err(|error| error.kind())?;
    Ok(streamed == bytes(size) && std::fs::read(&path).unwrap() == bytes(size))
}

fn world() -> (World, Proxy) {
    let world = World::good();
    let proxy = Proxy::before(&world.server.endpoint()).unwrap();
    (world, proxy)
}

fn slow() -> Shape {
    Shape { delay: Duration::from_millis(10), rate: Some(MIB as u64) }
}

/// It takes longer than a read may be silent.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_download_is_not_given_up() {
    let (world, proxy) = world();
    let size = 5 * MIB / 2;
    world.server.put_object(&world.bucket, "k", &bytes(size));
    let store = world.through(&proxy, once);
    proxy.shape(slow());
    assert_eq!(get(&world, &store, size).await, Ok(true));
    assert!(proxy.bytes(Way::Down) > 2 * size as u64);
}

/// Loopback takes 2.5 MiB of an upload at once, and says nothing while they drain; so the silence that is borne has to
/// be longer here.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_upload_is_not_given_up() {
    let (world, proxy) = world();
    let store = world.through(&proxy, |settings| {
        once(settings);
        settings.read_timeout = Duration::from_secs(5);
        settings.multipart_threshold = 64 * MIB as u64;
    });
    proxy.shape(slow());
    let size = 6 * MIB;
    put(&store, size).await.unwrap();
    assert!(world.stored("k").unwrap() == bytes(size));
    assert!(proxy.bytes(Way::Up) > size as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_in_the_middle_is_survived_and_nothing_is_left() {
    let cuts =
        [(Way::Up, Cut::Reset), (Way::Up, Cut::Stall), (Way::Down, Cut::Reset), (Way::Down, Cut::Stall)];
    let each = cuts.into_iter().flat_map(|(way, cut)| SIZES.map(|size| Box::pin(survives(way, cut, size))));
    all_of(each).await;
}

async fn survives(way: Way, cut: Cut, size: usize) {
    let what = format!("{cut:?} {way:?} {size}");
    let (world, proxy) = world();
    let store = world.through(&proxy, patient);
    if way == Way::Up {
        proxy.cut(way, (size / 2) as u64, cut);
    }
    put(&store, size).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
    assert!(world.stored("k").unwrap() == bytes(size), "{what}");
    assert!(world.server.uploads().is_empty(), "{what}");
    if way == Way::Down {
        proxy.cut(way, (size / 2) as u64, cut);
    }
    assert_eq!(get(&world, &store, size).await, Ok(true), "{what}");
    assert_eq!(proxy.cuts_left(), 0, "{what}");
}

/// Without another attempt the caller is told what it was, and can make that attempt itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_cut_is_told_as_what_it_was_and_the_next_call_is_right() {
    let cuts = [(Cut::Reset, ErrorKind::Unreachable), (Cut::Stall, ErrorKind::Timeout)];
    let each = cuts.into_iter().flat_map(|(cut, kind)| SIZES.map(|size| Box::pin(is_told(cut, kind, size))));
    all_of(each).await;
}

async fn is_told(cut: Cut, kind: ErrorKind, size: usize) {
    let what = format!("{cut:?} {size}");
    let (world, proxy) = world();
    let store = world.through(&proxy, once);
    proxy.cut(Way::Up, (size / 2) as u64, cut);
    assert_eq!(put(&store, size).await, Err(kind), "{what}");
    assert_eq!(world.stored("k"), None, "{what}");
    assert!(world.server.uploads().is_empty(), "{what}: {:?}", world.server.uploads());
    assert_eq!(put(&store, size).await, Ok(()), "{what}");
    // On a connection of its own: one that was kept and turns out to be dead is replaced, which is no attempt.
    let fresh = world.through(&proxy, once);
    proxy.cut(Way::Down, 0, cut);
    assert_eq!(get(&world, &fresh, size).await, Err(kind), "{what}");
    assert_eq!(get(&world, &fresh, size).await, Ok(true), "{what}");
}
