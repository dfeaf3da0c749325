//! A folder, a server and an environment that commands run in.

use holdall_testing::fault::{FaultServer, Rule, Script};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

pub(crate) struct Shell {
    dir: TempDir,
    variables: Vec<(String, String)>,
    server: Option<FaultServer>,
}

impl Shell {
    /// An empty folder, and an environment that names no store.
    pub(crate) fn bare() -> Self {
        Self { dir: TempDir::new().unwrap(), variables: Vec::new(), server: None }
    }

    /// With a folder in it that is the store.
    pub(crate) fn folder() -> Self {
        let shell = Self::bare();
        std::fs::create_dir(shell.path("store")).unwrap();
        let url = format!("file://{}", shell.path("store").display());
        shell.with("HOLDALL_STORE", &url)
    }

    /// With a server whose bucket `b` is the store.
    pub(crate) fn new() -> Self {
        Self::on(Script::new().bucket("b"))
    }

    /// With a server that follows a script.
    pub(crate) fn on(script: Script) -> Self {
        let server = FaultServer::start(script, 1).unwrap();
        let shell = Self::bare()
            .with("HOLDALL_STORE", "s3://b")
            .with("S3_ENDPOINT_URL", &server.endpoint())
            .with("S3_REGION", "us-east-1")
            .with("S3_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .with("S3_SECRET_ACCESS_KEY", "canary-secret");
        Self { server: Some(server), ..shell }
    }

    /// With a server on which this rule fires.
    pub(crate) fn with_fault(rule: Rule) -> Self {
        Self::on(Script::new().bucket("b").rule(rule)).with("HOLDALL_ATTEMPTS", "1")
    }

    /// Sets a variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Another shell in an empty folder, with the same variables but this one.
    pub(crate) fn variant(&self, name: &str, value: &str) -> Self {
        let kept = self.variables.iter().filter(|(other, _)| other != name);
        Self { variables: kept.cloned().collect(), ..Self::bare() }.with(name, value)
    }

    pub(crate) fn server(&self) -> &FaultServer {
        self.own_server().expect("this shell has a server")
    }

    /// The server that it has, where its store is on one.
    pub(crate) fn own_server(&self) -> Option<&FaultServer> {
        self.server.as_ref()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// All that lies in the folder, temporary files too.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut names = Vec::new();
        collect(self.dir.path(), self.dir.path(), &mut names);
        names.sort();
        names
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdall"));
        command.args(arguments).current_dir(self.dir.path());
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    /// Runs with standard input.
    pub(crate) fn feed(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        output
    }

    /// Runs commands, words separated by blanks, and compares what they say with the snapshot of this name.
    pub(crate) fn transcript(&self, name: &str, lines: &[&str]) {
        let mut text = String::new();
        for line in lines {
            let words: Vec<&str> = line.split(' ').map(|word| if word == "''" { "" } else { word }).collect();
            transcribe(line, &self.run(&words), &mut text);
        }
        self.snapshot(name, &text);
    }

    pub(crate) fn snapshot(&self, name: &str, text: &str) {
        assert!(!text.contains("canary-secret"), "a secret is shown: {text}");
        let text = text.replace(&*self.dir.path().to_string_lossy(), "[dir]");
        let filters = [
            (r"127\.0\.0\.1:\d+", "[server]"),
            (r#""seconds":[0-9.e-]+"#, r#""seconds":[seconds]"#),
            (r" in \d+\.\d s", " in [seconds] s"),
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[moment]"),
            (r"X-Amz-Date=\w+", "X-Amz-Date=[date]"),
            (r"%2F\d{8}%2F", "%2F[day]%2F"),
            (r"X-Amz-Signature=\w{64}", "X-Amz-Signature=[signature]"),
            (r"request_id=\S+", "request_id=[id]"),
            (r#""skew_seconds":"-?\d+""#, r#""skew_seconds":"[skew]""#),
            (r#""request_id":"[^"]+""#, r#""request_id":"[id]""#),
        ];
        insta::with_settings!({filters => filters, prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(name, text);
        });
    }
}

fn collect(top: &Path, dir: &Path, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(top, &path, names);
        } else {
            names.push(path.strip_prefix(top).unwrap().to_string_lossy().into_owned());
        }
    }
}

/// Writes what a command said: `>` before lines of standard output, `!` before those of standard error, `=` before
/// the status.
pub(crate) fn transcribe(line: &str, output: &Output, text: &mut String) {
    // Files of a folder are moved at once and come in no order.
    let unordered = ["push", "pull", "verify", "topic push"].iter().any(|verb| line.starts_with(verb));
    let sort = unordered && !line.contains("--help");
    writeln!(text, "$ holdall {line}").unwrap();
    for (mark, bytes) in [('>', &output.stdout), ('!', &output.stderr)] {
        let said = String::from_utf8_lossy(bytes);
        let mut parts = in_parts(&said);
        if sort {
            parts.sort_unstable();
        }
        for line in parts.iter().flat_map(|part| part.lines()) {
            writeln!(text, "{}", format!("{mark} {line}").trim_end()).unwrap();
        }
    }
    let status = output.status.code().map_or_else(|| output.status.to_string(), |code| code.to_string());
    writeln!(text, "= {status}\n").unwrap();
}

/// Keeps the cause and the hint with the error that they belong to.
fn in_parts(said: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for line in said.lines() {
        match parts.last_mut() {
            Some(part) if line.starts_with("  cause:") || line.starts_with("hint:") => {
                part.push('\n');
                part.push_str(line);
            }
            _ => parts.push(line.to_owned()),
        }
    }
    parts
}

/// What a command printed.
pub(crate) fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Asks for a URL as a stranger would, and answers status and body.
pub(crate) fn fetch(url: &str) -> (u16, Vec<u8>) {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_off(end + 4))
}
