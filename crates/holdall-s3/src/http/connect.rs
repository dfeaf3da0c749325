//! Makes connections: name, address, proxy, TLS.

use super::lane::Lane;
use super::meter::Metered;
use super::tls::Tls;
use crate::endpoint::Site;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::pace::Pace;
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use rustls_pki_types::ServerName;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Where a connection goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Destination {
    pub(crate) tls: bool,
    pub(crate) host: Arc<str>,
    pub(crate) port: u16,
}

impl Destination {
    pub(crate) fn of_site(site: &Site) -> Self {
        Self { tls: site.tls, host: site.host.as_str().into(), port: site.port }
    }

    pub(crate) fn of_uri(uri: &Uri) -> Result<Self> {
        let tls = uri.scheme_str() == Some("https");
        let host = uri.host().ok_or_else(|| Error::new(ErrorKind::InvalidInput, "the URL has no host"))?;
        Ok(Self { tls, host: host.into(), port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }) })
    }

    fn uri(&self) -> Option<Uri> {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}:{}/", self.host, self.port).parse().ok()
    }

    /// The host as a resolver wants it: an IPv6 address without brackets.
    fn name(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }
}

/// The bytes' way: plain or encrypted.
pub(crate) enum Link {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

pub(crate) type Wire = Metered<Link>;

pub(super) struct Connector {
    limit: Duration,
    proxies: Proxies,
    tls: Tls,
    /// How fast bytes move over all connections.
    pace: Option<Arc<Pace>>,
}

/// Which hosts are reached through which proxy.
pub(super) struct Proxies {
    matcher: Matcher,
    /// Whether there are any, by scheme: most have none, and are asked for each request.
    any: [bool; 2],
    /// Whether a proxy is set, by scheme, that is none: the matcher would leave it out in silence.
    broken: [bool; 2],
}

impl Proxies {
    /// Reads `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, as their values are.
    pub(super) fn new(http: &str, https: &str, no: &str) -> Self {
        let (http, https) = (http.trim(), https.trim());
        if no.split(',').any(|entry| entry.trim() == "*") {
            return Self { matcher: Matcher::builder().build(), any: [false; 2], broken: [false; 2] };
        }
        let any = [http, https].map(|url| !url.is_empty());
        let broken = [http, https].map(|url| !url.is_empty() && !is_proxy(url));
        Self { matcher: Matcher::builder().http(http).https(https).no(no).build(), any, broken }
    }

    fn of(&self, to: &Destination) -> Option<Intercept> {
        if !self.any[usize::from(to.tls)] {
            return None;
        }
        self.matcher.intercept(&to.uri()?)
    }

    fn check(&self, to: &Destination) -> Result<()> {
        if self.broken[usize::from(to.tls)] {
            return Err(Error::new(ErrorKind::Config, "the proxy is no http:// URL")
                .not_sent()
                .at_stage(Stage::Proxy));
        }
        Ok(())
    }
}

fn is_proxy(url: &str) -> bool {
    let somewhere = Uri::from_static("http://host.example/");
    let found = Matcher::builder().http(url.to_owned()).build().intercept(&somewhere);
    let Some(proxy) = found else { return false };
    let authority = proxy.uri().authority().map_or("", |a| a.as_str());
    let says_port = authority.rsplit(['@', ']']).next().is_some_and(|rest| rest.contains(':'));
    proxy.uri().scheme_str() == Some("http")
        && proxy.uri().host().is_some_and(|host| !host.is_empty())
        && says_port == proxy.uri().port_u16().is_some()
}

impl Connector {
    pub(super) fn new(
        limit: Duration,
        proxies: Proxies,
        ca_bundle: Option<PathBuf>,
        pace: Option<Pace>,
    ) -> Self {
        Self { limit, proxies, tls: Tls::new(ca_bundle), pace: pace.map(Arc::new) }
    }

    fn proxy(&self, to: &Destination) -> Option<Intercept> {
        self.proxies.of(to)
    }

    pub(super) fn is_proxied(&self, to: &Destination) -> bool {
        self.proxy(to).is_some()
    }

    pub(super) fn needs_absolute_form(&self, to: &Destination) -> bool {
        !to.tls && self.proxy(to).is_some()
    }

    pub(super) fn proxy_authorization(&self, to: &Destination) -> Option<HeaderValue> {
        self.proxy(to)?.basic_auth().cloned()
    }

    pub(super) async fn connect(&self, to: &Destination) -> Result<Lane> {
        let link = tokio::time::timeout(self.limit, self.link(to)).await.map_err(|_| {
            Error::new(ErrorKind::Timeout, format!("connecting took too long limit={:?}", self.limit))
                .transient()
                .not_sent()
                .at_stage(Stage::Dial)
        })??;
        let (wire, meter) = Metered::new(link, self.pace.clone());
        Lane::open(wire, meter).await
    }

    async fn link(&self, to: &Destination) -> Result<Link> {
        self.proxies.check(to)?;
        // Before anything is dialled: without trust in anybody there is no use in a connection.
        let tls = if to.tls { Some(self.tls.connector()?) } else { None };
        let tcp = match self.proxy(to) {
            Some(proxy) => through_proxy(&proxy, to).await?,
            None => dial(to.name(), to.port).await?,
        };
        let Some(connector) = tls else { return Ok(Link::Plain(tcp)) };
        let name = ServerName::try_from(to.name().to_owned()).map_err(|e| {
            Error::new(ErrorKind::Config, "the host is no name for TLS").with_source(e).not_sent()
        })?;
        let stream = connector.connect(name, tcp).await.map_err(tls_error)?;
        Ok(Link::Tls(Box::new(stream)))
    }
}

fn tls_error(error: io::Error) -> Error {
    let lasting = error.get_ref().is_some_and(|e| e.is::<rustls::Error>());
    let fault = Error::new(ErrorKind::Unreachable, "the TLS handshake failed")
        .with_source(error)
        .not_sent()
        .at_stage(Stage::Tls);
    if lasting { fault } else { fault.transient() }
}

fn unreachable(stage: Stage, message: String, error: io::Error) -> Error {
    let fault = Error::new(ErrorKind::Unreachable, message).with_source(error);
    fault.transient().not_sent().at_stage(stage)
}

/// Connects to the first address of a name that answers.
async fn dial(host: &str, port: u16) -> Result<TcpStream> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port))
        .await
        .map_err(|e| unreachable(Stage::Name, format!("the host's name cannot be resolved host={host}"), e))?
        .collect();
    let mut last = None;
    for address in found {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream
                    .set_nodelay(true)
                    .map_err(|e| unreachable(Stage::Dial, "the socket cannot be set up".into(), e))?;
                return Ok(stream);
            }
            Err(error) => last = Some(error),
        }
    }
    let error = last.unwrap_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable));
    Err(unreachable(Stage::Dial, format!("connecting failed host={host} port={port}"), error))
}

async fn through_proxy(proxy: &Intercept, to: &Destination) -> Result<TcpStream> {
    let uri = proxy.uri();
    let host = uri.host().unwrap_or_default();
    let mut stream = dial(host, uri.port_u16().unwrap_or(80)).await?;
    if to.tls {
        tunnel(&mut stream, proxy, to).await?;
    }
    Ok(stream)
}

/// Asks a proxy to pass bytes through (RFC 9110, section 9.3.6).
async fn tunnel(stream: &mut TcpStream, proxy: &Intercept, to: &Destination) -> Result<()> {
    const MAX_HEAD: usize = 8192;
    let mut request = format!("CONNECT {0}:{1} HTTP/1.1\r\nHost: {0}:{1}\r\n", to.host, to.port);
    if let Some(value) = proxy.basic_auth().and_then(|v| v.to_str().ok()) {
        request.push_str(&format!("Proxy-Authorization: {value}\r\n"));
    }
    request.push_str("\r\n");
    let fault = |e: io::Error| unreachable(Stage::Proxy, "the proxy closed the connection".into(), e);
    stream.write_all(request.as_bytes()).await.map_err(fault)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        // Byte by byte: what follows the head already belongs to the tunnel.
        head.push(stream.read_u8().await.map_err(fault)?);
        if head.len() > MAX_HEAD {
            return Err(Error::new(ErrorKind::Protocol, "the proxy's answer is too long")
                .not_sent()
                .at_stage(Stage::Proxy));
        }
    }
    let status = head.split(|b| *b == b' ').nth(1).unwrap_or_default();
    match status {
        b"200" => Ok(()),
        other => {
            let status = String::from_utf8_lossy(&other[..other.len().min(3)]).into_owned();
            Err(Error::new(ErrorKind::Unreachable, format!("the proxy refused the tunnel status={status}"))
                .not_sent()
                .at_stage(Stage::Proxy))
        }
    }
}

impl AsyncRead for Link {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Link {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_shutdown(cx),
        }
    }
}
