//! Which service a bucket is at, and as whom it is asked.

use super::S3Backend;
use crate::KeyPair;
use crate::settings::Settings;
use holdall_s3::Endpoint;

/// What two buckets must have in common for the server to copy from one to the other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Service {
    /// AWS's own for the region where there is none.
    endpoint: Option<Endpoint>,
    keys: Option<KeyPair>,
    profile: Option<String>,
    anonymous: bool,
}

impl Service {
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            endpoint: settings.endpoint.clone(),
            keys: settings.keys.clone(),
            profile: settings.profile.clone(),
            anonymous: settings.no_sign_request,
        }
    }
}

impl S3Backend {
    /// Whether the server can copy from the other's objects.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        self.service == other.service
    }

    /// Whether a key has the same name in the same bucket; both are at one service.
    pub(super) fn has_root_of(&self, other: &Self) -> bool {
        self.bucket == other.bucket && self.root == other.root
    }
}
