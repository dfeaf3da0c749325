//! Signs a URL, so that whoever has it may make the request without credentials.

use super::header::push_folded;
use super::key::SigningKey;
use super::{ALGORITHM, UNSIGNED};
use crate::credentials::Credentials;
use crate::date::AmzDate;
use crate::encode::push_query;

/// What a presigned URL permits.
pub(crate) struct Presign<'a> {
    pub(crate) method: &'a str,
    /// Scheme and authority: `https://bucket.host`.
    pub(crate) origin: &'a str,
    pub(crate) authority: &'a str,
    /// Encoded.
    pub(crate) path: &'a str,
    /// Further query fields, encoded.
    pub(crate) fields: &'a [(String, String)],
    /// Further headers that the request must carry, lower-case names, sorted.
    pub(crate) headers: &'a [(String, String)],
    pub(crate) expires: u64,
}

/// Makes the URL.
pub(crate) fn presign(
    key: &SigningKey,
    credentials: &Credentials,
    date: &AmzDate,
    what: &Presign<'_>,
) -> String {
    let names = signed_names(what.headers);
    let query = canonical_query(key, credentials, date, what, &names);
    let mut canonical = String::with_capacity(query.len() + what.path.len() + 160);
    for line in [what.method, what.path, &query] {
        canonical.push_str(line);
        canonical.push('\n');
    }
    push_headers(&mut canonical, what);
    canonical.push('\n');
    canonical.push_str(&names);
    canonical.push('\n');
    canonical.push_str(UNSIGNED);
    let signature = key.sign_canonical(date, &canonical);
    let mut url = String::with_capacity(what.origin.len() + what.path.len() + query.len() + 90);
    for piece in [what.origin, what.path, "?", &query, "&X-Amz-Signature=", &signature] {
        url.push_str(piece);
    }
    url
}

fn signed_names(headers: &[(String, String)]) -> String {
    let mut names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).chain(["host"]).collect();
    names.sort_unstable();
    names.join(";")
}

fn push_headers(out: &mut String, what: &Presign<'_>) {
    let mut all: Vec<(&str, &str)> = what.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    all.push(("host", what.authority));
    all.sort_unstable();
    for (name, value) in all {
        out.push_str(name);
        out.push(':');
        push_folded(out, value);
        out.push('\n');
    }
}

/// The query with all its fields but the signature, sorted by encoded name.
fn canonical_query(
    key: &SigningKey,
    credentials: &Credentials,
    date: &AmzDate,
    what: &Presign<'_>,
    names: &str,
) -> String {
    let mut own = String::with_capacity(256);
    own.push_str("X-Amz-Algorithm=");
    own.push_str(ALGORITHM);
    own.push_str("&X-Amz-Credential=");
    push_query(&mut own, &credentials.access_key_id);
    own.push_str("%2F");
    push_query(&mut own, key.scope());
    own.push_str("&X-Amz-Date=");
    own.push_str(date.as_str());
    own.push_str("&X-Amz-Expires=");
    own.push_str(&what.expires.to_string());
    if let Some(token) = &credentials.session_token {
        own.push_str("&X-Amz-Security-Token=");
        push_query(&mut own, token.expose());
    }
    own.push_str("&X-Amz-SignedHeaders=");
    push_query(&mut own, names);
    if what.fields.is_empty() {
        return own;
    }
    let mut all: Vec<String> = own.split('&').map(str::to_owned).collect();
    all.extend(what.fields.iter().map(|(name, value)| format!("{name}={value}")));
    // By name first: as whole fields `a-b=` would come before `a=`.
    all.sort_unstable_by(|a, b| a.split_once('=').cmp(&b.split_once('=')));
    all.join("&")
}
