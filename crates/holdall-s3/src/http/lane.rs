//! One connection, driven by whoever waits for its answer.

use super::connect::{Destination, Wire};
use super::meter::{Direction, Meter, Stall};
use super::{SendBody, Shared, connection_error};
use crate::error::{Error, ErrorKind, Result};
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// A connection that carries one request at a time.
pub(crate) struct Lane {
    sender: SendRequest<SendBody>,
    connection: Pin<Box<Connection<TokioIo<Wire>, SendBody>>>,
    stall: Stall,
    sent: Arc<AtomicBool>,
    closed: bool,
    pub(super) idle_since: Instant,
}

impl Lane {
    pub(super) async fn open(wire: Wire, meter: Meter) -> Result<Self> {
        let (sender, connection) =
            Builder::new().handshake(TokioIo::new(wire)).await.map_err(|e| connection_error(e).not_sent())?;
        Ok(Self {
            sender,
            connection: Box::pin(connection),
            stall: Stall::new(Duration::ZERO, meter),
            sent: Arc::new(AtomicBool::new(true)),
            closed: false,
            idle_since: Instant::now(),
        })
    }

    /// Whether another request may be sent now: the server has not closed, and the last request is out and answered.
    pub(super) async fn is_ready(&mut self) -> bool {
        poll_fn(|cx| {
            self.drive(cx);
            // One that is not ready at once still has bytes that the server does not take; it may never take them.
            Poll::Ready(!self.closed && matches!(self.sender.poll_ready(cx), Poll::Ready(Ok(()))))
        })
        .await
    }

    /// Moves bytes. What went wrong is told by the request or the body that waits, so the error is theirs to report.
    fn drive(&mut self, cx: &mut Context<'_>) {
        if !self.closed && self.connection.as_mut().poll(cx).is_ready() {
            self.closed = true;
        }
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn exchange(
        &mut self,
        request: Request<SendBody>,
        limit: Duration,
    ) -> Result<Response<Incoming>> {
        self.stall.restart(limit, Direction::Out);
        self.sent = request.body().done();
        let mut answer = pin!(self.sender.try_send_request(request));
        poll_fn(|cx| {
            if !self.closed && self.connection.as_mut().poll(cx).is_ready() {
                self.closed = true;
            }
            if let Poll::Ready(result) = answer.as_mut().poll(cx) {
                self.stall.arrived();
                return Poll::Ready(result.map_err(|e| request_error(e.into_error())));
            }
            self.stall.poll_waiting(cx).map(|()| Err(stalled()))
        })
        .await
        .and_then(|answer| self.heard_out(answer))
    }

    /// Refuses a success that came before the server can have had the whole request.
    fn heard_out(&self, answer: Response<Incoming>) -> Result<Response<Incoming>> {
        if answer.status().is_success() && !self.sent.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Protocol, "the server says done before it had the request"));
        }
        Ok(answer)
    }

    /// Whether the connection can carry another request once this answer is read.
    fn is_reusable(&self) -> bool {
        !self.closed && self.sent.load(Ordering::Acquire)
    }
}

fn stalled() -> Error {
    Error::new(ErrorKind::Timeout, "no progress on the connection").transient()
}

/// A failed request: a fault of the payload's source is the caller's, the rest is the connection's.
fn request_error(error: hyper::Error) -> Error {
    let mut source: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(&error);
    if error.is_user() {
        while let Some(inner) = source {
            if let Some(io) = inner.downcast_ref::<std::io::Error>() {
                let changed =
                    matches!(io.kind(), std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::InvalidData);
                let kind = if changed { ErrorKind::Changed } else { ErrorKind::Io };
                return Error::new(kind, format!("reading the payload failed: {io}")).with_source(error);
            }
            source = inner.source();
        }
    }
    connection_error(error)
}

/// The body of an answer. Dropped before its end it closes the connection; read to its end it gives it back.
pub(crate) struct AnswerBody {
    incoming: Incoming,
    lane: Option<Lane>,
    to: Destination,
    pool: Arc<Shared>,
}

impl AnswerBody {
    pub(super) fn new(
        incoming: Incoming,
        lane: Lane,
        to: Destination,
        pool: Arc<Shared>,
        limit: Duration,
    ) -> Self {
        let mut body = Self { incoming, lane: Some(lane), to, pool };
        if let Some(lane) = &mut body.lane {
            lane.stall.restart(limit, Direction::In);
        }
        if body.incoming.is_end_stream() {
            body.finish();
        }
        body
    }

    fn finish(&mut self) {
        if let Some(lane) = self.lane.take()
            && lane.is_reusable()
        {
            self.pool.put_back(self.to.clone(), lane);
        }
    }

    /// The next piece; none at the end.
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let Some(lane) = &mut self.lane else { return Poll::Ready(None) };
        loop {
            // The body says that it wants more, the connection reads it, the body takes it.
            let mut frame = Pin::new(&mut self.incoming).poll_frame(cx);
            if frame.is_pending() {
                lane.drive(cx);
                frame = Pin::new(&mut self.incoming).poll_frame(cx);
            }
            let Poll::Ready(frame) = frame else {
                return lane.stall.poll_waiting(cx).map(|()| Some(Err(stalled())));
            };
            lane.stall.arrived();
            match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => continue,
                    Ok(data) => {
                        if self.incoming.is_end_stream() {
                            self.finish();
                        }
                        return Poll::Ready(Some(Ok(data)));
                    }
                    Err(_trailers) => continue,
                },
                Some(Err(error)) => {
                    self.lane = None;
                    let error =
                        Error::new(ErrorKind::Incomplete, "the answer's body ended early").with_source(error);
                    return Poll::Ready(Some(Err(error.transient())));
                }
                None => {
                    self.finish();
                    return Poll::Ready(None);
                }
            }
        }
    }

    /// The next piece; none at the end.
    pub(crate) async fn data(&mut self) -> Option<Result<Bytes>> {
        poll_fn(|cx| self.poll_data(cx)).await
    }

    /// Reads all of it, refusing more than `limit` bytes.
    pub(crate) async fn collect(mut self, limit: usize) -> Result<Bytes> {
        let Some(first) = self.data().await else { return Ok(Bytes::new()) };
        let first = first?;
        let Some(second) = self.data().await else { return within(first, limit) };
        let mut all = BytesMut::with_capacity((first.len() * 2).min(limit));
        all.extend_from_slice(&first);
        all.extend_from_slice(&second?);
        while let Some(piece) = self.data().await {
            all.extend_from_slice(&piece?);
            if all.len() > limit {
                break;
            }
        }
        within(all.freeze(), limit)
    }
}

fn within(bytes: Bytes, limit: usize) -> Result<Bytes> {
    if bytes.len() > limit {
        return Err(Error::new(
            ErrorKind::Protocol,
            format!("the answer is larger than it can be limit={limit}"),
        ));
    }
    Ok(bytes)
}
