//! `holdall mv`

use super::Outcome;
use super::cp::HowArgs;
use super::route::{Copied, Route, changed, differs};
use crate::app::App;
use crate::progress::{Showing, What};
use crate::record::ReceiptRecord;
use crate::text;
use bytes::Bytes;
use clap::Args;
use futures_util::StreamExt;
use holdall::{DeleteOptions, Error, ErrorKind, Metadata, Object, Result, Verified};
use serde::Serialize;

const AFTER: &str = "\
The source is deleted when the copy was looked at and is whole, and only while it is still
what was copied. A store that cannot decide that and delete in one step is asked once more
right before, which is said. Content headers and user metadata go along; tags do within one
bucket, and not between two. In a bucket with versions the source's versions stay.

Examples:
  holdall mv runs/7/draft.pdf runs/7/report.pdf
  holdall mv inbox/a.bin s3://archive/2024/ --create-only";

/// Moves an object
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Mv {
    /// The key to move
    source: String,
    /// The new key, or PREFIX/ to which the last name is appended
    #[arg(value_name = "KEY|PREFIX/")]
    destination: String,
    #[command(flatten)]
    how: HowArgs,
}

/// An object that was moved.
#[derive(Serialize)]
struct MovedRecord<'a> {
    source: &'a str,
    #[serde(flatten)]
    copy: ReceiptRecord<'a>,
    /// The source was deleted under the condition that it is still what was copied.
    atomic: bool,
    tags_kept: bool,
}

/// How the source went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Removal {
    /// The store itself saw to it that nothing else was deleted.
    Atomic,
    /// It was looked at and then deleted.
    Looked,
}

impl Mv {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let route = Route::parse(&self.source, &self.destination, app)?;
        refuse_onto_itself(&route)?;
        let seen = route.from.store.head(&route.from.key).await?;
        refuse_what_looks_the_same(&route, &seen).await?;
        if self.how.dry_run {
            return Ok(route.print_plan(&seen, "move", app)?);
        }
        let showing = Showing::start(&app.globals, What::One(self.source));
        let copied = route.copy(Some(&seen), self.how.condition(), showing.progress()).await?;
        drop(showing);
        verify(&route, &seen, &copied).await?;
        let removal = remove_source(&route, &seen).await.map_err(|error| source_kept(error, &route))?;
        print(&route, &copied, removal, app)
    }
}

fn onto_itself(route: &Route, message: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, message).with_key(&route.from.shown)
}

fn refuse_onto_itself(route: &Route) -> Result<()> {
    match route.inside && route.from.key == route.to.key {
        true => Err(onto_itself(route, "source and destination are the same object")),
        false => Ok(()),
    }
}

/// Two names of stores may mean one place, such as a folder and one above it. There the copy would be the source.
async fn refuse_what_looks_the_same(route: &Route, seen: &Metadata) -> Result<()> {
    if route.inside {
        return Ok(());
    }
    match route.to.store.head(&route.to.key).await {
        Ok(there) if !differs(seen, &there) => {
            Err(onto_itself(route, "source and destination cannot be told apart")
                .with_hint("if they are two objects, delete the destination or use cp"))
        }
        Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::BucketNotFound) => Err(error),
        _ => Ok(()),
    }
}

/// Looks at the copy; bytes that nobody has checked on their way are compared with the source's.
async fn verify(route: &Route, seen: &Metadata, copied: &Copied) -> Result<()> {
    let receipt = &copied.receipt;
    let copy = route.to.store.head(&route.to.key).await?;
    let same_digest = copy.sha256.is_none() || seen.sha256.is_none() || copy.sha256 == seen.sha256;
    let same_etag = copy.etag.is_none() || receipt.etag.is_none() || copy.etag == receipt.etag;
    if !same_etag {
        return Err(Error::new(
            ErrorKind::Changed,
            "the copy was replaced before it was verified, and the source is kept",
        )
        .with_key(&route.to.shown));
    }
    let unchecked = receipt.verified == Verified::None && !copied.by_the_store;
    if copy.size == seen.size && same_digest && (!unchecked || same_bytes(route).await?) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Integrity, "the copy differs from its source, which is kept")
        .with_key(&route.to.shown)
        .with_fact("size", copy.size)
        .with_fact("expected", seen.size))
}

async fn same_bytes(route: &Route) -> Result<bool> {
    let mut source = Pieces::of(route.from.store.get(&route.from.key).await?);
    let mut copy = Pieces::of(route.to.store.get(&route.to.key).await?);
    loop {
        let (one, other) = (source.peek().await?, copy.peek().await?);
        let length = one.len().min(other.len());
        if length == 0 {
            return Ok(one.is_empty() && other.is_empty());
        }
        if one[..length] != other[..length] {
            return Ok(false);
        }
        source.skip(length);
        copy.skip(length);
    }
}

/// An object's bytes in pieces that can be used up in part.
struct Pieces {
    object: Object,
    piece: Bytes,
}

impl Pieces {
    fn of(object: Object) -> Self {
        Self { object, piece: Bytes::new() }
    }

    /// The next bytes; none at the end.
    async fn peek(&mut self) -> Result<Bytes> {
        while self.piece.is_empty() {
            match self.object.stream.next().await {
                Some(piece) => self.piece = piece?,
                None => break,
            }
        }
        Ok(self.piece.clone())
    }

    fn skip(&mut self, length: usize) {
        self.piece = self.piece.slice(length..);
    }
}

/// Deletes the source if it is still what was copied. That somebody else deleted it meanwhile is as good.
async fn remove_source(route: &Route, seen: &Metadata) -> Result<Removal> {
    let (store, key) = (&route.from.store, &route.from.key);
    match store.head(key).await {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Removal::Atomic),
        // An ETag alone is the same for the same bytes, whatever else of the object is another.
        Ok(now) if differs(seen, &now) => return Err(changed(&route.from.shown)),
        other => other?,
    };
    if seen.etag.is_some() {
        let options = DeleteOptions { if_match: seen.etag.clone(), ..DeleteOptions::default() };
        match store.delete_with(key, &options).await {
            Ok(_) => return Ok(Removal::Atomic),
            Err(error) => match error.kind() {
                ErrorKind::NotFound => return Ok(Removal::Atomic),
                ErrorKind::Precondition => return Err(changed(&route.from.shown)),
                ErrorKind::Unsupported => look_again(route, seen).await?,
                _ => return Err(error),
            },
        }
    }
    store.delete(key).await?;
    Ok(Removal::Looked)
}

/// To find out what the server can do takes a while the first time.
async fn look_again(route: &Route, seen: &Metadata) -> Result<()> {
    match route.from.store.head(&route.from.key).await {
        Ok(now) if differs(seen, &now) => Err(changed(&route.from.shown)),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn source_kept(error: Error, route: &Route) -> Error {
    error.with_fact("copied_to", format_args!("{:?}", route.to.shown)).with_hint(
        "the copy is there and the source is kept: look at both, then delete the one that is not wanted",
    )
}

fn print(route: &Route, copied: &Copied, removal: Removal, app: &mut App) -> Outcome {
    let Copied { receipt, by_the_store: tags_kept } = copied;
    let (atomic, tags_kept) = (removal == Removal::Atomic, *tags_kept);
    if app.globals.json {
        let copy = ReceiptRecord::from(receipt);
        return Ok(app.out.json(&MovedRecord { source: &route.from.shown, copy, atomic, tags_kept })?);
    }
    app.out.name(&route.to.shown)?;
    app.report.summary(&format!("moved {}", text::bytes(receipt.size)));
    if !tags_kept {
        app.report.summary("note: tags, if the source had any, did not go along");
    }
    if !atomic {
        app.report.summary(
            "note: not atomic: this store cannot delete under a condition, so the source was looked at right before",
        );
    }
    Ok(())
}
