//! Real S3 servers: those the environment names, and those a test starts itself.

mod parse;
mod process;

use std::fmt;

use process::Process;

/// An S3 server that tests talk to.
///
/// [`Server::start`] starts one on loopback and ends it when the value is dropped;
/// [`Server::from_env`] takes one that already runs.
pub struct Server {
    /// What the server is called in test names: `ceph`, `s3s-fs`, `moto` or `env`.
    pub name: String,
    /// Scheme, host and port, without a trailing slash.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: String,
    /// The access key's id.
    pub access_key: String,
    /// The secret key; never part of [`Debug`](fmt::Debug) output.
    pub secret_key: String,
    /// A KMS key that the server can encrypt with, if there is one.
    pub kms_key: Option<String>,
    process: Option<Process>,
}

/// A server that this crate has a start script for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Ceph RGW over an OSD in memory: the main one, strict about signatures.
    Ceph,
    /// s3s-fs over a folder: checksums and `If-Match`, few other features.
    S3sFs,
    /// moto: a wide API that checks no signature.
    Moto,
}

impl Kind {
    /// Every kind, the main one first.
    pub const ALL: [Self; 3] = [Self::Ceph, Self::S3sFs, Self::Moto];

    /// The name of the server and of its script.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ceph => "ceph",
            Self::S3sFs => "s3s-fs",
            Self::Moto => "moto",
        }
    }
}

impl Server {
    /// Takes the server that `HOLDALL_TEST_<NAME>` describes, or `None` where that is unset or empty.
    ///
    /// The value reads `endpoint=… region=… access_key=… secret_key=…` and perhaps `kms_key=…`, as the
    /// start scripts print it. The name `env` means whatever the usual `S3_*` and `AWS_*` variables
    /// name, once `HOLDALL_TEST_ENV` is set.
    ///
    /// # Errors
    /// Says which field or variable is missing, unknown, given twice or malformed, and never quotes a value.
    pub fn from_env(name: &str) -> Option<Result<Self, String>> {
        parse::named(name, &environment)
    }

    /// Takes every server that the environment describes: `ceph`, `s3s-fs`, `moto`, `env`.
    ///
    /// # Errors
    /// As [`Server::from_env`]; one malformed description fails the whole call, so that no server is
    /// left out of a run unnoticed.
    pub fn all_from_env() -> Result<Vec<Self>, String> {
        let names = Kind::ALL.map(Kind::name).into_iter().chain([parse::ENV]);
        names.filter_map(Self::from_env).collect()
    }

    /// Starts a server in a temporary folder, on free ports of the loopback interface.
    ///
    /// Blocks until the server answers. It ends when the value is dropped, and when this process ends
    /// in any other way.
    ///
    /// # Errors
    /// What the script said, with the end of the server's logs. The script's `install` must have run.
    pub fn start(kind: Kind) -> Result<Self, String> {
        Self::start_with(kind, &[])
    }

    /// Starts a server as [`Server::start`] does, with variables that its script looks at.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_with(kind: Kind, variables: &[(&str, &str)]) -> Result<Self, String> {
        let (process, printed) = Process::start(kind, variables)?;
        let server = parse::line(kind.name(), &printed)?;
        Ok(Self { process: Some(process), ..server })
    }

    /// Creates a user with keys of its own: the same server, seen by somebody else.
    ///
    /// # Errors
    /// What the script said. Only a Ceph server that [`Server::start`] began can do this.
    pub fn user(&self, name: &str) -> Result<Self, String> {
        let keys = self.process()?.call("user", &[name])?;
        parse::fields(&self.name, &format!("endpoint={} region={} {keys}", self.endpoint, self.region))
    }

    /// Ends the part that speaks S3; what is stored stays. Blocks until connections are refused.
    ///
    /// # Errors
    /// As [`Server::user`].
    pub fn pause(&self) -> Result<(), String> {
        self.process()?.call("pause", &[]).map(drop)
    }

    /// Undoes [`Server::pause`], on the same port. Blocks until the server answers.
    ///
    /// # Errors
    /// As [`Server::user`].
    pub fn resume(&self) -> Result<(), String> {
        self.process()?.call("resume", &[]).map(drop)
    }

    fn process(&self) -> Result<&Process, String> {
        self.process.as_ref().ok_or_else(|| format!("{} was not started by this process", self.name))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("name", &self.name)
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("access_key", &self.access_key)
            .field("secret_key", &format_args!("[redacted]"))
            .field("kms_key", &self.kms_key)
            .finish_non_exhaustive()
    }
}

fn environment(name: &str) -> Result<Option<String>, String> {
    let Some(value) = std::env::var_os(name) else { return Ok(None) };
    let value = value.into_string().map_err(|_| format!("{name} is not UTF-8"))?;
    Ok(Some(value).filter(|value| !value.is_empty()))
}
