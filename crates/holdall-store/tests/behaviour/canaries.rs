//! Listens to all that is logged and to every error that a case meets, and looks for secrets in it as it comes.

use holdall_store::{Error, ErrorKind, PresignMethod, PresignOptions, Settings, Store, Variables};
use holdall_testing::server::Server;
use holdall_testing::suite::secrets::{
    CUSTOMER_KEY, OTHER_CUSTOMER_KEY, PROXY_PASSWORD, SESSION_TOKEN, hear,
};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// A signature in hexadecimal digits. Nothing else that is told has as many, but for one digest.
const SIGNATURE: usize = 64;
/// What an error says before the digest that the bytes of an object do not have.
const DIGEST: &str = " recorded=";
const SIGNATURE_NAME: &str = "a signature";

/// A way to tell something, and its name.
type Way = (&'static str, fn(&str));

/// What must not be told, and what was.
#[derive(Clone)]
pub(crate) struct Canaries(Arc<Inner>);

struct Inner {
    /// What each is, and a text that gives it away.
    secrets: Vec<(String, String)>,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    bytes: usize,
    /// How many records each crate wrote.
    records: BTreeMap<String, usize>,
    /// What was told, how often, and where for the first time.
    told: BTreeMap<String, (usize, String)>,
}

impl Canaries {
    /// Listens from here on, for the whole process, once it is proved that nothing that is planted goes unheard.
    pub(crate) fn listen(servers: &[Server], runtime: &Runtime) -> Result<Self, String> {
        let canaries = Self(Arc::new(Inner { secrets: secrets(servers), heard: Mutex::default() }));
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .without_time()
            .with_level(false)
            .with_writer(canaries.clone())
            .init();
        log::set_boxed_logger(Box::new(canaries.clone())).map_err(|error| error.to_string())?;
        log::set_max_level(log::LevelFilter::Trace);
        canaries.prove(runtime)?;
        Ok(canaries)
    }

    /// Plants every secret, and a URL that is really signed, in each way that something can be told.
    fn prove(&self, runtime: &Runtime) -> Result<(), String> {
        let url = runtime.block_on(signed_url()).map_err(|error| error.to_string())?;
        let signature = (SIGNATURE_NAME.to_owned(), url);
        for (what, canary) in self.0.secrets.iter().chain([&signature]) {
            let ways: [Way; 3] = [
                ("an event", |canary| tracing::trace!(%canary, "planted")),
                ("a log record", |canary| log::trace!("planted: {canary}")),
                ("the cause of an error", |canary| hear(&caused_by(canary))),
            ];
            for (way, plant) in ways {
                plant(canary);
                let heard = std::mem::take(&mut *self.heard());
                if !heard.told.contains_key(what) {
                    return Err(format!("{what} was planted in {way} and not found"));
                }
            }
        }
        Ok(())
    }

    /// Says how much was heard; with servers it must be something from the wire.
    ///
    /// # Errors
    ///
    /// Says which secrets were told, and where.
    pub(crate) fn verdict(&self, servers: bool) -> Result<String, String> {
        let heard = self.heard();
        let told = heard.told.iter().map(|(what, (times, first))| format!("\n{what}, {times} x: {first}"));
        let told: String = told.collect();
        if !told.is_empty() {
            return Err(format!("secrets were told:{told}"));
        }
        if servers && !heard.records.contains_key("holdall_s3") {
            return Err(format!("the wire was not heard, so nothing is proved: {:?}", heard.records));
        }
        let (count, bytes) = (self.0.secrets.len(), heard.bytes);
        let records: Vec<String> = heard.records.iter().map(|(name, n)| format!("{name} {n}")).collect();
        Ok(format!(
            "no signature and none of {count} secrets in {bytes} bytes of log: {}",
            records.join(", ")
        ))
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks for secrets in one record, which begins with its target.
    fn search(&self, record: &str) {
        let known = self.0.secrets.iter().filter_map(|(what, secret)| Some((&**what, record.find(secret)?)));
        let signature = signature_in(record).map(|at| (SIGNATURE_NAME, at));
        let told: Vec<(&str, usize)> = known.chain(signature).collect();
        let mut heard = self.heard();
        heard.bytes += record.len();
        let source = record.split(':').next().unwrap_or_default();
        match heard.records.get_mut(source) {
            Some(count) => *count += 1,
            None => drop(heard.records.insert(source.to_owned(), 1)),
        }
        for (what, at) in told {
            let first = || (0, around(record, at));
            heard.told.entry(what.to_owned()).or_insert_with(first).0 += 1;
        }
    }
}

/// Everything that is secret in this run, in the forms in which it could be told.
fn secrets(servers: &[Server]) -> Vec<(String, String)> {
    let mut all = vec![
        ("the session token".to_owned(), SESSION_TOKEN.to_owned()),
        ("the proxy's password".to_owned(), PROXY_PASSWORD.to_owned()),
        ("the proxy's password in base64".to_owned(), PROXY_BASE64.to_owned()),
    ];
    for server in servers {
        all.push((format!("the secret key of {}", server.name), server.secret_key.clone()));
    }
    for (key, base64) in [(CUSTOMER_KEY, CUSTOMER_BASE64), (OTHER_CUSTOMER_KEY, OTHER_CUSTOMER_BASE64)] {
        let numbers = format!("{:?}", &key[..16]);
        all.push(("a customer's key".to_owned(), String::from_utf8_lossy(&key[..18]).into_owned()));
        all.push(("a customer's key in base64".to_owned(), base64.to_owned()));
        all.push(("a customer's key as numbers".to_owned(), numbers.trim_matches(['[', ']']).to_owned()));
    }
    all
}

/// `user:suite-proxy-password`, without what depends on its end.
const PROXY_BASE64: &str = "dXNlcjpzdWl0ZS1wcm94eS1wYXNzd29y";
/// The keys, as headers have them.
const CUSTOMER_BASE64: &str = "c3VpdGUtY3VzdG9tZXIta2V5LTAxMjM0NTY3ODktYWI=";
const OTHER_CUSTOMER_BASE64: &str = "b3RoZXItY3VzdG9tZXIta2V5LTAxMjM0NTY3ODktYWI=";

/// Where 64 hexadecimal digits, no more and no fewer, begin.
fn signature_in(text: &str) -> Option<usize> {
    let mut begin = 0;
    let ends = text.bytes().enumerate().filter(|(_, byte)| !byte.is_ascii_hexdigit()).map(|(at, _)| at);
    for end in ends.chain([text.len()]) {
        if end - begin == SIGNATURE && !text[..begin].ends_with(DIGEST) {
            return Some(begin);
        }
        begin = end + 1;
    }
    None
}

fn around(record: &str, at: usize) -> String {
    let before: String = record[..at].chars().rev().take(200).collect();
    let after: String = record[at..].chars().take(200).collect();
    format!("…{}{after}…", before.chars().rev().collect::<String>())
}

fn caused_by(cause: &str) -> Error {
    Error::new(ErrorKind::Protocol, "planted").with_source(io::Error::other(cause))
}

async fn signed_url() -> holdall_store::Result<String> {
    let variables = Variables::from_pairs([
        ("HOLDALL_STORE", "s3://bucket"),
        ("HOLDALL_ACCESS_KEY_ID", "planted"),
        ("HOLDALL_SECRET_ACCESS_KEY", "planted"),
    ]);
    let store = Store::from_settings(&Settings::from_variables(&variables)?)?;
    store.presign("k", &PresignOptions::new(PresignMethod::Get, Duration::from_secs(60))).await
}

impl io::Write for Canaries {
    /// A record comes whole.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.search(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Canaries {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl log::Log for Canaries {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        self.search(&format!("{}: {}", record.target(), record.args()));
    }

    fn flush(&self) {}
}
