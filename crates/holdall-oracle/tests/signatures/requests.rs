//! Requests as they are sent, signed by their headers.

use std::collections::BTreeMap;
use std::time::SystemTime;

use aws_sigv4::http_request::SignableBody;
use holdall_s3::{
    Acl, Addressing, Attributes, Client, Config, CopyOptions, CopySource, Credentials, CredentialsSource,
    DeleteOptions, DeleteTarget, Endpoint, GetOptions, ListOptions, Payload, PutOptions, Range, Transport,
    TransportConfig, WriteCondition,
};
use holdall_testing::fault::{FaultServer, Script, Seen};
use proptest::prelude::*;

use super::signer::{Signer, s3};

#[derive(Debug)]
struct Case {
    token: Option<String>,
    key: String,
    other: String,
    text: String,
    attributes: Attributes,
    tags: Vec<(String, String)>,
}

fn text() -> impl Strategy<Value = Option<String>> {
    prop::option::of("[ -~]{1,30}")
}

prop_compose! {
    fn attributes()(
        content_type in text(),
        cache_control in text(),
        content_disposition in text(),
        content_encoding in text(),
        content_language in text(),
        metadata in prop::collection::btree_map("[a-z0-9._-]{1,12}", "\\PC{0,20}|[ -~]{0,30}", 0..4),
    ) -> Attributes {
        let storage_class = None;
        Attributes {
            content_type, cache_control, content_disposition, content_encoding, content_language, storage_class,
            metadata,
        }
    }
}

prop_compose! {
    fn case()(
        token in prop::option::of("[A-Za-z0-9/+=]{1,80}"),
        key in "\\PC{1,40}|[ -~]{1,40}|[a-z/.+% ]{1,40}",
        other in "\\PC{1,20}|[ -~]{1,20}",
        text in "\\PC{0,60}",
        attributes in attributes(),
        tags in prop::collection::vec(("[ -~]{1,10}", "\\PC{0,10}"), 0..3),
    ) -> Case {
        Case { token, key, other, text, attributes, tags }
    }
}

impl Case {
    fn client(&self, server: &FaultServer) -> Client {
        let mut credentials = Credentials::new("AKID", "secret");
        if let Some(token) = &self.token {
            credentials = credentials.with_session_token(token.as_str());
        }
        let config = Config {
            endpoint: Some(Endpoint::parse(&server.endpoint()).unwrap()),
            addressing: Addressing::Path,
            credentials: CredentialsSource::fixed(credentials),
            ..Config::new("a-bucket")
        };
        Client::new(config, Transport::new(TransportConfig::default())).unwrap()
    }

    /// Sends one request of every kind. Whether the server likes it does not matter: it has been signed.
    async fn send(&self, client: &Client) {
        let put = PutOptions {
            attributes: self.attributes.clone(),
            tags: self.tags.clone(),
            acl: Some(Acl::Private),
            condition: WriteCondition::Absent,
            ..PutOptions::default()
        };
        drop(client.put(&self.key, Payload::from(self.text.clone().into_bytes()), &put).await);
        let read = GetOptions {
            range: Some(Range::From(1)),
            version: Some(self.other.clone()),
            ..GetOptions::default()
        };
        drop(client.get(&self.key, &read).await);
        drop(client.head(&self.key, &GetOptions::default()).await);
        let list = ListOptions {
            prefix: self.key.clone(),
            delimiter: Some(self.other.clone()),
            start_after: Some(self.other.clone()),
            page_size: Some(7),
        };
        drop(client.list(list).next().await);
        let copy = CopyOptions {
            put: PutOptions { condition: WriteCondition::Always, ..put },
            ..CopyOptions::default()
        };
        drop(client.copy(&CopySource::new(self.key.as_str()), &self.other, &copy).await);
        drop(client.create_upload(&self.other, &copy.put).await);
        let target = DeleteTarget { key: self.key.clone(), version: None };
        drop(client.delete_batch(&[target]).await);
        drop(client.delete(&self.key, &DeleteOptions::default()).await);
    }

    /// Signs a request that was seen once more, with AWS's signer.
    fn check(&self, seen: &Seen) -> Result<(), TestCaseError> {
        let authorization = seen.header("authorization").unwrap();
        let (head, signature) = authorization.rsplit_once("Signature=").unwrap();
        let (_, names) = head.trim_end_matches([',', ' ']).split_once("SignedHeaders=").unwrap();
        let names: Vec<&str> = names.split(';').collect();
        for (name, _) in &seen.headers {
            let must = name == "host" || (name.starts_with("x-amz-") && name != "x-amz-content-sha256");
            prop_assert!(!must || names.contains(&name.as_str()), "{} is not signed", name);
        }
        prop_assert_eq!(seen.header("x-amz-content-sha256"), Some(seen.body_sha256.as_str()));
        // The signer writes these three itself.
        let own = ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256"];
        let signed: BTreeMap<&str, &str> = seen
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| names.contains(name) && !own.contains(name))
            .collect();
        let url = format!("http://{}{}?{}", seen.header("host").unwrap(), seen.path, seen.query);
        let signer = Signer {
            access_key: "AKID",
            secret_key: "secret",
            token: self.token.as_deref(),
            region: "us-east-1",
            time: moment(seen.header("x-amz-date").unwrap()),
        };
        let body = SignableBody::Precomputed(seen.body_sha256.clone());
        let (_, theirs) =
            signer.sign(&seen.method, url.trim_end_matches('?'), signed.into_iter(), body, s3());
        prop_assert_eq!(signature, theirs, "{:?}", seen);
        Ok(())
    }
}

/// Reads `20130524T000000Z`.
fn moment(text: &str) -> SystemTime {
    use aws_smithy_types::date_time::{DateTime, Format};
    let [year, month, day] = [&text[..4], &text[4..6], &text[6..8]];
    let [hour, minute, second] = [&text[9..11], &text[11..13], &text[13..15]];
    let usual = format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z");
    DateTime::from_str(&usual, Format::DateTime).unwrap().try_into().unwrap()
}

#[test]
fn every_request_is_signed_as_aws_signs_it() {
    let server = FaultServer::start(Script::new().bucket("a-bucket"), 0).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(case in case())| {
        server.clear_log();
        runtime.block_on(case.send(&case.client(&server)));
        let log = server.log();
        prop_assert!(log.len() >= 8, "{} requests", log.len());
        for seen in &log {
            case.check(seen)?;
        }
    });
}
