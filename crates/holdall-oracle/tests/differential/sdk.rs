//! The official SDK, over plain http, adding nothing that was not asked for.

use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::{Client, Config};
use holdall_oracle::Bench;

pub(crate) fn client(bench: &Bench) -> Client {
    let server = &bench.server;
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(&server.endpoint)
        .region(Region::new(server.region.clone()))
        .credentials_provider(Credentials::new(&server.access_key, &server.secret_key, None, None, "test"))
        .force_path_style(true)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .build();
    Client::from_conf(config)
}

pub(crate) async fn put(client: &Client, bench: &Bench, key: &str, text: &str) {
    let body = ByteStream::from(text.as_bytes().to_vec());
    client.put_object().bucket(&bench.bucket).key(key).body(body).send().await.unwrap();
}

pub(crate) async fn get(client: &Client, bench: &Bench, key: &str) -> GetObjectOutput {
    client.get_object().bucket(&bench.bucket).key(key).send().await.unwrap()
}

/// The bytes of what was got.
pub(crate) async fn bytes(output: GetObjectOutput) -> Vec<u8> {
    output.body.collect().await.unwrap().to_vec()
}
