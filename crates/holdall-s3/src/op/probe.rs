//! Questions that find out what a server can do.

use crate::client::{Call, Client};
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::xml::Element;
use http::Method;

impl Client {
    /// Whether the server refuses a payload that does not have the SHA-256 it is signed with.
    ///
    /// Sends one put that a careful server refuses. A careless one stores an object under this key, which the caller
    /// must delete.
    ///
    /// # Errors
    ///
    /// Whatever kept the server from judging: no connection, no permission, no bucket.
    pub async fn probe_payload_check(&self, key: &str) -> Result<bool> {
        let mut call = Call::on("PutObject", Method::PUT, key);
        call.payload_hash = crate::sha256(b"what was signed").to_hex();
        call.payload = Payload::from(&b"what was sent.."[..]);
        call.once = true;
        match self.run(&call).await {
            Ok(_) => Ok(false),
            Err(error) => match (error.kind(), error.status()) {
                (ErrorKind::PermissionDenied | ErrorKind::BucketNotFound | ErrorKind::Throttled, _) => {
                    Err(error)
                }
                (ErrorKind::Credentials, _) => Err(error),
                (_, Some(400..=599)) => Ok(true),
                _ => Err(error),
            },
        }
    }

    /// Asks whether the bucket is there and may be listed, by listing one key: an answer to HEAD would have no code.
    ///
    /// # Errors
    ///
    /// `BucketNotFound`, `Credentials`, `PermissionDenied`.
    pub async fn check_bucket(&self) -> Result<()> {
        let call = Call::new("ListObjectsV2", Method::GET).query("list-type", "2").query("max-keys", "1");
        self.run(&call).await.map(drop)
    }

    /// Asks for an object's tags.
    pub async fn object_tags(&self, key: &str) -> Result<Vec<(String, String)>> {
        let call = Call::on("GetObjectTagging", Method::GET, key).query("tagging", "");
        let reply = self.run(&call).await?;
        let read = || -> Result<Vec<(String, String)>> {
            // Ceph's answer for an object that never had tags.
            if reply.bytes.is_empty() {
                return Ok(Vec::new());
            }
            let root = Element::parse_named(&reply.bytes, "Tagging")?;
            let set = root.child("TagSet").ok_or_else(|| Error::new(ErrorKind::Protocol, "no TagSet"))?;
            let text = |tag: &Element, name: &str| tag.child(name).map_or(String::new(), |c| c.text.clone());
            Ok(set.each("Tag").map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect())
        };
        read().map_err(|e| e.in_operation(call.operation, &reply.host, reply.attempts))
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
