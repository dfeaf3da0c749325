//! What the tests share: a client with short waits, a server with one fault, and a bound on time.

pub(crate) mod ops;
pub(crate) mod proxy;
pub(crate) mod raw;

use std::future::Future;
use std::time::Duration;

use holdall_s3::{
    Client, Config, Credentials, CredentialsSource, Endpoint, Error, GetOptions, PutOptions, RetryPolicy,
    Timeouts, Transport, TransportConfig,
};
use holdall_testing::fault::{Fault, FaultServer, Kind, Rule, Script, Seen};

pub(crate) const BUCKET: &str = "bucket";
pub(crate) const ATTEMPTS: u32 = 3;
/// The read timeout of the tests' client.
pub(crate) const READ: Duration = Duration::from_millis(500);
const GENEROUS: Duration = Duration::from_secs(25);

/// Fails a test that hangs.
pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(GENEROUS, future).await.expect("this took so long that it may never end")
}

/// Runs cases, some at once, each on a task of its own, and fails when any of them panicked.
pub(crate) async fn all_of<F>(cases: impl Iterator<Item = F>)
where
    F: Future<Output = ()> + Send + 'static,
{
    const AT_ONCE: usize = 64;
    let (mut tasks, mut failed) = (tokio::task::JoinSet::new(), 0);
    for case in cases {
        if tasks.len() >= AT_ONCE {
            failed += usize::from(tasks.join_next().await.is_some_and(|ended| ended.is_err()));
        }
        tasks.spawn(case);
    }
    while let Some(ended) = tasks.join_next().await {
        failed += usize::from(ended.is_err());
    }
    assert_eq!(failed, 0, "cases failed; each has said why");
}

/// A client's configuration with short waits.
pub(crate) fn config(endpoint: &str) -> Config {
    Config {
        endpoint: Some(Endpoint::parse(endpoint).unwrap()),
        region: Some("us-east-1".to_owned()),
        credentials: CredentialsSource::fixed(Credentials::new("AKIDTEST", "secret")),
        retry: RetryPolicy {
            attempts: ATTEMPTS,
            first_wait: Duration::from_millis(2),
            longest_wait: Duration::from_millis(50),
        },
        ..Config::new(BUCKET)
    }
}

pub(crate) fn transport() -> Transport {
    Transport::new(TransportConfig {
        timeouts: Timeouts { connect: Duration::from_secs(2), read: READ },
        ..TransportConfig::default()
    })
}

pub(crate) fn client_of(config: Config) -> Client {
    Client::new(config, transport()).unwrap()
}

/// A server and a client of it.
pub(crate) struct World {
    pub(crate) server: FaultServer,
    pub(crate) client: Client,
}

impl World {
    /// A server without a fault.
    pub(crate) fn good() -> Self {
        Self::of(Script::new())
    }

    /// A server with one fault.
    pub(crate) fn with(rule: Rule) -> Self {
        Self::of(Script::new().rule(rule))
    }

    pub(crate) fn of(script: Script) -> Self {
        let server = FaultServer::start(script.bucket(BUCKET).minimum_part(1), 1).unwrap();
        let client = client_of(config(&server.endpoint()));
        Self { server, client }
    }

    /// Another client of the same server.
    pub(crate) fn client(&self, edit: impl FnOnce(&mut Config)) -> Client {
        let mut config = config(&self.server.endpoint());
        edit(&mut config);
        client_of(config)
    }

    pub(crate) async fn put(&self, key: &str, bytes: &[u8]) -> Result<String, Error> {
        put(&self.client, key, bytes, &PutOptions::default()).await
    }

    pub(crate) async fn get(&self, key: &str) -> Result<Vec<u8>, Error> {
        get(&self.client, key, &GetOptions::default()).await
    }

    /// The bytes of an object as the server has it.
    pub(crate) fn stored(&self, key: &str) -> Option<Vec<u8>> {
        self.server.object(BUCKET, key).map(|object| object.bytes)
    }

    /// The requests of a kind.
    pub(crate) fn seen(&self, kind: Kind) -> Vec<Seen> {
        self.server.log().into_iter().filter(|seen| seen.kind == kind).collect()
    }

    pub(crate) fn count(&self, kind: Kind) -> u32 {
        self.seen(kind).len() as u32
    }

    /// Leaves one idle connection behind, so that the next request is sent over a kept one.
    pub(crate) async fn warm_up(&self) {
        self.client.head_bucket().await.unwrap();
        self.server.clear_log();
    }
}

pub(crate) async fn put(
    client: &Client,
    key: &str,
    bytes: &[u8],
    options: &PutOptions,
) -> Result<String, Error> {
    client.put(key, bytes.to_vec().into(), options).await.map(|answer| answer.etag)
}

pub(crate) async fn get(client: &Client, key: &str, options: &GetOptions) -> Result<Vec<u8>, Error> {
    Ok(client.get(key, options).await?.body.collect().await?.to_vec())
}

/// Bytes in which no stretch looks like another: numbers, counted up.
pub(crate) fn bytes(len: usize) -> Vec<u8> {
    static ALL: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    let all = ALL.get_or_init(|| {
        (0..(32_u64 << 20) / 8).flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect()
    });
    all[..len].to_vec()
}

/// A rule that hits the reads of objects.
pub(crate) fn on_get(fault: Fault) -> Rule {
    Rule::new(fault).on(Kind::GetObject)
}

/// A rule that hits puts.
pub(crate) fn on_put(fault: Fault) -> Rule {
    Rule::new(fault).on(Kind::PutObject)
}

/// Runs a test in a process of its own, with variables set; answers whether this is that process.
pub(crate) fn alone(name: &str, variables: &[(&str, &str)]) -> bool {
    const MARK: &str = "HOLDALL_TEST_ALONE";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture"]).env(MARK, "1").envs(variables.iter().copied());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("1 passed"), "no such test: {text}");
    false
}
