//! Puts many small objects into a folder, by holdall's library or by object_store, 32 at once.
//!
//! `local-jobs holdall|object_store FOLDER COUNT data|none`

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

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, tool, folder, count, fsync] = &args[..] else { panic!("usage: local-jobs TOOL FOLDER COUNT data|none") };
    let count: usize = count.parse().expect("a count");
    let put = match tool.as_str() {
        "holdall" => holdall(folder, fsync == "data"),
        _ => object_store(folder, fsync == "data"),
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
