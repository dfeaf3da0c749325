//! The way to the service: its name, its address, TLS, what answers there, and its clock.

use super::asked::{Asked, Fault};
use super::finding::Finding;
use super::mend;
use super::scene::Scene;
use bytes::Bytes;
use holdall_s3::{ErrorKind as Kind, Stage, Visit};
use http::Request;
use std::time::{Duration, SystemTime};

const REACH: &str = "endpoint.reach";
const KIND: &str = "endpoint.kind";
const CLOCK: &str = "endpoint.clock";
const STYLE: &str = "endpoint.path_style";

/// Servers refuse signatures that are further from their clock.
const TOLERATED: i64 = 15 * 60;
/// From here on it is worth a word: URLs live that much shorter.
const NOTICEABLE: i64 = 60;

/// What is known of the place that was not reached.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    /// The host that was asked.
    pub(super) host: String,
    /// What sets the endpoint.
    pub(super) source: String,
    /// The host has the bucket in its name, and without it the name can be resolved.
    pub(super) needs_path: bool,
    /// What sets whether it has.
    pub(super) style: String,
    /// A proxy is between.
    pub(super) proxied: bool,
    /// What sets the proxy.
    pub(super) proxy: String,
}

/// What came of looking at the endpoint.
pub(super) struct Hello {
    pub(super) findings: Vec<Finding>,
    /// Whether there is anything behind it to ask.
    pub(super) reached: bool,
    /// Whether the answer looks like S3's.
    pub(super) speaks: bool,
}

/// Asks for the bucket as a stranger would: whatever the answer, it tells who answers, and what time it is there.
pub(super) async fn hello(scene: &Scene<'_>) -> Hello {
    let url = scene.client().base_url();
    let before = SystemTime::now();
    let asked = match Request::get(url.trim_end_matches('/')).body(Bytes::new()) {
        Ok(request) => scene.client().visit(request).await.map_err(Fault::from),
        Err(error) => Err(Fault {
            kind: Kind::Config,
            code: None,
            status: None,
            stage: None,
            text: format!("the endpoint makes no URL: {error}"),
        }),
    };
    let visit = match asked {
        Ok(visit) => visit,
        Err(fault) => {
            let findings = vec![unreached(&fault, &place(scene, &fault).await)];
            return Hello { findings, reached: false, speaks: false };
        }
    };
    let host = scene.endpoint();
    let mut findings = vec![Finding::ok(REACH, format!("{host} answers"))];
    findings.extend(way(scene.client().is_proxied(), &proxy_source(scene)));
    findings.extend(visit.clock.map(|clock| judge_clock(skew(clock, before, SystemTime::now()))));
    Hello { findings, reached: visit.status != 407, speaks: speaks_s3(&visit) }
}

/// By how many seconds the server's clock is ahead of the middle of the time in which it answered.
fn skew(server: SystemTime, before: SystemTime, after: SystemTime) -> i64 {
    let ours = before + after.duration_since(before).unwrap_or(Duration::ZERO) / 2;
    match server.duration_since(ours) {
        Ok(ahead) => i64::try_from(ahead.as_secs()).unwrap_or(i64::MAX),
        Err(behind) => -i64::try_from(behind.duration().as_secs()).unwrap_or(i64::MAX),
    }
}

fn proxy_source(scene: &Scene<'_>) -> String {
    scene.source(if scene.endpoint().is_tls() { "https_proxy" } else { "http_proxy" })
}

async fn place(scene: &Scene<'_>, fault: &Fault) -> Place {
    let endpoint = scene.endpoint();
    let url = scene.client().base_url();
    let host = url.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default().to_owned();
    let by_host = !host.starts_with(endpoint.host());
    let lost = fault.stage == Some(Stage::Name) && by_host;
    let needs_path = lost && tokio::net::lookup_host((endpoint.host(), endpoint.port())).await.is_ok();
    let (proxied, proxy) = (scene.client().is_proxied(), proxy_source(scene));
    Place {
        host,
        source: scene.source("endpoint"),
        needs_path,
        style: scene.source("path_style"),
        proxied,
        proxy,
    }
}

fn way(proxied: bool, proxy: &str) -> Option<Finding> {
    let finding = Finding::note("endpoint.proxy", format!("requests go through the proxy of {proxy}"));
    proxied.then(|| finding.means("the proxy sees which hosts are asked, and over plain http all of it"))
}

/// Judges why the endpoint was not reached.
pub(super) fn unreached(fault: &Fault, place: &Place) -> Finding {
    let Place { host, source, needs_path, style, proxied, proxy } = place;
    if *needs_path {
        return Finding::problem(
            STYLE,
            format!("{host} has no address, and without the bucket's name it has"),
        )
        .means("this service wants the bucket in the path of URLs, not in the host's name")
        .mend(mend::set(style, "true"));
    }
    let problem = |what: String| Finding::problem(REACH, what).means("nothing can be stored or read");
    let through = format!("correct {proxy}, or add the host to NO_PROXY");
    match (fault.stage, fault.kind) {
        (Some(Stage::Name), _) if !proxied => problem(format!("{host} has no address: {}", fault.text))
            .mend(format!("correct the host in {source}, or this machine's name service")),
        (Some(Stage::Name | Stage::Dial), _) if *proxied => {
            problem(format!("the proxy cannot be reached: {}", fault.text)).mend(through)
        }
        (Some(Stage::Proxy), _) => {
            problem(format!("the proxy does not pass it on: {}", fault.text)).mend(through)
        }
        (Some(Stage::Tls), _) => Finding::problem(REACH, format!("TLS with {host} failed: {}", fault.text))
            .means("the server's certificate is not trusted here, or it speaks no TLS on this port")
            .mend(format!(
                "set HOLDALL_CA_BUNDLE to a file with the certificate of the service's authority; for a server \
                 without TLS write http:// in {source}"
            )),
        (Some(_), Kind::Timeout) => problem(format!("{host} does not answer in time: {}", fault.text)).mend(
            format!("check the host and the port in {source}, and firewalls in between"),
        ),
        (Some(_), _) => problem(format!("{host} cannot be connected to: {}", fault.text))
            .mend(format!("start the service, or correct the host and the port in {source}")),
        (None, Kind::Protocol) => Finding::problem(KIND, format!("{host} does not speak HTTP: {}", fault.text))
            .means("another kind of server listens there, or one that wants TLS")
            .mend(format!("correct the scheme, the host and the port in {source}")),
        (None, _) => problem(format!("{host} gives no answer: {}", fault.text))
            .mend(format!("check the service, and the host and the port in {source}")),
    }
}

/// Whether an answer is one of S3's: its errors and listings are XML of known roots, and its headers have its names.
pub(super) fn speaks_s3(visit: &Visit) -> bool {
    let named = visit.headers.keys().any(|name| name.as_str().starts_with("x-amz-"));
    let beginning = &visit.bytes[..visit.bytes.len().min(2048)];
    let text = String::from_utf8_lossy(beginning);
    let is_page = text.trim_start().to_ascii_lowercase().starts_with("<!doctype")
        || text.trim_start().to_ascii_lowercase().starts_with("<html");
    let root = |name: &str| text.contains(&format!("<{name}>")) || text.contains(&format!("<{name} "));
    !is_page && (named || root("Error") || root("ListBucketResult"))
}

/// What is said of a server whose answers to signed requests are not S3's either.
pub(super) fn foreign(source: &str, host: &str, fault: &Fault) -> Finding {
    let finding = Finding::problem(KIND, format!("{host} is no S3 service: {}", fault.text))
        .means("a web server, a console or a portal answers there, or a proxy in its place")
        .mend(format!("set the URL of the S3 service in {source}; its web console has another one"));
    fault.told_in(finding)
}

/// What is said of one whose answers are.
pub(super) fn spoken(speaks: bool, asked: &Asked<()>, source: &str, host: &str) -> Finding {
    match asked {
        Err(fault) if !speaks && fault.code.is_none() && fault.kind != Kind::Credentials => {
            foreign(source, host, fault)
        }
        _ => Finding::ok(KIND, "it speaks S3"),
    }
}

/// Judges by how many seconds the server's clock is ahead of ours.
pub(super) fn judge_clock(ahead: i64) -> Finding {
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    let what = format!("the server's clock is {} s {way} this machine's", ahead.abs());
    let finding = match ahead.abs() {
        0..NOTICEABLE => Finding::ok(CLOCK, "the clocks agree"),
        NOTICEABLE..TOLERATED => {
            Finding::warning(CLOCK, what).means("presigned URLs begin or end that much too early or late")
        }
        _ => Finding::problem(CLOCK, what)
            .means("requests are refused until they are signed for the server's time, presigned URLs always"),
    };
    let finding = finding.fact("skew_seconds", ahead);
    if ahead.abs() < NOTICEABLE { finding } else { finding.mend("timedatectl set-ntp true") }
}

#[cfg(test)]
mod tests {
    use super::super::asked::tests::fault;
    use super::*;
    use crate::doctor::Status;
    use http::{HeaderMap, HeaderValue};
    use std::time::UNIX_EPOCH;

    fn at(stage: Stage, kind: Kind) -> Fault {
        Fault { stage: Some(stage), ..fault(kind, "") }
    }

    #[test]
    fn each_obstacle_has_its_own_way_around() {
        let direct = Place {
            host: "h:1".into(),
            source: "S3_ENDPOINT_URL".into(),
            style: "HOLDALL_PATH_STYLE".into(),
            proxy: "HTTPS_PROXY".into(),
            ..Place::default()
        };
        let proxied = Place { proxied: true, ..direct.clone() };
        let path = Place { needs_path: true, ..direct.clone() };
        let unreachable = Kind::Unreachable;
        let table = [
            (at(Stage::Name, unreachable), &direct, REACH, "correct the host in S3_ENDPOINT_URL, or"),
            (at(Stage::Name, unreachable), &path, STYLE, "set HOLDALL_PATH_STYLE=true"),
            (
                at(Stage::Name, unreachable),
                &proxied,
                REACH,
                "correct HTTPS_PROXY, or add the host to NO_PROXY",
            ),
            (
                at(Stage::Dial, unreachable),
                &direct,
                REACH,
                "start the service, or correct the host and the port in S3_",
            ),
            (at(Stage::Dial, unreachable), &proxied, REACH, "correct HTTPS_PROXY"),
            (
                at(Stage::Dial, Kind::Timeout),
                &direct,
                REACH,
                "check the host and the port in S3_ENDPOINT_URL, and fire",
            ),
            (at(Stage::Proxy, unreachable), &proxied, REACH, "correct HTTPS_PROXY"),
            (at(Stage::Tls, unreachable), &direct, REACH, "set HOLDALL_CA_BUNDLE"),
            (
                fault(Kind::Protocol, ""),
                &direct,
                KIND,
                "correct the scheme, the host and the port in S3_ENDPOINT_URL",
            ),
            (fault(Kind::Timeout, ""), &direct, REACH, "check the service"),
        ];
        for (fault, place, check, mend) in table {
            let finding = unreached(&fault, place);
            assert_eq!((finding.check, finding.status), (check, Status::Problem), "{fault:?}");
            assert!(finding.mend.as_deref().unwrap().starts_with(mend), "{finding:?}");
        }
    }

    fn visit(body: &'static str, header: Option<&'static str>) -> Visit {
        let mut headers = HeaderMap::new();
        if let Some(name) = header {
            headers.insert(name, HeaderValue::from_static("x"));
        }
        Visit { status: 403, headers, bytes: Bytes::from_static(body.as_bytes()), clock: None }
    }

    #[test]
    fn s3_is_told_from_other_servers() {
        for (body, header) in [
            ("<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code></Error>", None),
            ("<ListBucketResult xmlns=\"x\"></ListBucketResult>", None),
            ("", Some("x-amz-request-id")),
        ] {
            assert!(speaks_s3(&visit(body, header)), "{body}");
        }
        for (body, header) in [
            ("<!DOCTYPE html><html>", None),
            ("\n<html><Error>", Some("x-amz-request-id")),
            ("{\"error\":\"no\"}", None),
            ("", Some("server")),
        ] {
            assert!(!speaks_s3(&visit(body, header)), "{body}");
        }
        let page = fault(Kind::Protocol, "");
        assert_eq!(spoken(false, &Err(page.clone()), "S3_ENDPOINT_URL", "h").status, Status::Problem);
        assert_eq!(spoken(true, &Err(page), "S3_ENDPOINT_URL", "h").status, Status::Ok);
        assert_eq!(spoken(false, &Ok(()), "S3_ENDPOINT_URL", "h").status, Status::Ok);
        let coded = fault(Kind::BucketNotFound, "NoSuchBucket");
        assert_eq!(spoken(false, &Err(coded), "S3_ENDPOINT_URL", "h").status, Status::Ok);
    }

    #[test]
    fn clocks_are_judged_by_what_signatures_bear() {
        let table = [
            (0, Status::Ok),
            (59, Status::Ok),
            (-60, Status::Warning),
            (899, Status::Warning),
            (900, Status::Problem),
            (-7200, Status::Problem),
        ];
        for (ahead, wanted) in table {
            let finding = judge_clock(ahead);
            assert_eq!(finding.status, wanted, "{ahead}");
            assert_eq!(finding.facts, [("skew_seconds", ahead.to_string())]);
            assert_eq!(finding.mend.is_some(), wanted != Status::Ok);
        }
        assert!(judge_clock(-7200).what.contains("7200 s behind"));
    }

    #[test]
    fn the_skew_is_that_of_the_middle() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(skew(at(1105), at(1000), at(1010)), 100);
        assert_eq!(skew(at(905), at(1000), at(1010)), -100);
    }
}
