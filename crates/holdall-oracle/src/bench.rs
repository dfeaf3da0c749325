//! A bucket of its own for every comparison.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use holdall_s3::{
    Addressing, Client, Config, Credentials, CredentialsSource, DeleteOptions, Endpoint, ErrorKind,
    GetOptions, ListOptions, Payload, Transport, TransportConfig, UploadHandle,
};
use holdall_testing::server::Server;

/// A server, a fresh bucket on it, and holdall's client of the bucket.
#[derive(Clone)]
pub struct Bench {
    /// The server.
    pub server: Arc<Server>,
    /// The bucket's name.
    pub bucket: String,
    /// holdall's client of the bucket.
    pub holdall: Client,
}

impl Bench {
    /// Makes a bucket whose name begins so.
    ///
    /// # Panics
    /// When the server does not make it.
    pub async fn open(server: Arc<Server>, prefix: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let tail = format!("-{}-{count}", std::process::id());
        let head: String = prefix.chars().take(63 - tail.len()).collect();
        let bucket = format!("{}{tail}", head.trim_end_matches('-'));
        let holdall = client(&server, &bucket);
        holdall.create_bucket().await.expect("the server makes a bucket");
        Self { server, bucket, holdall }
    }

    /// A client of the same bucket with other settings.
    ///
    /// # Panics
    /// When the settings contradict each other.
    pub fn client_with(&self, change: impl FnOnce(&mut Config)) -> Client {
        let mut config = config(&self.server, &self.bucket);
        change(&mut config);
        Client::new(config, transport()).expect("the settings make a client")
    }

    /// Removes what is in the bucket, and the bucket.
    ///
    /// # Panics
    /// When something is left: a comparison removes versions itself.
    pub async fn close(self) {
        let mut pages = self.holdall.list(ListOptions::default());
        while let Some(page) = pages.next().await {
            for object in page.expect("the bucket can be listed").objects {
                self.holdall.delete(&object.key, &DeleteOptions::default()).await.expect("a key is deleted");
            }
        }
        self.abort_uploads().await;
        self.holdall.delete_bucket().await.expect("the bucket is deleted");
    }

    async fn abort_uploads(&self) {
        let uploads = match self.holdall.list_uploads("", None).await {
            Err(error) if error.kind() == ErrorKind::Unsupported => return,
            listed => listed.expect("uploads can be listed").uploads,
        };
        for upload in uploads {
            let upload = UploadHandle::existing(upload.key, upload.id);
            self.holdall.abort_upload(&upload).await.expect("an upload is aborted");
        }
    }
}

fn config(server: &Server, bucket: &str) -> Config {
    Config {
        endpoint: Some(Endpoint::parse(&server.endpoint).expect("the server's endpoint is one")),
        region: Some(server.region.clone()),
        addressing: Addressing::Path,
        credentials: CredentialsSource::fixed(Credentials::new(
            server.access_key.as_str(),
            server.secret_key.as_str(),
        )),
        ..Config::new(bucket)
    }
}

fn transport() -> Transport {
    Transport::new(TransportConfig::default())
}

fn client(server: &Server, bucket: &str) -> Client {
    Client::new(config(server, bucket), transport()).expect("a named server makes a client")
}

/// A text as the bytes of an object.
pub fn payload(text: &str) -> Payload {
    Payload::from(text.as_bytes().to_vec())
}

/// Reads an object whole by holdall.
///
/// # Panics
/// When it cannot be read.
pub async fn read(client: &Client, key: &str, options: &GetOptions) -> Vec<u8> {
    let answer = client.get(key, options).await.expect("the object is there");
    answer.body.collect().await.expect("the object is read to its end").to_vec()
}
