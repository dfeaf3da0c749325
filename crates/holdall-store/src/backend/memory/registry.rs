//! The stores of this process that are shared by name.

use super::backend::MemoryBackend;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

static SHARED: LazyLock<Mutex<HashMap<String, Arc<MemoryBackend>>>> = LazyLock::new(Mutex::default);

/// The store of a name, made when it is first asked for. It lives as long as the process: a name that was let go and
/// asked for again must not have lost what was acknowledged.
pub(super) fn shared(name: &str) -> Arc<MemoryBackend> {
    let mut stores = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    match stores.get(name) {
        Some(store) => store.clone(),
        None => {
            let store = Arc::new(MemoryBackend::named(name));
            stores.insert(name.to_owned(), store.clone());
            store
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, Store};

    #[tokio::test]
    async fn a_name_is_one_store_however_often_it_is_opened() {
        let open = |url: &str| Store::open(url, &Settings::default()).unwrap();
        open("memory://registry-one").put("k", "kept").await.unwrap();
        let again = open("memory://registry-one");
        assert_eq!(again.get("k").await.unwrap().bytes().await.unwrap(), "kept");
        assert_eq!(again.location(), "memory://registry-one");
        assert!(shared("registry-one").object("k").is_some());
        assert!(!open("memory://registry-two").exists("k").await.unwrap());
        open("memory://").put("k", "private").await.unwrap();
        assert!(!open("memory://").exists("k").await.unwrap());
    }
}
