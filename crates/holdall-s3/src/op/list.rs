//! ListObjectsV2.

use crate::client::{Call, Client};
use crate::error::{Error, ErrorKind, Result};
use crate::xml::{Listing, continuation_token, parse_listing};
use bytes::Bytes;
use http::Method;
use std::fmt;
use std::time::SystemTime;
use tokio::task::JoinHandle;

/// What is listed.
#[derive(Debug, Clone, Default)]
pub struct ListOptions {
    /// Only keys that begin with this.
    pub prefix: String,
    /// Keys that have this after the prefix are folded into one common prefix.
    pub delimiter: Option<String>,
    /// Only keys after this one, in byte order.
    pub start_after: Option<String>,
    /// Keys in a page; the server's own bound is 1,000.
    pub page_size: Option<u32>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedObject {
    /// The key, decoded.
    pub key: String,
    /// Size in bytes.
    pub size: u64,
    /// When it was written.
    pub last_modified: Option<SystemTime>,
    /// The `ETag`, in quotes whether or not the server writes them.
    pub etag: Option<String>,
    /// The storage class, where it is not the standard one.
    pub storage_class: Option<String>,
}

/// One page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListPage {
    /// Objects, in the bytewise order of their keys.
    pub objects: Vec<ListedObject>,
    /// Common prefixes, in bytewise order.
    pub prefixes: Vec<String>,
}

impl Client {
    /// Lists objects, page by page.
    ///
    /// The next page is asked for as soon as the last one's bytes are here, while they are still being read. Order
    /// is checked: a key that does not come after the one before is `Protocol`, so that a listing can be merged and
    /// an endless one ends.
    pub fn list(&self, options: ListOptions) -> ListPages {
        ListPages {
            client: self.clone(),
            options,
            next: Next::First,
            last_key: None,
            last_prefix: None,
            last_token: None,
            empty: 0,
        }
    }
}

enum Next {
    First,
    Asked(JoinHandle<Result<Fetched>>),
    Failed,
    None,
}

struct Fetched {
    bytes: Bytes,
    host: String,
}

/// A service may answer pages without an entry where much was deleted; this many in a row are no listing any more.
const MOST_EMPTY: u32 = 1000;

/// A listing under way. Dropping it stops the page that is being fetched.
pub struct ListPages {
    client: Client,
    options: ListOptions,
    next: Next,
    last_key: Option<String>,
    last_prefix: Option<String>,
    last_token: Option<String>,
    empty: u32,
}

impl ListPages {
    /// The next page; none after the last. After an error there is nothing more.
    ///
    /// # Errors
    ///
    /// `Protocol` for a page that says there is more and not where, one that is out of order or brings what was
    /// not asked for: a truncated listing is never taken for a whole one.
    pub async fn next(&mut self) -> Option<Result<ListPage>> {
        let fetched = match std::mem::replace(&mut self.next, Next::Failed) {
            Next::None | Next::Failed => {
                self.next = Next::None;
                return None;
            }
            Next::First => fetch(&self.client, &self.options, None).await,
            Next::Asked(mut task) => {
                let _guard = AbortOnDrop(task.abort_handle());
                (&mut task).await.unwrap_or_else(|e| {
                    Err(Error::new(ErrorKind::Protocol, "the listing's task ended").with_source(e))
                })
            }
        };
        Some(fetched.and_then(|fetched| self.read(&fetched)))
    }

    fn read(&mut self, fetched: &Fetched) -> Result<ListPage> {
        let early = continuation_token(&fetched.bytes);
        if let Some(token) = &early {
            self.ask(token.clone(), &fetched.host)?;
        }
        let located = |e: Error| e.in_operation("ListObjectsV2", &fetched.host, 1);
        let page = parse_listing(&fetched.bytes).and_then(|page| self.check(page)).map_err(|e| {
            self.stop();
            located(e)
        })?;
        match (page.is_truncated, page.token) {
            (false, _) => {
                self.stop();
                self.next = Next::None;
            }
            (true, None) => {
                return Err(located(protocol("it says that there is more and not where to go on")));
            }
            (true, token) if token == early => {}
            (true, Some(token)) => {
                self.stop();
                self.ask(token, &fetched.host)?;
            }
        }
        Ok(ListPage { objects: page.objects, prefixes: page.prefixes })
    }

    fn ask(&mut self, token: String, host: &str) -> Result<()> {
        if self.last_token.as_ref() == Some(&token) {
            let error = protocol("it goes on where it was");
            return Err(error.in_operation("ListObjectsV2", host, 1));
        }
        self.last_token = Some(token.clone());
        let (client, options) = (self.client.clone(), self.options.clone());
        self.next = Next::Asked(tokio::spawn(async move { fetch(&client, &options, Some(&token)).await }));
        Ok(())
    }

    fn stop(&mut self) {
        if let Next::Asked(task) = std::mem::replace(&mut self.next, Next::Failed) {
            task.abort();
        }
    }

    /// Refuses a page that is out of order or outside of what was asked for.
    fn check(&mut self, page: Listing) -> Result<Listing> {
        let prefix = self.options.prefix.as_str();
        let start = self.options.start_after.as_deref();
        in_order(page.objects.iter().map(|o| o.key.as_str()), &mut self.last_key)?;
        in_order(page.prefixes.iter().map(String::as_str), &mut self.last_prefix)?;
        let is_empty = page.objects.is_empty() && page.prefixes.is_empty();
        self.empty = if is_empty { self.empty + 1 } else { 0 };
        if self.empty > MOST_EMPTY {
            return Err(protocol("it goes on and on without an entry"));
        }
        let foreign = |key: &str| !key.starts_with(prefix);
        if page.objects.iter().any(|o| foreign(&o.key)) || page.prefixes.iter().any(|p| foreign(p)) {
            return Err(protocol("a key does not begin with the prefix asked for"));
        }
        if let (Some(start), Some(first)) = (start, page.objects.first())
            && first.key.as_str() <= start
        {
            return Err(protocol("a key is not after the one to start after"));
        }
        Ok(page)
    }
}

impl Drop for ListPages {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Ends a fetch whose listing is dropped while it waits for it.
struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for ListPages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListPages").field("options", &self.options).finish_non_exhaustive()
    }
}

fn protocol(what: &str) -> Error {
    Error::new(ErrorKind::Protocol, format!("the listing cannot be right: {what}"))
}

fn in_order<'a>(names: impl Iterator<Item = &'a str>, last: &mut Option<String>) -> Result<()> {
    let mut before = last.as_deref();
    let mut newest = None;
    for name in names {
        if before.is_some_and(|before| before >= name) {
            return Err(protocol("keys are out of order"));
        }
        before = Some(name);
        newest = Some(name);
    }
    if let Some(newest) = newest {
        *last = Some(newest.to_owned());
    }
    Ok(())
}

async fn fetch(client: &Client, options: &ListOptions, token: Option<&str>) -> Result<Fetched> {
    let mut call = Call::new("ListObjectsV2", Method::GET)
        .query("list-type", "2")
        .query("encoding-type", "url")
        .query("prefix", &options.prefix);
    if let Some(delimiter) = &options.delimiter {
        call = call.query("delimiter", delimiter);
    }
    if let Some(size) = options.page_size {
        call = call.query("max-keys", &size.to_string());
    }
    match (token, &options.start_after) {
        (Some(token), _) => call = call.query("continuation-token", token),
        (None, Some(start)) => call = call.query("start-after", start),
        (None, None) => {}
    }
    let reply = client.run(&call).await?;
    Ok(Fetched { bytes: reply.bytes, host: reply.host })
}
