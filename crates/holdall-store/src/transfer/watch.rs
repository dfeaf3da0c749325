//! Stores a folder's files as they are written.

mod delete;
mod folders;
mod gone;
mod kernel;
mod lease;
mod line;
mod place;
mod queue;
mod recap;
mod recent;
mod run;
mod said;
mod scan;
mod send;
mod told;

pub use told::{ScanCause, WatchEvent, WatchOptions};

use super::PushOptions;
use super::push::Push;
use super::sync::open_index;
use super::tree::as_folder;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Prefix;
use crate::store::Store;
use futures_core::Stream;
use place::{Root, refuse_own_destination};
use run::Run;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// So many events wait for whoever reads them; then the watch waits, too.
const WAITING: usize = 256;

impl Store {
    /// Watches a folder, and stores each file at its path relative to the folder below `prefix`: first what differs from
    /// what is there, then each file when it was closed after writing, or renamed into place. Ends when it is told to,
    /// when the [`Watching`] is dropped, or when the folder goes.
    ///
    /// No object is ever torn, as far as the kernel tells: a file is stored only while it is not open for writing, and as
    /// it was when it was opened. Of one that is written again and again, states may be left out, and never an older one
    /// stored after a newer one. What the kernel did not tell of is found when everything is looked at again.
    ///
    /// While the destination cannot be reached, what changes is kept in mind, and tried again for as long as it takes.
    ///
    /// With [`WatchOptions::manifest`], what is stored is described beside it, again and again.
    ///
    /// ```no_run
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall_store::Store;
    /// use holdall_store::transfer::{WatchEvent, WatchOptions};
    ///
    /// let mut watching = Store::from_env()?.watch("out".as_ref(), "runs/7", &WatchOptions::default()).await?;
    /// while let Some(event) = watching.next().await {
    ///     if let WatchEvent::Pushed { receipt, .. } = event? {
    ///         assert!(receipt.size > 0);
    ///         watching.stop();
    ///     }
    /// }
    /// # Ok::<(), holdall_store::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound` for a folder that is not there, `InvalidInput` for a file, a prefix that is none, or a
    /// store that lies in the folder or around it; with a manifest `AlreadyExists` when the folder has a file of its own
    /// where it would be, and `Unsupported` without an index. What ends it later
    /// comes as the last item: `NotFound` when the folder goes; at the first look at everything also `BucketNotFound`,
    /// `Credentials` and `Config`.
    pub async fn watch(&self, dir: &Path, prefix: &str, options: &WatchOptions) -> Result<Watching> {
        Prefix::parse(prefix)?;
        let prefix = as_folder(prefix);
        let root = Root::of(dir)?;
        refuse_own_destination(self, &prefix, dir)?;
        let (_, log) = open_index(self, &prefix, dir, None).await?;
        let pushed = PushOptions {
            filter: options.filter.clone(),
            delete: options.delete,
            put: options.put.clone(),
            manifest: options.manifest,
            ..PushOptions::default()
        };
        let store = if options.manifest { self.hashing_whole() } else { self.clone() };
        let push = Arc::new(Push::new(&store, (dir, &prefix), &pushed, log));
        if options.manifest {
            push.check_recap().await?;
        }
        let (out, events) = mpsc::channel(WAITING);
        let (stop, stopped) = watch::channel(false);
        let mut task = JoinSet::new();
        task.spawn(Box::pin(Run::new(push, root, options.clone()).run(stopped, out)));
        Ok(Watching { events, stop, task })
    }
}

/// A folder that is watched, as a stream of what happens. Dropped, it ends at once, and gives up what is under way.
#[derive(Debug)]
pub struct Watching {
    events: mpsc::Receiver<WatchEvent>,
    stop: watch::Sender<bool>,
    task: JoinSet<Result<()>>,
}

impl Watching {
    /// Waits for the next event; none after the last. An error is the last.
    pub async fn next(&mut self) -> Option<Result<WatchEvent>> {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    /// Begins nothing more but a manifest that has everything. What is under way may take five seconds to end, and that
    /// manifest five more, and tells of it; then the events end.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<WatchEvent>>> {
        if let Some(event) = ready!(self.events.poll_recv(context)) {
            return Poll::Ready(Some(Ok(event)));
        }
        Poll::Ready(match ready!(self.task.poll_join_next(context)) {
            None | Some(Ok(Ok(()))) => None,
            Some(Ok(Err(error))) => Some(Err(error)),
            Some(Err(error)) => {
                Some(Err(Error::new(ErrorKind::Cancelled, "the watch ended early").with_source(error)))
            }
        })
    }
}

impl Stream for Watching {
    type Item = Result<WatchEvent>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt as _;
    use std::time::Duration;

    async fn next(watching: &mut Watching) -> Option<Result<WatchEvent>> {
        tokio::time::timeout(Duration::from_secs(20), watching.next()).await.expect("something happens")
    }

    async fn until_pushed(watching: &mut Watching, key: &str) {
        loop {
            match next(watching).await.unwrap().unwrap() {
                WatchEvent::Pushed { receipt, .. } if receipt.key.as_str() == key => return,
                _ => {}
            }
        }
    }

    #[tokio::test]
    async fn events_come_until_it_is_told_to_stop() {
        let (store, dir) = (Store::memory(), tempfile::tempdir().unwrap());
        std::fs::write(dir.path().join("first"), "1").unwrap();
        let mut watching = store.watch(dir.path(), "p", &WatchOptions::default()).await.unwrap();
        until_pushed(&mut watching, "p/first").await;
        std::fs::write(dir.path().join("second"), "2").unwrap();
        until_pushed(&mut watching, "p/second").await;
        assert_eq!(store.get("p/second").await.unwrap().bytes().await.unwrap(), "2");
        watching.stop();
        while let Some(event) = next(&mut watching).await {
            event.unwrap();
        }
        std::fs::write(dir.path().join("third"), "3").unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!store.exists("p/third").await.unwrap());
    }

    #[tokio::test]
    async fn a_folder_that_goes_is_the_last_item_of_the_stream() {
        let (store, dir) = (Store::memory(), tempfile::tempdir().unwrap());
        let top = dir.path().join("top");
        std::fs::create_dir(&top).unwrap();
        std::fs::write(top.join("a"), "a").unwrap();
        let options =
            WatchOptions { delete: Some(crate::transfer::MaxDelete::Percent(100)), ..Default::default() };
        let mut watching = store.watch(&top, "", &options).await.unwrap();
        until_pushed(&mut watching, "a").await;
        std::fs::remove_dir_all(&top).unwrap();
        let items: Vec<_> = watching.collect().await;
        let last = items.last().and_then(|item| item.as_ref().err()).unwrap();
        assert_eq!(last.kind(), ErrorKind::NotFound);
        assert!(store.exists("a").await.unwrap());
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_and_a_prefix_that_is_none_are_refused() {
        let (store, dir) = (Store::memory(), tempfile::tempdir().unwrap());
        let nothing = dir.path().join("nothing");
        let error = store.watch(&nothing, "p", &WatchOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let error = store.watch(dir.path(), ".holdall/p", &WatchOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}
