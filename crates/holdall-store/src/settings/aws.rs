//! What AWS's configuration file says of region and endpoint.

use super::origin::Origin;
use super::variables::Variables;
use std::path::{Path, PathBuf};

/// Region and endpoint of a profile, with where they are.
#[derive(Debug, Clone, Default)]
pub(super) struct AwsProfile {
    values: Vec<(&'static str, Origin, String)>,
}

/// Settings that the file has, and what it calls them. The rest of it is for whoever finds the keys.
const KEYS: [(&str, &str); 2] = [("region", "region"), ("endpoint", "endpoint_url")];

impl AwsProfile {
    /// Reads the file of these variables. That there is none, or that it cannot be read, says nothing: it belongs to
    /// other programs, and keys that are needed from it are looked for again when a request is signed.
    pub(super) fn read(variables: &Variables, profile: Option<&str>) -> Self {
        let path = match variables.get("AWS_CONFIG_FILE") {
            Some(path) => PathBuf::from(path),
            None => match variables.get("HOME") {
                Some(home) => Path::new(home).join(".aws/config"),
                None => return Self::default(),
            },
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&path, &text, profile.unwrap_or("default")),
            Err(_) => Self::default(),
        }
    }

    fn parse(path: &Path, text: &str, profile: &str) -> Self {
        let mut inside = false;
        let mut values = Vec::new();
        for line in text.lines() {
            if let Some(section) = line.trim().strip_prefix('[') {
                let name = section.split(']').next().unwrap_or_default().trim();
                let named = name.strip_prefix("profile").map_or(name, str::trim);
                inside = named == profile && (name != named || profile == "default");
                continue;
            }
            // Indented lines are of a group, such as `s3 =`, and comments are none of ours.
            if !inside || line.starts_with([' ', '\t', '#', ';']) {
                continue;
            }
            let Some((key, value)) = line.split_once('=') else { continue };
            let (key, value) = (key.trim(), value.trim());
            let Some((setting, _)) = KEYS.iter().find(|(_, known)| *known == key) else { continue };
            if !value.is_empty() {
                let key = format!("{key} of [{}]", section_of(profile));
                values.push((*setting, Origin::AwsFile { path: path.to_owned(), key }, value.to_owned()));
            }
        }
        Self { values }
    }

    pub(super) fn get(&self, name: &str) -> Option<(Origin, &str)> {
        let (_, origin, value) = self.values.iter().find(|(known, ..)| *known == name)?;
        Some((origin.clone(), value))
    }
}

fn section_of(profile: &str) -> String {
    if profile == "default" { profile.to_owned() } else { format!("profile {profile}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# of others
[default]
region = eu-west-1
s3 =
  region = nested
[profile dev]
region=eu-central-1
endpoint_url = https://minio.example
[dev]
region = not-a-profile
[sso-session x]
region = other
";

    #[test]
    fn ses_1_region_and_endpoint_are_the_profiles() {
        let value = |profile: &str, name: &str| {
            let read = AwsProfile::parse(Path::new("config"), TEXT, profile);
            read.get(name).map(|(origin, value)| format!("{value} from {origin}"))
        };
        assert_eq!(
            value("default", "region").as_deref(),
            Some("eu-west-1 from region of [default] in config")
        );
        assert_eq!(value("default", "endpoint"), None);
        assert_eq!(
            value("dev", "region").as_deref(),
            Some("eu-central-1 from region of [profile dev] in config")
        );
        assert_eq!(
            value("dev", "endpoint").as_deref(),
            Some("https://minio.example from endpoint_url of [profile dev] in config")
        );
        assert_eq!(value("x", "region"), None);
    }
}
