//! Where a bucket lives: scheme, host, and whether the bucket is in the host or in the path.

use std::fmt;
use std::net::IpAddr;

/// How a bucket is named in a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Addressing {
    /// By path for IP addresses, `localhost`, hosts with a port and buckets with dots; else by host.
    #[default]
    Auto,
    /// `https://host/bucket/key`.
    Path,
    /// `https://bucket.host/key`.
    VirtualHost,
}

/// Why a text is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Neither http nor https.
    #[error("endpoint has an unknown scheme scheme={0}")]
    Scheme(String),
    /// No host, or one with characters that no host has.
    #[error("endpoint has no valid host endpoint={0}")]
    Host(String),
    /// A user or password in the URL.
    #[error("endpoint must not carry credentials")]
    Credentials,
    /// A query or fragment in the URL.
    #[error("endpoint must not have a query or fragment")]
    Query,
    /// Not a port.
    #[error("endpoint has an invalid port port={0}")]
    Port(String),
    /// A bucket name that no host or path can carry.
    #[error("bucket name is not valid bucket={0:?}")]
    Bucket(String),
}

/// The scheme, host, port and base path of a service.
///
/// ```
/// let endpoint = holdall_s3::Endpoint::parse("nyc3.digitaloceanspaces.com")?;
/// assert_eq!(endpoint.to_string(), "https://nyc3.digitaloceanspaces.com");
/// # Ok::<(), holdall_s3::EndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    tls: bool,
    host: String,
    port: Option<u16>,
    base: String,
}

impl Endpoint {
    /// Reads a URL or a bare host; without a scheme it is https.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim();
        let (tls, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, _)) if scheme.contains([':', '@']) => return Err(EndpointError::Credentials),
            Some((scheme, _)) => return Err(EndpointError::Scheme(scheme.chars().take(20).collect())),
            None => (true, text),
        };
        // Also behind the first slash: a secret may hold one, and what is before it would be shown as a host or port.
        if rest.contains('@') {
            return Err(EndpointError::Credentials);
        }
        let (authority, path) = match rest.find(['/', '?', '#']) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        if path.contains(['?', '#']) {
            return Err(EndpointError::Query);
        }
        let (host, port) = split_port(authority)?;
        if !is_host(host) {
            return Err(EndpointError::Host(host.to_owned()));
        }
        let default = if tls { 443 } else { 80 };
        let mut base = String::new();
        for segment in path.split('/').filter(|s| !s.is_empty()) {
            base.push('/');
            crate::encode::push_query(&mut base, segment);
        }
        Ok(Self { tls, host: host.to_ascii_lowercase(), port: port.filter(|p| *p != default), base })
    }

    /// AWS's endpoint for a region.
    pub fn aws(region: &str) -> Self {
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        Self { tls: true, host: format!("s3.{region}.{suffix}"), port: None, base: String::new() }
    }

    /// Whether it is spoken to over TLS.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The host, without a port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, the scheme's own where none was given.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.tls { 443 } else { 80 })
    }

    /// Whether the host is AWS's own.
    pub fn is_aws(&self) -> bool {
        is_aws_host(&self.host)
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.ends_with(".localhost")
            || self.host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// The region that the host's name says, for hosts whose naming is published.
    pub fn region_hint(&self) -> Option<&str> {
        let labels: Vec<&str> = self.host.split('.').collect();
        if self.is_aws() {
            return aws_region(&labels);
        }
        let n = labels.len();
        match &labels[..] {
            [.., "r2", "cloudflarestorage", "com"] => Some("auto"),
            [.., region, "digitaloceanspaces" | "linodeobjects" | "vultrobjects", "com"] if n >= 3 => {
                Some(region)
            }
            [.., "s3", region, "backblazeb2" | "wasabisys" | "scw", _] => Some(region),
            _ => None,
        }
    }

    /// How a bucket is addressed at this endpoint.
    pub(crate) fn site(&self, bucket: &str, addressing: Addressing) -> Result<Site, EndpointError> {
        if !is_bucket(bucket) {
            return Err(EndpointError::Bucket(bucket.to_owned()));
        }
        let in_host = self.host.strip_prefix(bucket).is_some_and(|rest| rest.starts_with('.'));
        let by_host = match addressing {
            Addressing::Path => false,
            Addressing::VirtualHost => true,
            Addressing::Auto => in_host || !self.wants_path(bucket),
        };
        let host = match (by_host, in_host) {
            (true, false) => format!("{bucket}.{}", self.host),
            _ => self.host.clone(),
        };
        let authority = match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host.clone(),
        };
        let mut path = self.base.clone();
        if !by_host {
            path.push('/');
            crate::encode::push_query(&mut path, bucket);
        }
        path.push('/');
        Ok(Site { tls: self.tls, host, port: self.port(), authority, path })
    }

    fn wants_path(&self, bucket: &str) -> bool {
        self.port.is_some()
            || self.host == "localhost"
            || self.host.starts_with('[')
            || self.host.parse::<IpAddr>().is_ok()
            || bucket.contains('.')
            || bucket.contains('_')
            || bucket.bytes().any(|b| b.is_ascii_uppercase())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&self.base)
    }
}

/// One bucket's place: where to connect, what to call it, and what goes before a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) tls: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Host and port as the `Host` header has them.
    pub(crate) authority: String,
    /// The path before a key, encoded, with its last slash.
    pub(crate) path: String,
}

impl Site {
    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), EndpointError> {
    let after = if authority.starts_with('[') { authority.find(']').map_or(0, |i| i + 1) } else { 0 };
    match authority[after..].rfind(':') {
        None => Ok((authority, None)),
        Some(at) => {
            let (host, port) = (&authority[..after + at], &authority[after + at + 1..]);
            match port.parse::<u16>() {
                Ok(number) if number > 0 => Ok((host, Some(number))),
                _ => Err(EndpointError::Port(port.chars().take(10).collect())),
            }
        }
    }
}

fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[') {
        return inner.strip_suffix(']').is_some_and(|ip| ip.parse::<std::net::Ipv6Addr>().is_ok());
    }
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    host.len() <= 253 && name.split('.').all(label)
}

/// Bucket names of old buckets may have capitals and underscores and 255 characters; all that matters here is that a
/// name cannot change the URL's meaning.
fn is_bucket(bucket: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':');
    (1..=255).contains(&bucket.len()) && bucket.bytes().all(plain) && !matches!(bucket, "." | "..")
}

/// Whether a host belongs to AWS.
pub fn is_aws_host(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn")
}

/// Whether a text can be a region of AWS; only then is a host derived from it.
pub(crate) fn is_aws_region(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    (3..=4).contains(&parts.len())
        && parts[..parts.len() - 1].iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase()))
        && parts.last().is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

fn aws_region<'a>(labels: &[&'a str]) -> Option<&'a str> {
    let region = labels.iter().copied().find(|l| is_aws_region(l));
    region.or_else(|| labels.iter().find_map(|l| l.strip_prefix("s3-").filter(|r| is_aws_region(r))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(endpoint: &str, bucket: &str) -> String {
        let site = Endpoint::parse(endpoint).unwrap().site(bucket, Addressing::Auto).unwrap();
        format!("{}://{}{}", site.scheme(), site.authority, site.path)
    }

    #[test]
    fn addressing_follows_the_endpoint() {
        let table = [
            ("https://s3.eu-west-1.amazonaws.com", "b", "https://b.s3.eu-west-1.amazonaws.com/"),
            ("https://s3.eu-west-1.amazonaws.com", "my.b", "https://s3.eu-west-1.amazonaws.com/my.b/"),
            ("http://127.0.0.1:9000", "b", "http://127.0.0.1:9000/b/"),
            ("http://[::1]:9000", "b", "http://[::1]:9000/b/"),
            ("http://localhost", "b", "http://localhost/b/"),
            ("nyc3.digitaloceanspaces.com", "mybucket", "https://mybucket.nyc3.digitaloceanspaces.com/"),
            (
                "https://mybucket.nyc3.digitaloceanspaces.com",
                "mybucket",
                "https://mybucket.nyc3.digitaloceanspaces.com/",
            ),
            ("https://minio.example:9000", "b", "https://minio.example:9000/b/"),
            ("https://x.supabase.co/storage/v1/s3", "b", "https://b.x.supabase.co/storage/v1/s3/"),
            ("https://host:443", "b", "https://b.host/"),
            ("s3-accelerate.amazonaws.com", "b", "https://b.s3-accelerate.amazonaws.com/"),
            (
                "https://bucket.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com",
                "b",
                "https://b.bucket.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com/",
            ),
        ];
        for (endpoint, bucket, url) in table {
            assert_eq!(site(endpoint, bucket), url, "{endpoint} {bucket}");
        }
    }

    #[test]
    fn region_is_read_from_known_hosts() {
        let table = [
            ("s3.eu-west-1.amazonaws.com", Some("eu-west-1")),
            ("s3.dualstack.us-west-2.amazonaws.com", Some("us-west-2")),
            ("s3-us-west-2.amazonaws.com", Some("us-west-2")),
            ("b.s3.us-gov-west-1.amazonaws.com", Some("us-gov-west-1")),
            ("s3.cn-north-1.amazonaws.com.cn", Some("cn-north-1")),
            ("s3-accelerate.amazonaws.com", None),
            ("abc.r2.cloudflarestorage.com", Some("auto")),
            ("nyc3.digitaloceanspaces.com", Some("nyc3")),
            ("s3.us-west-004.backblazeb2.com", Some("us-west-004")),
            ("minio.example.com", None),
        ];
        for (host, region) in table {
            assert_eq!(Endpoint::parse(host).unwrap().region_hint(), region, "{host}");
        }
    }

    #[test]
    fn wrong_endpoints_are_refused_by_kind() {
        assert!(matches!(Endpoint::parse("ftp://x"), Err(EndpointError::Scheme(_))));
        assert!(matches!(Endpoint::parse("https://"), Err(EndpointError::Host(_))));
        assert!(matches!(Endpoint::parse("https://a b"), Err(EndpointError::Host(_))));
        for url in ["https://u:p@host", "u:p@host", "https://id:se/cret@host"] {
            assert!(matches!(Endpoint::parse(url), Err(EndpointError::Credentials)), "{url}");
        }
        assert!(matches!(Endpoint::parse("https://host/?x"), Err(EndpointError::Query)));
        assert!(matches!(Endpoint::parse("https://host:99999"), Err(EndpointError::Port(_))));
        let endpoint = Endpoint::parse("host").unwrap();
        for bucket in ["", "a/b", "..", "a b", "a\nb"] {
            assert!(
                matches!(endpoint.site(bucket, Addressing::Auto), Err(EndpointError::Bucket(_))),
                "{bucket:?}"
            );
        }
    }

    #[test]
    fn only_real_regions_become_hosts() {
        for region in ["us-east-1", "us-gov-west-1", "ap-southeast-4"] {
            assert!(is_aws_region(region));
        }
        for region in ["evil.example", "us-east-1.evil", "", "a-b", "us--1", "US-EAST-1"] {
            assert!(!is_aws_region(region), "{region}");
        }
    }
}
