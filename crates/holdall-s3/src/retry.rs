//! What is tried again, when, and how often.

use crate::error::{Error, ErrorKind};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// How often a request is sent and how long to wait in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first included; at least one.
    pub attempts: u32,
    /// The bound of the first wait; it doubles with every attempt. Each wait is a random share of its bound.
    pub first_wait: Duration,
    /// No wait's bound is longer than this.
    pub longest_wait: Duration,
}

impl Default for RetryPolicy {
    /// 5 attempts, waits from 0.1 s to 20 s.
    fn default() -> Self {
        Self { attempts: 5, first_wait: Duration::from_millis(100), longest_wait: Duration::from_secs(20) }
    }
}

impl RetryPolicy {
    /// The wait before the next attempt; `share` is a random number from 0 to 1.
    ///
    /// What the server asks for with `Retry-After` is waited at least, up to the longest wait.
    pub(crate) fn wait(&self, attempt: u32, share: f64, asked: Option<Duration>) -> Duration {
        let bound =
            self.first_wait.saturating_mul(1 << attempt.saturating_sub(1).min(20)).min(self.longest_wait);
        let random = bound.mul_f64(share.clamp(0.0, 1.0));
        asked.map_or(random, |asked| asked.min(self.longest_wait) + random)
    }
}

/// Retries that a client may still make: what fails costs, what works pays back.
///
/// The figures are those of AWS's "standard" retry mode: 500 tokens, 5 for a retry, 10 after a timeout, 1 back for a
/// success at the first attempt.
pub(crate) struct Budget(AtomicI64);

const FULL: i64 = 500;

impl Budget {
    pub(crate) fn new() -> Self {
        Self(AtomicI64::new(FULL))
    }

    fn price(error: &Error) -> i64 {
        if error.kind() == ErrorKind::Timeout { 10 } else { 5 }
    }

    /// Takes the price of a retry; false when the client has failed too often of late.
    pub(crate) fn take(&self, error: &Error) -> Option<i64> {
        let price = Self::price(error);
        self.0
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |left| (left >= price).then_some(left - price))
            .ok()?;
        Some(price)
    }

    /// Gives back after a success: the price of its retry, or one token.
    pub(crate) fn pay_back(&self, tokens: i64) {
        if tokens == 0 || self.0.load(Ordering::Relaxed) >= FULL {
            return;
        }
        self.0.fetch_add(tokens, Ordering::Relaxed);
    }
}

/// What a service code means: kind, and whether the same request may succeed later.
pub(crate) fn of_code(code: &str) -> Option<(ErrorKind, bool)> {
    use ErrorKind as K;
    Some(match code {
        "SlowDown"
        | "SlowDownRead"
        | "SlowDownWrite"
        | "Throttling"
        | "ThrottlingException"
        | "Throttled"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequests"
        | "TooManyRequestsException"
        | "BandwidthLimitExceeded"
        | "LimitExceededException"
        | "ProvisionedThroughputExceededException"
        | "PriorRequestNotComplete" => (K::Throttled, true),
        "RequestTimeout" | "RequestTimeoutException" => (K::Timeout, true),
        "ConditionalRequestConflict" | "OperationAborted" => (K::Conflict, true),
        "InternalError" | "ServiceUnavailable" | "Busy" | "XMinioServerNotInitialized" => {
            (K::Unreachable, true)
        }
        "NoSuchKey" | "NoSuchVersion" | "NoSuchUpload" | "NotFound" => (K::NotFound, false),
        "NoSuchBucket" => (K::BucketNotFound, false),
        "BucketAlreadyExists" | "BucketAlreadyOwnedByYou" => (K::AlreadyExists, false),
        "BucketNotEmpty" => (K::Conflict, false),
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "Forbidden" | "UnauthorizedAccess" => {
            (K::PermissionDenied, false)
        }
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidToken"
        | "TokenRefreshRequired"
        | "RequestTimeTooSkewed"
        | "RequestExpired"
        | "InvalidClientTokenId"
        | "NotSignedUp" => (K::Credentials, false),
        "PreconditionFailed" | "NotModified" => (K::Precondition, false),
        "BadDigest" | "XAmzContentSHA256Mismatch" | "XAmzContentChecksumMismatch" => (K::Integrity, false),
        "NotImplemented" | "AccessControlListNotSupported" | "MethodNotAllowed" | "InvalidObjectState" => {
            (K::Unsupported, false)
        }
        "ObjectLocked" => (K::Held, false),
        "IncompleteBody" => (K::Incomplete, true),
        "AuthorizationHeaderMalformed"
        | "PermanentRedirect"
        | "TemporaryRedirect"
        | "Redirect"
        | "IllegalLocationConstraintException" => (K::Config, false),
        "KeyTooLongError"
        | "InvalidArgument"
        | "InvalidRange"
        | "InvalidRequest"
        | "InvalidBucketName"
        | "InvalidPart"
        | "InvalidPartOrder"
        | "EntityTooLarge"
        | "EntityTooSmall"
        | "MalformedXML"
        | "MetadataTooLarge"
        | "InvalidDigest"
        | "InvalidTag"
        | "InvalidStorageClass"
        | "InvalidURI" => (K::InvalidInput, false),
        _ => return None,
    })
}

/// What an HTTP status means where the code says nothing.
pub(crate) fn of_status(status: u16) -> (ErrorKind, bool) {
    use ErrorKind as K;
    match status {
        401 => (K::Credentials, false),
        403 => (K::PermissionDenied, false),
        404 => (K::NotFound, false),
        405 | 501 => (K::Unsupported, false),
        408 => (K::Timeout, true),
        409 => (K::Conflict, false),
        304 | 412 => (K::Precondition, false),
        // A proxy's answer: the request never came to the service.
        407 => (K::Config, false),
        429 => (K::Throttled, true),
        503 => (K::Throttled, true),
        500..=599 => (K::Unreachable, true),
        300..=399 => (K::Config, false),
        400..=499 => (K::InvalidInput, false),
        _ => (K::Protocol, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evi_12_denied_and_missing_are_never_retried() {
        for status in [400, 401, 403, 404, 409, 412, 501] {
            assert!(!of_status(status).1, "{status}");
        }
        for code in ["AccessDenied", "NoSuchKey", "NoSuchBucket", "PreconditionFailed"] {
            assert!(!of_code(code).unwrap().1, "{code}");
        }
    }

    #[test]
    fn what_may_pass_is_retried() {
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(of_status(status).1, "{status}");
        }
        for code in
            ["SlowDown", "RequestTimeout", "ConditionalRequestConflict", "OperationAborted", "InternalError"]
        {
            assert!(of_code(code).unwrap().1, "{code}");
        }
    }

    #[test]
    fn waits_grow_are_bounded_and_honour_the_server() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.wait(1, 1.0, None), Duration::from_millis(100));
        assert_eq!(policy.wait(3, 0.5, None), Duration::from_millis(200));
        assert_eq!(policy.wait(30, 1.0, None), Duration::from_secs(20));
        assert_eq!(policy.wait(1, 0.0, Some(Duration::from_secs(3))), Duration::from_secs(3));
        assert_eq!(policy.wait(1, 0.0, Some(Duration::from_secs(9999))), Duration::from_secs(20));
    }

    #[test]
    fn a_client_that_only_fails_stops_retrying() {
        let budget = Budget::new();
        let error = Error::new(ErrorKind::Throttled, "slow down").transient();
        assert_eq!((0..1000).filter(|_| budget.take(&error).is_some()).count(), 100);
        budget.pay_back(5);
        assert_eq!(budget.take(&error), Some(5));
    }
}
