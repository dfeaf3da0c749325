//! Whether the store has the very bytes of a file.

use futures_util::StreamExt;
use holdall_store::{Error, Key, ReadFrom, Result, Store};
use std::path::Path;
use tokio::io::AsyncReadExt;

/// Reads an object from the store itself and compares it with a file.
///
/// # Errors
///
/// `NotFound` and others of reading the object; `Io` of reading the file.
pub(super) async fn same(store: &Store, key: &Key, path: &Path) -> Result<bool> {
    let failed = |error| {
        Error::io("the document's file cannot be read", error).with_fact("path", format_args!("{path:?}"))
    };
    let mut file = tokio::fs::File::open(path).await.map_err(failed)?;
    let size = file.metadata().await.map_err(failed)?.len();
    let mut object = store.get(key.as_str()).await?;
    if object.metadata.read_from != ReadFrom::Store || object.metadata.size != size {
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
