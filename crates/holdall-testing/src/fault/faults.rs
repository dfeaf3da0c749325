//! The faults that a rule can inject.

use std::time::Duration;

/// Something that goes wrong with one request.
///
/// Unless it says otherwise, the operation is carried out and only its answer is damaged.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The connection is reset once the request is read; the operation does not happen.
    Reset,
    /// The connection is reset before the body is read; the operation does not happen.
    ResetUnread,
    /// The operation happens, then the connection is reset instead of an answer.
    AnswerLost,
    /// The connection is reset after this many bytes of the answer's body.
    ResetMidBody {
        /// Bytes that are sent.
        after: usize,
    },
    /// The connection is closed in good order with this many bytes of the body missing.
    ShortBody {
        /// Bytes that are not sent.
        missing: usize,
    },
    /// Bytes that nobody announced follow the body, then the connection is closed.
    LongBody {
        /// Bytes too many.
        extra: usize,
    },
    /// `Content-Length` is off by this much, the body is whole; the connection is closed afterwards.
    WrongLength {
        /// Added to the true length.
        by: i64,
    },
    /// The body is cut to this length, and `Content-Length` says so.
    CutBody {
        /// Bytes that remain.
        to: usize,
    },
    /// One byte of the answer's body has all its bits flipped.
    FlipByte {
        /// Which one.
        at: usize,
    },
    /// What is stored differs from what was sent in its last byte. The answer shows nothing, its ETag apart.
    CorruptWrite,
    /// An error answer; the operation does not happen.
    Refuse {
        /// HTTP status.
        status: u16,
        /// S3's error code.
        code: String,
        /// Headers such as `Retry-After`.
        headers: Vec<(String, String)>,
    },
    /// An error answer to a request whose body has this in it, as a server gives that lacks some of what it is asked for;
    /// the operation does not happen.
    RefuseBody {
        /// Part of the body.
        containing: String,
        /// HTTP status.
        status: u16,
        /// S3's error code.
        code: String,
    },
    /// An error answer after this many bytes of the request's body, whose rest is never read; then the connection
    /// is closed. The operation does not happen.
    RefuseEarly {
        /// HTTP status.
        status: u16,
        /// S3's error code.
        code: String,
        /// Bytes of the body that are read.
        after: usize,
    },
    /// Status 200 with an `<Error>` document; the operation does not happen.
    ErrorBody {
        /// S3's error code.
        code: String,
    },
    /// DeleteObjects keeps the keys that contain this and reports an error for each.
    RefuseKeys {
        /// Part of a key.
        containing: String,
        /// S3's error code.
        code: String,
    },
    /// DeleteObjects keeps the keys that contain this and says nothing of them.
    OmitKeys {
        /// Part of a key.
        containing: String,
    },
    /// DeleteObjects without `Content-MD5` is refused, as older servers do.
    RequireContentMd5,
    /// The answer comes this much later.
    Delay(Duration),
    /// The answer's body comes in pieces.
    Drip {
        /// Bytes in a piece.
        bytes: usize,
        /// Pause between pieces.
        every: Duration,
    },
    /// Headers come one by one for as long as the client listens.
    DripHeaders {
        /// Pause between headers.
        every: Duration,
    },
    /// The request is read and nothing is ever answered; the operation does not happen.
    Stall,
    /// Nothing more comes after this many bytes of the body.
    StallMidBody {
        /// Bytes that are sent.
        after: usize,
    },
    /// A header is missing from the answer.
    OmitHeader(String),
    /// A header of the answer has another value.
    SetHeader(String, String),
    /// `Content-Range` names a stretch this far from the true one.
    ShiftContentRange {
        /// Added to the first and the last byte.
        by: i64,
    },
    /// `Content-Range` gives another total.
    ChangeTotal {
        /// Added to the true total.
        by: i64,
    },
    /// The whole object with status 200, whatever range was asked for.
    IgnoreRange,
    /// An ETag that is another one each time.
    ChangeEtag,
    /// A redirect whose `Location` is the trap. The operation does not happen.
    Redirect {
        /// 301, 307 or 308.
        status: u16,
        /// What `x-amz-bucket-region` says, if it is there.
        region: Option<String>,
    },
    /// The server's clock is this many seconds ahead: requests more than 15 minutes away from it are refused with
    /// `RequestTimeTooSkewed`, and `Date` tells its time.
    ClockSkew {
        /// Seconds, negative when the clock is behind.
        seconds: i64,
    },
    /// These bytes instead of an HTTP answer, then the connection is closed.
    Garbage(Vec<u8>),
    /// Another body under the same head, with a matching length.
    ReplaceBody(Vec<u8>),
    /// Well-formed XML without a useful end: a listing of countless keys, or one element of endless text.
    HugeXml {
        /// Roughly how many bytes; `None` goes on for as long as the client listens.
        bytes: Option<u64>,
    },
    /// XML that is nested this deep.
    DeepXml {
        /// How deep.
        depth: usize,
    },
    /// XML whose entity declarations grow to gigabytes.
    EntityBomb,
    /// A listing that says `IsTruncated` and names no token.
    NoToken,
    /// A listing that is always truncated and gives the token back that it was asked with.
    SameToken,
    /// A listing whose keys come in reverse.
    Unordered,
    /// A listing with every key twice.
    DuplicateKeys,
    /// A listing with these keys too, which do not exist.
    ForeignKeys(Vec<String>),
    /// `100 Continue` before the answer, unasked for.
    UnexpectedContinue {
        /// How often.
        times: usize,
    },
    /// Headers of this size in all.
    HugeHeaders {
        /// Bytes.
        bytes: usize,
    },
    /// The connection is closed right after the answer, without `Connection: close`.
    CloseAfter,
    /// The connection is reset when the next request arrives on it.
    CloseOnReuse,
    /// White space keeps the connection awake before the XML of the answer, as S3 does for Complete.
    SlowXml {
        /// How many blanks.
        spaces: usize,
        /// Pause between blanks.
        every: Duration,
        /// The code of an `<Error>` at the end; the operation does not happen then.
        error: Option<String>,
    },
}

impl Fault {
    /// An error answer without further headers.
    pub fn refuse(status: u16, code: &str) -> Fault {
        Fault::Refuse { status, code: code.to_owned(), headers: Vec::new() }
    }

    /// 503 `SlowDown`, with or without `Retry-After` in seconds.
    pub fn slow_down(retry_after: Option<u32>) -> Fault {
        let headers = retry_after.map(|seconds| ("retry-after".to_owned(), seconds.to_string()));
        Fault::Refuse { status: 503, code: "SlowDown".to_owned(), headers: headers.into_iter().collect() }
    }

    /// 500 `InternalError`.
    pub fn internal_error() -> Fault {
        Fault::refuse(500, "InternalError")
    }

    /// 429 `TooManyRequests`.
    pub fn too_many_requests() -> Fault {
        Fault::refuse(429, "TooManyRequests")
    }

    /// 400 `ExpiredToken`.
    pub fn expired_token() -> Fault {
        Fault::refuse(400, "ExpiredToken")
    }

    /// An answer without `ETag`.
    pub fn missing_etag() -> Fault {
        Fault::OmitHeader("etag".to_owned())
    }

    /// A checksum header (`sha256`, `crc32c`, `crc64nvme`, …) that is well formed and wrong.
    pub fn wrong_checksum(algorithm: &str) -> Fault {
        let wrong = super::payload::checksum(algorithm, b"something else").unwrap_or_default();
        Fault::SetHeader(format!("x-amz-checksum-{algorithm}"), wrong)
    }

    /// A body that is no XML at all.
    pub fn garbage_xml() -> Fault {
        Fault::ReplaceBody(b"<ListBucketResult><Contents><Key>a</Contents>&nope; \xff\xfe<<<".to_vec())
    }

    /// A listing with keys that would climb out of a folder, or that no file can be called.
    pub fn climbing_keys() -> Fault {
        let keys = [
            "data/../../escape.txt",
            "../up.txt",
            "/etc/passwd",
            "a/./b",
            "nul\0byte",
            "dir/..",
            "C:\\x",
            "~/x",
        ];
        Fault::ForeignKeys(keys.map(str::to_owned).to_vec())
    }
}
