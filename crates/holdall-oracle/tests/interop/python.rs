//! The interpreter that the environment names.

use std::ffi::OsString;
use std::process::Stdio;

use holdall_oracle::Bench;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

pub(crate) fn interpreter() -> Option<OsString> {
    std::env::var_os("HOLDALL_TEST_PYTHON").filter(|path| !path.is_empty())
}

/// Runs Python with the server in its environment and nothing else of ours, and answers what it printed.
pub(crate) async fn python(bench: &Bench, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let server = &bench.server;
    let home = tempfile::tempdir().unwrap();
    let mut child = Command::new(interpreter().unwrap())
        .args(arguments)
        .env_clear()
        .env("HOME", home.path())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ENDPOINT_URL", &server.endpoint)
        .env("AWS_DEFAULT_REGION", &server.region)
        .env("AWS_ACCESS_KEY_ID", &server.access_key)
        .env("AWS_SECRET_ACCESS_KEY", &server.secret_key)
        .env("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
        .env("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let write = async move { stdin.write_all(input).await.unwrap() };
    let (output, ()) = tokio::join!(child.wait_with_output(), write);
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
