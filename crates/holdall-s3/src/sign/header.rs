//! Signs a request by its headers.

use super::key::SigningKey;
use crate::credentials::Credentials;
use crate::date::AmzDate;
use http::Method;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

/// The digest of no bytes.
pub(crate) const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// Stands for the digest where the payload is not signed.
pub(crate) const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// Adds `x-amz-date`, the session token and `authorization`. `x-amz-content-sha256` is there already and names the
/// payload; `path` and `query` are encoded, the query's fields sorted.
pub(crate) fn sign_headers(
    key: &SigningKey,
    credentials: &Credentials,
    date: &AmzDate,
    method: &Method,
    (path, query): (&str, &str),
    headers: &mut HeaderMap,
    payload: &str,
) {
    headers.insert("x-amz-date", HeaderValue::from_str(date.as_str()).expect("digits and letters"));
    if let Some(token) = &credentials.session_token
        && let Ok(mut value) = HeaderValue::from_str(token.expose())
    {
        value.set_sensitive(true);
        headers.insert("x-amz-security-token", value);
    }
    let signed = signed_headers(headers);
    let canonical = canonical_request(method, path, query, &signed, payload);
    let signature = key.sign_canonical(date, &canonical);
    let mut text = String::with_capacity(256);
    text.push_str(super::ALGORITHM);
    text.push_str(" Credential=");
    text.push_str(&credentials.access_key_id);
    text.push('/');
    text.push_str(key.scope());
    text.push_str(",SignedHeaders=");
    push_names(&mut text, &signed);
    text.push_str(",Signature=");
    text.push_str(&signature);
    if let Ok(mut value) = HeaderValue::from_str(&text) {
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
}

/// The headers that are signed, by name: those that change what the request means.
fn signed_headers(headers: &HeaderMap) -> Vec<(&HeaderName, &HeaderValue)> {
    let mut signed: Vec<_> = headers.iter().filter(|(name, _)| is_signed(name.as_str())).collect();
    signed.sort_by_key(|(name, _)| name.as_str());
    signed
}

fn is_signed(name: &str) -> bool {
    name.starts_with("x-amz-")
        || matches!(
            name,
            "host"
                | "content-type"
                | "content-md5"
                | "range"
                | "if-match"
                | "if-none-match"
                | "cache-control"
                | "content-disposition"
                | "content-encoding"
        )
}

fn push_names(out: &mut String, signed: &[(&HeaderName, &HeaderValue)]) {
    for (i, (name, _)) in signed.iter().enumerate() {
        if i > 0 {
            out.push(';');
        }
        out.push_str(name.as_str());
    }
}

pub(super) fn canonical_request(
    method: &Method,
    path: &str,
    query: &str,
    signed: &[(&HeaderName, &HeaderValue)],
    payload: &str,
) -> String {
    let mut out = String::with_capacity(512);
    for line in [method.as_str(), path, query] {
        out.push_str(line);
        out.push('\n');
    }
    for (name, value) in signed {
        out.push_str(name.as_str());
        out.push(':');
        push_folded(&mut out, value.to_str().unwrap_or_default());
        out.push('\n');
    }
    out.push('\n');
    push_names(&mut out, signed);
    out.push('\n');
    out.push_str(payload);
    out
}

/// Appends a value trimmed, with runs of blanks as one.
pub(super) fn push_folded(out: &mut String, value: &str) {
    let text = value.trim();
    if !text.contains("  ") {
        out.push_str(text);
        return;
    }
    for (i, word) in text.split(' ').filter(|w| !w.is_empty()).enumerate() {
        if i > 0 {
            out.push(' ');
        }
        out.push_str(word);
    }
}
