//! Counts the bytes that move, so that a stalled connection is told from a slow one.

use crate::pace::Pace;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
pub(crate) struct Meter(Arc<Counts>);

#[derive(Default)]
struct Counts {
    moved: [AtomicU64; 2],
    /// Whether the connection waits for its own pace.
    held: AtomicBool,
}

impl Meter {
    fn add(&self, direction: Direction, n: usize) {
        self.0.moved[direction as usize].fetch_add(n as u64, Ordering::Relaxed);
    }

    fn total(&self, direction: Direction) -> u64 {
        self.0.moved[direction as usize].load(Ordering::Relaxed)
    }
}

/// A connection whose bytes are counted, and move no faster than its pace.
pub(crate) struct Metered<T> {
    inner: T,
    meter: Meter,
    pace: Option<Paced>,
}

struct Paced {
    pace: Arc<Pace>,
    wait: Option<Pin<Box<Sleep>>>,
}

impl<T> Metered<T> {
    pub(crate) fn new(inner: T, pace: Option<Arc<Pace>>) -> (Self, Meter) {
        let meter = Meter::default();
        let pace = pace.map(|pace| Paced { pace, wait: None });
        (Self { inner, meter: meter.clone(), pace }, meter)
    }

    /// Ready when the pace lets more bytes move.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(paced) = &mut self.pace
            && let Some(wait) = &mut paced.wait
        {
            ready!(wait.as_mut().poll(cx));
            paced.wait = None;
            self.meter.0.held.store(false, Ordering::Relaxed);
        }
        Poll::Ready(())
    }

    fn moved(&mut self, direction: Direction, n: usize) {
        self.meter.add(direction, n);
        if let Some(paced) = &mut self.pace {
            let until = paced.pace.take(n as u64).ends;
            if until > tokio::time::Instant::now() {
                paced.wait = Some(Box::pin(tokio::time::sleep_until(until)));
                self.meter.0.held.store(true, Ordering::Relaxed);
            }
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Metered<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_turn(cx));
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        this.moved(Direction::In, buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Metered<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_turn(cx));
        let most = this.pace.as_ref().map_or(buf.len(), |paced| paced.pace.piece().min(buf.len()));
        let n = ready!(Pin::new(&mut this.inner).poll_write(cx, &buf[..most]))?;
        this.moved(Direction::Out, n);
        Poll::Ready(Ok(n))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.pace.is_some() {
            let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| buf);
            return self.poll_write(cx, first);
        }
        let this = self.get_mut();
        let n = ready!(Pin::new(&mut this.inner).poll_write_vectored(cx, bufs))?;
        this.moved(Direction::Out, n);
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
        let moved = total - self.base >= PROGRESS || self.meter.0.held.load(Ordering::Relaxed);
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
