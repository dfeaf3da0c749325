//! A bucket in the place of the one that a page names.

use holdall_s3::{
    Addressing, Client, Config, Credentials, CredentialsSource, DeleteOptions, Endpoint, ListedVersion,
    Transport, TransportConfig,
};
use holdall_testing::server::Server;
use std::cell::RefCell;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) struct Service {
    client: Client,
    /// The variables by which a reader names a service, with our values.
    own: Vec<(&'static str, String)>,
    /// What was put in the place of what the page shows.
    replaced: RefCell<Vec<(String, String)>>,
}

impl Service {
    pub(crate) fn on(server: &Server) -> Result<Self, String> {
        // Pages run at the same time.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let bucket = format!("holdall-readme-{}-{number}", std::process::id());
        let config = Config {
            endpoint: Some(Endpoint::parse(&server.endpoint).map_err(|error| error.to_string())?),
            region: Some(server.region.clone()),
            addressing: Addressing::Path,
            credentials: CredentialsSource::fixed(Credentials::new(
                server.access_key.as_str(),
                server.secret_key.as_str(),
            )),
            ..Config::new(bucket.as_str())
        };
        let client = Client::new(config, Transport::new(TransportConfig::default()));
        let client = client.map_err(|error| error.to_string())?;
        wait(client.create_bucket()).map_err(|error| error.to_string())?;
        let own = vec![
            ("S3_ENDPOINT_URL", server.endpoint.clone()),
            ("S3_BUCKET", bucket),
            ("S3_ACCESS_KEY_ID", server.access_key.clone()),
            ("S3_SECRET_ACCESS_KEY", server.secret_key.clone()),
        ];
        Ok(Self { client, own, replaced: RefCell::default() })
    }

    /// The command with our values where it sets variables that name the service.
    pub(crate) fn fill_in(&self, command: &str) -> Result<String, String> {
        let lines = command.lines().map(|line| match line.strip_prefix("export ") {
            Some(words) => Ok(format!("export {}", self.assignments(words)?)),
            None => Ok(line.to_owned()),
        });
        Ok(lines.collect::<Result<Vec<_>, String>>()?.join("\n"))
    }

    fn assignments(&self, words: &str) -> Result<String, String> {
        let filled = words.split_whitespace().map(|word| {
            let Some((name, shown)) = word.split_once('=') else {
                return Err(format!("{word:?} sets no variable"));
            };
            let Some((_, value)) = self.own.iter().find(|(own, _)| *own == name) else {
                return Ok(word.to_owned());
            };
            if shown != "…" {
                self.replaced.borrow_mut().push((value.clone(), shown.to_owned()));
            }
            Ok(format!("{name}='{value}'"))
        });
        Ok(filled.collect::<Result<Vec<_>, String>>()?.join(" "))
    }

    /// The output as a reader with the page's values would see it.
    pub(crate) fn as_shown(&self, printed: &str) -> String {
        let shown = |text: String, (value, shown): &(String, String)| text.replace(value, shown);
        self.replaced.borrow().iter().fold(printed.to_owned(), shown)
    }

    /// Deletes the bucket and all that is in it.
    pub(crate) fn close(&self) -> Result<(), String> {
        wait(async {
            let mut after = None;
            loop {
                let page = self.client.list_versions("", after.as_ref()).await?;
                for ListedVersion { key, version, .. } in page.versions {
                    let version = Some(version);
                    self.client.delete(&key, &DeleteOptions { version, ..DeleteOptions::default() }).await?;
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            self.client.delete_bucket().await
        })
        .map_err(|error| format!("the bucket stays behind: {error}"))
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
