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

/// Names a write, unless its caller did: what metadata it is sent with, and by what it is recognised.
pub(crate) fn named(client: &Client, attributes: &Attributes) -> (Attributes, String) {
    let mut attributes = attributes.clone();
    let nonce = attributes.metadata.entry(NONCE.to_owned()).or_insert_with(|| client.nonce()).clone();
    (attributes, nonce)
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
