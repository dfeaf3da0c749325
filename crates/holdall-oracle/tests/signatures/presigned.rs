//! Presigned URLs.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{SignableBody, SignatureLocation};
use aws_smithy_http::label::{EncodingStrategy, fmt_string};
use holdall_s3::{
    Addressing, Client, Config, Credentials, CredentialsSource, Endpoint, PresignOptions, Seams, Transport,
    TransportConfig,
};
use http::Method;
use proptest::prelude::*;
use proptest::sample::select;

use super::signer::{Signer, s3};

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.get())
}

#[derive(Debug)]
struct Case {
    method: &'static str,
    endpoint: &'static str,
    addressing: Addressing,
    region: &'static str,
    second: u64,
    secret_key: String,
    token: Option<String>,
    key: String,
    expires: u64,
    query: Vec<(String, String)>,
    headers: BTreeMap<String, String>,
}

const ODD_KEYS: [&str; 16] = [
    "a b+c%d#e?f~g",
    "a//b",
    "/lead",
    "dir/",
    "./x",
    "a/../b",
    "..",
    "%2F%2e",
    "*'()!$&,:;=@[]",
    "caf\u{e9}",
    "cafe\u{301}",
    "\u{1f980}/\u{7f}\u{1}\n\r\t",
    "\"<>\\^`{|}",
    "?versionId=1",
    "a&X-Amz-Date=x",
    "\u{ffff}",
];

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        select(&ODD_KEYS[..]).prop_map(str::to_owned),
        "\\PC{1,60}",
        "[\\x01-\\x7f]{1,60}",
        "[a-z/.+% ]{1,40}"
    ]
}

fn query() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![
        select(
            &[
                "versionId",
                "partNumber",
                "uploadId",
                "response-content-type",
                "x-id",
                "a",
                "a-b",
                "a.b",
                "a0"
            ][..]
        )
        .prop_map(str::to_owned),
        "[A-Za-z0-9_.~ +=&%/-]{1,12}",
    ];
    prop::collection::vec((name, "\\PC{0,20}|[ -~]{0,20}"), 0..5)
}

fn headers() -> impl Strategy<Value = BTreeMap<String, String>> {
    let name = prop_oneof![
        select(
            &[
                "content-type",
                "content-length",
                "x-amz-acl",
                "x-amz-meta-a",
                "x-amz-meta-a-b",
                "if-none-match"
            ][..]
        )
        .prop_map(str::to_owned),
        "x-amz-meta-[a-z0-9._-]{1,12}",
        "[a-z][a-z0-9-]{0,10}",
    ];
    // The two are AWS's own exceptions: hop by hop, or set by whoever forwards the request.
    let unsigned = ["authorization", "user-agent", "x-amzn-trace-id", "transfer-encoding", "host"];
    let name = name.prop_filter("never signed", move |name| !unsigned.contains(&name.as_str()));
    prop::collection::btree_map(name, "[ -~]{0,24}", 0..4)
}

prop_compose! {
    fn case()(
        method in select(&["GET", "PUT", "HEAD", "DELETE", "POST"][..]),
        (endpoint, region) in select(&[
            ("https://s3.eu-central-1.amazonaws.com", "eu-central-1"),
            ("http://127.0.0.1:9000", "default"),
            ("https://gateway.example.org/base%20path/x", "auto"),
            ("http://[::1]:80", "us-east-1"),
            ("https://S3.Example.org:443", "us-east-1"),
        ][..]),
        addressing in select(&[Addressing::Auto, Addressing::Path, Addressing::VirtualHost][..]),
        second in 0_u64..4_000_000_000,
        secret_key in "[ -~]{1,64}",
        token in prop::option::of("[A-Za-z0-9/+=]{1,80}"),
        key in key(),
        expires in 1_u64..=604_800,
        query in query(),
        headers in headers(),
    ) -> Case {
        // An address has no sub-domains.
        let by_number = endpoint.contains("127.0.0.1") || endpoint.contains('[');
        let addressing = if by_number { Addressing::Path } else { addressing };
        Case { method, endpoint, addressing, region, second, secret_key, token, key, expires, query, headers }
    }
}

impl Case {
    fn client(&self) -> Client {
        let mut credentials = Credentials::new("AKID", self.secret_key.as_str());
        if let Some(token) = &self.token {
            credentials = credentials.with_session_token(token.as_str());
        }
        let config = Config {
            endpoint: Some(Endpoint::parse(self.endpoint).unwrap()),
            region: Some(self.region.to_owned()),
            addressing: self.addressing,
            credentials: CredentialsSource::fixed(credentials),
            seams: Seams { now, ..Seams::default() },
            ..Config::new("a-bucket")
        };
        Client::new(config, Transport::new(TransportConfig::default())).unwrap()
    }

    /// What holdall-s3 makes of it.
    fn ours(&self) -> String {
        let options = PresignOptions {
            expires: Duration::from_secs(self.expires),
            query: self.query.clone(),
            headers: self.headers.clone().into_iter().collect(),
        };
        let method = Method::from_bytes(self.method.as_bytes()).unwrap();
        block_on(self.client().presign(&method, &self.key, &options)).unwrap()
    }

    /// What AWS's signer makes of it: the fields of the query, decoded, with the signature among them.
    fn theirs(&self) -> BTreeSet<(String, String)> {
        let mut settings = s3();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(self.expires));
        let signer = Signer {
            access_key: "AKID",
            secret_key: &self.secret_key,
            token: self.token.as_deref(),
            region: self.region,
            time: SystemTime::UNIX_EPOCH + Duration::from_secs(self.second),
        };
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let body = SignableBody::UnsignedPayload;
        let (instructions, _) = signer.sign(self.method, &self.unsigned_url(), headers, body, settings);
        let added = instructions.params().iter().map(|(name, value)| (name.to_string(), value.to_string()));
        self.query.iter().cloned().chain(added).collect()
    }

    fn unsigned_url(&self) -> String {
        let pairs: Vec<String> =
            self.query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let key = fmt_string(&self.key, EncodingStrategy::Greedy);
        format!("{}{key}?{}", self.client().base_url(), pairs.join("&"))
    }
}

fn encode(text: &str) -> String {
    fmt_string(text, EncodingStrategy::Default)
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_presigned_url_is_the_one_that_aws_makes(case in case()) {
        NOW.set(case.second);
        let url = case.ours();
        let (base, query) = url.split_once('?').unwrap();
        let theirs = case.unsigned_url();
        prop_assert_eq!(base, theirs.split_once('?').unwrap().0);
        let ours: BTreeSet<_> = query
            .split('&')
            .map(|field| field.split_once('=').unwrap())
            .map(|(name, value)| (decode(name), decode(value)))
            .collect();
        prop_assert_eq!(ours, case.theirs());
    }
}
