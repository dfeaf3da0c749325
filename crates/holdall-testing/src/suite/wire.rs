//! What can only be seen below the store: by a presigned request of a plain client.

use super::failure::{Failure, Outcome, ensure, equal};
use super::subject::Subject;
use crate::plain_http::{Answer, send};
use holdall_s3::PresignOptions;
use holdall_store::Acl;
use std::time::Duration;

/// Sends one request with a plain client, off the runtime's threads.
pub(super) async fn request(
    method: &'static str,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
) -> Outcome<Answer> {
    let answer = tokio::task::spawn_blocking(move || {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        send(method, &url, &headers, &body)
    });
    Ok(answer.await??)
}

/// Asks the server itself for a subresource of an object, or with an empty name for the object.
async fn ask(s: &Subject, name: &str, method: http::Method, query: &str) -> Outcome<Option<Answer>> {
    let Some(service) = s.place().service() else { return Ok(None) };
    let mut options = PresignOptions::new(Duration::from_secs(60));
    if !query.is_empty() {
        options.query.push((query.to_owned(), String::new()));
    }
    let wire = service.wire_below(s.store())?;
    let url = wire.client.presign(&method, &wire.key(&s.key(name)), &options).await?;
    let verb = if method == http::Method::HEAD { "HEAD" } else { "GET" };
    let answer = request(verb, url, Vec::new(), Vec::new()).await?;
    if !answer.is_success() {
        return Err(Failure::new(format!("{query} of {name:?}: {} {}", answer.status, answer.text())));
    }
    Ok(Some(answer))
}

/// Demands that an object has exactly these tags, in any order.
pub(super) async fn has_tags(s: &Subject, name: &str, tags: &[(String, String)]) -> Outcome {
    s.place().settle(&s.key("")).await?;
    if let Some(memory) = s.place().memory_backend() {
        let object = memory.object(&s.key(name)).ok_or_else(|| Failure::new("it is not there"))?;
        return equal(format!("the tags of {name:?}"), &*object.tags, tags);
    }
    if let Some(folders) = s.place().folders() {
        let record = folders.record(&s.key(name))?;
        ensure(tags.is_empty() != record.contains("\"tags\""), format!("there are tags in {record}"))?;
        for (key, value) in tags {
            ensure(record.contains(&format!("[{key:?},{value:?}]")), format!("tag {key} is in {record}"))?;
        }
        return Ok(());
    }
    let Some(answer) = ask(s, name, http::Method::GET, "tagging").await? else { return Ok(()) };
    let text: String = answer.text().split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.replace("<Value/>", "<Value></Value>");
    equal(format!("the number of tags in {text}"), text.matches("<Tag>").count(), tags.len())?;
    for (key, value) in tags {
        ensure(text.contains(&format!("<Key>{key}</Key>")), format!("tag {key} is in {text}"))?;
        ensure(text.contains(&format!("<Value>{value}</Value>")), format!("tag value {value} is in {text}"))?;
    }
    Ok(())
}

/// Demands that the server's own answer has a header. Memory has no headers: there is nothing to ask.
pub(super) async fn has_header(s: &Subject, name: &str, header: &str, value: &str) -> Outcome {
    let Some(answer) = ask(s, name, http::Method::HEAD, "").await? else { return Ok(()) };
    equal(header, answer.header(header), Some(value))
}

/// Demands that an object can, or cannot, be read by somebody without keys.
pub(super) async fn is_public(s: &Subject, name: &str, public: bool) -> Outcome {
    s.place().settle(&s.key("")).await?;
    if let Some(memory) = s.place().memory_backend() {
        let object = memory.object(&s.key(name)).ok_or_else(|| Failure::new("it is not there"))?;
        return equal(format!("{name:?} is public"), object.acl == Some(Acl::PublicRead), public);
    }
    if let Some(folders) = s.place().folders() {
        let record = folders.record(&s.key(name))?;
        return equal(format!("{name:?} is public"), record.contains("\"acl\":\"public-read\""), public);
    }
    let url = s.backend().public_url(&s.parsed(name)?);
    let url = url.ok_or_else(|| Failure::new(format!("{name:?} has no public URL")))?;
    let status = request("GET", url, Vec::new(), Vec::new()).await?.status;
    equal(format!("the status of {name:?} read without keys"), status, if public { 200 } else { 403 })
}
