//! Requests to URLs as they stand, unsigned: what a stranger, a browser or a portal would see.

use crate::client::{Client, request_uri, server_clock};
use crate::error::{Error, ErrorKind, Result};
use crate::http::{AnswerBody, Destination, SendBody, Spare};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HOST, HeaderValue, PROXY_AUTHORIZATION};
use http::{HeaderMap, Request};
use std::time::SystemTime;

/// As much of a body as is read.
const MOST: usize = 64 << 10;

/// What a URL answered, whatever that was.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The first 64 KiB of the body.
    pub bytes: Bytes,
    /// The server's clock, where it told it.
    pub clock: Option<SystemTime>,
}

impl Client {
    /// Sends one request to a URL as it is, by this client's connections and proxies: not signed, not tried again, and
    /// its answer not judged.
    ///
    /// # Errors
    ///
    /// Only what kept it from getting an answer; [`Error::stage`] tells how far it came.
    pub async fn visit(&self, request: Request<Bytes>) -> Result<Visit> {
        let host = request.uri().authority().map(|authority| authority.as_str().to_owned());
        let host = host.unwrap_or_default();
        self.see(request, &host).await.map_err(|error| error.in_operation("", &host, 1))
    }

    async fn see(&self, request: Request<Bytes>, host: &str) -> Result<Visit> {
        let (parts, body) = request.into_parts();
        let to = Destination::of_uri(&parts.uri)?;
        let mut headers = parts.headers;
        let value = HeaderValue::from_str(host)
            .map_err(|e| Error::new(ErrorKind::InvalidInput, "the host is no header").with_source(e))?;
        headers.insert(HOST, value);
        if !body.is_empty() {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        let absolute = self.0.transport.needs_absolute_form(&to);
        if absolute && let Some(value) = self.0.transport.proxy_authorization(&to) {
            headers.insert(PROXY_AUTHORIZATION, value);
        }
        let query = parts.uri.query().unwrap_or_default();
        let uri = request_uri(absolute.then_some(host), parts.uri.path().to_owned(), query)?;
        let make = || {
            let mut request = Request::new(SendBody::from(body.clone()));
            *request.method_mut() = parts.method.clone();
            *request.uri_mut() = uri.clone();
            *request.headers_mut() = headers.clone();
            Ok(request)
        };
        let limit = self.0.transport.timeouts().read;
        let response = self.0.transport.send(&to, make, limit, &mut Spare::default()).await?;
        let (head, body) = response.into_parts();
        let clock = server_clock(&head.headers);
        Ok(Visit {
            status: head.status.as_u16(),
            headers: head.headers,
            bytes: beginning(body).await?,
            clock,
        })
    }
}

/// Reads what there is, up to a bound.
async fn beginning(mut body: AnswerBody) -> Result<Bytes> {
    let mut read = BytesMut::new();
    while read.len() < MOST
        && let Some(piece) = body.data().await
    {
        read.extend_from_slice(&piece?);
    }
    read.truncate(MOST);
    Ok(read.freeze())
}
