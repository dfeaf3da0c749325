//! What is looked at: a bucket's client, and how the settings came to it.

use super::settings;
use crate::backend::s3::S3Backend;
use crate::key::Prefix;
use crate::settings::{Resolved, Settings};
use holdall_s3::{Client, Endpoint};

/// A doctor that waits long for an answer is no help: what fails once more than this has failed.
const ATTEMPTS: u32 = 2;

/// A bucket under examination.
pub(super) struct Scene<'a> {
    pub(super) resolved: &'a Resolved,
    pub(super) backend: S3Backend,
    pub(super) bucket: &'a str,
    /// The store's prefix with a slash at its end, or empty.
    pub(super) root: String,
}

impl<'a> Scene<'a> {
    pub(super) fn open(resolved: &'a Resolved, bucket: &'a str, prefix: &Prefix) -> crate::Result<Self> {
        let settings = &resolved.settings;
        let attempts = settings.attempts.min(ATTEMPTS);
        let backend = S3Backend::open(bucket, prefix, &Settings { attempts, ..settings.clone() })?;
        let root = match prefix.as_str() {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        Ok(Self { resolved, backend, bucket, root })
    }

    pub(super) fn client(&self) -> &Client {
        self.backend.client()
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.resolved.settings
    }

    /// Where a setting comes from, or the variable that sets it.
    pub(super) fn source(&self, setting: &str) -> String {
        settings::source(self.resolved, setting)
    }

    /// The endpoint, AWS's own for the region where none is set.
    pub(super) fn endpoint(&self) -> Endpoint {
        match &self.settings().endpoint {
            Some(endpoint) => endpoint.clone(),
            None => Endpoint::aws(&self.client().region()),
        }
    }

    /// The store's objects as a policy names them.
    pub(super) fn objects(&self) -> String {
        format!("arn:aws:s3:::{}/{}*", self.bucket, self.root)
    }

    /// The bucket as a policy names it.
    pub(super) fn arn(&self) -> String {
        format!("arn:aws:s3:::{}", self.bucket)
    }
}
