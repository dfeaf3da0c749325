//! AWS's signer, set as the SDK sets it for S3.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningInstructions,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;

/// Who signs, for where and when.
pub(crate) struct Signer<'a> {
    pub(crate) access_key: &'a str,
    pub(crate) secret_key: &'a str,
    pub(crate) token: Option<&'a str>,
    pub(crate) region: &'a str,
    pub(crate) time: SystemTime,
}

/// The settings that S3 differs in from every other service.
pub(crate) fn s3() -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings
}

impl Signer<'_> {
    /// Signs a request and answers what is to be added to it, and the signature alone.
    pub(crate) fn sign<'h>(
        &self,
        method: &str,
        url: &str,
        headers: impl Iterator<Item = (&'h str, &'h str)>,
        body: SignableBody<'h>,
        settings: SigningSettings,
    ) -> (SigningInstructions, String) {
        let token = self.token.map(str::to_owned);
        let identity = Credentials::new(self.access_key, self.secret_key, token, None, "test").into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name("s3")
            .time(self.time)
            .settings(settings)
            .build()
            .unwrap();
        let headers: Vec<_> = headers.collect();
        let request = SignableRequest::new(method, url, headers.into_iter(), body).unwrap();
        sign(request, &params.into()).unwrap().into_parts()
    }
}
