//! Counts the bytes that move, so that a stalled connection is told from a slow one.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Fewer bytes than this in the whole time allowed are no progress.
const PROGRESS: u64 = 1024;

/// Which bytes are progress: those of the request until the head of its answer is there, then those of the answer.
///
/// A head that comes drop by drop, or after informational answers without end, is no progress.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Direction {
    Out,
    In,
}

/// Bytes moved in each direction.
#[derive(Clone, Default)]
pub(crate) struct Meter(Arc<[AtomicU64; 2]>);

impl Meter {
    fn add(&self, direction: Direction, n: usize) {
        self.0[direction as usize].fetch_add(n as u64, Ordering::Relaxed);
    }

    fn total(&self, direction: Direction) -> u64 {
        self.0[direction as usize].load(Ordering::Relaxed)
    }
}

/// A connection whose bytes are counted.
pub(crate) struct Metered<T> {
    inner: T,
    meter: Meter,
}

impl<T> Metered<T> {
    pub(crate) fn new(inner: T) -> (Self, Meter) {
        let meter = Meter::default();
        (Self { inner, meter: meter.clone() }, meter)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Metered<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        this.meter.add(Direction::In, buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Metered<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let n = ready!(Pin::new(&mut this.inner).poll_write(cx, buf))?;
        this.meter.add(Direction::Out, n);
        Poll::Ready(Ok(n))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let n = ready!(Pin::new(&mut this.inner).poll_write_vectored(cx, bufs))?;
        this.meter.add(Direction::Out, n);
        Poll::Ready(Ok(n))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

/// Notices that nothing has moved for too long while somebody waited.
///
/// Only time between a [`Stall::poll_waiting`] and the next [`Stall::arrived`] counts. The timer is set once and
/// looked at when it fires, so a request that is answered in time costs no timer operation.
pub(crate) struct Stall {
    limit: Duration,
    meter: Meter,
    counts: Direction,
    base: u64,
    waited: Duration,
    since: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Stall {
    pub(crate) fn new(limit: Duration, meter: Meter) -> Self {
        let counts = Direction::Out;
        Self { limit, meter, counts, base: 0, waited: Duration::ZERO, since: None, sleep: None }
    }

    /// Starts afresh, for another request on the same connection or for the other direction.
    pub(crate) fn restart(&mut self, limit: Duration, counts: Direction) {
        self.limit = limit;
        self.counts = counts;
        self.base = self.meter.total(counts);
        self.waited = Duration::ZERO;
        self.since = None;
    }

    /// Says that the wait is over for now.
    pub(crate) fn arrived(&mut self) {
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
        self.note_progress();
    }

    fn note_progress(&mut self) -> bool {
        let total = self.meter.total(self.counts);
        let moved = total - self.base >= PROGRESS;
        if moved {
            self.base = total;
            self.waited = Duration::ZERO;
        }
        moved
    }

    /// Ready when the wait has been too long.
    pub(crate) fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let now = Instant::now();
            let since = *self.since.get_or_insert(now);
            let left = (self.limit.saturating_sub(self.waited)).saturating_sub(now - since);
            if left.is_zero() {
                if !self.note_progress() {
                    return Poll::Ready(());
                }
                self.since = Some(now);
                continue;
            }
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(left)));
            ready!(sleep.as_mut().poll(cx));
            sleep.as_mut().reset(tokio::time::Instant::now() + left);
            ready!(sleep.as_mut().poll(cx));
        }
    }
}
