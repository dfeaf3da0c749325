//! GetBucketPolicy, PutBucketPolicy, DeleteBucketPolicy, GetBucketPolicyStatus.

use super::subresource::Subresource;
use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};

const POLICY: Subresource = Subresource {
    query: "policy",
    get: "GetBucketPolicy",
    put: "PutBucketPolicy",
    delete: "DeleteBucketPolicy",
    roots: &[],
    absent: &["NoSuchBucketPolicy"],
};

const STATUS: Subresource = Subresource {
    query: "policyStatus",
    get: "GetBucketPolicyStatus",
    put: "",
    delete: "",
    roots: &["PolicyStatus"],
    absent: &["NoSuchBucketPolicy"],
};

impl Client {
    /// Asks for the bucket's policy, a JSON object as the server keeps it; none when there is none.
    pub async fn bucket_policy(&self) -> Result<Option<String>> {
        let Some(reply) = self.ask(&POLICY).await? else { return Ok(None) };
        POLICY.json(&reply).map(Some)
    }

    /// Sets the bucket's policy, a JSON object.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when the text is none, or when the service finds it wrong.
    pub async fn put_bucket_policy(&self, policy: &str) -> Result<()> {
        let object: Result<serde_json::Map<_, _>, _> = serde_json::from_str(policy);
        if let Err(fault) = object {
            return Err(
                Error::new(ErrorKind::InvalidInput, "the policy is not a JSON object").with_source(fault)
            );
        }
        self.configure(&POLICY, |call| Ok(call.json(policy))).await
    }

    /// Removes the bucket's policy.
    pub async fn delete_bucket_policy(&self) -> Result<()> {
        self.unconfigure(&POLICY).await
    }

    /// Asks whether the server takes the bucket's policy for public; none when there is no policy.
    ///
    /// Ceph 16 answers that there is no public policy where there is none at all.
    pub async fn is_policy_public(&self) -> Result<Option<bool>> {
        let Some(root) = self.configuration(&STATUS).await? else { return Ok(None) };
        Ok(Some(root.text_of("IsPublic").is_some_and(|text| text.eq_ignore_ascii_case("true"))))
    }
}
