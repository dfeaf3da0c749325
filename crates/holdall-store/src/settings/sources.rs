//! Where settings are looked for: arguments, variables, the configuration file, AWS's file.

use super::aws::AwsProfile;
use super::error::SettingsError;
use super::file::ConfigFile;
use super::origin::Origin;
use super::resolve::{Resolved, resolve};
use super::variables::Variables;
use crate::url::Location;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where settings are looked for: arguments, then variables by their families, then the configuration file with its
/// profile, then the profile in AWS's file.
///
/// ```
/// use holdall_store::{Sources, Variables};
///
/// let variables = Variables::from_pairs([("S3_BUCKET", "artifacts"), ("S3_REGION", "eu-west-1")]);
/// let resolved = Sources::new(variables).with_argument("region", "--region", "eu-north-1").resolve()?;
/// assert_eq!(resolved.settings.region.as_deref(), Some("eu-north-1"));
/// let region = resolved.values.iter().find(|value| value.setting.name == "region").unwrap();
/// assert_eq!(region.origin.to_string(), "--region");
/// assert_eq!(region.unused[0].to_string(), "S3_REGION");
/// # Ok::<(), holdall_store::SettingsError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Sources {
    variables: Variables,
    arguments: Vec<Argument>,
    store: Option<(String, Location)>,
    config: Option<PathBuf>,
    profile: Option<String>,
}

/// A setting given by the caller. `Debug` does not show its value.
#[derive(Clone)]
struct Argument {
    setting: &'static str,
    name: String,
    value: String,
}

impl fmt::Debug for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// All that may set something, read.
#[derive(Debug)]
pub(super) struct Layers<'a> {
    pub(super) variables: &'a Variables,
    arguments: &'a [Argument],
    pub(super) store: Option<&'a (String, Location)>,
    pub(super) file: Option<ConfigFile>,
    pub(super) aws: AwsProfile,
}

impl Sources {
    /// The process's environment, and the files that it names or that are usual.
    pub fn from_env() -> Self {
        Self::new(Variables::from_env())
    }

    /// Variables, and the files that they name or that are usual.
    pub fn new(variables: Variables) -> Self {
        Self { variables, ..Self::default() }
    }

    /// Sets a setting by an argument, which wins over all else. `name` is what errors and [`Resolved`] call it; of two
    /// arguments for one setting the later wins.
    pub fn with_argument(
        mut self,
        setting: &'static str,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.arguments.push(Argument { setting, name: name.into(), value: value.into() });
        self
    }

    /// Chooses the store by an argument.
    pub fn with_store(mut self, name: impl Into<String>, store: Location) -> Self {
        self.store = Some((name.into(), store));
        self
    }

    /// Names the configuration file by an argument; it must be there.
    pub fn with_config(mut self, path: impl Into<PathBuf>) -> Self {
        self.config = Some(path.into());
        self
    }

    /// Chooses a profile of the configuration file by an argument; it must be there.
    pub fn with_profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// Reads the files and decides each setting.
    ///
    /// The configuration file is the one given, else `$HOLDALL_CONFIG`, else `$XDG_CONFIG_HOME/holdall/config.toml`
    /// (`~/.config` where that is not set), and never one in the current folder. AWS's file is looked into only for a
    /// bucket whose region or endpoint nothing else says.
    ///
    /// # Errors
    ///
    /// Every [`SettingsError`]; each names what is at fault and where it is.
    pub fn resolve(&self) -> Result<Resolved, SettingsError> {
        let mut layers = Layers {
            variables: &self.variables,
            arguments: &self.arguments,
            store: self.store.as_ref(),
            file: self.read_file()?,
            aws: AwsProfile::default(),
        };
        let resolved = resolve(&layers)?;
        let settings = &resolved.settings;
        let is_remote = matches!(settings.store, Some(Location::S3 { .. }));
        // What AWS's default profile says is for AWS; a profile that was chosen is meant.
        let is_meant = settings.profile.is_some() || settings.endpoint.as_ref().is_none_or(|e| e.is_aws());
        let is_open = settings.region.is_none() || settings.endpoint.is_none();
        if !(is_remote && is_meant && is_open) {
            return Ok(resolved);
        }
        layers.aws = AwsProfile::read(&self.variables, settings.profile.as_deref());
        resolve(&layers)
    }

    fn read_file(&self) -> Result<Option<ConfigFile>, SettingsError> {
        let profile = self.profile.as_deref().or_else(|| self.variables.get("HOLDALL_PROFILE"));
        let named = self.config.clone().or_else(|| self.variables.get("HOLDALL_CONFIG").map(PathBuf::from));
        let must_be = named.is_some() || profile.is_some();
        match (named.or_else(|| usual_file(&self.variables)), profile) {
            (Some(path), _) => ConfigFile::read(&path, must_be, profile),
            (None, None) => Ok(None),
            (None, Some(profile)) => Err(SettingsError::NoProfile {
                profile: profile.to_owned(),
                known: "since there is no configuration file".to_owned(),
            }),
        }
    }
}

impl<'a> Layers<'a> {
    pub(super) fn of_variables(variables: &'a Variables) -> Self {
        Self { variables, arguments: &[], store: None, file: None, aws: AwsProfile::default() }
    }

    /// The argument that sets a setting.
    pub(super) fn argument(&self, setting: &str) -> Option<(Origin, &str)> {
        let given = self.arguments.iter().rev().find(|given| given.setting == setting)?;
        Some((Origin::Argument(given.name.clone()), &given.value))
    }

    pub(super) fn variable(&self, name: &str) -> Option<(Origin, &str)> {
        Some((Origin::variable(name), self.variables.get(name)?))
    }
}

/// `$XDG_CONFIG_HOME/holdall/config.toml`. As the XDG base directory specification has it, a relative path is not
/// looked at.
fn usual_file(variables: &Variables) -> Option<PathBuf> {
    Some(usual_folder(variables, "XDG_CONFIG_HOME", ".config")?.join("holdall/config.toml"))
}

/// A folder of the XDG base directory specification.
pub(super) fn usual_folder(variables: &Variables, variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| variables.get(name).map(Path::new).filter(|path| path.is_absolute());
    match absolute(variable) {
        Some(path) => Some(path.to_owned()),
        None => Some(absolute("HOME")?.join(below_home)),
    }
}
