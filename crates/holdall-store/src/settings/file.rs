//! The configuration file: settings for all, and for those who choose a profile.

use super::error::SettingsError;
use super::origin::Origin;
use super::table::{SETTINGS, setting};
use std::fmt;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// A configuration file, read: the chosen profile's settings, then those for all. `Debug` shows no values.
#[derive(Clone, Default)]
pub(super) struct ConfigFile {
    path: PathBuf,
    /// The values of one place each, the first wins.
    levels: Vec<Level>,
}

#[derive(Clone)]
struct Level {
    profile: Option<String>,
    values: Vec<(&'static str, String)>,
}

/// A larger one is no configuration.
const MAX_SIZE: u64 = 1 << 20;

impl ConfigFile {
    /// Reads a file; none where it is not there and nobody named it.
    pub(super) fn read(
        path: &Path,
        is_named: bool,
        profile: Option<&str>,
    ) -> Result<Option<Self>, SettingsError> {
        let failed = |reason: String| SettingsError::File { path: path.to_owned(), reason };
        let size = match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_named => return Ok(None),
            other => other.map_err(|e| failed(e.to_string()))?.len(),
        };
        if size > MAX_SIZE {
            return Err(failed(format!("it has {size} bytes, and {MAX_SIZE} are enough for all settings")));
        }
        let text = std::fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
        Self::parse(path, &text, profile).map(Some)
    }

    /// Understands a file's text.
    pub(super) fn parse(path: &Path, text: &str, profile: Option<&str>) -> Result<Self, SettingsError> {
        let at = |span: std::ops::Range<usize>, reason: String| SettingsError::File {
            path: path.to_owned(),
            reason: format!("line {}: {reason}", 1 + text[..span.start].matches('\n').count()),
        };
        let table = DeTable::parse(text)
            .map_err(|e| at(e.span().unwrap_or_default(), e.message().to_owned()))?
            .into_inner();
        let mut all = Level { profile: None, values: Vec::new() };
        let mut profiles = Vec::new();
        for (key, value) in &table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("profile", DeValue::Table(sections)) => {
                    for (name, section) in sections {
                        let DeValue::Table(values) = section.get_ref() else {
                            return Err(at(name.span(), "a profile is written [profile.NAME]".to_owned()));
                        };
                        let mut level =
                            Level { profile: Some(name.get_ref().to_string()), values: Vec::new() };
                        for (key, value) in values {
                            level.take(key.get_ref(), value.get_ref()).map_err(|e| at(key.span(), e))?;
                        }
                        profiles.push(level);
                    }
                }
                ("profile", _) => {
                    return Err(at(key.span(), "a profile is written [profile.NAME]".to_owned()));
                }
                (name, value) => all.take(name, value).map_err(|e| at(key.span(), e))?,
            }
        }
        let mut levels = Vec::new();
        if let Some(name) = profile {
            let known: Vec<String> = profiles.iter().filter_map(|level| level.profile.clone()).collect();
            match profiles.into_iter().find(|level| level.profile.as_deref() == Some(name)) {
                Some(level) => levels.push(level),
                None => return Err(no_profile(name, path, &known)),
            }
        }
        levels.push(all);
        Ok(Self { path: path.to_owned(), levels })
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The places in the file that may set things, the first wins.
    pub(super) fn levels(&self) -> std::ops::Range<usize> {
        0..self.levels.len()
    }

    /// What one place sets a setting to.
    pub(super) fn get(&self, level: usize, name: &str) -> Option<(Origin, &str)> {
        let level = self.levels.get(level)?;
        let (name, value) = level.values.iter().find(|(known, _)| *known == name)?;
        let key = match &level.profile {
            Some(profile) => format!("profile.{profile}.{name}"),
            None => (*name).to_owned(),
        };
        Some((Origin::File { path: self.path.clone(), key }, value))
    }
}

impl fmt::Debug for ConfigFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Level {
    fn take(&mut self, name: &str, value: &DeValue<'_>) -> Result<(), String> {
        let Some(setting) = setting(name) else { return Err(unknown(name)) };
        let text = match value {
            DeValue::String(text) => text.trim().to_owned(),
            DeValue::Boolean(yes) => yes.to_string(),
            DeValue::Integer(n) if n.radix() == 10 => n.as_str().replace('_', ""),
            DeValue::Float(n) => n.as_str().replace('_', ""),
            _ => return Err(format!("{name} must be a text, a number, true or false")),
        };
        if text.is_empty() {
            return Err(format!("{name} is empty; leave it out"));
        }
        self.values.push((setting.name, text));
        Ok(())
    }
}

/// What is said of a key that is no setting's: the setting that was likely meant.
fn unknown(name: &str) -> String {
    let shown: String = name.chars().take(40).flat_map(char::escape_default).collect();
    match nearest(name) {
        Some(meant) => format!("{shown} is no setting; is {meant} meant?"),
        None => format!("{shown} is no setting"),
    }
}

/// The setting whose name is at most two changes away, and is not most of it changed.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let near = SETTINGS.iter().map(|setting| (distance(setting.name, name), setting.name));
    near.filter(|(changes, _)| *changes <= 2 && 3 * changes <= name.len()).min().map(|(_, name)| name)
}

/// How many letters must be changed, added or left out to make one text of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut above = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let cost = above + usize::from(x != *y);
            above = row[j + 1];
            row[j + 1] = cost.min(above + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

pub(super) fn no_profile(name: &str, path: &Path, known: &[String]) -> SettingsError {
    let known = match known {
        [] => format!("in {}, which has none", path.display()),
        some => format!("in {}, which has {}", path.display(), some.join(", ")),
    };
    SettingsError::NoProfile { profile: name.to_owned(), known }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, profile: Option<&str>) -> Result<ConfigFile, SettingsError> {
        ConfigFile::parse(Path::new("c.toml"), text, profile)
    }

    fn get(file: &ConfigFile, name: &str) -> Option<(String, String)> {
        let (origin, value) = file.levels().find_map(|level| file.get(level, name))?;
        Some((origin.to_string(), value.to_owned()))
    }

    #[test]
    fn a_profile_wins_over_what_is_for_all() {
        let text =
            "region = 'a'\nattempts = 3\nread_timeout = 1.5\n[profile.x]\nregion = 'b'\npath_style = true\n";
        let pair = |origin: &str, value: &str| Some((origin.to_owned(), value.to_owned()));
        let file = parse(text, Some("x")).unwrap();
        assert_eq!(get(&file, "region"), pair("profile.x.region in c.toml", "b"));
        assert_eq!(get(&file, "attempts"), pair("attempts in c.toml", "3"));
        assert_eq!(get(&file, "path_style"), pair("profile.x.path_style in c.toml", "true"));
        let file = parse(text, None).unwrap();
        assert_eq!(get(&file, "region"), pair("region in c.toml", "a"));
        assert_eq!(get(&file, "read_timeout"), pair("read_timeout in c.toml", "1.5"));
        assert_eq!(get(&file, "path_style"), None);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let table = [
            ("\nregoin = 'a'", "line 2: regoin is no setting; is region meant?"),
            ("[profile.x]\nzzz = 1", "line 2: zzz is no setting"),
            ("region = ['a']", "line 1: region must be a text, a number, true or false"),
            ("region = ''", "line 1: region is empty; leave it out"),
            ("profile = 'x'", "line 1: a profile is written [profile.NAME]"),
            ("[profile]\nx = 1", "line 2: a profile is written [profile.NAME]"),
            ("[s3]\nregion = 'a'", "line 1: s3 is no setting"),
        ];
        for (text, expected) in table {
            match parse(text, None) {
                Err(SettingsError::File { reason, .. }) => assert_eq!(reason, expected),
                other => panic!("{text}: {other:?}"),
            }
        }
        let broken = parse("region = 'a'\nstore = ", None).unwrap_err().to_string();
        assert!(broken.starts_with("c.toml cannot be used: line 2: "), "{broken}");
    }

    #[test]
    fn a_value_is_never_shown_when_it_cannot_be_read() {
        for text in
            ["secret_access_key = \"CANARY", "secret_access_key = CANARY", "secret_access_key = ['CANARY']"]
        {
            let error = parse(text, None).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("CANARY"), "{error}");
        }
    }

    #[test]
    fn a_profile_that_is_not_there_is_an_error_that_names_those_that_are() {
        let error = parse("[profile.a]\n[profile.b]\n", Some("c")).unwrap_err().to_string();
        assert_eq!(error, "there is no profile \"c\" in c.toml, which has a, b");
    }
}
