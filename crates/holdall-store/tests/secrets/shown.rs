//! What public types show of themselves, and what is said of settings that cannot be used.

use holdall_s3::{
    Client, Config, CopySource, Credentials, CredentialsSource, Endpoint, GetOptions, PutOptions, Transport,
    TransportConfig, UploadHandle,
};
use holdall_store::{Encryption, Location, Secret, Settings, Store, Variables};

use crate::canaries::{KEY_ID, PROXY_PASSWORD, SECRET, SSE_KEY, TOKEN, URL_PASSWORD};
use crate::heard::Heard;
use crate::work::variables;

pub(crate) fn everything(heard: &Heard) {
    wire(heard);
    settings(heard);
    wrong_settings(heard);
}

fn wire(heard: &Heard) {
    let credentials = Credentials::new(KEY_ID, SECRET).with_session_token(TOKEN);
    heard.debug(&credentials);
    heard.debug(&Secret::new(SECRET));
    let source = CredentialsSource::fixed(credentials);
    heard.debug(&source);
    let way = || TransportConfig {
        http_proxy: Some(format!("http://user:{PROXY_PASSWORD}@host")),
        https_proxy: Some(format!("http://user:{PROXY_PASSWORD}@host")),
        no_proxy: Some("localhost".into()),
        ..TransportConfig::default()
    };
    heard.debug(&way());
    heard.debug(&Transport::new(way()));
    let config = Config { credentials: source, ..Config::new("bucket") };
    heard.debug(&config);
    let client = Client::new(config, Transport::new(way())).unwrap();
    heard.debug(&client);
    heard.debug(client.config());
    heard.debug(&client.list(Default::default()));
    let encryption = || Some(Encryption::customer(*SSE_KEY));
    heard.debug(&encryption());
    heard.debug(&PutOptions { encryption: encryption(), ..PutOptions::default() });
    heard.debug(&GetOptions { encryption: encryption(), ..GetOptions::default() });
    heard.debug(&UploadHandle { encryption: encryption(), ..UploadHandle::existing("k", "id") });
    heard.debug(&CopySource { encryption: encryption(), ..CopySource::new("k") });
}

fn settings(heard: &Heard) {
    let mut variables = variables("https://s3.example.com");
    variables.set("HTTPS_PROXY", format!("http://user:{PROXY_PASSWORD}@host"));
    heard.debug(&variables);
    let mut settings = Settings::from_variables(&variables).unwrap();
    settings.encryption = Some(Encryption::customer(*SSE_KEY));
    heard.debug(&settings);
    heard.debug(&settings.keys);
    let store = Store::from_settings(&settings).unwrap();
    heard.debug(&store);
    heard.debug(store.settings());
    heard.debug(store.backend());
    heard.add(&store.location());
}

/// Secrets in places that are not for them.
fn wrong_settings(heard: &Heard) {
    let long = format!("{}{URL_PASSWORD}", "x".repeat(80));
    let urls = [
        format!("https://user:{URL_PASSWORD}@host/"),
        format!("https://{URL_PASSWORD}:x@host/"),
        format!("user:{URL_PASSWORD}@host"),
        format!("s3://user:{URL_PASSWORD}@bucket/prefix"),
        format!("http://user:{URL_PASSWORD}@@host:port"),
        format!("ftp://user:{URL_PASSWORD}@host"),
        format!("https://user:{long}@host/"),
        format!("s3://user:{long}{long}@bucket/prefix"),
        format!("https://user:{URL_PASSWORD}@host/path?query#fragment"),
    ];
    for url in urls {
        heard.outcome(Location::parse(&url));
        heard.outcome(Location::parse_object(&url).map(drop));
        heard.outcome(Endpoint::parse(&url).map(drop));
        for name in [
            "HOLDALL_STORE",
            "S3_ENDPOINT_URL",
            "S3_PUBLIC_ENDPOINT_URL",
            "S3_PUBLIC_BASE_URL",
            "AWS_ENDPOINT_URL",
            "HTTP_PROXY",
            "HTTPS_PROXY",
        ] {
            let variables = Variables::from_pairs([("S3_BUCKET", "bucket"), (name, url.as_str())]);
            if let Some(settings) = heard.outcome(Settings::from_variables(&variables)) {
                heard.outcome(Store::from_settings(&settings));
            }
        }
    }
    for (one, other) in [("AWS_ACCESS_KEY_ID", KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET)] {
        let half = Variables::from_pairs([(one, other)]);
        heard.error(&Settings::from_variables(&half).unwrap_err());
    }
}
