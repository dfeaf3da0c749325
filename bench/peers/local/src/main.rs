//! Jobs by libraries.
//!
//! - `local-jobs holdall|object_store FOLDER COUNT data|none` puts many small objects into a folder, 32 at once;
//! - `local-jobs acks FOLDER WRITERS EACH p99|mean`, `fsyncs FOLDER COUNT p99|mean`, `fill FOLDER COUNT`,
//!   `open FOLDER` and `list FOLDER` are about outboxes;
//! - `local-jobs steps FOLDER SESSION` stores the folders below a folder as steps, in the store that the environment names.

mod outbox;
mod steps;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use holdall_store::{Fsync, Location, Settings, Store};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const AT_ONCE: usize = 32;
const SIZE: usize = 4096;

type Put = Arc<dyn Fn(String, Bytes) -> BoxFuture<'static, ()> + Send + Sync>;

fn holdall(folder: &str, fsync: bool) -> Put {
    let fsync = if fsync { Fsync::Data } else { Fsync::None };
    let settings = Settings { fsync, ..Settings::default() };
    let store = Store::open_location(&Location::Folder(folder.into()), &settings).expect("the folder opens");
    Arc::new(move |key, bytes| {
        let store = store.clone();
        Box::pin(async move {
            store.put(&key, bytes).await.expect("the put works");
        })
    })
}

fn object_store(folder: &str, fsync: bool) -> Put {
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let store = LocalFileSystem::new_with_prefix(folder).expect("the folder opens").with_fsync(fsync);
    let store: Arc<dyn ObjectStore> = Arc::new(store);
    Arc::new(move |key, bytes| {
        let store = store.clone();
        Box::pin(async move {
            store.put(&Path::from(key), bytes.into()).await.expect("the put works");
        })
    })
}

/// Puts many small objects into a folder.
async fn objects(tool: &str, folder: &str, count: usize, fsync: bool) {
    let put = match tool {
        "holdall" => holdall(folder, fsync),
        _ => object_store(folder, fsync),
    };
    let next = Arc::new(AtomicUsize::new(0));
    let lanes: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (put, next) = (put.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= count {
                        return;
                    }
                    let bytes: Vec<u8> = (0..SIZE).map(|i| (i * 31 + n * 7919) as u8).collect();
                    put(format!("folder/object-{n:06}.bin"), bytes.into()).await;
                }
            })
        })
        .collect();
    for lane in lanes {
        lane.await.expect("no lane panics");
    }
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse().expect("a count");
    match args[..] {
        [tool @ ("holdall" | "object_store"), folder, count, fsync] => {
            objects(tool, folder, number(count), fsync == "data").await;
        }
        ["acks", folder, writers, each, what] => outbox::acks(folder, number(writers), number(each), what).await,
        ["fsyncs", folder, count, what] => outbox::fsyncs(folder, number(count), what),
        ["fill", folder, count] => outbox::fill(folder, number(count)).await,
        ["open", folder] => outbox::look(folder, false),
        ["list", folder] => outbox::look(folder, true),
        // On a thread of the runtime it is woken by the thread that reads its sockets.
        ["steps", folder, session] => {
            tokio::spawn(steps::store(folder.into(), session.into())).await.expect("all steps are stored");
        }
        _ => panic!("the jobs are named in the source"),
    }
}
