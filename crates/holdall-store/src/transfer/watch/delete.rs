//! Deletes objects whose files are gone.

use super::place::Root;
use crate::error::ErrorKind;
use crate::transfer::push::Push;
use crate::transfer::sync::NamesRead;
use futures_util::StreamExt;
use std::path::Path;
use std::sync::Arc;

/// So many are deleted by one request.
pub(super) const BATCH: usize = 1000;

/// Deletes those objects whose files are not there, while the folder is.
pub(super) async fn delete(push: &Arc<Push>, root: &Root, names: Vec<Arc<str>>) {
    let (root, dir) = (root.clone(), push.dir.clone());
    let absent = tokio::task::spawn_blocking(move || {
        let is_there = |name: &Arc<str>| is_there(&dir.join(&**name));
        let absent = names.into_iter().filter(|name| !is_there(name)).collect::<Vec<_>>();
        // Looked at last: a folder that went has no files.
        root.check().map(|()| absent)
    });
    let Ok(Ok(absent)) = absent.await else { return };
    let absent = with_objects(push, absent).await;
    if absent.is_empty() {
        return;
    }
    push.delete_batch(absent.iter().map(|name| (name.to_string(), 0)).collect()).await;
    absent.iter().for_each(|name| push.log.iter().for_each(|log| log.forget(name)));
}

/// Leaves out what has no object: many files come and go before they are stored.
async fn with_objects(push: &Arc<Push>, names: Vec<Arc<str>>) -> Vec<Arc<str>> {
    let asked = futures_util::stream::iter(names).map(|name| async move {
        let head = push.store.head(&format!("{}{name}", push.prefix)).await;
        let is_there = !head.is_err_and(|error| error.kind() == ErrorKind::NotFound);
        is_there.then_some(name)
    });
    let lanes = push.store.settings().concurrency.max(1);
    asked.buffer_unordered(lanes).filter_map(std::future::ready).collect().await
}

/// Whether there is anything of this name, or that cannot be known.
fn is_there(path: &Path) -> bool {
    use std::io::ErrorKind as Io;
    match std::fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), Io::NotFound | Io::NotADirectory),
    }
}

/// The next names of a list; none at its end.
pub(super) fn next_batch(names: &mut NamesRead) -> std::io::Result<Vec<Arc<str>>> {
    names.take(BATCH).map(|name| name.map(|(name, _)| name.into())).collect()
}
