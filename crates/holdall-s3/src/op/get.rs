//! GetObject and HeadObject.

use crate::checksum::{Checksum, Running};
use crate::client::{Call, Client, Reply};
use crate::date::parse_http;
use crate::error::{Error, ErrorKind, Result};
use crate::http::AnswerBody;
use crate::object::{Attributes, Encryption, ReadConditions, quoted};
use bytes::Bytes;
use futures_core::Stream;
use futures_core::future::BoxFuture;
use http::{Method, StatusCode};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

/// Which bytes of an object are read; half-open, as Rust's ranges are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Range {
    /// From `start` up to but not including `end`; past the object's end it is cut.
    Bounded {
        /// The first byte.
        start: u64,
        /// One past the last byte.
        end: u64,
    },
    /// From a byte to the end.
    From(u64),
    /// The last bytes, at most all of them.
    Last(u64),
}

impl Range {
    fn header(self) -> Result<String> {
        match self {
            Self::Bounded { start, end } if start < end => Ok(format!("bytes={start}-{}", end - 1)),
            Self::From(start) => Ok(format!("bytes={start}-")),
            Self::Last(n) if n > 0 => Ok(format!("bytes=-{n}")),
            _ => Err(Error::new(ErrorKind::InvalidInput, "the range is empty")),
        }
    }

    /// The bytes that it means of an object of this size; none when it starts at or past the end, or is empty.
    pub fn of(self, size: u64) -> Option<std::ops::Range<u64>> {
        let (start, end) = match self {
            Self::Bounded { start, end } => (start, end.min(size)),
            Self::From(start) => (start, size),
            Self::Last(n) => (size.saturating_sub(n), size),
        };
        (start < end).then_some(start..end)
    }
}

/// What is read, and when.
#[derive(Debug, Clone, Default)]
pub struct GetOptions {
    /// A part of the object.
    pub range: Option<Range>,
    /// A version of the object.
    pub version: Option<String>,
    /// Conditions.
    pub conditions: ReadConditions,
    /// The customer's key that the object is encrypted with.
    pub encryption: Option<Encryption>,
    /// Asks for the checksums that the server keeps.
    pub checksums: bool,
}

/// What is known of an object without its bytes.
#[derive(Debug, Clone)]
pub struct Head {
    /// Size of the whole object in bytes.
    pub size: u64,
    /// The `ETag`, in quotes whether or not the server writes them; opaque.
    pub etag: Option<String>,
    /// When it was written.
    pub last_modified: Option<SystemTime>,
    /// The version, in a bucket that keeps versions.
    pub version: Option<String>,
    /// Headers and user metadata.
    pub attributes: Attributes,
    /// A checksum that the server keeps; only when asked for.
    pub checksum: Option<Checksum>,
    /// How many tags it has; none when the server does not say.
    pub tags: Option<u64>,
    /// The `x-amz-server-side-encryption` header.
    pub encryption: Option<String>,
}

/// An object being read.
#[derive(Debug)]
pub struct GetAnswer {
    /// What is known of it.
    pub head: Head,
    /// Which bytes the body has.
    pub range: std::ops::Range<u64>,
    /// How often the request was sent.
    pub attempts: u32,
    /// The bytes.
    pub body: GetStream,
}

impl Client {
    /// Asks for an object and waits for the head of the answer.
    ///
    /// The body is checked as it is read: its length, the `Content-Range`, and the server's checksum of the whole
    /// object where it is known. A connection that breaks is replaced and the reading goes on where it stopped, of
    /// the same object only: another `ETag` or size then is `Changed`.
    ///
    /// # Errors
    ///
    /// `NotFound`, `BucketNotFound`, `Precondition` (also for `If-None-Match` that matches), `InvalidInput` for a range that starts at or past the end.
    pub async fn get(&self, key: &str, options: &GetOptions) -> Result<GetAnswer> {
        let call = read_call("GetObject", Method::GET, key, options)?.stream();
        let mut reply = self.run(&call).await?;
        let located = |e: Error, reply: &Reply| e.in_operation(call.operation, &reply.host, reply.attempts);
        let (head, range) = read_answer(&reply, options.range).map_err(|e| located(e, &reply))?;
        let body = reply.stream.take().ok_or_else(|| located(protocol("no body"), &reply))?;
        let verify =
            (range == (0..head.size)).then(|| head.checksum.clone()).flatten().filter(|c| !c.is_composite());
        let body = GetStream {
            client: self.clone(),
            key: key.to_owned(),
            options: options.clone(),
            pin: Pinned { etag: head.etag.clone(), size: head.size, version: head.version.clone() },
            at: range.start,
            end: range.end,
            attempts: reply.attempts,
            verify: verify.map(|wanted| (Running::new(wanted.algorithm), wanted)),
            state: State::Reading(body),
        };
        Ok(GetAnswer { head, range, attempts: reply.attempts, body })
    }

    /// Asks what is known of an object.
    ///
    /// # Errors
    ///
    /// `NotFound`, `PermissionDenied`; `BucketNotFound` and `Credentials`, which an answer to HEAD cannot tell from
    /// these: as long as the bucket has not answered well, it is asked again with a listing of one key.
    pub async fn head(&self, key: &str, options: &GetOptions) -> Result<Head> {
        let error = match self.head_once(key, options).await {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => error,
            other => return other,
        };
        if self.0.bucket_seen.load(Ordering::Relaxed) {
            return Err(error);
        }
        match self.check_bucket().await {
            Err(bucket) if matches!(bucket.kind(), ErrorKind::BucketNotFound | ErrorKind::Credentials) => {
                Err(bucket)
            }
            _ => Err(error),
        }
    }

    pub(crate) async fn head_once(&self, key: &str, options: &GetOptions) -> Result<Head> {
        let call = read_call("HeadObject", Method::HEAD, key, options)?;
        let reply = self.run(&call).await?;
        let located = |e: Error| e.in_operation(call.operation, &reply.host, reply.attempts);
        let size = content_length(&reply).ok_or_else(|| located(protocol("no Content-Length")))?;
        let head = head_of(&reply, size);
        of_an_object(&head).map_err(located)?;
        Ok(head)
    }
}

fn protocol(what: &str) -> Error {
    Error::new(ErrorKind::Protocol, format!("the answer cannot be right: {what}"))
}

fn read_call(operation: &'static str, method: Method, key: &str, options: &GetOptions) -> Result<Call> {
    let mut call = Call::on(operation, method, key);
    if let Some(version) = &options.version {
        call = call.query("versionId", version);
    }
    if let Some(range) = options.range {
        call = call.header("range", &range.header()?)?;
    }
    if options.checksums {
        call = call.header("x-amz-checksum-mode", "ENABLED")?;
    }
    options.conditions.write(&mut call.headers, "")?;
    if let Some(encryption) = &options.encryption {
        encryption.write_for_read(&mut call.headers);
    }
    Ok(call)
}

fn content_length(reply: &Reply) -> Option<u64> {
    reply.text("content-length")?.parse().ok()
}

fn head_of(reply: &Reply, size: u64) -> Head {
    Head {
        size,
        etag: reply.text("etag").map(quoted),
        last_modified: reply.text("last-modified").and_then(|t| parse_http(&t)),
        version: reply.version(),
        attributes: Attributes::read(reply.headers()),
        checksum: Checksum::from_headers(reply.headers()),
        tags: reply.text("x-amz-tagging-count").and_then(|t| t.parse().ok()),
        encryption: reply.text("x-amz-server-side-encryption"),
    }
}

/// Finds out which bytes the answer has, and that they are those asked for.
fn read_answer(reply: &Reply, asked: Option<Range>) -> Result<(Head, std::ops::Range<u64>)> {
    let length = content_length(reply).ok_or_else(|| protocol("no Content-Length"))?;
    let (range, total) = match (reply.head.status, asked) {
        (StatusCode::OK, None) => (0..length, length),
        (StatusCode::OK, Some(range)) if range.of(length) == Some(0..length) => (0..length, length),
        (StatusCode::OK, Some(_)) => return Err(protocol("the whole object came for a range of it")),
        (StatusCode::PARTIAL_CONTENT, Some(asked)) => {
            let said = reply.text("content-range").ok_or_else(|| protocol("no Content-Range"))?;
            let (range, total) =
                parse_content_range(&said).ok_or_else(|| protocol("Content-Range is malformed"))?;
            if asked.of(total) != Some(range.clone()) || range.end - range.start != length {
                return Err(protocol("Content-Range is not what was asked for"));
            }
            (range, total)
        }
        (status, _) => return Err(protocol(&format!("status {status}"))),
    };
    let head = head_of(reply, total);
    of_an_object(&head)?;
    Ok((head, range))
}

/// Refuses the page of a portal or a proxy: every object has an `ETag`, and on the poorest servers a date at least.
fn of_an_object(head: &Head) -> Result<()> {
    match (&head.etag, head.last_modified) {
        (None, None) => Err(protocol("it has neither ETag nor Last-Modified, as no object has")),
        _ => Ok(()),
    }
}

/// Reads `bytes 0-9/100`.
fn parse_content_range(text: &str) -> Option<(std::ops::Range<u64>, u64)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, total) =
        (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?, total.parse::<u64>().ok()?);
    (first <= last && last < total).then(|| (first..last + 1, total))
}

/// A range or condition that held when the reading began and does not now: it is another object.
fn as_changed(error: Error) -> Error {
    let past_the_end = error.status() == Some(416);
    if past_the_end || error.kind() == ErrorKind::Precondition {
        return Error::new(ErrorKind::Changed, "the object was replaced while it was read")
            .with_source(error);
    }
    error
}

/// What must not change while an object is read.
#[derive(Debug, Clone)]
struct Pinned {
    etag: Option<String>,
    size: u64,
    version: Option<String>,
}

enum State {
    Reading(AnswerBody),
    Reopening(BoxFuture<'static, Result<(AnswerBody, u32)>>),
    Done,
}

/// The bytes of an object, as they come.
///
/// Ends after exactly the bytes promised, or with an error; after an error there is nothing more. Memory is what the
/// connection has read and nobody has taken yet, at most some 400 KiB.
pub struct GetStream {
    client: Client,
    key: String,
    options: GetOptions,
    pin: Pinned,
    at: u64,
    end: u64,
    /// Sendings so far; all of an object's reading shares one bound.
    attempts: u32,
    verify: Option<(Running, Checksum)>,
    state: State,
}

impl GetStream {
    /// The next piece; none at the end.
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Reads all that is left into memory.
    pub async fn collect(mut self) -> Result<Bytes> {
        let expected = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let Some(first) = self.next().await else { return Ok(Bytes::new()) };
        let first = first?;
        if first.len() >= expected {
            return match self.next().await {
                Some(Err(error)) => Err(error),
                _ => Ok(first),
            };
        }
        let mut all = Vec::with_capacity(expected.min(1 << 30));
        all.extend_from_slice(&first);
        while let Some(piece) = self.next().await {
            all.extend_from_slice(&piece?);
        }
        Ok(all.into())
    }

    fn accept(&mut self, bytes: &Bytes) -> Result<()> {
        self.at += bytes.len() as u64;
        if self.at > self.end {
            return Err(protocol("the body is longer than it said"));
        }
        if let Some((running, _)) = &mut self.verify {
            running.update(bytes);
        }
        Ok(())
    }

    /// What there is to say at the end of an answer's body.
    fn end_of_body(&mut self) -> Result<()> {
        if self.at < self.end {
            return Err(Error::new(ErrorKind::Incomplete, "the answer's body ended early").transient());
        }
        if let Some((running, wanted)) = self.verify.take()
            && running.finish() != wanted
        {
            return Err(Error::new(
                ErrorKind::Integrity,
                "the bytes do not have the checksum that the server keeps",
            ));
        }
        Ok(())
    }

    /// Asks for the rest of the same object, after a wait and if the budget has a retry left.
    fn reopen(&mut self, error: Error) -> BoxFuture<'static, Result<(AnswerBody, u32)>> {
        let (client, key, pin) = (self.client.clone(), self.key.clone(), self.pin.clone());
        let (at, end, attempt) = (self.at, self.end, self.attempts);
        let mut options = self.options.clone();
        options.range = Some(Range::Bounded { start: at, end });
        options.version = options.version.or_else(|| pin.version.clone());
        Box::pin(async move {
            let Some(price) = client.pause(attempt, &error).await else { return Err(error) };
            let mut call = read_call("GetObject", Method::GET, &key, &options)?.stream();
            call.attempt = attempt + 1;
            let mut reply = client.run(&call).await.map_err(as_changed)?;
            client.0.budget.pay_back(price);
            let (head, range) = read_answer(&reply, options.range)?;
            if head.etag != pin.etag || head.size != pin.size {
                return Err(Error::new(ErrorKind::Changed, "the object was replaced while it was read"));
            }
            if range != (at..end) {
                return Err(protocol("another range came"));
            }
            let body = reply.stream.take().ok_or_else(|| protocol("no body"))?;
            Ok((body, reply.attempts))
        })
    }

    fn fail(&mut self, error: Error) -> Error {
        self.state = State::Done;
        if error.operation().is_empty() {
            return error.in_operation("GetObject", &self.client.place().site.authority, self.attempts);
        }
        error
    }
}

impl Stream for GetStream {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let this = self.get_mut();
        loop {
            let error = match &mut this.state {
                State::Done => return Poll::Ready(None),
                State::Reopening(future) => match ready!(future.as_mut().poll(cx)) {
                    Ok((body, attempts)) => {
                        this.attempts = attempts;
                        this.state = State::Reading(body);
                        continue;
                    }
                    Err(error) => return Poll::Ready(Some(Err(this.fail(error)))),
                },
                State::Reading(body) => match ready!(body.poll_data(cx)) {
                    Some(Ok(bytes)) => match this.accept(&bytes) {
                        Ok(()) => return Poll::Ready(Some(Ok(bytes))),
                        Err(error) => error,
                    },
                    Some(Err(error)) => error,
                    None => match this.end_of_body() {
                        Ok(()) => {
                            this.state = State::Done;
                            return Poll::Ready(None);
                        }
                        Err(error) => error,
                    },
                },
            };
            // Without an ETag nothing proves that the rest belongs to the same object.
            let left = this.client.config().retry.attempts > this.attempts;
            let may_go_on = error.is_transient() && left && this.pin.etag.is_some();
            if !may_go_on || this.at >= this.end {
                return Poll::Ready(Some(Err(this.fail(error))));
            }
            tracing::debug!(key = this.key, at = this.at, %error, "reading on over another connection");
            let reopening = this.reopen(error);
            this.state = State::Reopening(reopening);
        }
    }
}

impl fmt::Debug for GetStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetStream")
            .field("key", &self.key)
            .field("at", &self.at)
            .field("end", &self.end)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_range_is_read_strictly() {
        assert_eq!(parse_content_range("bytes 0-9/100"), Some((0..10, 100)));
        for text in
            ["bytes 9-0/100", "bytes 0-100/100", "bytes */100", "0-9/100", "bytes 0-9/*", "bytes -1-2/3"]
        {
            assert_eq!(parse_content_range(text), None, "{text}");
        }
    }

    #[test]
    fn ranges_are_half_open_and_cut_at_the_end() {
        assert_eq!(Range::Bounded { start: 0, end: 1024 }.of(10), Some(0..10));
        assert_eq!(Range::Bounded { start: 10, end: 11 }.of(10), None);
        assert_eq!(Range::From(3).of(10), Some(3..10));
        assert_eq!(Range::Last(20).of(10), Some(0..10));
        assert_eq!(Range::Last(1).of(0), None);
        assert!(Range::Bounded { start: 5, end: 5 }.header().is_err());
    }
}
