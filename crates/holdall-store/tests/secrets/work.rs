//! Operations that succeed and fail in every way, by a store that knows all the secrets.

use std::time::Duration;

use holdall_s3::{
    Client, Config, CopySource, Credentials, CredentialsSource, Endpoint, RetryPolicy, Transport,
    TransportConfig, UploadHandle,
};
use holdall_store::transfer::{PullOptions, PushOptions};
use holdall_store::{
    CopyOptions, DeleteOptions, Encryption, GetOptions, Key, ListOptions, PostPolicy, PresignMethod,
    PresignOptions, PutOptions, Settings, Store, Variables, WriteCondition,
};
use holdall_testing::fault::{Fault, FaultServer, Kind, Rule, Script};

use crate::canaries::{KEY_ID, PROXY_PASSWORD, SECRET, SSE_BASE64, SSE_KEY, TOKEN};
use crate::heard::Heard;

const BUCKET: &str = "bucket";

pub(crate) fn variables(endpoint: &str) -> Variables {
    Variables::from_pairs([
        ("HOLDALL_STORE", "s3://bucket"),
        ("HOLDALL_ENDPOINT", endpoint),
        ("AWS_ACCESS_KEY_ID", KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", TOKEN),
        ("S3_MAX_RETRIES", "2"),
        ("S3_CONNECT_TIMEOUT", "500ms"),
        ("S3_READ_TIMEOUT", "400ms"),
        ("HOLDALL_PART_SIZE", "5MiB"),
    ])
}

fn settings(endpoint: &str) -> Settings {
    Settings::from_variables(&variables(endpoint)).unwrap()
}

/// Faults of every kind of error, and servers that tell back what they were sent.
fn faults() -> Vec<Fault> {
    let echo = format!("no such key: {KEY_ID}, signed by {SECRET} with {TOKEN}");
    let document = format!(
        "<Error><Code>InvalidAccessKeyId</Code><Message>{echo}</Message><RequestId>{echo}</RequestId>\
         <AWSAccessKeyId>{KEY_ID}</AWSAccessKeyId><Region>{KEY_ID}</Region></Error>"
    );
    let echoing = |status, name: &str| Fault::Refuse {
        status,
        code: String::new(),
        headers: vec![(name.to_owned(), echo.clone())],
    };
    let mut out = vec![
        Fault::Reset,
        Fault::AnswerLost,
        Fault::slow_down(None),
        Fault::internal_error(),
        Fault::expired_token(),
        Fault::Redirect { status: 301, region: Some("eu-west-1".into()) },
        Fault::ClockSkew { seconds: 9999 },
        Fault::Garbage(format!("{KEY_ID} {SECRET}").into_bytes()),
        Fault::garbage_xml(),
        Fault::EntityBomb,
        Fault::NoToken,
        Fault::missing_etag(),
        Fault::ShortBody { missing: 2 },
        Fault::FlipByte { at: 1 },
        Fault::ReplaceBody(document.into_bytes()),
        Fault::refuse(403, KEY_ID),
        Fault::refuse(400, TOKEN),
        echoing(403, "x-amz-error-message"),
        echoing(400, "x-amz-error-code"),
        echoing(301, "x-amz-bucket-region"),
        echoing(500, "x-amz-request-id"),
    ];
    for (status, code) in [
        (403, "AccessDenied"),
        (403, "InvalidAccessKeyId"),
        (403, "SignatureDoesNotMatch"),
        (404, "NoSuchBucket"),
        (404, "NoSuchKey"),
        (409, "OperationAborted"),
        (412, "PreconditionFailed"),
        (501, "NotImplemented"),
    ] {
        out.push(Fault::refuse(status, code));
    }
    out
}

/// Does it all, and answers the signatures that callers were given.
pub(crate) async fn everything(heard: &Heard) -> Vec<(&'static str, String)> {
    let server = FaultServer::start(Script::new().bucket(BUCKET), 1).unwrap();
    let store = Store::from_settings(&settings(&server.endpoint())).unwrap();
    heard.debug(&store);
    heard.debug(store.backend());
    operations(&store, heard).await;
    heard.outcome(store.put("big", vec![7; 11 << 20]).await);
    let signatures = signatures(&store, heard).await;
    let faulty = faults().into_iter().map(|fault| {
        let heard = heard.clone();
        tokio::spawn(async move {
            let server = FaultServer::start(Script::new().bucket(BUCKET).rule(Rule::new(fault)), 1).unwrap();
            server.put_object(BUCKET, "k", b"bytes");
            let store = Store::from_settings(&settings(&server.endpoint())).unwrap();
            operations(&store, &heard).await;
            if let Some(seen) = server.log().first() {
                assert!(seen.header("authorization").is_some_and(|a| a.contains(KEY_ID)), "it was signed");
                assert_eq!(seen.header("x-amz-security-token"), Some(TOKEN));
            }
        })
    });
    for done in faulty.collect::<Vec<_>>() {
        done.await.unwrap();
    }
    proxies(&server, heard).await;
    nowhere(heard).await;
    wire(heard).await;
    signatures
}

async fn operations(store: &Store, heard: &Heard) {
    let encryption = || Some(Encryption::customer(*SSE_KEY));
    let encrypted = PutOptions { encryption: encryption(), ..PutOptions::default() };
    let create = PutOptions { condition: WriteCondition::Absent, ..PutOptions::default() };
    heard.debug(&encrypted);
    heard.outcome(store.put("k", "bytes").await);
    heard.outcome(store.put_with("new", "bytes", &create).await);
    heard.outcome(store.put_with("sse", "bytes", &encrypted).await);
    heard.outcome(store.backend().begin_upload(&Key::parse("up").unwrap(), &encrypted).await.map(drop));
    let read = GetOptions { encryption: encryption(), ..GetOptions::default() };
    heard.debug(&read);
    for options in [GetOptions::default(), read] {
        if let Some(object) = heard.outcome(store.get_with("k", &options).await) {
            heard.outcome(object.bytes().await);
        }
        heard.outcome(store.head_with("k", &options).await);
    }
    let copy = CopyOptions { encryption: encryption(), ..CopyOptions::default() };
    heard.debug(&copy);
    heard.outcome(store.copy("k", "copy", &copy).await);
    heard.outcome(store.copy("k", "copy", &CopyOptions::default()).await);
    heard.outcome(store.list_with(ListOptions::default()).unwrap().collect().await);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "bytes").unwrap();
    let mut on_event = |event| heard.debug(&event);
    heard.outcome(store.push(dir.path(), "p", &PushOptions::default(), &mut on_event).await);
    heard.outcome(store.pull("p", dir.path(), &PullOptions::default(), &mut on_event).await);
    heard.outcome(
        store
            .delete_with("k", &DeleteOptions { version: Some("v".into()), ..DeleteOptions::default() })
            .await,
    );
    heard.debug(&store.delete_many(["k", "new"].map(|key| Key::parse(key).unwrap())).await);
    heard.outcome(store.health().await);
}

/// The wire itself sends a customer's key to whoever is asked, and may be told it back.
async fn wire(heard: &Heard) {
    let echo = format!("<Error><Code>BadKey</Code><Message>your key is {SSE_BASE64}</Message></Error>");
    for rule in [
        Rule::new(Fault::CloseAfter),
        Rule::new(Fault::ReplaceBody(echo.into_bytes())),
        Rule::new(Fault::refuse(400, SSE_BASE64)),
    ] {
        let server = FaultServer::start(Script::new().bucket(BUCKET).rule(rule), 1).unwrap();
        let credentials = Credentials::new(KEY_ID, SECRET).with_session_token(TOKEN);
        let config = Config {
            endpoint: Some(Endpoint::parse(&server.endpoint()).unwrap()),
            credentials: CredentialsSource::fixed(credentials),
            retry: RetryPolicy { attempts: 2, ..RetryPolicy::default() },
            ..Config::new(BUCKET)
        };
        let client = Client::new(config, Transport::new(TransportConfig::default())).unwrap();
        let encryption = || Some(Encryption::customer(*SSE_KEY));
        let put = holdall_s3::PutOptions { encryption: encryption(), ..Default::default() };
        let get = holdall_s3::GetOptions { encryption: encryption(), ..Default::default() };
        heard.outcome(client.put("k", b"bytes"[..].into(), &put).await);
        heard.outcome(client.get("k", &get).await);
        heard.outcome(client.head("k", &get).await);
        heard.outcome(client.create_upload("k", &put).await);
        let upload = UploadHandle { encryption: encryption(), ..UploadHandle::existing("k", "id") };
        heard.outcome(client.upload_part(&upload, 1, b"bytes"[..].into()).await);
        let source = CopySource { encryption: encryption(), ..CopySource::new("k") };
        heard.outcome(client.copy(&source, "copy", &Default::default()).await);
        let sent = server.log();
        let header = "x-amz-server-side-encryption-customer-key";
        assert!(sent.iter().any(|seen| seen.header(header) == Some(SSE_BASE64)), "the key was sent");
    }
}

/// URLs and forms are for the caller's eyes; what is around them is not.
async fn signatures(store: &Store, heard: &Heard) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    for method in [PresignMethod::Get, PresignMethod::Put, PresignMethod::Head, PresignMethod::Delete] {
        let options = PresignOptions::new(method, Duration::from_secs(60));
        heard.debug(&options);
        let url = store.presign("k", &options).await.unwrap();
        out.push(("a presigned URL's signature", url.split("X-Amz-Signature=").nth(1).unwrap().to_owned()));
        let long = PresignOptions::new(method, Duration::from_secs(999_999_999));
        heard.error(&store.presign("k", &long).await.unwrap_err());
    }
    let url = store.url_for("k").await.unwrap().unwrap();
    out.push(("a URL's signature", url.split("X-Amz-Signature=").nth(1).unwrap().to_owned()));
    let form = store.presign_post(&PostPolicy::new("up", Duration::from_secs(60))).await.unwrap();
    heard.debug(&form);
    let field = |name: &str| form.fields.iter().find(|(n, _)| n == name).unwrap().1.clone();
    out.push(("a form's signature", field("x-amz-signature")));
    out.push(("a form's policy", field("policy")));
    assert!(out.iter().all(|(_, secret)| secret.len() >= 64), "{}", out.len());
    out
}

/// Proxies with a password: away, refusing, and no proxies at all.
async fn proxies(server: &FaultServer, heard: &Heard) {
    let refusing = FaultServer::start(Script::new().rule(Rule::new(Fault::refuse(407, ""))), 1).unwrap();
    let refusing = refusing.address().to_string();
    for host in [refusing.as_str(), "127.0.0.1:1", "no such host", "127.0.0.1:99999"] {
        for endpoint in [server.endpoint(), "https://127.0.0.1:1".to_owned()] {
            for scheme in ["http", "socks5"] {
                let url = format!("{scheme}://user:{PROXY_PASSWORD}@{host}");
                let mut variables = variables(&endpoint);
                variables.set("HTTP_PROXY", url.as_str());
                variables.set("HTTPS_PROXY", url.as_str());
                heard.debug(&variables);
                let Some(settings) = heard.outcome(Settings::from_variables(&variables)) else { continue };
                let Some(store) = heard.outcome(Store::from_settings(&settings)) else { continue };
                heard.outcome(store.health().await);
            }
        }
    }
}

/// Endpoints where nobody is, or nobody who speaks TLS.
async fn nowhere(heard: &Heard) {
    let plain = FaultServer::start(Script::new(), 1).unwrap();
    let plain = plain.endpoint().replace("http://", "https://");
    for endpoint in ["http://127.0.0.1:1", "http://no-such-host.invalid", plain.as_str()] {
        let store = Store::from_settings(&settings(endpoint)).unwrap();
        heard.outcome(store.put("k", "bytes").await);
        heard.outcome(store.head("k").await);
    }
    let lost = Rule::new(Fault::AnswerLost).on(Kind::CompleteMultipartUpload);
    let silent = Rule::new(Fault::Stall).on(Kind::HeadBucket);
    let server = FaultServer::start(Script::new().bucket(BUCKET).rule(lost).rule(silent), 1).unwrap();
    let store = Store::from_settings(&settings(&server.endpoint())).unwrap();
    heard.outcome(store.put("big", vec![7; 11 << 20]).await);
    heard.outcome(store.health().await);
}
