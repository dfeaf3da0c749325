//! URLs and forms for somebody without keys, used by a plain client.

use super::capability::Capability::{
    Acl as AclCapability, EncryptionKms, Presign, ResponseOverrides, Signatures, SpecialKeys,
};
use super::case::{Case, Scope};
use super::failure::{Failure, Outcome, ensure, equal, fails, same_bytes};
use super::profile::Value;
use super::subject::Subject;
use super::wire::{self, request};
use crate::plain_http::Answer;
use holdall_store::{
    Acl, Encryption, ErrorKind, PostPolicy, PresignMethod, PresignOptions, PutOptions, Settings, Store,
};
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("presign/get", "A presigned GET gives anybody the bytes.", |s| Box::pin(get(s)))
            .serves(&["OBS-4", "EVI-4"])
            .needs(&[Presign]),
        Case::new("presign/all-verbs", "A presigned PUT, HEAD and DELETE do what they say.", |s| {
            Box::pin(all_verbs(s))
        })
        .serves(&["EVI-4"])
        .needs(&[Presign]),
        Case::new("presign/odd-keys", "Presigned URLs name odd keys exactly.", |s| Box::pin(odd_keys(s)))
            .serves(&["EVI-4"])
            .needs(&[Presign, SpecialKeys]),
        Case::new("presign/overrides", "A presigned GET can set the answer's type and disposition.", |s| {
            Box::pin(overrides(s))
        })
        .serves(&["EVI-4", "TOP-10"])
        .needs(&[Presign, ResponseOverrides]),
        Case::new("presign/content-type", "A presigned PUT with a content type takes this one only.", |s| {
            Box::pin(content_type(s))
        })
        .serves(&["EVI-4"])
        .needs(&[Presign, Signatures]),
        Case::new("presign/kms-put", "A presigned PUT is encrypted by the KMS key of the settings.", |s| {
            Box::pin(kms_put(s))
        })
        .serves(&["TOP-4"])
        .needs(&[Presign, EncryptionKms]),
        Case::new("presign/wrong-use", "A URL for one verb and key is refused for any other.", |s| {
            Box::pin(wrong_use(s))
        })
        .serves(&["EVI-4"])
        .needs(&[Presign, Signatures]),
        Case::new("presign/expired", "An expired URL is refused.", |s| Box::pin(expired(s)))
            .serves(&["OBS-4", "EVI-4"])
            .needs(&[Presign, Signatures]),
        Case::new("presign/bounds", "An expiry under a second or over 7 days is InvalidInput.", |s| {
            Box::pin(bounds(s))
        })
        .serves(&["EVI-4", "SES-10"])
        .needs(&[Presign]),
        Case::new("presign/url-for", "The URL of a private object is a presigned one that works.", |s| {
            Box::pin(url_for(s))
        })
        .serves(&["TOP-5"])
        .needs(&[Presign]),
        Case::new("presign/test-url", "In memory the URL of an object is predictable.", |s| {
            Box::pin(test_url(s))
        })
        .serves(&["DOC-12", "DOC-13", "MEM-2"])
        .only(Scope::Memory),
        Case::new("presign/public", "An object is public exactly if its ACL says so.", |s| {
            Box::pin(public(s))
        })
        .serves(&["DOC-3", "S3B-1"])
        .needs(&[AclCapability]),
    ]
}

const MINUTE: Duration = Duration::from_secs(60);

async fn sign(s: &Subject, name: &str, method: PresignMethod) -> Outcome<String> {
    Ok(s.store().presign(&s.key(name), &PresignOptions::new(method, MINUTE)).await?)
}

async fn plain(method: &'static str, url: String, body: &[u8]) -> Outcome<Answer> {
    request(method, url, Vec::new(), body.to_vec()).await
}

fn status(what: &str, answer: &Answer, wanted: u16) -> Outcome {
    equal(format!("{what}: the status of the answer {}", answer.text()), answer.status, wanted)
}

async fn get(s: Subject) -> Outcome {
    let bytes = s.random("presign").bytes(70_000);
    s.put("a.pdf", bytes.clone()).await?;
    let url = s.store().presign_get(&s.key("a.pdf")).await?;
    let settings = s.store().settings();
    let expires = format!("&X-Amz-Expires={}&", settings.presign_expiration.as_secs());
    ensure(url.contains(&expires), "it is good for as long as the settings say")?;
    equal("unless told", Settings::default().presign_expiration, 60 * MINUTE)?;
    let answer = plain("GET", url, b"").await?;
    status("get", &answer, 200)?;
    same_bytes("the body", &answer.body, &bytes)?;
    equal("the content type", answer.header("content-type"), Some("application/pdf"))?;
    let missing = plain("GET", sign(&s, "none", PresignMethod::Get).await?, b"").await?;
    status("a missing object", &missing, 404)
}

async fn all_verbs(s: Subject) -> Outcome {
    let put = plain("PUT", sign(&s, "o", PresignMethod::Put).await?, b"by a browser").await?;
    status("put", &put, 200)?;
    same_bytes("the object", &s.read("o").await?, b"by a browser")?;
    let head = plain("HEAD", sign(&s, "o", PresignMethod::Head).await?, b"").await?;
    status("head", &head, 200)?;
    equal("the length", head.header("content-length"), Some("12"))?;
    let delete = plain("DELETE", sign(&s, "o", PresignMethod::Delete).await?, b"").await?;
    ensure(delete.is_success(), format!("delete: {} {}", delete.status, delete.text()))?;
    equal("exists after the delete", s.exists("o").await?, false)
}

async fn odd_keys(s: Subject) -> Outcome {
    let names = [
        "a b+c",
        "100%",
        "%2F",
        "?x=y&z",
        "#1",
        "caf\u{e9}",
        "cafe\u{301}",
        "a;b:c@d!e*f'(g),$",
        "~=",
        "\"<>",
    ];
    for name in names {
        let answer = plain("PUT", sign(&s, name, PresignMethod::Put).await?, name.as_bytes()).await?;
        status(&format!("put of {name:?}"), &answer, 200)?;
    }
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    equal("the names", s.names().await?, sorted)?;
    for name in names {
        let answer = plain("GET", sign(&s, name, PresignMethod::Get).await?, b"").await?;
        status(&format!("get of {name:?}"), &answer, 200)?;
        same_bytes(format!("{name:?}"), &answer.body, name.as_bytes())?;
    }
    Ok(())
}

async fn overrides(s: Subject) -> Outcome {
    s.put("report", "x").await?;
    let disposition = "attachment; filename=\"a b & c.pdf\"".to_owned();
    let options = PresignOptions {
        content_disposition: Some(disposition.clone()),
        content_type: Some("application/x-own; a=b".into()),
        ..PresignOptions::new(PresignMethod::Get, MINUTE)
    };
    let answer = plain("GET", s.store().presign(&s.key("report"), &options).await?, b"").await?;
    status("get", &answer, 200)?;
    equal("the disposition", answer.header("content-disposition"), Some(&*disposition))?;
    equal("the type", answer.header("content-type"), Some("application/x-own; a=b"))
}

async fn content_type(s: Subject) -> Outcome {
    let options = PresignOptions {
        content_type: Some("image/png".into()),
        ..PresignOptions::new(PresignMethod::Put, MINUTE)
    };
    let url = s.store().presign(&s.key("p"), &options).await?;
    let put = async |kind: &str| {
        request("PUT", url.clone(), vec![("content-type".to_owned(), kind.to_owned())], b"x".to_vec()).await
    };
    status("another type", &put("text/html").await?, 403)?;
    equal("it made an object", s.exists("p").await?, false)?;
    status("its type", &put("image/png").await?, 200)?;
    equal("the type", s.head("p").await?.attributes.content_type.as_deref(), Some("image/png"))
}

/// The same store, whose puts are encrypted by the service's KMS key.
pub(super) fn with_kms(s: &Subject) -> Outcome<Store> {
    let key = s.place().service().and_then(|service| service.kms_key()).map(str::to_owned);
    let settings = Settings { encryption: Some(Encryption::Kms(key)), ..s.store().settings().clone() };
    Ok(Store::open(&s.store().location(), &settings)?)
}

async fn kms_put(s: Subject) -> Outcome {
    let store = with_kms(&s)?;
    let options = PresignOptions::new(PresignMethod::Put, MINUTE);
    let url = store.presign(&s.key("k"), &options).await?;
    let headers = store.presigned_headers(&options)?;
    ensure(headers.iter().any(|(_, value)| value == "aws:kms"), format!("{headers:?} ask for it"))?;
    status("put", &request("PUT", url.clone(), headers, b"secret".to_vec()).await?, 200)?;
    wire::has_header(&s, "k", "x-amz-server-side-encryption", "aws:kms").await?;
    same_bytes("the object", &s.read("k").await?, b"secret")?;
    if s.can(Signatures).value == Value::Works {
        status("a put that does not ask for it", &plain("PUT", url, b"plain").await?, 403)?;
    }
    Ok(())
}

async fn wrong_use(s: Subject) -> Outcome {
    s.put("o", "x").await?;
    s.put("other", "x").await?;
    let get = sign(&s, "o", PresignMethod::Get).await?;
    status("a GET's URL used to delete", &plain("DELETE", get.clone(), b"").await?, 403)?;
    status("a GET's URL used to put", &plain("PUT", get.clone(), b"y").await?, 403)?;
    let put = sign(&s, "o", PresignMethod::Put).await?;
    status("a PUT's URL used to read", &plain("GET", put, b"").await?, 403)?;
    let Some((path, query)) = get.split_once('?') else {
        return Err(Failure::new("a presigned URL has a query"));
    };
    let Some(folder) = path.strip_suffix('o') else {
        return Err(Failure::new(format!("{path} ends with the key")));
    };
    status("its query on another key", &plain("GET", format!("{folder}other?{query}"), b"").await?, 403)?;
    status("no query at all", &plain("GET", path.to_owned(), b"").await?, 403)?;
    same_bytes("the object", &s.read("o").await?, b"x")
}

async fn expired(s: Subject) -> Outcome {
    s.put("o", "x").await?;
    let options = PresignOptions::new(PresignMethod::Get, Duration::from_secs(1));
    let url = s.store().presign(&s.key("o"), &options).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    status("get", &plain("GET", url, b"").await?, 403)
}

async fn bounds(s: Subject) -> Outcome {
    const DAY: u64 = 86_400;
    let sign = async |expires| {
        s.store().presign(&s.key("o"), &PresignOptions::new(PresignMethod::Get, expires)).await
    };
    fails("no time", sign(Duration::ZERO).await, ErrorKind::InvalidInput)?;
    fails("half a second", sign(Duration::from_millis(500)).await, ErrorKind::InvalidInput)?;
    fails("8 days", sign(Duration::from_secs(8 * DAY)).await, ErrorKind::InvalidInput)?;
    fails("7 days and a second", sign(Duration::from_secs(7 * DAY + 1)).await, ErrorKind::InvalidInput)?;
    let longest = sign(Duration::from_secs(7 * DAY)).await?;
    ensure(longest.contains("X-Amz-Expires=604800"), "7 days are allowed")?;
    let policy = PostPolicy::new(s.key("o"), Duration::from_secs(8 * DAY));
    fails("a form for 8 days", s.store().presign_post(&policy).await, ErrorKind::InvalidInput).map(drop)
}

async fn url_for(s: Subject) -> Outcome {
    s.put("a b.txt", "hello").await?;
    let url = s.store().url_for(&s.key("a b.txt")).await?;
    let url = url.ok_or_else(|| Failure::new("there is no URL"))?;
    let answer = plain("GET", url, b"").await?;
    status("get", &answer, 200)?;
    same_bytes("the body", &answer.body, b"hello")
}

async fn test_url(s: Subject) -> Outcome {
    let url = s.store().url_for(&s.key("a b.txt")).await?;
    let key = s.key("a%20b.txt");
    equal("the URL", url, Some(format!("https://test-bucket.example.com/{key}")))
}

async fn public(s: Subject) -> Outcome {
    for (name, acl) in [("open", Some(Acl::PublicRead)), ("closed", Some(Acl::Private)), ("unsaid", None)] {
        let options = PutOptions { acl, ..PutOptions::default() };
        s.store().put_with(&s.key(name), "x", &options).await?;
        wire::is_public(&s, name, acl == Some(Acl::PublicRead)).await?;
    }
    Ok(())
}
