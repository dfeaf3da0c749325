//! The body of a request on its way out.

use crate::payload::{Payload, SourceStream};
use crate::progress::Progress;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

/// Large payloads at hand go out in pieces of this size, so that progress is seen while they do.
const PIECE: usize = 256 * 1024;

/// A payload being sent: exactly as many bytes as were promised, or an error that ends the connection.
pub(crate) struct SendBody {
    from: From,
    left: u64,
    done: Arc<AtomicBool>,
    /// The whole payload's count, and how long the payload is.
    progress: Option<(Progress, u64)>,
}

enum From {
    Bytes(Bytes),
    Stream(SourceStream),
}

impl SendBody {
    pub(crate) fn new(payload: &Payload) -> Self {
        let from = match payload {
            Payload::Empty => From::Bytes(Bytes::new()),
            Payload::Bytes(bytes) | Payload::Hashed(bytes, _) => From::Bytes(bytes.clone()),
            Payload::Source(source) => From::Stream(source.open()),
        };
        let left = payload.len();
        Self { from, left, done: Arc::new(AtomicBool::new(left == 0)), progress: None }
    }

    /// Counts what goes out, from where attempts before came to.
    pub(crate) fn counted(mut self, progress: Option<&Progress>) -> Self {
        self.progress = progress.map(|progress| (progress.clone(), self.left));
        self
    }

    /// Tells later whether all of it went out.
    pub(crate) fn done(&self) -> Arc<AtomicBool> {
        self.done.clone()
    }

    fn account(&mut self, bytes: &Bytes) -> io::Result<()> {
        let n = bytes.len() as u64;
        if n > self.left {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the source grew while it was read"));
        }
        self.left -= n;
        if let Some((progress, whole)) = &self.progress {
            progress.reach(whole - self.left);
        }
        if self.left == 0 {
            self.done.store(true, Ordering::Release);
        }
        Ok(())
    }
}

impl std::convert::From<Bytes> for SendBody {
    fn from(bytes: Bytes) -> Self {
        Self::new(&Payload::Bytes(bytes))
    }
}

impl Body for SendBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let next = match &mut this.from {
            From::Bytes(bytes) if bytes.is_empty() => None,
            From::Bytes(bytes) => Some(Ok(bytes.split_to(bytes.len().min(PIECE)))),
            From::Stream(stream) => ready!(stream.as_mut().poll_next(cx)),
        };
        Poll::Ready(match next {
            Some(Ok(bytes)) => Some(this.account(&bytes).map(|()| Frame::data(bytes))),
            Some(Err(error)) => Some(Err(error)),
            None if this.left > 0 => {
                Some(Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the source shrank while it was read")))
            }
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0 && matches!(&self.from, From::Bytes(_))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
