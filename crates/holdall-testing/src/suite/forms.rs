//! Forms for somebody without keys, as a browser sends them.

use super::capability::Capability::{PostEncryption, PostForm as Forms, PostLimits, Signatures};
use super::case::Case;
use super::failure::{Outcome, ensure, equal, fails, same_bytes};
use super::presign::with_kms;
use super::subject::Subject;
use super::wire;
use crate::plain_http::{Answer, send_form};
use holdall_store::{ErrorKind, PostForm, PostPolicy};
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("presign/form", "A presigned form uploads one object.", |s| Box::pin(form(s)))
            .serves(&["EVI-4"])
            .needs(&[Forms]),
        Case::new("presign/form-limits", "A form refuses a file outside of its bounds.", |s| {
            Box::pin(form_limits(s))
        })
        .serves(&["EVI-4"])
        .needs(&[Forms, PostLimits]),
        Case::new("presign/form-fields", "A form refuses fields that its policy does not allow.", |s| {
            Box::pin(form_fields(s))
        })
        .serves(&["EVI-4"])
        .needs(&[Forms, Signatures]),
        Case::new("presign/kms-form", "A form's upload is encrypted by the KMS key of the settings.", |s| {
            Box::pin(kms_form(s))
        })
        .serves(&["TOP-4"])
        .needs(&[Forms, PostEncryption]),
        Case::new("presign/form-refused", "A form cannot be made for holdall's own keys or metadata.", |s| {
            Box::pin(form_refused(s))
        })
        .serves(&["EVI-4", "SES-10"])
        .needs(&[Forms]),
    ]
}

const MINUTE: Duration = Duration::from_secs(60);

fn policy(s: &Subject, name: &str) -> PostPolicy {
    PostPolicy::new(s.key(name), MINUTE)
}

async fn submit(form: &PostForm, file: &[u8]) -> Outcome<Answer> {
    let (form, file) = (form.clone(), file.to_vec());
    Ok(tokio::task::spawn_blocking(move || send_form(&form.url, &form.fields, &file)).await??)
}

fn refused(what: &str, answer: &Answer) -> Outcome {
    let so = (400..500).contains(&answer.status);
    ensure(so, format!("{what} is refused: {} {}", answer.status, answer.text()))
}

async fn form(s: Subject) -> Outcome {
    let mut policy = policy(&s, "o+1 caf\u{e9}.txt");
    policy.fields.push(("Content-Type".into(), "text/x-form".into()));
    policy.content_length = Some((1, 1000));
    let form = s.store().presign_post(&policy).await?;
    let answer = submit(&form, b"from a form\r\n--with-dashes").await?;
    ensure(answer.is_success(), format!("the form: {} {}", answer.status, answer.text()))?;
    same_bytes("the object", &s.read("o+1 caf\u{e9}.txt").await?, b"from a form\r\n--with-dashes")?;
    let head = s.head("o+1 caf\u{e9}.txt").await?;
    equal("the type", head.attributes.content_type.as_deref(), Some("text/x-form"))
}

async fn form_limits(s: Subject) -> Outcome {
    let mut policy = policy(&s, "o");
    policy.content_length = Some((5, 10));
    let form = s.store().presign_post(&policy).await?;
    refused("a file of 4 bytes", &submit(&form, b"1234").await?)?;
    refused("a file of 11 bytes", &submit(&form, b"12345678901").await?)?;
    equal("it made an object", s.exists("o").await?, false)?;
    let answer = submit(&form, b"1234567890").await?;
    ensure(answer.is_success(), format!("10 bytes: {} {}", answer.status, answer.text()))?;
    same_bytes("the object", &s.read("o").await?, b"1234567890")
}

async fn form_fields(s: Subject) -> Outcome {
    let form = s.store().presign_post(&policy(&s, "o")).await?;
    let mut elsewhere = form.clone();
    for (name, value) in &mut elsewhere.fields {
        if name == "key" {
            value.push_str("ther");
        }
    }
    refused("another key", &submit(&elsewhere, b"x").await?)?;
    let mut more = form.clone();
    more.fields.insert(1, ("acl".into(), "public-read".into()));
    refused("an ACL", &submit(&more, b"x").await?)?;
    let mut forged = form;
    for (name, value) in &mut forged.fields {
        if name == "x-amz-signature" {
            *value = "0".repeat(64);
        }
    }
    refused("a forged signature", &submit(&forged, b"x").await?)?;
    equal("the names", s.names().await?.len(), 0)
}

async fn kms_form(s: Subject) -> Outcome {
    let form = with_kms(&s)?.presign_post(&policy(&s, "k")).await?;
    let answer = submit(&form, b"secret").await?;
    ensure(answer.is_success(), format!("the form: {} {}", answer.status, answer.text()))?;
    same_bytes("the object", &s.read("k").await?, b"secret")?;
    wire::has_header(&s, "k", "x-amz-server-side-encryption", "aws:kms").await
}

async fn form_refused(s: Subject) -> Outcome {
    for key in ["", ".holdall/x", ".holdall/${filename}", "a\0b"] {
        let result = s.store().presign_post(&PostPolicy::new(key, MINUTE)).await;
        fails(format!("the key {key:?}"), result, ErrorKind::InvalidInput)?;
    }
    let mut policy = policy(&s, "o");
    policy.fields.push(("x-amz-meta-holdall-put".into(), "v".into()));
    fails("a form", s.store().presign_post(&policy).await, ErrorKind::InvalidInput).map(drop)
}
