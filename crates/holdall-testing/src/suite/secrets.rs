//! Secrets that cases use, so that whoever runs the suite can look for them in all that is said, and hear all of it.
//!
//! Errors that cases meet are told as events of `tracing`, whether they were expected or not.

use crate::told;
use std::error::Error;

/// The session token that requests to servers carry; those that the suite knows take any.
pub const SESSION_TOKEN: &str = "suite-session-token/0123456789+==";
/// The password of a proxy for https, which servers without TLS are never asked through.
pub const PROXY_PASSWORD: &str = "suite-proxy-password";
/// What objects are encrypted with by the client.
pub const CUSTOMER_KEY: &[u8; 32] = b"suite-customer-key-0123456789-ab";
/// A key that no object is encrypted with.
pub const OTHER_CUSTOMER_KEY: &[u8; 32] = b"other-customer-key-0123456789-ab";

/// Tells an error, its causes and how they are debugged.
pub fn hear(error: &(dyn Error + 'static)) {
    tracing::trace!("met: {}", told::by(error));
}

/// Tells the error of a call that may fail.
pub(super) fn heard<T, E: Error + 'static>(result: Result<T, E>) -> Result<T, E> {
    result.inspect_err(|error| hear(error))
}
