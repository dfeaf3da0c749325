//! What the files of a topic are: by their paths, and rules that anybody can change.

use holdall_store::transfer::Filter;
use holdall_store::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::Read;
use std::path::Path;

/// The longest role, in bytes.
const MAX_ROLE: usize = 60;

/// No file of rules is longer.
const MOST_BYTES: u64 = 1 << 20;

/// What a file is to its topic, in a word.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Role(String);

impl Role {
    /// The video of the whole topic: `combined_video_s3_url` is its URL.
    pub const COMBINED_VIDEO: &str = "combined_video";
    /// The video of a scene: `s3_url` of the scene is its URL.
    pub const SCENE: &str = "scene";
    /// What a scene or the topic is made from: `source_code_s3_url` is its URL.
    pub const SOURCE: &str = "source";
    /// What no rule speaks of.
    pub const OTHER: &str = "other";

    fn parse(text: &str) -> Result<Self, String> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if text.is_empty() || text.len() > MAX_ROLE || !text.chars().all(is_plain) {
            return Err(format!("{text:?} is no role: use lower-case letters, digits and `_`"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Rules by which files have roles: of those that take a path, the first.
///
/// A file of rules is TOML. Patterns are those of `--include`: `*` stays within a name, `**` crosses folders, and one
/// without a slash is of the last name.
///
/// ```
/// use holdall::topic::Roles;
/// let roles = Roles::parse(r#"
///     [[role]]
///     name = "combined_video"
///     files = ["final/*.mp4"]
///
///     [[role]]
///     name = "source"
///     files = ["*.blend"]
/// "#)?;
/// assert_eq!(roles.of("final/cut.mp4").as_str(), "combined_video");
/// assert_eq!(roles.of("scene1/a.blend").as_str(), "source");
/// assert_eq!(roles.of("scene1/Scene1.mp4").as_str(), "scene");
/// # Ok::<(), holdall::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Roles(Vec<(Role, Filter)>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// Whether the usual rules come after these.
    #[serde(default = "yes")]
    defaults: bool,
    #[serde(default)]
    role: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    name: String,
    files: Vec<String>,
}

fn yes() -> bool {
    true
}

/// The usual rules. What a renderer leaves of a scene in pieces is no scene's video.
const USUAL: [(&str, &[&str]); 10] = [
    ("partial", &["**/partial_movie_files/**"]),
    (
        Role::COMBINED_VIDEO,
        &["*[Cc]ombined*.mp4", "*[Cc]ombined*.webm", "*[Cc]ombined*.mov", "*[Cc]ombined*.mkv"],
    ),
    (
        Role::SCENE,
        &[
            "[Ss]cene*.mp4",
            "[Ss]cene*.webm",
            "[Ss]cene*.mov",
            "[Ss]cene*.mkv",
            "**/[Ss]cene*/**/*.mp4",
            "**/[Ss]cene*/**/*.webm",
            "**/[Ss]cene*/**/*.mov",
            "**/[Ss]cene*/**/*.mkv",
        ],
    ),
    ("video", &["*.mp4", "*.webm", "*.mov", "*.mkv", "*.m4v"]),
    ("subtitle", &["*.srt", "*.vtt", "*.ass"]),
    (Role::SOURCE, &["*.py", "*.tex", "*.js", "*.ts", "*.rs"]),
    ("audio", &["*.mp3", "*.wav", "*.m4a", "*.ogg", "*.flac"]),
    ("image", &["*.png", "*.jpg", "*.jpeg", "*.svg", "*.webp", "*.gif"]),
    ("log", &["*.log"]),
    ("document", &["*.txt", "*.md", "*.json", "*.xml", "*.yaml", "*.toml", "*.csv", "*.html", "*.pdf"]),
];

impl Default for Roles {
    fn default() -> Self {
        Self(usual())
    }
}

fn usual() -> Vec<(Role, Filter)> {
    let rule = |(name, files): (&str, &[&str])| {
        let filter = Filter::new(files, &[]).expect("a test reads each of them");
        (Role(name.to_owned()), filter)
    };
    USUAL.into_iter().map(rule).collect()
}

impl Roles {
    /// Reads rules, which come before the usual ones, or with `defaults = false` in their place.
    ///
    /// # Errors
    ///
    /// `Config` for what is no TOML of rules, or has a pattern that is none.
    pub fn parse(text: &str) -> Result<Self> {
        let document: Document =
            toml::from_str(text).map_err(|e| no_rules().with_fact("because", e.message().to_owned()))?;
        let mut rules = Vec::new();
        for Rule { name, files } in document.role {
            let role = Role::parse(&name).map_err(|why| no_rules().with_fact("because", why))?;
            if files.is_empty() {
                let why = format!("the role {name} has no files");
                return Err(no_rules().with_fact("because", why));
            }
            let filter =
                Filter::new(&files, &[]).map_err(|e| no_rules().with_fact("role", &name).with_source(e))?;
            rules.push((role, filter));
        }
        if document.defaults {
            rules.extend(usual());
        }
        Ok(Self(rules))
    }

    /// Reads a file of rules.
    ///
    /// # Errors
    ///
    /// `NotFound`, and as for [`Roles::parse`].
    pub fn read(path: &Path) -> Result<Self> {
        let named = |error: Error| error.with_fact("path", path.display());
        let fault = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::NotFound => {
                Error::new(ErrorKind::NotFound, "there is no such file of rules").with_hint("check the path")
            }
            _ => Error::io("the file of rules cannot be read", e),
        };
        let file = std::fs::File::open(path).map_err(|e| named(fault(e)))?;
        let mut text = String::new();
        file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(|e| named(fault(e)))?;
        if text.len() as u64 > MOST_BYTES {
            return Err(named(no_rules().with_fact("because", "it is longer than 1 MiB")));
        }
        Self::parse(&text).map_err(named)
    }

    /// The role of the file at a path below the topic.
    pub fn of(&self, path: &str) -> Role {
        let found = self.0.iter().find(|(_, filter)| filter.takes(path));
        found.map_or_else(|| Role(Role::OTHER.to_owned()), |(role, _)| role.clone())
    }
}

fn no_rules() -> Error {
    Error::new(ErrorKind::Config, "these are no rules for the roles of files")
        .with_hint("docs/TOPICS.md shows a file of rules")
}

/// The number of the scene that a path is of: that of the last name in it which begins with `scene` and a number.
pub(super) fn scene_of(path: &str) -> Option<u32> {
    path.rsplit('/').find_map(|name| {
        let (word, rest) = name.split_at_checked(5)?;
        if !word.eq_ignore_ascii_case("scene") {
            return None;
        }
        let rest = rest.trim_start_matches(['-', '_', ' ']);
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top_10_files_have_roles_by_their_names() {
        let roles = Roles::default();
        for (path, role) in [
            ("topic_combined.mp4", "combined_video"),
            ("final/Combined.webm", "combined_video"),
            ("scene1/Scene1.mp4", "scene"),
            ("media/scene2/1080p60/out.mp4", "scene"),
            ("Scene3.mp4", "scene"),
            ("scene1/media/partial_movie_files/Scene1/0001.mp4", "partial"),
            ("intro.mp4", "video"),
            ("scene1/scene1.srt", "subtitle"),
            ("scene1/code/scene1_v2.py", "source"),
            ("a\nb.tex", "source"),
            ("plan.txt", "document"),
            ("run.log", "log"),
            ("data.bin", "other"),
            ("", "other"),
        ] {
            assert_eq!(roles.of(path).as_str(), role, "{path:?}");
        }
    }

    #[test]
    fn scenes_are_known_by_a_name_of_the_path() {
        for (path, scene) in [
            ("scene1/x.mp4", Some(1)),
            ("Scene_02/x.mp4", Some(2)),
            ("scene1/scene-10.py", Some(10)),
            ("scene 3/sub/x", Some(3)),
            ("scene/x", None),
            ("scenery1/x", None),
            ("obscene1/x", None),
            ("scene99999999999/x", None),
            ("\u{e9}\u{e9}\u{e9}/x", None),
        ] {
            assert_eq!(scene_of(path), scene, "{path}");
        }
    }

    #[test]
    fn rules_of_ones_own_come_first_and_can_stand_alone() {
        let own = "[[role]]\nname = \"clip\"\nfiles = [\"*.mp4\"]\n";
        assert_eq!(Roles::parse(own).unwrap().of("a.py").as_str(), "source");
        let alone = Roles::parse(&format!("defaults = false\n{own}")).unwrap();
        assert_eq!((alone.of("scene1.mp4").as_str(), alone.of("a.py").as_str()), ("clip", "other"));
    }

    #[test]
    fn rules_that_are_none_are_refused_and_say_why() {
        for text in [
            "role = 1",
            "[[role]]\nname = \"A\"\nfiles = [\"*\"]",
            "[[role]]\nname = \"a\"\nfiles = []",
            "[[role]]\nname = \"a\"\nfiles = [\"[\"]",
            "[[roles]]\nname = \"a\"\nfiles = [\"*\"]",
            "[[role]]\nname = \"a\"",
            "\u{0}",
        ] {
            assert_eq!(Roles::parse(text).unwrap_err().kind(), ErrorKind::Config, "{text}");
        }
        let missing = Roles::read(Path::new("/none/at/all")).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }
}
