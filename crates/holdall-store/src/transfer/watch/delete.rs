//! Deletes objects whose files are gone.

use super::place::Root;
use crate::transfer::push::Push;
use crate::transfer::sync::NamesRead;
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
    if absent.is_empty() {
        return;
    }
    push.delete_batch(absent.iter().map(|name| (name.to_string(), 0)).collect()).await;
    absent.iter().for_each(|name| push.log.iter().for_each(|log| log.forget(name)));
}

/// Whether there is anything of this name, or that cannot be known.
fn is_there(path: &Path) -> bool {
    use std::io::ErrorKind as Io;
    match std::fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), Io::NotFound | Io::NotADirectory),
    }
}

/// The next names of a list, and whether there are more.
pub(super) fn next_batch(names: &mut NamesRead) -> std::io::Result<Vec<Arc<str>>> {
    names.take(BATCH).map(|name| name.map(|(name, _)| name.into())).collect()
}
