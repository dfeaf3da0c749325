//! The same commands on the servers that the environment describes, which check signatures as the fault server does not.

use crate::shell::{Shell, fetch, stdout};
use holdall_s3::{
    Addressing, Client, Config, Credentials, CredentialsSource, Endpoint, Transport, TransportConfig,
};
use holdall_testing::server::Server;
use std::future::Future;

/// A bucket of a test's own; it goes when the test ends, however that is.
pub(crate) struct Bucket {
    pub(crate) client: Client,
    pub(crate) shell: Shell,
}

impl Bucket {
    pub(crate) fn on(server: &Server, test: &str) -> Self {
        let name = format!("holdall-cli-{test}-{}", std::process::id());
        let client = client(server, &name);
        wait(client.create_bucket()).unwrap();
        Self { client, shell: below(server, &name) }
    }

    /// The keys of uploads that are not finished.
    pub(crate) fn uploads(&self) -> Vec<String> {
        let list = wait(self.client.list_uploads("", None)).unwrap();
        list.uploads.into_iter().map(|upload| upload.key).collect()
    }
}

/// A client of a bucket, which need not be there.
pub(crate) fn client(server: &Server, bucket: &str) -> Client {
    let credentials = Credentials::new(server.access_key.as_str(), server.secret_key.as_str());
    let config = Config {
        endpoint: Some(Endpoint::parse(&server.endpoint).unwrap()),
        region: Some(server.region.clone()),
        addressing: Addressing::Path,
        credentials: CredentialsSource::fixed(credentials),
        ..Config::new(bucket)
    };
    Client::new(config, Transport::new(TransportConfig::default())).unwrap()
}

/// A shell whose store is below a prefix of a bucket, which need not be there.
pub(crate) fn below(server: &Server, bucket: &str) -> Shell {
    Shell::bare()
        .with("HOLDALL_STORE", &format!("s3://{bucket}/below"))
        .with("S3_ENDPOINT_URL", &server.endpoint)
        .with("S3_REGION", &server.region)
        .with("S3_FORCE_PATH_STYLE", "true")
        .with("S3_ACCESS_KEY_ID", &server.access_key)
        .with("S3_SECRET_ACCESS_KEY", &server.secret_key)
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let emptied = self.shell.run(&["rm", "-r", "--all", "--quiet"]);
        let deleted = wait(self.client.delete_bucket());
        if !std::thread::panicking() {
            assert!(emptied.status.success(), "{emptied:?}");
            deleted.unwrap();
        }
    }
}

pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn what_is_pushed_can_be_listed_read_shared_and_pulled() {
    for server in Server::all_from_env().unwrap() {
        let bucket = Bucket::on(&server, "folder");
        let shell = &bucket.shell;
        let big: Vec<u8> = (0..9_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        shell.write("in/a b.txt", "hello").write("in/deep/\u{e9}+%.bin", [0, 255]).write("in/big", big);
        stdout(&shell.run(&["push", "in", "out"]));
        let listed = stdout(&shell.run(&["ls", "-r"]));
        assert_eq!(listed, "out/a b.txt\nout/big\nout/deep/\u{e9}+%.bin\n", "{}", server.name);
        assert_eq!(stdout(&shell.run(&["cat", "out/a b.txt", "--range", "1..3"])), "el");

        let url = stdout(&shell.run(&["presign", "out/a b.txt"]));
        assert_eq!(fetch(url.trim_end()), (200, b"hello".to_vec()), "{}", server.name);

        stdout(&shell.run(&["cp", "out/a b.txt", "out/copy"]));
        stdout(&shell.run(&["rm", "out/copy"]));
        stdout(&shell.run(&["pull", "out", "back"]));
        for name in ["a b.txt", "big", "deep/\u{e9}+%.bin"] {
            assert!(shell.read(&format!("back/{name}")) == shell.read(&format!("in/{name}")), "{name}");
        }
        assert_eq!(shell.run(&["stat", "out/copy"]).status.code(), Some(3));
    }
}

#[test]
fn wrong_keys_are_refused() {
    for server in Server::all_from_env().unwrap().into_iter().filter(|server| server.name == "ceph") {
        let bucket = Bucket::on(&server, "keys");
        let output = bucket.shell.command(&["ls"]).env("S3_SECRET_ACCESS_KEY", "wrong").output().unwrap();
        assert_eq!(output.status.code(), Some(4), "{output:?}");
    }
}
