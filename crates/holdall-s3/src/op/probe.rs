//! Questions that find out what a server can do.

use crate::client::{Call, Client};
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::xml::Element;
use http::Method;

const SENT: &[u8] = b"what was sent..";

/// What a server says to a payload that is not the one signed.
enum Refusal {
    /// It takes it.
    None,
    /// It says what is wrong.
    Clear,
    /// It fails, which may have any reason.
    Failure(Error),
}

impl Client {
    /// Whether the server refuses a payload that does not have the SHA-256 it is signed with.
    ///
    /// Sends a put that a careful server refuses, and to one that fails then a right one for comparison. An object under
    /// this key may stay behind, which the caller must delete.
    ///
    /// # Errors
    ///
    /// Whatever kept the server from judging: no connection, no permission, no bucket.
    pub async fn probe_payload_check(&self, key: &str) -> Result<bool> {
        match self.refuses_wrong_payload(key).await? {
            Refusal::None => Ok(false),
            Refusal::Clear => Ok(true),
            // Some servers refuse it with 500. A server in trouble does so too, but not only with wrong payloads.
            Refusal::Failure(error) => {
                let mut right = Call::on("PutObject", Method::PUT, key);
                right.payload_hash = crate::sha256(SENT).to_hex();
                right.payload = Payload::from(SENT);
                right.once = true;
                self.run(&right).await?;
                match self.refuses_wrong_payload(key).await? {
                    Refusal::Failure(again) if again.code() == error.code() => Ok(true),
                    Refusal::Clear => Ok(true),
                    _ => Err(error),
                }
            }
        }
    }

    async fn refuses_wrong_payload(&self, key: &str) -> Result<Refusal> {
        let mut call = Call::on("PutObject", Method::PUT, key);
        call.payload_hash = crate::sha256(b"what was signed").to_hex();
        call.payload = Payload::from(SENT);
        call.once = true;
        let Err(error) = self.run(&call).await else { return Ok(Refusal::None) };
        match (error.kind(), error.status()) {
            (ErrorKind::PermissionDenied | ErrorKind::BucketNotFound | ErrorKind::Throttled, _) => Err(error),
            (ErrorKind::Credentials | ErrorKind::Timeout, _) => Err(error),
            (_, Some(400..=499)) => Ok(Refusal::Clear),
            (_, Some(500)) => Ok(Refusal::Failure(error)),
            _ => Err(error),
        }
    }

    /// Asks whether the bucket is there and may be listed, by listing one key: an answer to HEAD would have no code.
    ///
    /// # Errors
    ///
    /// `BucketNotFound`, `Credentials`, `PermissionDenied`; `Protocol` where what answers is no S3 service.
    pub async fn check_bucket(&self) -> Result<()> {
        let call = Call::new("ListObjectsV2", Method::GET).query("list-type", "2").query("max-keys", "1");
        let reply = self.run(&call).await?;
        Element::parse_named(&reply.bytes, "ListBucketResult")
            .map(drop)
            .map_err(|e| e.in_operation(call.operation, &reply.host, reply.attempts))
    }

    /// Asks whether everybody may read an object, by its access control list.
    pub async fn is_public_by_acl(&self, key: &str) -> Result<bool> {
        const EVERYBODY: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
        let call = Call::on("GetObjectAcl", Method::GET, key).query("acl", "");
        let reply = self.run(&call).await?;
        let root = Element::parse_named(&reply.bytes, "AccessControlPolicy")
            .map_err(|e| e.in_operation(call.operation, &reply.host, reply.attempts))?;
        let grants = root.child("AccessControlList").map_or(&[][..], |list| &list.children);
        Ok(grants.iter().any(|grant| {
            let everybody = grant.child("Grantee").and_then(|g| g.text_of("URI")) == Some(EVERYBODY);
            everybody && matches!(grant.text_of("Permission"), Some("READ" | "FULL_CONTROL"))
        }))
    }
}
