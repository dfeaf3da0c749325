//! Judges an answer: what it says, whether it can be believed, and what its fault is.

use crate::error::{Error, ErrorKind, Result};
use crate::http::AnswerBody;
use crate::object::{lossy, quoted};
use crate::retry;
use crate::xml::{MAX_ANSWER, ServiceError};
use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, Response};
use std::time::Duration;

/// An answer that is a success.
pub(crate) struct Reply {
    pub(crate) head: Parts,
    /// The whole body, where it was read.
    pub(crate) bytes: Bytes,
    /// The body, where it was not.
    pub(crate) stream: Option<AnswerBody>,
    pub(crate) attempts: u32,
    pub(crate) host: String,
}

impl Reply {
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.head.headers.get(name).map(lossy).filter(|t| !t.is_empty())
    }

    /// The `ETag` that a write must answer.
    pub(crate) fn etag(&self) -> Result<String> {
        let etag = self.text("etag").map(quoted);
        etag.ok_or_else(|| Error::new(ErrorKind::Protocol, "the answer has no ETag"))
    }

    /// The version that was made or read; `null` is S3's word for none.
    pub(crate) fn version(&self) -> Option<String> {
        self.text("x-amz-version-id").filter(|v| v != "null")
    }
}

const MAX_ERROR: usize = 1 << 20;

/// Reads a body and answers the fault that it and the head describe.
pub(super) async fn fault(response: Response<AnswerBody>) -> Error {
    let (head, body) = response.into_parts();
    let bytes = body.collect(MAX_ERROR).await.unwrap_or_default();
    fault_of(&head, &bytes)
}

/// Reads the body of a success and finds out whether it is one.
pub(super) async fn whole(response: Response<AnswerBody>) -> Result<(Parts, Bytes)> {
    let (head, body) = response.into_parts();
    let bytes = body.collect(MAX_ANSWER).await?;
    if ServiceError::is_root_of(&bytes) {
        return Err(fault_of(&head, &bytes));
    }
    Ok((head, bytes))
}

/// What a server says of itself is cut to this many characters.
const LONGEST: usize = 500;

fn fault_of(head: &Parts, bytes: &[u8]) -> Error {
    let status = head.status.as_u16();
    let header = |name: &str| {
        let text = head.headers.get(name).map(lossy).filter(|t| !t.is_empty())?;
        Some(text.chars().take(LONGEST).collect::<String>())
    };
    let said = ServiceError::parse(bytes).unwrap_or_default();
    let code = Some(said.code).filter(|c| !c.is_empty()).or_else(|| header("x-amz-error-code"));
    let (kind, transient) = match code.as_deref().and_then(retry::of_code) {
        Some(known) => known,
        // An error in the body of a success: the server failed after it had begun to answer.
        None if head.status.is_success() => (ErrorKind::Unreachable, true),
        None => retry::of_status(status),
    };
    let message = match (said.message.is_empty(), header("x-amz-error-message")) {
        (false, _) => said.message,
        (true, Some(message)) => message,
        (true, None) => describe(kind, status).to_owned(),
    };
    let region = header("x-amz-bucket-region").or(said.region);
    let id = header("x-amz-request-id").or(said.request_id);
    let error = Error::new(kind, message)
        .with_service(code, status, id)
        .with_region(region)
        .with_retry_after(header("retry-after").and_then(|t| t.trim().parse().ok()).map(Duration::from_secs));
    if transient { error.transient() } else { error }
}

fn describe(kind: ErrorKind, status: u16) -> &'static str {
    match kind {
        ErrorKind::NotFound => "there is no such object",
        ErrorKind::BucketNotFound => "there is no such bucket",
        ErrorKind::AlreadyExists => "there is such a bucket already",
        ErrorKind::Integrity => "the server received other bytes than were announced",
        ErrorKind::Held => "the object is held",
        ErrorKind::Incomplete => "the server received fewer bytes than were announced",
        ErrorKind::PermissionDenied => "access is denied",
        ErrorKind::Credentials => "the credentials are refused",
        ErrorKind::Precondition => "the condition does not hold",
        ErrorKind::Throttled => "the server asks for fewer requests",
        ErrorKind::Timeout => "the server waited too long for the request",
        ErrorKind::Conflict => "another change is under way",
        ErrorKind::Unsupported => "the server has no such feature",
        ErrorKind::Config if status == 407 => "the proxy wants other credentials",
        ErrorKind::Config => "the bucket is at another place",
        ErrorKind::InvalidInput => "the server refuses the request",
        ErrorKind::Unreachable => "the server failed",
        _ => "the answer is not one of the protocol",
    }
}
