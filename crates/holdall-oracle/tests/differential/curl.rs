//! curl, as a user would run it with a URL in hand.

use std::path::Path;

use tokio::process::Command;

/// What curl saw.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) headers: String,
}

/// Runs curl with these arguments.
pub(crate) async fn curl(arguments: &[&str]) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), arguments).await
}

/// Runs curl in a folder where these bytes are in a file of the name `file`.
pub(crate) async fn curl_with(arguments: &[&str], bytes: &[u8]) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), bytes).unwrap();
    run(folder.path(), arguments).await
}

async fn run(folder: &Path, arguments: &[&str]) -> Answer {
    let headers = folder.join("headers");
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--noproxy", "*", "--globoff", "--path-as-is", "--max-time", "60"])
        .args(["--write-out", "%{stderr}%{http_code}", "--dump-header"])
        .arg(&headers)
        .args(arguments)
        .current_dir(folder)
        .kill_on_drop(true)
        .output()
        .await
        .expect("curl is installed");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let headers = std::fs::read_to_string(headers).unwrap().to_lowercase();
    Answer { status: said.parse().unwrap(), body: output.stdout, headers }
}

impl Answer {
    /// The body for a message.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
