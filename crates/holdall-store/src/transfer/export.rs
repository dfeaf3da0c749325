//! What lies below a prefix as rows, for a datastore.

mod text;
mod to_file;

pub use text::{ExportFormat, ExportText};
pub use to_file::Exported;

use super::tree::as_folder;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::object::{GetOptions, ListOptions, Metadata};
use crate::store::{ObjectList, Store};
use crate::{BoxFuture, Encryption};
use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use std::fmt;

/// What is told of each object.
#[derive(Debug, Clone, Default)]
pub struct ExportOptions {
    /// Ask for each object's SHA-256, which costs a request for each. A listing has none.
    pub digest: bool,
}

/// An object, as it is exported.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ExportRow {
    /// The key relative to the prefix: the path that `push` stored it from.
    pub path: String,
    /// A URL that does not expire, by the setting `url`; none where there is none.
    pub url: Option<String>,
    /// What is known of the object. Without [`ExportOptions::digest`] it is what a listing says.
    pub object: Metadata,
}

impl ExportRow {
    /// Whether a spreadsheet would take the path or the key for a formula, and compute it, rather than show it.
    pub fn is_like_a_formula(&self) -> bool {
        [self.path.as_str(), self.object.key.as_str()]
            .iter()
            .any(|cell| cell.starts_with(['=', '+', '-', '@', '\t', '\r']))
    }
}

impl Store {
    /// Begins to export what lies below a prefix, as below a folder: a slash is put after it where it has none.
    ///
    /// There is a row for each object, in the bytewise order of keys. Memory is a page of the listing and the next, and
    /// with [`ExportOptions::digest`] as many answers as the setting `concurrency` says. Dropping the export ends it.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a prefix that is none. Faults of the listing come with the rows.
    pub fn export(&self, prefix: &str, options: &ExportOptions) -> Result<Export> {
        Prefix::parse(prefix)?;
        let prefix = as_folder(prefix);
        let list =
            self.list_with(ListOptions { prefix: Prefix::parse(&prefix)?, ..ListOptions::default() })?;
        Ok(Export {
            store: self.clone(),
            prefix,
            rows: if options.digest { Rows::Asked(FuturesOrdered::new()) } else { Rows::Listed },
            list: Some(list),
            fault: None,
        })
    }
}

/// An export under way.
pub struct Export {
    store: Store,
    prefix: String,
    rows: Rows,
    /// None after its end.
    list: Option<ObjectList>,
    /// What ended the listing; it comes after the rows that were listed before.
    fault: Option<Error>,
}

/// Where rows come from.
enum Rows {
    Listed,
    /// Answers of the store that are under way, in the order of keys; none for an object that is gone.
    Asked(FuturesOrdered<BoxFuture<'static, Result<Option<Metadata>>>>),
}

impl Export {
    /// The next row; none after the last. An error ends the export: what came before it is not all.
    ///
    /// An object that is deleted after it was listed and before it is asked for has no row.
    pub async fn next(&mut self) -> Option<Result<ExportRow>> {
        let object = match self.object().await {
            Ok(object) => object?,
            Err(error) => return Some(Err(self.fail(error))),
        };
        let row = self.row(object);
        Some(row.map_err(|error| self.fail(error)))
    }

    /// The rows as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<ExportRow>> + Send {
        futures_util::stream::unfold(self, |mut export| async move { Some((export.next().await?, export)) })
    }

    fn fail(&mut self, error: Error) -> Error {
        (self.list, self.fault, self.rows) = (None, None, Rows::Listed);
        error
    }

    fn row(&self, object: Metadata) -> Result<ExportRow> {
        let path = object.key.as_str().strip_prefix(&self.prefix).unwrap_or_default().to_owned();
        Ok(ExportRow { path, url: self.store.lasting_url(&object.key)?, object })
    }

    async fn object(&mut self) -> Result<Option<Metadata>> {
        loop {
            self.ask_ahead().await;
            let next = match &mut self.rows {
                Rows::Listed => self.listed().await.map(Some),
                Rows::Asked(asked) => asked.next().await.transpose()?,
            };
            match next {
                Some(Some(object)) => return Ok(Some(object)),
                // It is gone; others may follow.
                Some(None) => {}
                None => return self.fault.take().map_or(Ok(None), Err),
            }
        }
    }

    /// Asks for as many objects as may be asked for at once.
    async fn ask_ahead(&mut self) {
        let most = self.store.settings().concurrency.max(1);
        while matches!(&self.rows, Rows::Asked(asked) if asked.len() < most)
            && let Some(object) = self.listed().await
        {
            if let Rows::Asked(asked) = &mut self.rows {
                asked.push_back(ask(&self.store, object.key));
            }
        }
    }

    /// The next object of the listing; none after its end, be that a fault.
    async fn listed(&mut self) -> Option<Metadata> {
        match self.list.as_mut()?.next().await {
            Some(Ok(object)) => return Some(object),
            Some(Err(error)) => self.fault = Some(error),
            None => {}
        }
        self.list = None;
        None
    }
}

/// Asks for what is known of an object.
fn ask(store: &Store, key: Key) -> BoxFuture<'static, Result<Option<Metadata>>> {
    let store = store.clone();
    Box::pin(async move {
        let own = |encryption: &&Encryption| matches!(encryption, Encryption::Customer(_));
        let encryption = store.settings().encryption.as_ref().filter(own).cloned();
        let answer = store.backend().head(&key, &GetOptions { encryption, ..GetOptions::default() }).await;
        match answer {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.with_key(&key)),
        }
    })
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
