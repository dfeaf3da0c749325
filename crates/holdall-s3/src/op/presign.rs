//! Presigned URLs and forms.

use crate::client::Client;
use crate::credentials::Credentials;
use crate::date::{AmzDate, format_policy};
use crate::encode::{push_key, push_query};
use crate::error::{Error, ErrorKind, Result};
use crate::object::header_value;
use crate::sign::{ALGORITHM, Presign, presign, sign_policy};
use http::Method;
use serde_json::json;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// SigV4's bound on a presigned URL, 7 days.
const LONGEST: Duration = Duration::from_secs(604_800);

/// What a presigned URL is for.
#[derive(Debug, Clone)]
pub struct PresignOptions {
    /// For how long, at least a second and at most 7 days.
    pub expires: Duration,
    /// Further query fields, such as `response-content-disposition` or `versionId`.
    pub query: Vec<(String, String)>,
    /// Headers that the request must carry exactly so, by lower-case name, each once; `host` is there already.
    pub headers: Vec<(String, String)>,
}

impl PresignOptions {
    /// A URL without further fields.
    pub fn new(expires: Duration) -> Self {
        Self { expires, query: Vec::new(), headers: Vec::new() }
    }
}

/// What a browser's form may upload.
#[derive(Debug, Clone)]
pub struct PostPolicy {
    /// The key; with `${filename}` at its end it is a prefix and the browser's file name follows.
    pub key: String,
    /// For how long, at most 7 days.
    pub expires: Duration,
    /// The least and the greatest number of bytes.
    pub content_length: Option<(u64, u64)>,
    /// Fields that the form must have exactly so, such as `Content-Type` or `acl`, each once.
    pub fields: Vec<(String, String)>,
    /// Fields that must begin so.
    pub starts_with: Vec<(String, String)>,
}

impl PostPolicy {
    /// A policy for one key.
    pub fn new(key: impl Into<String>, expires: Duration) -> Self {
        Self { key: key.into(), expires, content_length: None, fields: Vec::new(), starts_with: Vec::new() }
    }
}

/// A form: where it is sent and the fields that go before the file.
///
/// `Debug` does not show the signature.
#[derive(Clone, PartialEq, Eq)]
pub struct PostForm {
    /// The form's action.
    pub url: String,
    /// Names and values, in order.
    pub fields: Vec<(String, String)>,
}

impl fmt::Debug for PostForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.fields.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("PostForm").field("url", &self.url).field("fields", &names).finish()
    }
}

impl Client {
    /// Signs a URL for one request on a key.
    ///
    /// The URL is for the public endpoint where one is set. Nothing is sent.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for an expiry under a second, over 7 days or past the end of the credentials, and for a header
    /// that is `host`, is there twice or can be none; `Credentials` without any.
    pub async fn presign(&self, method: &Method, key: &str, options: &PresignOptions) -> Result<String> {
        check_headers(&options.headers)?;
        let credentials = self.signing_credentials(options.expires).await?;
        let place = self.place();
        let date = AmzDate::new(self.now());
        let signing = self.signing_key(&credentials, &date, &place.region);
        let site = &place.public;
        let mut path = String::with_capacity(site.path.len() + key.len() + 16);
        path.push_str(&site.path);
        push_key(&mut path, key);
        let mut origin = String::with_capacity(site.authority.len() + 8);
        origin.push_str(site.scheme());
        origin.push_str("://");
        origin.push_str(&site.authority);
        let fields: Vec<(String, String)> = options
            .query
            .iter()
            .map(|(name, value)| (crate::encode_query(name), crate::encode_query(value)))
            .collect();
        let what = Presign {
            method: method.as_str(),
            origin: &origin,
            authority: &site.authority,
            path: &path,
            fields: &fields,
            headers: &options.headers,
            expires: options.expires.as_secs(),
        };
        Ok(presign(&signing, &credentials, &date, &what))
    }

    /// Signs a form for uploads from a browser.
    ///
    /// # Errors
    ///
    /// As for [`Client::presign`], and `InvalidInput` for a field that is there twice or that the form gets anyway.
    pub async fn presign_post(&self, policy: &PostPolicy) -> Result<PostForm> {
        check_fields(policy)?;
        let credentials = self.signing_credentials(policy.expires).await?;
        let place = self.place();
        let now = self.now();
        let date = AmzDate::new(now);
        let signing = self.signing_key(&credentials, &date, &place.region);
        let mut fields = vec![("key".to_owned(), policy.key.clone())];
        fields.extend(policy.fields.iter().cloned());
        fields.push(("x-amz-algorithm".into(), ALGORITHM.into()));
        fields
            .push(("x-amz-credential".into(), format!("{}/{}", credentials.access_key_id, signing.scope())));
        fields.push(("x-amz-date".into(), date.as_str().into()));
        if let Some(token) = &credentials.session_token {
            fields.push(("x-amz-security-token".into(), token.expose().into()));
        }
        let document = policy_document(self.bucket(), policy, &fields, now + policy.expires);
        let (encoded, signature) = sign_policy(&signing, &document);
        fields.push(("policy".into(), encoded));
        fields.push(("x-amz-signature".into(), signature));
        let mut url = format!("{}://{}{}", place.public.scheme(), place.public.authority, place.public.path);
        if url.ends_with('/') && place.public.path.len() > 1 {
            url.pop();
        }
        Ok(PostForm { url, fields })
    }

    /// The URL of an object for whoever may read it without signing: by the public endpoint.
    pub fn object_url(&self, key: &str) -> String {
        let mut url = self.public_base_url();
        push_key(&mut url, key);
        url
    }

    /// The URL with a query of its own, such as a version.
    pub fn object_url_with(&self, key: &str, query: &[(&str, &str)]) -> String {
        let mut url = self.object_url(key);
        for (i, (name, value)) in query.iter().enumerate() {
            url.push(if i == 0 { '?' } else { '&' });
            push_query(&mut url, name);
            url.push('=');
            push_query(&mut url, value);
        }
        url
    }

    async fn signing_credentials(&self, expires: Duration) -> Result<Arc<Credentials>> {
        let now = (self.config().seams.now)();
        let bad = |text: String| Error::new(ErrorKind::InvalidInput, text);
        if expires < Duration::from_secs(1) || expires > LONGEST {
            let (seconds, most) = (expires.as_secs(), LONGEST.as_secs());
            return Err(bad(format!("expiry must be 1 second to 7 days seconds={seconds} limit={most}")));
        }
        let credentials = self.config().credentials.resolve(now).await?.ok_or_else(|| {
            Error::new(ErrorKind::Credentials, "presigning needs credentials and the client has none")
        })?;
        let life = credentials.expires_at.map(|end| end.duration_since(now).unwrap_or_default());
        match life {
            Some(life) if life < expires => Err(bad(format!(
                "the credentials end before the expiry asked for seconds={} limit={}",
                expires.as_secs(),
                life.as_secs()
            ))),
            _ => Ok(credentials),
        }
    }
}

/// Refuses headers that a request cannot carry as they are signed.
fn check_headers(headers: &[(String, String)]) -> Result<()> {
    let bad = |message: &str, name: &str| {
        Err(Error::new(ErrorKind::InvalidInput, format!("{message} header={name:?}")))
    };
    for (at, (name, value)) in headers.iter().enumerate() {
        let is_lower = !name.bytes().any(|byte| byte.is_ascii_uppercase());
        if !is_lower || http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            return bad("a signed header needs a name in lower case", name);
        }
        if name == "host" {
            return bad("the host of a presigned URL is the endpoint's", name);
        }
        if headers[..at].iter().any(|(before, _)| before == name) {
            return bad("a header can be signed once", name);
        }
        header_value(name, value)?;
    }
    Ok(())
}

/// What every form has or gets, whatever its policy.
const OWN_FIELDS: [&str; 9] = [
    "bucket",
    "file",
    "key",
    "policy",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-signature",
];

fn check_fields(policy: &PostPolicy) -> Result<()> {
    let bad = |message: &str, name: &str| {
        Err(Error::new(ErrorKind::InvalidInput, format!("{message} field={name:?}")))
    };
    let mut names: Vec<String> = Vec::new();
    for (name, _) in &policy.fields {
        let lower = name.to_ascii_lowercase();
        if OWN_FIELDS.contains(&&*lower) {
            return bad("the form has this field already", name);
        }
        if name.is_empty() || names.contains(&lower) {
            return bad("a field of a form needs a name of its own", name);
        }
        names.push(lower);
    }
    Ok(())
}

/// Writes the conditions: every field of the form, and what it leaves open.
fn policy_document(
    bucket: &str,
    policy: &PostPolicy,
    fields: &[(String, String)],
    end: SystemTime,
) -> String {
    let mut conditions = vec![json!({ "bucket": bucket })];
    for (name, value) in fields {
        let open = if name == "key" { value.strip_suffix("${filename}") } else { None };
        conditions.push(match open {
            Some(prefix) => json!(["starts-with", "$key", prefix]),
            None => json!({ name: value }),
        });
    }
    for (name, prefix) in &policy.starts_with {
        conditions.push(json!(["starts-with", format!("${name}"), prefix]));
    }
    if let Some((least, most)) = policy.content_length {
        conditions.push(json!(["content-length-range", least, most]));
    }
    json!({ "expiration": format_policy(end), "conditions": conditions }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn headers_that_cannot_be_carried_as_signed_are_refused() {
        assert!(check_headers(&pairs(&[("content-type", "a/b"), ("x-amz-acl", "private")])).is_ok());
        let table: [&[(&str, &str)]; 7] = [
            &[("host", "elsewhere")],
            &[("Host", "elsewhere")],
            &[("content-type", "a"), ("x", "y"), ("content-type", "a")],
            &[("Content-Type", "a")],
            &[("", "a")],
            &[("a b", "c")],
            &[("a", "b\r\nc: d")],
        ];
        for headers in table {
            let error = check_headers(&pairs(headers)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{headers:?}");
        }
    }

    #[test]
    fn a_form_has_each_field_once() {
        let check = |fields: &[(&str, &str)]| {
            let policy = PostPolicy { fields: pairs(fields), ..PostPolicy::new("k", Duration::from_secs(1)) };
            check_fields(&policy).map_err(|error| error.kind())
        };
        assert_eq!(check(&[("Content-Type", "a"), ("acl", "private")]), Ok(()));
        for fields in [&[("key", "x")][..], &[("Policy", "x")], &[("", "x")], &[("acl", "a"), ("ACL", "a")]] {
            assert_eq!(check(fields), Err(ErrorKind::InvalidInput), "{fields:?}");
        }
    }
}
