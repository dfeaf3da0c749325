//! Signs the policy of a browser's form upload.

use super::key::SigningKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Encodes a policy document and signs it: the form's `policy` and `x-amz-signature`.
pub(crate) fn sign_policy(key: &SigningKey, document: &str) -> (String, String) {
    let policy = BASE64.encode(document);
    let signature = key.sign(&policy);
    (policy, signature)
}
