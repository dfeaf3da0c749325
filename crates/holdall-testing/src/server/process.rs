//! A server's script and folder, from start to stop.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Kind;

pub(super) struct Process {
    kind: Kind,
    dir: PathBuf,
}

impl Process {
    /// Runs the script's `start` with a new folder and this process as the server's owner, and
    /// answers what it printed.
    pub(super) fn start(kind: Kind, variables: &[(&str, &str)]) -> Result<(Self, String), String> {
        let dir = tempfile::Builder::new()
            .prefix(&format!("holdall-{}-", kind.name()))
            .tempdir()
            .map_err(|error| format!("cannot create a temporary folder: {error}"))?;
        let printed = run(kind, "start", dir.path(), &[&std::process::id().to_string()], variables)?;
        Ok((Self { kind, dir: dir.keep() }, printed))
    }

    pub(super) fn call(&self, verb: &str, arguments: &[&str]) -> Result<String, String> {
        run(self.kind, verb, &self.dir, arguments, &[])
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let stopped = self.call("stop", &[]);
        // A second panic while one unwinds would abort and hide the first.
        assert!(stopped.is_ok() || std::thread::panicking(), "{stopped:?}");
    }
}

fn run(
    kind: Kind,
    verb: &str,
    dir: &Path,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Result<String, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("servers").join(kind.name());
    let output = Command::new(&script)
        .arg(verb)
        .arg(dir)
        .args(arguments)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run {}: {error}", script.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{} {verb} failed: {}", kind.name(), said.trim_end()));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("{} {verb}: {error}", kind.name()))
}
