//! Whether the store has the very bytes of a file.

use futures_util::StreamExt;
use holdall_store::{Error, ErrorKind, Key, Metadata, ReadFrom, Result, Store};
use std::path::Path;
use tokio::io::AsyncReadExt;

/// Makes sure that what was found is the store's own: a queued write or a copy on this machine proves nothing.
pub(super) fn demand_at_store(found: &Metadata) -> Result<()> {
    if found.read_from == ReadFrom::Store {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unreachable, "the store itself cannot be asked for the document")
        .with_key(&found.key)
        .with_fact("read_from", found.read_from.as_str())
        .with_hint("run the job again when the store is back and the outbox is drained"))
}

/// Reads an object from the store itself and compares it with a file.
///
/// # Errors
///
/// `NotFound` and others of reading the object, `Unreachable` where only this machine has it; `Io` of reading the file.
pub(super) async fn same(store: &Store, key: &Key, path: &Path) -> Result<bool> {
    let failed = |error| {
        Error::io("the document's file cannot be read", error).with_fact("path", format_args!("{path:?}"))
    };
    let mut file = tokio::fs::File::open(path).await.map_err(failed)?;
    let size = file.metadata().await.map_err(failed)?.len();
    let mut object = store.get(key.as_str()).await?;
    demand_at_store(&object.metadata)?;
    if object.metadata.size != size {
        return Ok(false);
    }
    let mut own = Vec::new();
    while let Some(piece) = object.stream.next().await {
        let piece = piece?;
        own.resize(piece.len(), 0);
        match file.read_exact(&mut own).await {
            Ok(_) if own == piece => {}
            Ok(_) => return Ok(false),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(file.read(&mut [0]).await.map_err(failed)? == 0)
}
