//! An S3 service: stores on it, a wire client beside them, and what a run leaves there.

use super::failure::{Failure, Outcome};
use super::secrets::{PROXY_PASSWORD, SESSION_TOKEN};
use crate::random::{Random, fresh_seed};
use crate::server::Server;
use holdall_s3::{
    Client, Config, Credentials, CredentialsSource, DeleteOptions, DeleteTarget, ListOptions, ListedVersion,
    Transport, TransportConfig, UploadHandle, Versioning,
};
use holdall_store::{Location, Settings, Store, Variables};
use std::sync::{Mutex, PoisonError};

/// Settings that would change what cases store; unset, whatever the environment says.
const CHANGES_OBJECTS: [&str; 8] = [
    "HOLDALL_ACL",
    "HOLDALL_SSE",
    "HOLDALL_KMS_KEY_ID",
    "S3_KMS_KEY_ID",
    "HOLDALL_URL",
    "HOLDALL_PUBLIC_BASE_URL",
    "S3_PUBLIC_BASE_URL",
    "HOLDALL_CHECKSUM",
];

/// A wire client of one store's bucket.
pub(super) struct Wire {
    /// The client.
    pub(super) client: Client,
    /// What the store's keys begin with in the bucket.
    prefix: String,
}

impl Wire {
    /// The key in the bucket of a key in the store.
    pub(super) fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// How many uploads below a key's beginning are not finished.
    pub(super) async fn unfinished(&self, prefix: &str) -> Outcome<usize> {
        Ok(self.client.list_uploads(&self.key(prefix), None).await?.uploads.len())
    }
}

/// An S3 service and the buckets made there.
pub struct Service {
    variables: Variables,
    access_key: String,
    secret_key: String,
    kms_key: Option<String>,
    /// The bucket that most cases share.
    bucket: String,
    /// What its stores lie below; empty, or with its last slash.
    prefix: String,
    /// Whether buckets may be made; else stores of their own are prefixes.
    makes_buckets: bool,
    made: Mutex<Vec<String>>,
    transport: Transport,
}

impl Service {
    pub(super) async fn with_bucket(server: &Server) -> Outcome<Self> {
        let bucket = fresh_name();
        let mut variables = Variables::default();
        variables.set("HOLDALL_SESSION_TOKEN", SESSION_TOKEN);
        variables.set("HOLDALL_HTTPS_PROXY", format!("http://user:{PROXY_PASSWORD}@127.0.0.1:1"));
        let service = Self::new(server, variables, bucket.clone(), String::new(), true);
        service.make_bucket(&bucket).await?;
        Ok(service)
    }

    pub(super) fn in_environment(server: &Server, prefix: &str) -> Outcome<Self> {
        let settings = Settings::from_env()?;
        let Some(Location::S3 { bucket, prefix: below }) = settings.store else {
            return Err(Failure::new("the environment names no bucket: set S3_BUCKET or HOLDALL_STORE"));
        };
        let below = below.as_str().trim_end_matches('/');
        let slash = if below.is_empty() { "" } else { "/" };
        let mut variables = Variables::from_env();
        for name in CHANGES_OBJECTS {
            variables.set(name, "");
        }
        Ok(Self::new(server, variables, bucket, format!("{below}{slash}{prefix}/"), false))
    }

    fn new(
        server: &Server,
        mut variables: Variables,
        bucket: String,
        prefix: String,
        makes_buckets: bool,
    ) -> Self {
        variables.set("HOLDALL_ENDPOINT", &server.endpoint);
        variables.set("HOLDALL_REGION", &server.region);
        variables.set("HOLDALL_ACCESS_KEY_ID", &server.access_key);
        variables.set("HOLDALL_SECRET_ACCESS_KEY", &server.secret_key);
        Self {
            variables,
            access_key: server.access_key.clone(),
            secret_key: server.secret_key.clone(),
            kms_key: server.kms_key.clone(),
            bucket,
            prefix,
            makes_buckets,
            made: Mutex::new(Vec::new()),
            transport: Transport::new(TransportConfig::default()),
        }
    }

    pub(super) fn store(&self) -> Outcome<Store> {
        self.open(&self.bucket, &self.prefix)
    }

    pub(super) async fn own_store(&self) -> Outcome<Store> {
        let name = fresh_name();
        if !self.makes_buckets {
            return self.open(&self.bucket, &format!("{}{name}/", self.prefix));
        }
        self.make_bucket(&name).await?;
        self.open(&name, "")
    }

    pub(super) fn missing_store(&self) -> Outcome<Store> {
        self.open(&fresh_name(), "")
    }

    pub(super) fn store_as(&self, access: Option<&str>, secret: Option<&str>) -> Outcome<Store> {
        let mut variables = self.variables.clone();
        variables.set("HOLDALL_ACCESS_KEY_ID", access.unwrap_or(&self.access_key));
        variables.set("HOLDALL_SECRET_ACCESS_KEY", secret.unwrap_or(&self.secret_key));
        open(variables, &self.bucket, &self.prefix)
    }

    /// The secret key, to look for where it must not be.
    pub(super) fn secret_key(&self) -> &str {
        &self.secret_key
    }

    /// Opens an empty store in a bucket of its own whose objects can be locked, if the server knows of such buckets.
    pub(super) async fn locking_store(&self) -> Outcome<Store> {
        let name = fresh_name();
        self.client_of(&name)?.create_locking_bucket().await?;
        self.note(&name);
        self.open(&name, "")
    }

    /// Whether buckets are made, and not found.
    pub(super) fn makes_buckets(&self) -> bool {
        self.makes_buckets
    }

    /// Whether there is a KMS key to ask for: servers of our own have one or a default, an environment may name none.
    pub(super) fn has_kms_key(&self) -> bool {
        self.makes_buckets || self.kms_key.is_some()
    }

    /// A KMS key that the server can encrypt with.
    pub(super) fn kms_key(&self) -> Option<&str> {
        self.kms_key.as_deref()
    }

    /// What lies below a store that was opened here: the server itself, exact and without promises.
    pub(super) fn wire_below(&self, store: &Store) -> Outcome<Wire> {
        let Some(Location::S3 { bucket, prefix }) = &store.settings().store else {
            return Err(Failure::new("the store is in no bucket"));
        };
        let prefix = prefix.as_str().trim_end_matches('/');
        let slash = if prefix.is_empty() { "" } else { "/" };
        Ok(Wire { client: self.client_of(bucket)?, prefix: format!("{prefix}{slash}") })
    }

    fn client_of(&self, bucket: &str) -> Outcome<Client> {
        let settings = Settings::from_variables(&self.variables_of(bucket, ""))?;
        let credentials = Credentials::new(self.access_key.clone(), self.secret_key.as_str());
        let config = Config {
            endpoint: settings.endpoint,
            region: settings.region,
            addressing: settings.addressing,
            credentials: CredentialsSource::fixed(credentials),
            ..Config::new(bucket)
        };
        Ok(Client::new(config, self.transport.clone())?)
    }

    pub(super) async fn close(&self) -> Outcome {
        if !self.makes_buckets {
            return empty(&self.client_of(&self.bucket)?, &self.prefix).await;
        }
        let made = std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        let mut left = Vec::new();
        for bucket in made {
            let wire = self.client_of(&bucket)?;
            let emptied = empty(&wire, "").await.and(empty_of_versions(&wire).await);
            if let Err(error) = wire.delete_bucket().await {
                left.push(format!("{bucket}: {error}; emptying it answered {emptied:?}"));
            }
        }
        if left.is_empty() { Ok(()) } else { Err(Failure::new(left.join("\n"))) }
    }

    async fn make_bucket(&self, name: &str) -> Outcome {
        self.client_of(name)?.create_bucket().await?;
        self.note(name);
        Ok(())
    }

    fn note(&self, name: &str) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
    }

    fn open(&self, bucket: &str, prefix: &str) -> Outcome<Store> {
        open(self.variables.clone(), bucket, prefix)
    }

    fn variables_of(&self, bucket: &str, prefix: &str) -> Variables {
        let mut variables = self.variables.clone();
        variables.set("HOLDALL_STORE", format!("s3://{bucket}/{prefix}"));
        variables
    }
}

fn open(mut variables: Variables, bucket: &str, prefix: &str) -> Outcome<Store> {
    variables.set("HOLDALL_STORE", format!("s3://{bucket}/{prefix}"));
    Ok(Store::from_settings(&Settings::from_variables(&variables)?)?)
}

fn fresh_name() -> String {
    format!("holdall-suite-{:016x}", Random::new(fresh_seed()).number())
}

/// Deletes objects and unfinished uploads, over a listing that may be faulty.
async fn empty(wire: &Client, prefix: &str) -> Outcome {
    while let Some((id, key)) = first_upload(wire, prefix).await {
        wire.abort_upload(&UploadHandle::existing(key, id)).await?;
    }
    loop {
        let mut pages = wire.list(ListOptions { prefix: prefix.to_owned(), ..ListOptions::default() });
        let (mut deleted, mut fault) = (0, None);
        while let Some(page) = pages.next().await {
            match page {
                Ok(page) => {
                    deleted += page.objects.len();
                    delete(wire, page.objects.into_iter().map(|o| o.key).collect()).await?;
                }
                Err(error) => fault = Some(error),
            }
        }
        match fault {
            None => return Ok(()),
            Some(error) if deleted == 0 => return Err(error.into()),
            // The listing broke off after what is deleted by now: the rest is listed from the start.
            Some(_) => {}
        }
    }
}

/// Deletes what is left where versions were kept; nothing where the server has none.
async fn empty_of_versions(wire: &Client) -> Outcome {
    if !matches!(wire.versioning().await, Ok(Versioning::Enabled | Versioning::Suspended)) {
        return Ok(());
    }
    loop {
        let page = wire.list_versions("", None).await?;
        let target = |listed: ListedVersion| DeleteTarget { key: listed.key, version: Some(listed.version) };
        let targets: Vec<DeleteTarget> = page.versions.into_iter().map(target).collect();
        if targets.is_empty() {
            return Ok(());
        }
        if let Some(failed) = wire.delete_batch(&targets).await?.into_iter().next() {
            return Err(failed.error.into());
        }
    }
}

async fn delete(wire: &Client, keys: Vec<String>) -> Outcome {
    let (batch, alone): (Vec<String>, Vec<String>) = keys.into_iter().partition(|k| Client::can_batch(k));
    let targets: Vec<DeleteTarget> =
        batch.into_iter().map(|key| DeleteTarget { key, version: None }).collect();
    if let Some(failed) = wire.delete_batch(&targets).await?.into_iter().next() {
        return Err(failed.error.into());
    }
    for key in alone {
        wire.delete(&key, &DeleteOptions::default()).await?;
    }
    Ok(())
}

/// One unfinished upload; none where there is none or they cannot be listed.
async fn first_upload(wire: &Client, prefix: &str) -> Option<(String, String)> {
    let page = wire.list_uploads(prefix, None).await.ok()?;
    page.uploads.into_iter().next().map(|upload| (upload.id, upload.key))
}
