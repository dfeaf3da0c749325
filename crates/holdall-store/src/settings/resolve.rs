//! Decides each setting: which source wins, what is left unused, and which of them contradict each other.

use super::error::SettingsError;
use super::file::nearest;
use super::origin::Origin;
use super::sources::{Layers, usual_folder};
use super::table::{Draft, SETTINGS, Setting};
use super::{KeyPair, Settings};
use crate::Encryption;
use crate::url::{Location, UrlStrategy};
use std::path::PathBuf;

/// Settings, and for each of them where it comes from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Resolved {
    /// The settings.
    pub settings: Settings,
    /// Each setting of [`SETTINGS`], in that order.
    pub values: Vec<Value>,
    /// The configuration file that was read.
    pub config_file: Option<PathBuf>,
    /// Variables that begin as holdall's do and set nothing, with the one that was likely meant.
    pub unknown: Vec<(String, Option<String>)>,
}

/// A setting as it stands.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Value {
    /// The setting.
    pub setting: &'static Setting,
    /// Its value, without what is secret in it; none where it has none.
    pub value: Option<String>,
    /// Where that comes from.
    pub origin: Origin,
    /// What would set it too, and does not because something else wins.
    pub unused: Vec<Origin>,
}

/// What was found for a setting: the one that wins, and the others.
struct Found<'a> {
    setting: &'static Setting,
    chosen: Option<(Origin, &'a str)>,
    unused: Vec<Origin>,
    /// Two variables that differ, where that matters.
    conflict: Option<SettingsError>,
}

/// Decides all settings.
pub(super) fn resolve(layers: &Layers<'_>) -> Result<Resolved, SettingsError> {
    let mut all: Vec<Found<'_>> = SETTINGS.iter().map(|setting| Found::look(setting, layers)).collect();
    choose_place(&mut all, layers)?;
    choose_keys(&mut all, layers)?;
    choose_encryption(&mut all)?;
    let mut draft = Draft::default();
    for found in &mut all {
        found.read(&mut draft)?;
    }
    let settings = finish(draft, layers);
    if settings.url == UrlStrategy::Cdn && settings.public_base_url.is_none() {
        let present = format!("url = cdn ({})", origin(&all, "url"));
        return Err(SettingsError::Missing { present, missing: "HOLDALL_PUBLIC_BASE_URL" });
    }
    let bucket = origin(&all, "bucket");
    let mut values: Vec<Value> = all.into_iter().map(|found| found.value(&settings, layers)).collect();
    for value in &mut values {
        if value.setting.name == "store" && value.origin == Origin::Default {
            value.origin = bucket.clone();
        }
    }
    let config_file = layers.file.as_ref().map(|file| file.path().to_owned());
    Ok(Resolved { settings, values, config_file, unknown: unknown(layers) })
}

impl<'a> Found<'a> {
    /// Looks at all places that may set a setting.
    fn look(setting: &'static Setting, layers: &'a Layers<'_>) -> Self {
        let mut found = Self { setting, chosen: None, unused: Vec::new(), conflict: None };
        found.offer(layers.argument(setting.name));
        found.offer(layers.variable(&setting.variable()));
        for rank in setting.variables {
            found.offer_rank(rank, layers);
        }
        if let Some(file) = &layers.file {
            for level in file.levels() {
                found.offer(file.get(level, setting.name));
            }
        }
        found.offer(layers.aws.get(setting.name));
        found
    }

    fn offer(&mut self, more: Option<(Origin, &'a str)>) {
        match (more, &self.chosen) {
            (None, _) => {}
            (more, None) => self.chosen = more,
            (Some((origin, _)), Some(_)) => self.unused.push(origin),
        }
    }

    /// Offers variables of one rank, which must not differ where they decide.
    fn offer_rank(&mut self, names: &[&'static str], layers: &'a Layers<'_>) {
        let decides = self.chosen.is_none();
        let mut set = names.iter().filter_map(|name| Some((*name, layers.variable(name)?)));
        let Some((first, (origin, value))) = set.next() else { return };
        self.offer(Some((origin, value)));
        for (name, (origin, other)) in set {
            if decides && other != value && self.conflict.is_none() {
                self.conflict = Some(SettingsError::Conflict {
                    setting: self.setting.name,
                    first: first.to_owned(),
                    second: name.to_owned(),
                });
            }
            // One that says the same decides as well.
            if !decides || other != value {
                self.unused.push(origin);
            }
        }
    }

    /// Lets nothing that was found decide.
    fn leave_out(&mut self) {
        self.conflict = None;
        if let Some((origin, _)) = self.chosen.take() {
            self.unused.insert(0, origin);
        }
    }

    fn read(&mut self, draft: &mut Draft) -> Result<(), SettingsError> {
        if let Some(conflict) = self.conflict.take() {
            return Err(conflict);
        }
        let Some((origin, value)) = &self.chosen else { return Ok(()) };
        (self.setting.read)(draft, value)
            .map_err(|reason| SettingsError::Invalid { variable: origin.to_string(), reason })
    }

    fn value(self, settings: &Settings, layers: &Layers<'_>) -> Value {
        let given = layers.store.filter(|_| self.setting.name == "store");
        let origin = match (given, self.chosen) {
            (Some((name, _)), _) => Origin::Argument(name.clone()),
            (None, Some((origin, _))) => origin,
            (None, None) => Origin::Default,
        };
        Value { setting: self.setting, value: (self.setting.show)(settings), origin, unused: self.unused }
    }
}

fn entry<'f, 'a>(all: &'f mut [Found<'a>], name: &str) -> &'f mut Found<'a> {
    all.iter_mut().find(|found| found.setting.name == name).expect("the table has this setting")
}

fn chosen<'f, 'a>(all: &'f [Found<'a>], name: &str) -> Option<&'f (Origin, &'a str)> {
    all.iter().find(|found| found.setting.name == name).and_then(|found| found.chosen.as_ref())
}

fn origin(all: &[Found<'_>], name: &str) -> Origin {
    chosen(all, name).map_or(Origin::Default, |(origin, _)| origin.clone())
}

/// A store that is chosen makes it pointless to look for a bucket, and to complain of none.
fn choose_place(all: &mut [Found<'_>], layers: &Layers<'_>) -> Result<(), SettingsError> {
    if layers.store.is_some() {
        entry(all, "store").leave_out();
    }
    if layers.store.is_some() || chosen(all, "store").is_some() {
        entry(all, "bucket").leave_out();
        entry(all, "prefix").leave_out();
        return Ok(());
    }
    if chosen(all, "bucket").is_some() {
        return Ok(());
    }
    entry(all, "prefix").leave_out();
    // What is S3's own says that S3 is meant; AWS's variables are for every service of AWS, and for every program.
    let means_s3 = |origin: &Origin| match origin {
        Origin::Variable(_, name) => name != "AWS_ENDPOINT_URL",
        Origin::Argument(_) | Origin::File { .. } => true,
        Origin::AwsFile { .. } | Origin::Default => false,
    };
    let endpoint = chosen(all, "endpoint").filter(|(origin, _)| means_s3(origin));
    let key = ["S3_ACCESS_KEY_ID", "HOLDALL_ACCESS_KEY_ID"].map(|name| layers.variable(name));
    let key = key.into_iter().flatten().next();
    match endpoint.map(|(origin, _)| origin.clone()).or(key.map(|(origin, _)| origin)) {
        Some(present) => Err(SettingsError::NoBucket { present: present.to_string(), missing: "S3_BUCKET" }),
        None => Ok(()),
    }
}

const KEYS: [&str; 3] = ["access_key_id", "secret_access_key", "session_token"];

/// Keys belong together: a pair comes whole from one place, and its token from there too.
fn choose_keys<'a>(all: &mut [Found<'a>], layers: &'a Layers<'_>) -> Result<(), SettingsError> {
    let mut places: Vec<[Option<(Origin, &'a str)>; 3]> = Vec::new();
    let mut names: Vec<[String; 3]> = Vec::new();
    for family in ["HOLDALL_", "S3_", "AWS_"] {
        let variables = KEYS.map(|key| format!("{family}{}", key.to_uppercase()));
        let mut values = [0, 1, 2].map(|n: usize| layers.variable(&variables[n]));
        if family == "S3_" {
            values[2] = None;
        }
        places.push(values);
        names.push(variables);
    }
    if let Some(file) = &layers.file {
        for level in file.levels() {
            places.push(KEYS.map(|key| file.get(level, key)));
            names.push(KEYS.map(|key| format!("{key} in {}", file.path().display())));
        }
    }
    for key in KEYS {
        let found = entry(all, key);
        (found.chosen, found.unused) = (None, Vec::new());
    }
    let mut is_chosen = false;
    for (values, names) in places.into_iter().zip(names) {
        let half = |present: usize, missing: usize| SettingsError::HalfPair {
            present: names[present].clone(),
            missing: names[missing].clone(),
        };
        match (&values[0], &values[1]) {
            (Some(_), None) => return Err(half(0, 1)),
            (None, Some(_)) => return Err(half(1, 0)),
            (None, None) => continue,
            (Some(_), Some(_)) => {}
        }
        for (key, value) in KEYS.into_iter().zip(values) {
            let found = entry(all, key);
            match is_chosen {
                false => found.chosen = value,
                true => found.unused.extend(value.map(|(origin, _)| origin)),
            }
        }
        is_chosen = true;
    }
    Ok(())
}

/// A key of the key service means encryption by it, which another kind of encryption contradicts.
fn choose_encryption(all: &mut [Found<'_>]) -> Result<(), SettingsError> {
    let (Some((sse, how)), Some((key, _))) = (chosen(all, "sse"), chosen(all, "kms_key_id")) else {
        return Ok(());
    };
    if matches!(super::words::encryption(how), Err(_) | Ok(Some(Encryption::Kms(_)))) {
        return Ok(());
    }
    let loser = match sse.strength().cmp(&key.strength()) {
        std::cmp::Ordering::Less => "kms_key_id",
        std::cmp::Ordering::Greater => "sse",
        std::cmp::Ordering::Equal => {
            return Err(SettingsError::Contradiction {
                first: sse.to_string(),
                second: key.to_string(),
                reason: "a key is for sse = aws:kms",
            });
        }
    };
    entry(all, loser).leave_out();
    Ok(())
}

fn finish(draft: Draft, layers: &Layers<'_>) -> Settings {
    let Draft {
        mut settings,
        store,
        bucket,
        prefix,
        access_key_id,
        secret_access_key,
        session_token,
        kms_key_id,
    } = draft;
    settings.store = match (layers.store, store, bucket) {
        (Some((_, given)), ..) => Some(given.clone()),
        (None, Some(store), _) => Some(store),
        (None, None, Some(bucket)) => Some(Location::S3 { bucket, prefix }),
        (None, None, None) => None,
    };
    settings.default_store = usual_folder(layers.variables, "XDG_DATA_HOME", ".local/share")
        .map(|folder| folder.join("holdall/store"));
    let state = usual_folder(layers.variables, "XDG_STATE_HOME", ".local/state");
    settings.journal = state.as_ref().map(|folder| folder.join("holdall/journal"));
    settings.index = state.as_ref().map(|folder| folder.join("holdall/index"));
    settings.outbox_dir = settings.outbox_dir.or_else(|| state.map(|folder| folder.join("holdall/outbox")));
    settings.keys = access_key_id.zip(secret_access_key).map(|(access_key_id, secret_access_key)| KeyPair {
        access_key_id,
        secret_access_key,
        session_token,
    });
    if kms_key_id.is_some() {
        settings.encryption = Some(Encryption::Kms(kms_key_id));
    }
    settings
}

/// Variables that choose where settings are, or are of the project's own tests.
const NO_SETTINGS: [&str; 2] = ["HOLDALL_CONFIG", "HOLDALL_PROFILE"];

fn unknown(layers: &Layers<'_>) -> Vec<(String, Option<String>)> {
    let is_setting = |name: &str| SETTINGS.iter().any(|setting| setting.variable() == name);
    let known =
        |name: &&str| is_setting(name) || NO_SETTINGS.contains(name) || name.starts_with("HOLDALL_TEST_");
    let meant = |name: &str| {
        let near = nearest(&name["HOLDALL_".len()..].to_lowercase())?;
        Some(format!("HOLDALL_{}", near.to_uppercase()))
    };
    let names = layers.variables.names("HOLDALL_").filter(|name| !known(name));
    names.map(|name| (name.to_owned(), meant(name))).collect()
}
