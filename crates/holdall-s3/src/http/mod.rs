//! Connections: made, driven, measured for progress, and kept for the next request.

mod body;
mod connect;
mod lane;
mod meter;
mod tls;

pub(crate) use body::SendBody;
pub(crate) use connect::Destination;
pub(crate) use lane::AnswerBody;

use crate::error::{Error, ErrorKind, Result};
use crate::pace::{Pace, RateLimits};
use bytes::Bytes;
use connect::{Connector, Proxies};
use http::{Request, Response};
use lane::Lane;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// An idle connection older than this is not used again; servers close theirs after 5 to 60 seconds, which is seen
/// when the connection is taken from the pool.
const MAX_IDLE: Duration = Duration::from_secs(60);

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For name look-up, connection and TLS together.
    pub connect: Duration,
    /// Without progress: while waiting, less than 1 KiB sent or received in this time is none.
    ///
    /// There is no bound on a whole transfer, and time in which the caller does not ask for more is not counted. Copies
    /// and the completion of an upload have ten times as long: the server has the work, and may be silent meanwhile.
    pub read: Duration,
}

impl Default for Timeouts {
    /// 10 s and 60 s.
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), read: Duration::from_secs(60) }
    }
}

/// How a [`Transport`] connects.
#[derive(Clone, Default)]
pub struct TransportConfig {
    /// Timeouts.
    pub timeouts: Timeouts,
    /// Proxy for http endpoints, as `HTTP_PROXY` has it.
    pub http_proxy: Option<String>,
    /// Proxy for https endpoints, as `HTTPS_PROXY` has it.
    pub https_proxy: Option<String>,
    /// Hosts that are reached without a proxy, as `NO_PROXY` has them.
    pub no_proxy: Option<String>,
    /// A file of certificates in PEM to trust instead of the system's own, as `AWS_CA_BUNDLE` names one.
    pub ca_bundle: Option<PathBuf>,
    /// How fast it may be.
    pub limits: RateLimits,
}

impl fmt::Debug for TransportConfig {
    /// Proxies may carry passwords and are not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportConfig")
            .field("timeouts", &self.timeouts)
            .field("http_proxy", &self.http_proxy.is_some())
            .field("https_proxy", &self.https_proxy.is_some())
            .field("ca_bundle", &self.ca_bundle)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// The one sending of a call that is no attempt: instead of one over a kept connection that was closed meanwhile.
///
/// Whether the server had read the request before it closed is not known, so a call that has used it is in doubt.
#[derive(Debug, Default)]
pub(crate) struct Spare {
    used: bool,
}

impl Spare {
    pub(crate) fn is_used(&self) -> bool {
        self.used
    }
}

/// A pool of connections, shared by its clones.
///
/// Connections are HTTP/1.1 with `TCP_NODELAY`. None is opened before it is needed and none has a task of its own.
#[derive(Clone)]
pub struct Transport(Arc<Shared>);

pub(crate) struct Shared {
    connector: Connector,
    timeouts: Timeouts,
    /// How fast requests go out.
    pace: Option<Pace>,
    idle: Mutex<Vec<(Destination, Lane)>>,
}

impl Transport {
    /// Makes a pool without connections.
    pub fn new(config: TransportConfig) -> Self {
        let value = |text: &'_ Option<String>| text.clone().unwrap_or_default();
        let proxies =
            Proxies::new(&value(&config.http_proxy), &value(&config.https_proxy), &value(&config.no_proxy));
        let bandwidth = config.limits.bandwidth.map(Pace::new);
        let connector = Connector::new(config.timeouts.connect, proxies, config.ca_bundle, bandwidth);
        let pace = config.limits.requests.map(Pace::new);
        let idle = Mutex::new(Vec::new());
        Self(Arc::new(Shared { connector, timeouts: config.timeouts, pace, idle }))
    }

    /// A pool for credential services: short timeouts, no proxy for what is on the local link.
    pub(crate) fn for_metadata(limit: Duration) -> Self {
        let variable = |name: &str| std::env::var(name).or_else(|_| std::env::var(name.to_lowercase())).ok();
        let no_proxy = format!("169.254.169.254,169.254.170.2,{}", variable("NO_PROXY").unwrap_or_default());
        Self::new(TransportConfig {
            timeouts: Timeouts { connect: limit, read: limit * 10 },
            https_proxy: variable("HTTPS_PROXY"),
            no_proxy: Some(no_proxy),
            ca_bundle: std::env::var_os("AWS_CA_BUNDLE").map(PathBuf::from),
            ..TransportConfig::default()
        })
    }

    /// Sends one request and waits for the head of its answer.
    ///
    /// A kept connection that turns out to be closed before anything of the answer came is replaced by a new one, if
    /// the call has its spare sending left: servers close idle connections whenever they like. `limit` is how long the
    /// exchange may be without progress.
    pub(crate) async fn send(
        &self,
        to: &Destination,
        make: impl Fn() -> Result<Request<SendBody>>,
        limit: Duration,
        spare: &mut Spare,
    ) -> Result<Response<AnswerBody>> {
        if let Some(pace) = &self.0.pace {
            pace.turn().await;
        }
        let mut request = make()?;
        // Where one kept connection was dead, its neighbours may be too.
        let kept = if spare.used { None } else { self.take_idle(to).await };
        if let Some(mut lane) = kept {
            match lane.exchange(request, limit).await {
                Ok(answer) => return Ok(self.wrap(to, lane, answer, limit)),
                Err(error) if error.kind() == ErrorKind::Timeout || !error.is_transient() => {
                    return Err(error);
                }
                Err(_) => {
                    spare.used = true;
                    tracing::debug!(host = %to.host, "a kept connection was closed by the server");
                    request = make()?;
                }
            }
        }
        // Rare, and larger than all else that a request takes.
        let mut lane = Box::pin(self.0.connector.connect(to)).await?;
        let answer = lane.exchange(request, limit).await?;
        Ok(self.wrap(to, lane, answer, limit))
    }

    /// How long to wait for what.
    pub(crate) fn timeouts(&self) -> Timeouts {
        self.0.timeouts
    }

    /// Whether requests to this place go through a proxy that wants to see the whole URL.
    pub(crate) fn needs_absolute_form(&self, to: &Destination) -> bool {
        self.0.connector.needs_absolute_form(to)
    }

    /// Whether requests to this place go through a proxy.
    pub(crate) fn is_proxied(&self, to: &Destination) -> bool {
        self.0.connector.is_proxied(to)
    }

    /// The header for a proxy that forwards plain http.
    pub(crate) fn proxy_authorization(&self, to: &Destination) -> Option<http::HeaderValue> {
        self.0.connector.proxy_authorization(to)
    }

    /// Sends a request to any URL and reads the whole answer.
    pub(crate) async fn fetch(&self, request: Request<Bytes>, limit: usize) -> Result<Response<Bytes>> {
        let (parts, body) = request.into_parts();
        let to = Destination::of_uri(&parts.uri)?;
        let make = || {
            let mut request = Request::new(SendBody::from(body.clone()));
            *request.method_mut() = parts.method.clone();
            *request.headers_mut() = parts.headers.clone();
            let authority = parts.uri.authority().map_or("", |a| a.as_str());
            if let Ok(host) = http::HeaderValue::from_str(authority) {
                request.headers_mut().insert(http::header::HOST, host);
            }
            *request.uri_mut() =
                parts.uri.path_and_query().map_or_else(Default::default, |p| p.clone().into());
            Ok(request)
        };
        let (head, body) =
            self.send(&to, make, self.0.timeouts.read, &mut Spare::default()).await?.into_parts();
        Ok(Response::from_parts(head, body.collect(limit).await?))
    }

    fn wrap(
        &self,
        to: &Destination,
        lane: Lane,
        answer: Response<hyper::body::Incoming>,
        limit: Duration,
    ) -> Response<AnswerBody> {
        let (parts, incoming) = answer.into_parts();
        let body = AnswerBody::new(incoming, lane, to.clone(), self.0.clone(), limit);
        Response::from_parts(parts, body)
    }

    async fn take_idle(&self, to: &Destination) -> Option<Lane> {
        loop {
            let mut lane = self.0.pop(to)?;
            if lane.idle_since.elapsed() < MAX_IDLE && lane.is_ready().await {
                return Some(lane);
            }
        }
    }
}

impl Shared {
    fn pop(&self, to: &Destination) -> Option<Lane> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let at = idle.iter().rposition(|(place, _)| place == to)?;
        Some(idle.swap_remove(at).1)
    }

    fn put_back(&self, to: Destination, mut lane: Lane) {
        lane.idle_since = Instant::now();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((to, lane));
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("Transport").field("timeouts", &self.0.timeouts).field("idle", &idle).finish()
    }
}

/// A fault of a connection that is in use.
pub(crate) fn connection_error(error: hyper::Error) -> Error {
    if error.is_parse() {
        return Error::new(ErrorKind::Protocol, "the answer is not HTTP").with_source(error).transient();
    }
    let message = if error.is_incomplete_message() || error.is_body_write_aborted() {
        "the connection was closed before the answer"
    } else {
        "the connection failed"
    };
    Error::new(ErrorKind::Unreachable, message).with_source(error).transient()
}
