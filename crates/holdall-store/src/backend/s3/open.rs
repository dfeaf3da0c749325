//! Makes a wire client of settings.

use crate::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Settings;
use holdall_s3::{
    Client, Config, Credentials, CredentialsSource, RateLimits, RetryPolicy, Timeouts, Transport,
    TransportConfig,
};

pub(super) fn client(bucket: &str, settings: &Settings) -> Result<Client> {
    let exposed = |proxy: &Option<Secret>| proxy.as_ref().map(|p| p.expose().to_owned());
    let transport = Transport::new(TransportConfig {
        timeouts: Timeouts { connect: settings.connect_timeout, read: settings.read_timeout },
        http_proxy: exposed(&settings.http_proxy),
        https_proxy: exposed(&settings.https_proxy),
        no_proxy: settings.no_proxy.clone(),
        ca_bundle: settings.ca_bundle.clone(),
        limits: RateLimits { bandwidth: settings.bandwidth, requests: settings.request_rate },
    });
    let config = Config {
        endpoint: settings.endpoint.clone(),
        public_endpoint: settings.public_endpoint.clone(),
        region: settings.region.clone(),
        addressing: settings.addressing,
        credentials: credentials(settings),
        integrity: settings.integrity,
        retry: RetryPolicy { attempts: settings.attempts, ..RetryPolicy::default() },
        ..Config::new(bucket)
    };
    Client::new(config, transport).map_err(|e| Error::new(ErrorKind::Config, e.to_string()))
}

fn credentials(settings: &Settings) -> CredentialsSource {
    if settings.no_sign_request {
        return CredentialsSource::Anonymous;
    }
    let Some(keys) = &settings.keys else { return CredentialsSource::chain(settings.profile.as_deref()) };
    let mut credentials = Credentials::new(keys.access_key_id.clone(), keys.secret_access_key.clone());
    credentials.session_token.clone_from(&keys.session_token);
    CredentialsSource::fixed(credentials)
}
