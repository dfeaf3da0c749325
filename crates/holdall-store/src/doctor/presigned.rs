//! Whether presigned URLs work, by using them as somebody without credentials would.

use super::asked::{Asked, Fault};
use super::finding::Finding;
use super::scene::Scene;
use super::trial::Bench;
use crate::Encryption;
use bytes::Bytes;
use holdall_s3::{ErrorKind as Kind, PresignOptions, Visit};
use http::{Method, Request};
use std::time::Duration;

pub(super) const GET: &str = "object.presign_get";
pub(super) const PUT: &str = "object.presign_put";

/// Long enough for one request.
const EXPIRES: Duration = Duration::from_secs(60);

/// What a request by a presigned URL came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) status: u16,
    /// The bytes were those of the object.
    pub(super) same: bool,
}

/// Reads an object by a presigned URL, and puts another one.
pub(super) async fn examine(bench: &mut Bench<'_>, key: &str) -> Vec<Finding> {
    let public = public(bench.scene);
    let got = get(bench, key).await;
    let mut findings = vec![judge(GET, got, public.as_deref())];
    let put = put(bench).await;
    findings.push(judge(PUT, put, public.as_deref()));
    findings
}

/// What sets an endpoint of their own for presigned URLs.
fn public(scene: &Scene<'_>) -> Option<String> {
    scene.settings().public_endpoint.as_ref().map(|_| scene.source("public_endpoint"))
}

async fn get(bench: &Bench<'_>, key: &str) -> Asked<Outcome> {
    let visit = visit(bench, &Method::GET, key, Vec::new(), Bytes::new()).await?;
    Ok(Outcome { status: visit.status, same: visit.bytes == bench.content() })
}

async fn put(bench: &mut Bench<'_>) -> Asked<Outcome> {
    let key = bench.key();
    let headers = encryption_headers(bench.options.encryption.as_ref());
    let visit = visit(bench, &Method::PUT, &key, headers, bench.content()).await?;
    let same = match visit.status {
        200..=299 => match bench.reads_back(&key).await {
            // Whether it may be read was told before.
            Err(fault) if fault.kind == Kind::PermissionDenied => true,
            other => other?,
        },
        _ => false,
    };
    Ok(Outcome { status: visit.status, same })
}

async fn visit(
    bench: &Bench<'_>,
    method: &Method,
    key: &str,
    headers: Vec<(String, String)>,
    body: Bytes,
) -> Asked<Visit> {
    let client = bench.scene.client();
    let url = client
        .presign(method, key, &PresignOptions { headers: headers.clone(), ..PresignOptions::new(EXPIRES) })
        .await?;
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(body).map_err(|error| Fault {
        kind: Kind::InvalidInput,
        code: None,
        status: None,
        stage: None,
        text: format!("the presigned URL cannot be asked for: {error}"),
    })?;
    Ok(client.visit(request).await?)
}

/// What a put by a presigned URL must carry to be encrypted as other puts are.
fn encryption_headers(encryption: Option<&Encryption>) -> Vec<(String, String)> {
    let header = |name: &str, value: &str| (format!("x-amz-server-side-encryption{name}"), value.to_owned());
    match encryption {
        Some(Encryption::S3) => vec![header("", "AES256")],
        Some(Encryption::Kms(key)) => {
            let key = key.as_ref().map(|key| header("-aws-kms-key-id", key));
            std::iter::once(header("", "aws:kms")).chain(key).collect()
        }
        Some(Encryption::Customer(_)) | None => Vec::new(),
    }
}

/// Judges what came of it; `public` is what sets an endpoint of their own for such URLs.
pub(super) fn judge(check: &'static str, asked: Asked<Outcome>, public: Option<&str>) -> Finding {
    let does = if check == GET { "reads" } else { "puts" };
    let mend = match public {
        Some(source) => format!("correct {source}"),
        None => "correct the region, the endpoint and this machine's clock; ask the endpoint without a proxy"
            .to_owned(),
    };
    match asked {
        Ok(Outcome { status: 200..=299, same: true }) => {
            Finding::ok(check, format!("a presigned URL {does} an object"))
        }
        Ok(Outcome { status: 200..=299, same: false }) => {
            Finding::problem(check, format!("a presigned URL {does} something else"))
                .means("another service or a cache answers where presigned URLs point to")
                .mend(mend)
        }
        Ok(Outcome { status, .. }) => {
            Finding::problem(check, format!("a presigned URL is answered with {status}"))
                .means("links and uploads for people without credentials do not work")
                .mend(mend)
                .fact("status", status)
        }
        // What others see may well be out of sight from here.
        Err(fault) if public.is_some() => fault.told_in(
            Finding::warning(
                check,
                format!("the public endpoint cannot be reached from here: {}", fault.text),
            )
            .means("presigned URLs work only for those who can reach it")
            .mend(mend),
        ),
        Err(fault) => fault.told_in(
            Finding::problem(check, format!("a presigned URL could not be used: {}", fault.text))
                .means("links and uploads for people without credentials do not work")
                .mend(mend),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::asked::tests::fault;
    use super::*;
    use crate::doctor::Status;

    #[test]
    fn each_outcome_is_judged_by_who_was_asked() {
        let public = Some("S3_PUBLIC_ENDPOINT_URL");
        let out = |status, same| Ok(Outcome { status, same });
        let lost = || Err(fault(Kind::Unreachable, ""));
        let table = [
            (out(200, true), None, Status::Ok, ""),
            (out(204, true), public, Status::Ok, ""),
            (out(200, false), None, Status::Problem, "correct the region"),
            (out(403, false), None, Status::Problem, "correct the region"),
            (out(403, false), public, Status::Problem, "correct S3_PUBLIC_ENDPOINT_URL"),
            (lost(), None, Status::Problem, "correct the region"),
            (lost(), public, Status::Warning, "correct S3_PUBLIC_ENDPOINT_URL"),
        ];
        for (asked, public, status, mend) in table {
            let finding = judge(GET, asked.clone(), public);
            assert_eq!(finding.status, status, "{asked:?}");
            assert!(finding.mend.as_deref().unwrap_or("").starts_with(mend), "{finding:?}");
        }
        assert_eq!(judge(PUT, out(200, true), None).what, "a presigned URL puts an object");
    }

    #[test]
    fn encrypted_puts_carry_what_was_signed() {
        let names = |encryption: Option<Encryption>| {
            encryption_headers(encryption.as_ref()).into_iter().map(|(_, value)| value).collect::<Vec<_>>()
        };
        assert_eq!(names(None), [""; 0]);
        assert_eq!(names(Some(Encryption::S3)), ["AES256"]);
        assert_eq!(names(Some(Encryption::Kms(Some("k".into())))), ["aws:kms", "k"]);
        assert_eq!(names(Some(Encryption::Kms(None))), ["aws:kms"]);
    }
}
