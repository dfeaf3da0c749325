//! Derives the signing key and keeps it for the day.

use crate::checksum::{hex, sha256};
use crate::credentials::Credentials;
use crate::date::AmzDate;
use ring::hmac;
use std::sync::{Arc, Mutex, PoisonError};

/// A key that signs for one day, region and service.
pub(crate) struct SigningKey {
    key: hmac::Key,
    secret: crate::Secret,
    day: String,
    region: String,
    scope: String,
}

impl SigningKey {
    fn derive(credentials: &Credentials, day: &str, region: &str, service: &str) -> Self {
        let secret = format!("AWS4{}", credentials.secret_access_key.expose());
        let mut key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        for step in [day, region, service, "aws4_request"] {
            let tag = hmac::sign(&key, step.as_bytes());
            key = hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref());
        }
        Self {
            key,
            secret: credentials.secret_access_key.clone(),
            day: day.to_owned(),
            region: region.to_owned(),
            scope: format!("{day}/{region}/{service}/aws4_request"),
        }
    }

    /// `20130524/us-east-1/s3/aws4_request`.
    pub(crate) fn scope(&self) -> &str {
        &self.scope
    }

    /// Signs a text, answering lower-case hex.
    pub(crate) fn sign(&self, text: &str) -> String {
        hex(hmac::sign(&self.key, text.as_bytes()).as_ref())
    }

    /// Signs a canonical request of a moment.
    pub(crate) fn sign_canonical(&self, date: &AmzDate, canonical: &str) -> String {
        let digest = sha256(canonical.as_bytes()).to_hex();
        let mut text = String::with_capacity(160);
        for line in [super::ALGORITHM, date.as_str(), &self.scope] {
            text.push_str(line);
            text.push('\n');
        }
        text.push_str(&digest);
        self.sign(&text)
    }
}

/// Keeps the last signing key of a client.
pub(crate) struct Signer {
    service: &'static str,
    last: Mutex<Option<Arc<SigningKey>>>,
}

impl Signer {
    pub(crate) fn new(service: &'static str) -> Self {
        Self { service, last: Mutex::new(None) }
    }

    pub(crate) fn key(&self, credentials: &Credentials, date: &AmzDate, region: &str) -> Arc<SigningKey> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = last.as_ref()
            && key.day == date.day()
            && key.region == region
            && key.secret == credentials.secret_access_key
        {
            return key.clone();
        }
        let key = Arc::new(SigningKey::derive(credentials, date.day(), region, self.service));
        *last = Some(key.clone());
        key
    }
}
