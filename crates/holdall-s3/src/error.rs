//! What can go wrong on the wire, and what is known about it.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of fault an [`Error`] is; a kind exists where a caller would act differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request itself is wrong; sending it again cannot help.
    InvalidInput,
    /// The settings contradict what the server or the bucket is.
    Config,
    /// No credentials, or the server knows them not, or they expired and could not be refreshed.
    Credentials,
    /// The credentials are known, and this is not allowed.
    PermissionDenied,
    /// The object, version or upload is not there.
    NotFound,
    /// The bucket is not there.
    BucketNotFound,
    /// A bucket of that name is there already.
    AlreadyExists,
    /// A condition of the request did not hold.
    Precondition,
    /// Another change of the same thing is under way.
    Conflict,
    /// The object is kept by a legal hold or a retention period.
    Held,
    /// The object became another one while it was read.
    Changed,
    /// The answer ended early.
    Incomplete,
    /// Bytes do not have the digest they should have.
    Integrity,
    /// The answer breaks the protocol.
    Protocol,
    /// The server has no such feature, or did not confirm that it applied it.
    Unsupported,
    /// The server asks for fewer requests, and went on asking.
    Throttled,
    /// No progress within the time allowed.
    Timeout,
    /// No connection, or the server failed every attempt.
    Unreachable,
    /// Reading the payload to send failed.
    Io,
}

/// How far a connection came that could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The host's name was looked up.
    Name,
    /// An address was dialled: the service's, or its proxy's.
    Dial,
    /// The proxy was asked to pass it on.
    Proxy,
    /// TLS was agreed on.
    Tls,
}

/// A fault of one S3 operation: kind, operation, and all that the service said about it.
///
/// Neither `Debug` nor `Display` shows credentials or signatures.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: &'static str,
    message: String,
    code: Option<String>,
    status: Option<u16>,
    request_id: Option<String>,
    host: Option<String>,
    region: Option<String>,
    attempts: u32,
    retry_after: Option<Duration>,
    transient: bool,
    not_sent: bool,
    stage: Option<Stage>,
    doubtful: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            operation: "",
            message: message.into(),
            code: None,
            status: None,
            request_id: None,
            host: None,
            region: None,
            attempts: 0,
            retry_after: None,
            transient: false,
            not_sent: false,
            stage: None,
            doubtful: false,
            source: None,
        }))
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn with_service(
        mut self,
        code: Option<String>,
        status: u16,
        request_id: Option<String>,
    ) -> Self {
        self.0.code = code;
        self.0.status = Some(status);
        self.0.request_id = request_id;
        self
    }

    pub(crate) fn with_region(mut self, region: Option<String>) -> Self {
        self.0.region = region;
        self
    }

    pub(crate) fn with_retry_after(mut self, after: Option<Duration>) -> Self {
        self.0.retry_after = after;
        self
    }

    /// Marks a fault of the connection or the server that may pass.
    pub(crate) fn transient(mut self) -> Self {
        self.0.transient = true;
        self
    }

    /// Marks a fault that happened before one byte of the request left.
    pub(crate) fn not_sent(mut self) -> Self {
        self.0.not_sent = true;
        self
    }

    /// Marks a fault that happened while a connection was made.
    pub(crate) fn at_stage(mut self, stage: Stage) -> Self {
        self.0.stage = Some(stage);
        self
    }

    /// Marks a failed call of which an earlier sending may have taken effect, or says that it has not.
    pub(crate) fn doubtful(mut self, doubtful: bool) -> Self {
        self.0.doubtful = doubtful;
        self
    }

    /// Hides secrets that a server has told back.
    pub(crate) fn without<'a>(mut self, secrets: impl Iterator<Item = &'a str>) -> Self {
        for secret in secrets.filter(|secret| !secret.is_empty()) {
            let e = &mut self.0;
            let texts = [Some(&mut e.message), e.code.as_mut(), e.request_id.as_mut(), e.region.as_mut()];
            for text in texts.into_iter().flatten().filter(|text| text.contains(secret)) {
                *text = text.replace(secret, "***");
            }
        }
        self
    }

    pub(crate) fn in_operation(mut self, operation: &'static str, host: &str, attempts: u32) -> Self {
        self.0.operation = operation;
        self.0.host = Some(host.to_owned());
        self.0.attempts = attempts;
        self
    }

    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    pub(crate) fn is_transient(&self) -> bool {
        self.0.transient
    }

    pub(crate) fn region(&self) -> Option<&str> {
        self.0.region.as_deref()
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// What kind of fault this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The S3 operation that failed, such as `PutObject`; empty when none was begun.
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// The fault in words, without operation, code or host.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The service's error code, such as `NoSuchKey`.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The HTTP status of the last answer.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The service's id of the failed request.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The host that was asked.
    pub fn host(&self) -> Option<&str> {
        self.0.host.as_deref()
    }

    /// How many times the request was sent.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Where making a connection failed; none when there was one.
    pub fn stage(&self) -> Option<Stage> {
        self.0.stage
    }

    /// Gives the cause away.
    pub fn into_source(self) -> Option<Box<dyn StdError + Send + Sync>> {
        self.0.source
    }

    /// Whether the request may have taken effect although it failed: it was sent, at any of its attempts, and its
    /// answer was lost or said that the server itself failed.
    pub fn is_ambiguous(&self) -> bool {
        (self.0.transient && !self.0.not_sent) || self.0.doubtful
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = &self.0;
        if !e.operation.is_empty() {
            write!(f, "{}: ", e.operation)?;
        }
        f.write_str(&e.message)?;
        if let Some(code) = &e.code {
            write!(f, " code={code}")?;
        }
        if let Some(status) = e.status {
            write!(f, " status={status}")?;
        }
        if let Some(host) = &e.host {
            write!(f, " host={host}")?;
        }
        if let Some(id) = &e.request_id {
            write!(f, " request_id={id}")?;
        }
        if e.attempts > 1 {
            write!(f, " attempts={}", e.attempts)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut s = f.debug_struct("Error");
        s.field("kind", &self.0.kind).field("message", &self.to_string());
        if let Some(source) = &self.0.source {
            s.field("source", source);
        }
        s.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|s| &**s as &(dyn StdError + 'static))
    }
}
