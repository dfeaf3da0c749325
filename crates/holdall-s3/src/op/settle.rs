//! Finds out what became of a write whose answer was lost.
//!
//! Every write carries a random name in the object's metadata. When an attempt may have taken effect and a later one
//! failed, looking at the object tells: it has the name, and the write is done; or it has not.

use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::object::{Attributes, Encryption};
use crate::op::get::{GetOptions, Head};

/// The metadata entry with the write's name. Whoever has to know a write again sets it; it is random else.
pub const NONCE: &str = "holdall-put";

/// The name of a write, by which it is recognised: its caller's, else a new one.
pub(crate) fn name(client: &Client, attributes: &Attributes) -> String {
    attributes.metadata.get(NONCE).cloned().unwrap_or_else(|| client.nonce())
}

/// Answers what the write made, or the fault it had.
pub(crate) async fn settle(
    client: &Client,
    key: &str,
    nonce: &str,
    encryption: Option<&Encryption>,
    error: Error,
) -> Result<Head> {
    // The last attempt's own answer was lost, or an earlier one's was and this one met its effect.
    if !error.is_ambiguous() {
        return Err(error);
    }
    let options = GetOptions { encryption: encryption.cloned(), ..GetOptions::default() };
    match client.head_once(key, &options).await {
        Ok(head) if head.attributes.metadata.get(NONCE).is_some_and(|found| found == nonce) => {
            tracing::debug!(key, "the write had taken effect although its answer was lost");
            Ok(head)
        }
        // Another's object is in the way, and no attempt of ours can still replace it.
        Ok(_) if error.kind() == ErrorKind::Precondition => Err(error.doubtful(false)),
        _ => Err(error),
    }
}
