//! The one error of the public API.

use std::error::Error as StdError;
use std::fmt;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of fault an [`Error`] is; a kind exists where a caller would act differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The call itself is wrong: a key, a range, a size, an option.
    InvalidInput,
    /// A setting is missing, wrong, or contradicts another or the server.
    Config,
    /// No credentials, or refused ones.
    Credentials,
    /// The credentials may not do this.
    PermissionDenied,
    /// The object is not there.
    NotFound,
    /// The bucket or the store's folder is not there.
    BucketNotFound,
    /// What was to be made is there already.
    AlreadyExists,
    /// The condition of the call does not hold.
    Precondition,
    /// Another change of the same thing is under way, or two things claim one place.
    Conflict,
    /// Kept by a legal hold or a retention period.
    Held,
    /// It became another while it was read.
    Changed,
    /// It ended early, or a part of it is missing.
    Incomplete,
    /// The bytes do not have the digest they should have.
    Integrity,
    /// The server's answer breaks the protocol.
    Protocol,
    /// The store cannot do this.
    Unsupported,
    /// The server asked for fewer requests until the attempts were used up.
    Throttled,
    /// No progress in the time allowed.
    Timeout,
    /// The server cannot be reached, or failed every attempt.
    Unreachable,
    /// A bound on space is reached.
    Full,
    /// The local file system refused.
    Io,
    /// The caller gave up.
    Cancelled,
}

/// The kind's name in output: `not_found`.
impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        serde::Serialize::serialize(self, f)
    }
}

/// A fault: its kind, words, the key and figures it concerns, and its cause.
///
/// Neither `Debug` nor `Display` shows credentials or signatures.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    key: Option<String>,
    facts: Vec<(&'static str, String)>,
    hint: Option<&'static str>,
    attempts: u32,
    code: Option<String>,
    status: Option<u16>,
    request_id: Option<String>,
    host: Option<String>,
    transient: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Makes an error of a kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            key: None,
            facts: Vec::new(),
            hint: None,
            attempts: 0,
            code: None,
            status: None,
            request_id: None,
            host: None,
            transient: false,
            source: None,
        }))
    }

    /// Makes an error of the file system, by what the operating system said.
    pub fn io(message: impl Into<String>, error: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => ErrorKind::Full,
            Io::InvalidData => ErrorKind::Changed,
            _ => ErrorKind::Io,
        };
        Self::new(kind, message).with_source(error)
    }

    /// Names the key that the fault concerns.
    pub fn with_key(mut self, key: impl AsRef<str>) -> Self {
        self.0.key.get_or_insert_with(|| key.as_ref().to_owned());
        self
    }

    /// Adds a figure or a name that helps to understand the fault.
    pub fn with_fact(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.0.facts.push((name, value.to_string()));
        self
    }

    /// Says what the caller can do about it, where the kind's own hint is not enough.
    pub fn with_hint(mut self, hint: &'static str) -> Self {
        self.0.hint = Some(hint);
        self
    }

    /// Adds the cause.
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What kind of fault this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The fault in words, without key, figures or cause.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The key that the fault concerns.
    pub fn key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// Figures and names that help to understand the fault.
    pub fn facts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.facts.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// How often the request was sent; 0 when none was.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The service's error code.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The HTTP status.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The service's id of the request.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The host that was asked.
    pub fn host(&self) -> Option<&str> {
        self.0.host.as_deref()
    }

    /// Whether the same call may succeed later without anything being changed.
    pub fn is_transient(&self) -> bool {
        self.0.transient || matches!(self.0.kind, ErrorKind::Throttled | ErrorKind::Timeout)
    }

    /// Whether the object is archived by its provider: nobody can read or copy it until it is restored there.
    pub fn is_archived(&self) -> bool {
        self.code() == Some(ARCHIVED)
    }

    /// What the caller can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        self.0.hint.or_else(|| service_hint(self.code())).or(kind_hint(self.0.kind))
    }
}

/// AWS's code for an object that is archived.
const ARCHIVED: &str = "InvalidObjectState";

fn service_hint(code: Option<&str>) -> Option<&'static str> {
    Some(match code? {
        "AccessControlListNotSupported" => {
            "the bucket refuses ACLs: unset `acl` and use a bucket policy to make objects public"
        }
        "SignatureDoesNotMatch" => "the secret key or the region is wrong, or a proxy changes requests",
        "InvalidAccessKeyId" => "the endpoint does not know this access key",
        "RequestTimeTooSkewed" => "set this machine's clock",
        "ExpiredToken" => "renew the session token",
        "InvalidObjectState" => {
            "restore the object at its provider first (S3's RestoreObject), which takes its time"
        }
        "EntityTooSmall" => "parts but the last need at least 5 MiB",
        _ => return None,
    })
}

fn kind_hint(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::Credentials => "set the access key pair in the environment or choose a profile",
        ErrorKind::PermissionDenied => {
            "the credentials need s3:PutObject, s3:GetObject, s3:DeleteObject and s3:ListBucket on this bucket"
        }
        ErrorKind::BucketNotFound => "check the bucket's name and the endpoint, or create the bucket",
        ErrorKind::NotFound => "list the prefix to see which keys there are",
        ErrorKind::Precondition => "read the object again and decide anew",
        ErrorKind::Throttled => "use a lower concurrency",
        ErrorKind::Timeout => "check the network, or allow a longer read timeout",
        ErrorKind::Unreachable => "check the endpoint's address, the network and the proxy settings",
        ErrorKind::Full => "make room, then try again",
        ErrorKind::Integrity => {
            "the bytes were damaged on the way or at rest: read them again, compare another copy"
        }
        ErrorKind::Changed => "something writes the same data: try again when it is quiet",
        ErrorKind::Protocol => "the endpoint may not be an S3 service, or a proxy answers for it",
        _ => return None,
    })
}

impl From<holdall_s3::Error> for Error {
    fn from(error: holdall_s3::Error) -> Self {
        let kind = of_wire(error.kind());
        let mut out = Self::new(kind, own_words(error.code()).unwrap_or(error.message()));
        out.0.attempts = error.attempts();
        out.0.code = error.code().map(str::to_owned);
        out.0.status = error.status();
        out.0.request_id = error.request_id().map(str::to_owned);
        out.0.host = error.host().map(str::to_owned);
        out.0.transient = error.is_ambiguous() || matches!(kind, ErrorKind::Unreachable);
        if !error.operation().is_empty() {
            out = out.with_fact("operation", error.operation());
        }
        match error.into_source() {
            Some(source) => out.with_source(source),
            None => out,
        }
    }
}

/// What a code means, where services word it as something else: AWS speaks of an operation that is not valid.
fn own_words(code: Option<&str>) -> Option<&'static str> {
    (code? == "InvalidObjectState")
        .then_some("the object is archived, and can be read and copied only once it is restored")
}

fn of_wire(kind: holdall_s3::ErrorKind) -> ErrorKind {
    use holdall_s3::ErrorKind as Wire;
    match kind {
        Wire::InvalidInput => ErrorKind::InvalidInput,
        Wire::Config => ErrorKind::Config,
        Wire::Credentials => ErrorKind::Credentials,
        Wire::PermissionDenied => ErrorKind::PermissionDenied,
        Wire::NotFound => ErrorKind::NotFound,
        Wire::BucketNotFound => ErrorKind::BucketNotFound,
        Wire::AlreadyExists => ErrorKind::AlreadyExists,
        Wire::Precondition => ErrorKind::Precondition,
        Wire::Conflict => ErrorKind::Conflict,
        Wire::Held => ErrorKind::Held,
        Wire::Changed => ErrorKind::Changed,
        Wire::Incomplete => ErrorKind::Incomplete,
        Wire::Integrity => ErrorKind::Integrity,
        Wire::Unsupported => ErrorKind::Unsupported,
        Wire::Throttled => ErrorKind::Throttled,
        Wire::Timeout => ErrorKind::Timeout,
        Wire::Unreachable => ErrorKind::Unreachable,
        Wire::Io => ErrorKind::Io,
        _ => ErrorKind::Protocol,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = &self.0;
        f.write_str(&e.message)?;
        if let Some(key) = &e.key {
            write!(f, " key={key:?}")?;
        }
        for (name, value) in &e.facts {
            write!(f, " {name}={value}")?;
        }
        let texts = [("code", &e.code), ("host", &e.host), ("request_id", &e.request_id)];
        for (name, value) in texts {
            if let Some(value) = value {
                write!(f, " {name}={value}")?;
            }
        }
        if let Some(status) = e.status {
            write!(f, " status={status}")?;
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
