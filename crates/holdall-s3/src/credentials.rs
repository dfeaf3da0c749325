//! Who signs: a fixed pair of keys, nobody, or AWS's chain of places to look.

use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use reqsign_aws_core::{
    AssumeRoleWithWebIdentityCredentialProvider as WebIdentity, ECSCredentialProvider as Container,
    EnvCredentialProvider as Environment, IMDSv2CredentialProvider as Instance,
    ProcessCredentialProvider as Process, ProfileCredentialProvider as Profile, SSOCredentialProvider as Sso,
};
use reqsign_core::{Context, ProvideCredential, ProvideCredentialDyn};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// An access key, its secret, and the session token that goes with temporary ones.
///
/// `Debug` shows nothing of any of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key's id.
    pub access_key_id: String,
    /// The secret that signs.
    pub secret_access_key: Secret,
    /// The token of temporary credentials.
    pub session_token: Option<Secret>,
    /// When they end.
    pub expires_at: Option<SystemTime>,
}

impl Credentials {
    /// Makes lasting credentials.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<Secret>) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
            session_token: None,
            expires_at: None,
        }
    }

    /// Adds a session token.
    pub fn with_session_token(mut self, token: impl Into<Secret>) -> Self {
        self.session_token = Some(token.into());
        self
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &"***").finish_non_exhaustive()
    }
}

/// Where credentials come from.
#[derive(Clone)]
pub enum CredentialsSource {
    /// Requests are not signed: public buckets.
    Anonymous,
    /// These, for ever.
    Static(Arc<Credentials>),
    /// AWS's chain: environment, profiles, SSO, web identity, process, container and instance metadata.
    Chain(Arc<Chain>),
}

impl CredentialsSource {
    /// Fixed credentials.
    pub fn fixed(credentials: Credentials) -> Self {
        Self::Static(Arc::new(credentials))
    }

    /// AWS's chain, with a profile's name where one was chosen.
    ///
    /// Nothing is read or asked before the first request. Metadata services are asked over a transport of their own
    /// with timeouts of a second, so that a machine without them is not kept waiting.
    pub fn chain(profile: Option<&str>) -> Self {
        Self::Chain(Arc::new(Chain::new(profile)))
    }

    /// The credentials to sign with now; none for an unsigned request.
    pub(crate) async fn resolve(&self, now: SystemTime) -> Result<Option<Arc<Credentials>>> {
        let found = match self {
            Self::Anonymous => return Ok(None),
            Self::Static(credentials) => credentials.clone(),
            Self::Chain(chain) => chain.resolve(now).await?,
        };
        let sendable = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
        if !sendable(&found.access_key_id)
            || !found.session_token.as_ref().is_none_or(|t| sendable(t.expose()))
        {
            let message =
                "the access key or the session token holds a blank or another character that no key has";
            return Err(Error::new(ErrorKind::Credentials, message));
        }
        Ok(Some(found))
    }

    /// Forgets what the chain answered, because the server says that it expired.
    ///
    /// Answers whether asking again may give other credentials.
    pub(crate) async fn refresh(&self, stale: Option<&Arc<Credentials>>) -> bool {
        match self {
            Self::Chain(chain) => chain.forget(stale).await,
            _ => false,
        }
    }
}

impl fmt::Debug for CredentialsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Static(_) => "Static(***)",
            Self::Chain(_) => "Chain",
        })
    }
}

type Place = Box<dyn ProvideCredentialDyn<Credential = reqsign_aws_core::Credential>>;

/// AWS's chain and its last answer.
///
/// The order is reqsign's own, whose chain goes on after a place that failed: a role that cannot be assumed would be
/// replaced in silence by another identity. Here only a place that is not configured is passed over.
pub struct Chain {
    places: Vec<Place>,
    /// The last place, and the one that is never configured: it is there or it is not.
    instance: Instance,
    last: tokio::sync::Mutex<Option<Arc<Credentials>>>,
}

/// Credentials that end within this time are asked for again.
const EARLY: Duration = Duration::from_secs(300);

impl Chain {
    fn new(profile: Option<&str>) -> Self {
        let (mut shared, mut sso, mut process) = (Profile::new(), Sso::new(), Process::new());
        if let Some(name) = profile {
            (shared, sso, process) =
                (shared.with_profile(name), sso.with_profile(name), process.with_profile(name));
        }
        let places: Vec<Place> = vec![
            Box::new(Environment::new()),
            Box::new(shared),
            Box::new(sso),
            Box::new(WebIdentity::new()),
            Box::new(process),
            Box::new(Container::new()),
        ];
        Self { places, instance: Instance::new(), last: tokio::sync::Mutex::new(None) }
    }

    async fn resolve(&self, now: SystemTime) -> Result<Arc<Credentials>> {
        let mut last = self.last.lock().await;
        if let Some(credentials) = last.as_ref()
            && credentials.expires_at.is_none_or(|end| end > now + EARLY)
        {
            return Ok(credentials.clone());
        }
        let fresh = Arc::new(self.load().await?);
        *last = Some(fresh.clone());
        Ok(fresh)
    }

    async fn forget(&self, stale: Option<&Arc<Credentials>>) -> bool {
        let mut last = self.last.lock().await;
        if last.as_ref().zip(stale).is_some_and(|(a, b)| Arc::ptr_eq(a, b)) {
            *last = None;
        }
        true
    }

    async fn load(&self) -> Result<Credentials> {
        let context = Context::new()
            .with_env(seam::Variables)
            .with_file_read(seam::Files)
            .with_http_send(seam::Http::default())
            .with_command_execute(seam::Commands);
        refuse_foreign_container_service()?;
        for place in &self.places {
            let found = place.provide_credential_dyn(&context).await.map_err(|e| {
                Error::new(ErrorKind::Credentials, "a configured source of credentials failed").with_source(e)
            })?;
            if let Some(found) = found {
                return Ok(found.into());
            }
        }
        let none = Error::new(
            ErrorKind::Credentials,
            "no credentials found in the environment, profiles or metadata services",
        );
        match self.instance.provide_credential(&context).await {
            Ok(Some(found)) => Ok(found.into()),
            Ok(None) => Err(none),
            Err(e) => Err(none.with_source(e)),
        }
    }
}

/// A container's credential service gets a token: like AWS's own clients, this one sends it only over TLS, to this
/// machine, or to the addresses that ECS and EKS have.
fn refuse_foreign_container_service() -> Result<()> {
    const LOCAL: [&str; 3] = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];
    let Ok(url) = std::env::var("AWS_CONTAINER_CREDENTIALS_FULL_URI") else { return Ok(()) };
    let allowed = match url.split(['?', '#']).next().map(crate::Endpoint::parse) {
        Some(Ok(endpoint)) => endpoint.is_tls() || endpoint.is_loopback() || LOCAL.contains(&endpoint.host()),
        _ => url.trim().is_empty(),
    };
    if allowed {
        return Ok(());
    }
    let message = "AWS_CONTAINER_CREDENTIALS_FULL_URI names a host that must not be sent a token";
    Err(Error::new(ErrorKind::Credentials, message))
}

impl From<reqsign_aws_core::Credential> for Credentials {
    fn from(found: reqsign_aws_core::Credential) -> Self {
        let since_epoch = |seconds: i64| Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        Self {
            access_key_id: found.access_key_id,
            secret_access_key: found.secret_access_key.into(),
            session_token: found.session_token.map(Secret::from),
            expires_at: found.expires_in.map(|at| SystemTime::UNIX_EPOCH + since_epoch(at.as_second())),
        }
    }
}

/// What the chain needs of the world.
mod seam {
    use crate::http::Transport;
    use bytes::Bytes;
    use reqsign_core::{CommandExecute, CommandOutput, Env, Error, FileRead, HttpSend, Result};
    use std::collections::HashMap;
    use std::ffi::OsString;
    use std::path::PathBuf;
    use std::process::Stdio;
    use std::sync::OnceLock;
    use std::time::Duration;

    const MAX_ANSWER: usize = 1 << 20;

    /// The process's environment. A variable that is set to nothing is not set, and one that is not UTF-8 is nobody's
    /// credential; neither may keep the chain from looking further.
    #[derive(Debug)]
    pub(super) struct Variables;

    fn readable(value: OsString) -> Option<String> {
        value.into_string().ok().filter(|text| !text.trim().is_empty())
    }

    impl Env for Variables {
        fn var(&self, key: &str) -> Option<String> {
            readable(std::env::var_os(key)?)
        }

        fn vars(&self) -> HashMap<String, String> {
            let pairs = std::env::vars_os();
            pairs.filter_map(|(name, value)| Some((name.into_string().ok()?, readable(value)?))).collect()
        }

        fn home_dir(&self) -> Option<PathBuf> {
            std::env::home_dir()
        }
    }

    #[derive(Debug)]
    pub(super) struct Files;

    impl FileRead for Files {
        async fn file_read(&self, path: &str) -> Result<Vec<u8>> {
            tokio::fs::read(path)
                .await
                .map_err(|e| Error::unexpected("a credentials file cannot be read").with_source(e))
        }
    }

    /// Asks metadata and token services.
    #[derive(Debug, Default)]
    pub(super) struct Http {
        transport: OnceLock<Transport>,
    }

    impl HttpSend for Http {
        async fn http_send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>> {
            let transport = self.transport.get_or_init(|| Transport::for_metadata(Duration::from_secs(1)));
            transport
                .fetch(request, MAX_ANSWER)
                .await
                .map_err(|e| Error::unexpected("a credentials service cannot be reached").with_source(e))
        }
    }

    #[derive(Debug)]
    pub(super) struct Commands;

    impl CommandExecute for Commands {
        async fn command_execute(&self, program: &str, arguments: &[&str]) -> Result<CommandOutput> {
            let output = tokio::process::Command::new(program)
                .args(arguments)
                .stdin(Stdio::null())
                .kill_on_drop(true)
                .output()
                .await
                .map_err(|e| Error::unexpected("credential_process cannot be run").with_source(e))?;
            Ok(CommandOutput {
                status: output.status.code().unwrap_or(-1),
                stdout: output.stdout,
                stderr: output.stderr,
            })
        }
    }
}
