//! Sends a call until it succeeds, cannot succeed, or has been tried often enough.

use super::answer::{fault, whole};
use super::{Answer, Call, Client, Place, Reply};
use crate::credentials::Credentials;
use crate::date::{AmzDate, parse_amz, parse_http};
use crate::encode::push_key;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{SendBody, Spare};
use crate::object::lossy;
use crate::sign::sign_headers;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Uri};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

/// What has been corrected during a call; each may be corrected once.
#[derive(Default)]
struct Corrected {
    clock: bool,
    credentials: bool,
    region: bool,
}

impl Client {
    /// Runs one call. The error tells how often it was tried and whether it may have taken effect all the same.
    pub(crate) async fn run(&self, call: &Call) -> Result<Reply> {
        let mut corrected = Corrected::default();
        let mut spare = Spare::default();
        let mut attempt = call.attempt;
        let mut spent = 0;
        let changes = !matches!(call.method, Method::GET | Method::HEAD);
        let mut doubt = false;
        loop {
            let credentials = self.credentials(call).await?;
            let skew = self.0.skew.load(Ordering::Relaxed);
            let error = match self.once(call, credentials.as_ref(), &mut spare).await {
                Ok(mut reply) => {
                    self.0.budget.pay_back(if spent == 0 { 1 } else { spent });
                    self.0.bucket_seen.store(true, Ordering::Relaxed);
                    reply.attempts = attempt;
                    return Ok(reply);
                }
                Err(error) => error.without(secrets(call, credentials.as_deref())),
            };
            doubt |= changes && (error.is_ambiguous() || spare.is_used());
            let host = self.place().site.authority.clone();
            if self.correct(&error, &mut corrected, credentials.as_ref(), skew).await {
                tracing::debug!(operation = call.operation, %error, "corrected and sent again");
                continue;
            }
            let error = error.in_operation(call.operation, &host, attempt);
            if !error.is_transient() {
                // A plain no is an answer: the server is well, and the retries that led to it are paid back.
                self.0.budget.pay_back(spent);
            }
            if call.once || !error.is_transient() || attempt >= self.0.config.retry.attempts.max(1) {
                return Err(error.doubtful(doubt));
            }
            let Some(price) = self.pause(attempt, &error).await else { return Err(error.doubtful(doubt)) };
            spent = price;
            attempt += 1;
        }
    }

    /// Waits before another attempt and answers its price; none when the budget has no more.
    pub(crate) async fn pause(&self, attempt: u32, error: &Error) -> Option<i64> {
        let price = self.0.budget.take(error)?;
        let share = ((self.0.config.seams.random)() >> 64) as u64 as f64 / u64::MAX as f64;
        let wait = self.0.config.retry.wait(attempt, share, error.retry_after());
        tracing::debug!(operation = error.operation(), attempt, ?wait, %error, "trying again");
        tokio::time::sleep(wait).await;
        Some(price)
    }

    async fn credentials(&self, call: &Call) -> Result<Option<Arc<Credentials>>> {
        let found = self.0.config.credentials.resolve((self.0.config.seams.now)()).await;
        found.map_err(|e| e.in_operation(call.operation, &self.place().site.authority, 0))
    }

    /// Mends what the server complained of, where that is possible.
    ///
    /// `skew` is what the clock was corrected by when the request was signed.
    async fn correct(
        &self,
        error: &Error,
        done: &mut Corrected,
        used: Option<&Arc<Credentials>>,
        skew: i64,
    ) -> bool {
        if !done.clock && may_be_the_clock(error) && self.0.skew.load(Ordering::Relaxed) != skew {
            done.clock = true;
            return true;
        }
        match error.code() {
            Some("ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" | "InvalidToken")
                if !done.credentials =>
            {
                done.credentials = true;
                return self.0.config.credentials.refresh(used).await;
            }
            _ => {}
        }
        let elsewhere = matches!(error.status(), Some(301 | 307 | 308 | 400));
        match error.region() {
            Some(region) if elsewhere && !done.region => {
                done.region = true;
                self.move_to(region)
            }
            _ => false,
        }
    }

    async fn once(
        &self,
        call: &Call,
        credentials: Option<&Arc<Credentials>>,
        spare: &mut Spare,
    ) -> Result<Reply> {
        let place = self.place();
        let make = || self.request(call, credentials, &place);
        let limit = call.limit(self.0.transport.timeouts().read);
        let response = self.0.transport.send(&place.destination, make, limit, spare).await?;
        let status = response.status();
        tracing::trace!(operation = call.operation, key = call.key, status = status.as_u16(), "answered");
        if !status.is_success() {
            let clock = server_clock(response.headers());
            let error = Box::pin(fault(response)).await;
            if let Some(clock) = clock.filter(|_| may_be_the_clock(&error)) {
                self.note_clock(clock);
            }
            return Err(error);
        }
        let host = place.site.authority.clone();
        match call.answer {
            Answer::Stream => {
                let (head, body) = response.into_parts();
                Ok(Reply { head, bytes: Bytes::new(), stream: Some(body), attempts: 1, host })
            }
            Answer::Whole | Answer::Nothing => {
                let (head, bytes) = whole(response).await?;
                if call.answer == Answer::Nothing && !bytes.trim_ascii().is_empty() {
                    return Err(Error::new(
                        ErrorKind::Protocol,
                        "the answer says something where S3 says nothing",
                    ));
                }
                Ok(Reply { head, bytes, stream: None, attempts: 1, host })
            }
        }
    }

    /// Makes and signs a request of this moment.
    fn request(
        &self,
        call: &Call,
        credentials: Option<&Arc<Credentials>>,
        place: &Place,
    ) -> Result<Request<SendBody>> {
        let date = AmzDate::new(self.now());
        let mut path = place.site.path.clone();
        if let Some(key) = &call.key {
            push_key(&mut path, key);
        } else if path.len() > 1 {
            // A bucket's own URL in path style has no last slash: some servers take it for an empty key.
            path.pop();
        }
        let query = call.canonical_query();
        let mut headers = call.headers.clone();
        let host = HeaderValue::from_str(&place.site.authority)
            .map_err(|e| Error::new(ErrorKind::Config, "the host is no header").with_source(e).not_sent())?;
        headers.insert(HOST, host);
        if let Some(credentials) = credentials {
            let payload = &call.payload_hash;
            headers
                .insert("x-amz-content-sha256", HeaderValue::from_str(payload).expect("hex or a fixed word"));
            let key = self.signing_key(credentials, &date, &place.region);
            sign_headers(&key, credentials, &date, &call.method, (&path, &query), &mut headers, payload);
        }
        if call.method == Method::PUT || call.method == Method::POST {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(call.payload.len()));
        }
        let absolute = self.0.transport.needs_absolute_form(&place.destination);
        if absolute && let Some(value) = self.0.transport.proxy_authorization(&place.destination) {
            headers.insert(http::header::PROXY_AUTHORIZATION, value);
        }
        let uri = request_uri(absolute.then_some(&*place.site.authority), path, &query)?;
        let mut request = Request::new(SendBody::new(&call.payload).counted(call.progress.as_ref()));
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// Remembers how far the server's clock is from ours when it is far enough for signatures to be refused.
    fn note_clock(&self, server: SystemTime) {
        const TOLERATED: i64 = 240;
        let seconds =
            |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
        let skew = seconds(server) - seconds((self.0.config.seams.now)());
        self.0.skew.store(if skew.abs() > TOLERATED { skew } else { 0 }, Ordering::Relaxed);
    }
}

/// What went with a request and must not come back in an error: some services name the access key that they refuse.
fn secrets<'a>(call: &'a Call, credentials: Option<&'a Credentials>) -> impl Iterator<Item = &'a str> {
    let own = credentials.map(|c| {
        let token = c.session_token.as_ref().map_or("", |token| token.expose());
        [c.access_key_id.as_str(), c.secret_access_key.expose(), token]
    });
    let sensitive = call.headers.values().filter(|value| value.is_sensitive());
    own.into_iter().flatten().chain(sensitive.filter_map(|value| value.to_str().ok()))
}

/// Whether the clock may be what a server refuses. An answer to HEAD does not say; other errors carry dates of caches.
fn may_be_the_clock(error: &Error) -> bool {
    error.code() == Some("RequestTimeTooSkewed") || (error.code().is_none() && error.status() == Some(403))
}

pub(crate) fn server_clock(headers: &HeaderMap) -> Option<SystemTime> {
    let text = |name: &str| headers.get(name).map(lossy);
    text("x-amz-date").and_then(|t| parse_amz(&t)).or_else(|| text("date").and_then(|t| parse_http(&t)))
}

pub(crate) fn request_uri(absolute: Option<&str>, mut path: String, query: &str) -> Result<Uri> {
    if !query.is_empty() {
        path.push('?');
        path.push_str(query);
    }
    let fault = |e: http::Error| {
        Error::new(ErrorKind::InvalidInput, "the key makes no URL").with_source(e).not_sent()
    };
    let path = PathAndQuery::try_from(path).map_err(|e| fault(e.into()))?;
    match absolute {
        None => Ok(Uri::from(path)),
        Some(authority) => {
            Uri::builder().scheme("http").authority(authority).path_and_query(path).build().map_err(fault)
        }
    }
}
