//! What a fault makes of an answer's meaning: refusals instead of it, and changes to it.

use std::time::{Duration, SystemTime};

use super::Fault;
use super::reply::{Refusal, Reply, error_element};
use super::request::{Kind, Request};

/// How far a request's clock may be from the server's.
const SKEW: Duration = Duration::from_secs(15 * 60);

/// An answer that takes the operation's place, so that it does not happen.
pub(super) fn instead(fault: &Fault, request: &Request, trap: &str) -> Option<Reply> {
    match fault {
        Fault::Refuse { status, code, headers } => {
            let refusal = Refusal::new(*status, code).reply();
            Some(headers.iter().fold(refusal, |reply, (name, value)| reply.with(name, value)))
        }
        Fault::RefuseBody { containing, status, code } => {
            let body = String::from_utf8_lossy(&request.body);
            body.contains(containing.as_str()).then(|| Refusal::new(*status, code).reply())
        }
        Fault::ErrorBody { code } => Some(Reply::xml(error_element(code))),
        Fault::SlowXml { error: Some(code), .. } => Some(Reply::xml(error_element(code))),
        Fault::Redirect { status, region } => Some(redirect(*status, region.as_deref(), request, trap)),
        Fault::ClockSkew { seconds } => {
            let clock = clock(*seconds);
            let far = signed_at(request).is_none_or(|signed| distance(signed, clock) > SKEW);
            far.then(|| {
                Refusal::new(403, "RequestTimeTooSkewed").reply().with("date", httpdate::fmt_http_date(clock))
            })
        }
        Fault::RequireContentMd5 if request.kind == Kind::DeleteObjects => {
            let there = request.header("content-md5").is_some();
            (!there).then(|| Refusal::new(400, "InvalidRequest").reply())
        }
        _ => None,
    }
}

fn redirect(status: u16, region: Option<&str>, request: &Request, trap: &str) -> Reply {
    let code = if status == 307 { "TemporaryRedirect" } else { "PermanentRedirect" };
    let endpoint = trap.trim_start_matches("http://");
    let inner = format!("<Endpoint>{endpoint}</Endpoint><Bucket>{}</Bucket></Error>", request.bucket);
    let mut reply = Reply::xml(error_element(code).replace("</Error>", &inner));
    reply.status = status;
    reply.set("location", &format!("{trap}{}", request.raw_path));
    if let Some(region) = region {
        reply.set("x-amz-bucket-region", region);
    }
    reply
}

fn clock(seconds: i64) -> SystemTime {
    let (now, shift) = (SystemTime::now(), Duration::from_secs(seconds.unsigned_abs()));
    if seconds < 0 { now - shift } else { now + shift }
}

/// When the request says that it was signed.
fn signed_at(request: &Request) -> Option<SystemTime> {
    let text = request.header("x-amz-date").or_else(|| request.parameter("X-Amz-Date"))?;
    let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp().into())
}

fn distance(one: SystemTime, other: SystemTime) -> Duration {
    one.duration_since(other).unwrap_or_else(|error| error.duration())
}

/// Changes the request before it is carried out.
pub(super) fn mislead(fault: &Fault, request: &mut Request) {
    match fault {
        Fault::IgnoreRange => request.headers.retain(|(name, _)| name != "range"),
        Fault::CorruptWrite => request.body.last_mut().into_iter().for_each(|byte| *byte ^= 0xff),
        _ => {}
    }
}

/// Changes an answer. `serial` differs from answer to answer.
pub(super) fn alter(fault: &Fault, reply: &mut Reply, serial: u64) {
    match fault {
        Fault::OmitHeader(name) => reply.remove(&name.to_ascii_lowercase()),
        Fault::SetHeader(name, value) => reply.set(&name.to_ascii_lowercase(), value),
        Fault::ShiftContentRange { by } => change_range(reply, *by, 0),
        Fault::ChangeTotal { by } => change_range(reply, 0, *by),
        Fault::ChangeEtag if reply.header("etag").is_some() => {
            reply.set("etag", &format!("\"changed-{serial}\""))
        }
        Fault::ClockSkew { seconds } => reply.set("date", &httpdate::fmt_http_date(clock(*seconds))),
        Fault::FlipByte { at } => reply.body.get_mut(*at).into_iter().for_each(|byte| *byte ^= 0xff),
        Fault::CutBody { to } => reply.body.truncate(*to),
        Fault::ReplaceBody(body) => reply.body.clone_from(body),
        Fault::DeepXml { depth } => reply.body = "<a>".repeat(*depth).into_bytes(),
        Fault::EntityBomb => reply.body = bomb().into_bytes(),
        Fault::HugeHeaders { bytes } => {
            let line = "x".repeat(1000);
            (0..bytes / 1000).for_each(|number| reply.set(&format!("x-huge-{number}"), &line));
        }
        _ => {}
    }
}

fn change_range(reply: &mut Reply, shift: i64, grow: i64) {
    let Some(range) = reply.header("content-range").and_then(parse_range) else { return };
    let [first, last, total] = range;
    reply.set("content-range", &format!("bytes {}-{}/{}", first + shift, last + shift, total + grow));
}

fn parse_range(text: &str) -> Option<[i64; 3]> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some([first.parse().ok()?, last.parse().ok()?, total.parse().ok()?])
}

/// The billion laughs, in a document that is also a listing and an error.
fn bomb() -> String {
    let mut bomb = String::from("<?xml version=\"1.0\"?>\n<!DOCTYPE lolz [<!ENTITY lol0 \"lol\">");
    for level in 1..10 {
        let inner = format!("&lol{};", level - 1).repeat(10);
        bomb.push_str(&format!("<!ENTITY lol{level} \"{inner}\">"));
    }
    bomb.push_str("]>\n<ListBucketResult><Name>&lol9;</Name><IsTruncated>false</IsTruncated>");
    bomb.push_str(
        "<Contents><Key>&lol9;</Key><Size>1</Size></Contents><Code>&lol9;</Code></ListBucketResult>",
    );
    bomb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_the_client_follows_is_no_longer_refused() {
        let request = |shift: i64| {
            let at = jiff::Timestamp::try_from(clock(shift)).unwrap().strftime("%Y%m%dT%H%M%SZ").to_string();
            Request::of("GET", "/b/k", vec![("x-amz-date".to_owned(), at)])
        };
        let status = |shift| {
            instead(&Fault::ClockSkew { seconds: 3600 }, &request(shift), "").map(|reply| reply.status)
        };
        assert_eq!((status(0), status(3600), status(3600 + 1000)), (Some(403), None, Some(403)));
    }

    #[test]
    fn ranges_are_shifted_and_totals_changed() {
        let mut reply = Reply::new(206).with("content-range", "bytes 10-19/100");
        alter(&Fault::ShiftContentRange { by: -10 }, &mut reply, 0);
        assert_eq!(reply.header("content-range"), Some("bytes 0-9/100"));
        alter(&Fault::ChangeTotal { by: 1 }, &mut reply, 0);
        assert_eq!(reply.header("content-range"), Some("bytes 0-9/101"));
    }
}
