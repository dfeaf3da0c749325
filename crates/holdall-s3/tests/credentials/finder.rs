//! Looks for credentials in a process of its own, whose environment is nothing but what a test says.

use std::error::Error as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use holdall_s3::{
    Client, Config, Credentials, CredentialsSource, PresignOptions, Seams, Transport, TransportConfig,
};
use http::Method;

/// Set in the process that looks.
pub(crate) const CHILD: &str = "HOLDALL_FIND_CREDENTIALS";

/// Says which profile is asked for by name.
const PROFILE: &str = "HOLDALL_FIND_PROFILE";

/// The URL that these credentials sign: equal URLs mean equal credentials.
pub(crate) fn signed_with(credentials: Credentials) -> String {
    presign(CredentialsSource::fixed(credentials)).unwrap()
}

/// What the process prints: the URL that the credentials found have signed, or what went wrong.
pub(crate) fn find() -> String {
    let profile = std::env::var(PROFILE).ok();
    presign(CredentialsSource::chain(profile.as_deref())).unwrap_or_else(|fault| fault)
}

fn presign(credentials: CredentialsSource) -> Result<String, String> {
    let now = || SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let seams = Seams { now, ..Seams::default() };
    let config = Config { credentials, seams, ..Config::new("a-bucket") };
    let client = Client::new(config, Transport::new(TransportConfig::default())).unwrap();
    let options = PresignOptions::new(Duration::from_secs(60));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(client.presign(&Method::GET, "key", &options)).map_err(|error| {
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        format!("{:?}: {}: {cause}", error.kind(), error.message())
    })
}

/// A process to be: its home is this folder, and all that it sends to the world goes to this port.
pub(crate) struct Finder(Command);

impl Finder {
    pub(crate) fn new(home: &Path, proxy: u16) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let proxy = format!("http://127.0.0.1:{proxy}");
        command
            .env_clear()
            .env(CHILD, "1")
            .env("HOME", home)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs([("HTTPS_PROXY", &proxy), ("HTTP_PROXY", &proxy)]);
        Self(command)
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    pub(crate) fn profile(self, name: &str) -> Self {
        self.env(PROFILE, name)
    }

    /// Runs the process and answers what it printed.
    pub(crate) fn run(mut self) -> String {
        let output = self.0.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}
