//! URLs and forms by which others reach objects.

use super::Store;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::{PresignMethod, PresignOptions};
use crate::url::UrlStrategy;
use crate::{PostForm, PostPolicy};

impl Store {
    /// Makes a URL for one request by somebody without credentials.
    ///
    /// # Errors
    ///
    /// `Unsupported` where no service would answer it; `InvalidInput` for an expiry out of bounds.
    pub async fn presign(&self, key: &str, options: &PresignOptions) -> Result<String> {
        let key = Key::parse(key)?;
        self.0.backend.presign(&key, options).await.map_err(|e| e.with_key(&key))
    }

    /// The headers that a request by a presigned URL must carry, exactly so: what a put is encrypted with by the
    /// settings, and what the options say of its content.
    ///
    /// # Errors
    ///
    /// `Unsupported` where no service would answer the URL.
    pub fn presigned_headers(&self, options: &PresignOptions) -> Result<Vec<(String, String)>> {
        self.0.backend.presigned_headers(options)
    }

    /// Makes a URL for reading, for as long as the settings say.
    ///
    /// # Errors
    ///
    /// As for [`Store::presign`].
    pub async fn presign_get(&self, key: &str) -> Result<String> {
        self.presign(key, &PresignOptions::new(PresignMethod::Get, self.0.settings.presign_expiration)).await
    }

    /// Makes a form for an upload from a browser, encrypted as the settings say unless the policy says otherwise.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for keys and metadata that are holdall's own; `Unsupported` where no service would answer it.
    pub async fn presign_post(&self, policy: &PostPolicy) -> Result<PostForm> {
        let own = |name: &String| name.to_ascii_lowercase().starts_with("x-amz-meta-holdall-");
        if policy.fields.iter().chain(&policy.starts_with).any(|(name, _)| own(name)) {
            let message = "metadata names under holdall- are kept for holdall itself";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        self.0.backend.presign_post(policy).await
    }

    /// The URL of an object by the setting `url`; none where objects have none.
    ///
    /// `auto` gives the CDN's where one is set, the public one where the setting `acl` makes objects public, else a
    /// presigned one.
    ///
    /// # Errors
    ///
    /// As for [`Store::presign`] and [`Store::lasting_url`].
    pub async fn url_for(&self, key: &str) -> Result<Option<String>> {
        let parsed = Key::parse(key)?;
        match self.url_strategy() {
            UrlStrategy::Presigned | UrlStrategy::Auto => self.presign_get(key).await.map(Some),
            UrlStrategy::Cdn | UrlStrategy::Public => self.lasting_url(&parsed),
        }
    }

    /// The URL of an object that does not expire; none where the settings give presigned ones, or objects have none.
    ///
    /// # Errors
    ///
    /// `Config` for the setting `url = cdn` without a public base URL.
    pub fn lasting_url(&self, key: &Key) -> Result<Option<String>> {
        match self.url_strategy() {
            UrlStrategy::Cdn => match &self.0.settings.public_base_url {
                Some(base) => Ok(Some(format!("{base}/{}", holdall_s3::encode_key(key.as_str())))),
                None => Err(Error::new(ErrorKind::Config, "url = cdn needs a public base URL")
                    .with_hint("set HOLDALL_PUBLIC_BASE_URL")),
            },
            UrlStrategy::Public => Ok(self.0.backend.public_url(key)),
            UrlStrategy::Presigned | UrlStrategy::Auto => Ok(None),
        }
    }

    /// The setting `url`, and for `auto` what it comes to.
    fn url_strategy(&self) -> UrlStrategy {
        let settings = &self.0.settings;
        let public_acl = matches!(settings.acl, Some(crate::Acl::PublicRead | crate::Acl::PublicReadWrite));
        match settings.url {
            UrlStrategy::Auto if settings.public_base_url.is_some() => UrlStrategy::Cdn,
            UrlStrategy::Auto if public_acl || !self.is_remote() => UrlStrategy::Public,
            UrlStrategy::Auto => UrlStrategy::Presigned,
            chosen => chosen,
        }
    }
}
