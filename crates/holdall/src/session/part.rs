//! Parts of a step: their names, and what is known of them.

use super::layout;
use holdall_store::{Error, ErrorKind, Key, Result, Sha256};

crate::id::id! {
    /// The name of a part of a step: `html`, `screenshot`, `action`, or one of the user's own.
    PartName, "part"
}

impl PartName {
    /// The page's HTML.
    pub fn html() -> Self {
        Self::own("html")
    }

    /// The screenshot.
    pub fn screenshot() -> Self {
        Self::own("screenshot")
    }

    /// The action, as JSON.
    pub fn action() -> Self {
        Self::own("action")
    }

    fn own(name: &str) -> Self {
        Self::parse(name).expect("it is a name of letters")
    }

    /// The name of its file in a folder of parts.
    pub(super) fn file(&self, content_type: &str) -> String {
        match self.as_str() {
            "html" => "page.html".to_owned(),
            "action" => "action.json".to_owned(),
            "screenshot" => format!("screenshot.{}", extension(content_type)),
            other => other.to_owned(),
        }
    }

    /// The part that a file of this name is, where the names of parts are not known.
    pub(super) fn of_file(name: &str) -> Result<Self> {
        let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
        match extension.as_deref() {
            Some("html" | "htm") => Ok(Self::html()),
            Some("png" | "jpg" | "jpeg" | "webp" | "gif") => Ok(Self::screenshot()),
            Some("json") => Ok(Self::action()),
            _ => Self::parse(name),
        }
    }
}

fn extension(content_type: &str) -> &'static str {
    match content_type {
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/webp" => "webp",
        "image/gif" => "gif",
        "image/avif" => "avif",
        "image/bmp" => "bmp",
        _ => "bin",
    }
}

/// What is remarkable about a part that was kept all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Flag {
    /// HTML that is not UTF-8.
    NotUtf8,
    /// A screenshot whose first bytes are those of no image.
    NotAnImage,
}

impl Flag {
    /// The name in the marker and in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotUtf8 => "not_utf8",
            Self::NotAnImage => "not_an_image",
        }
    }

    /// Reads a name; one of a later version is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::NotUtf8, Self::NotAnImage].into_iter().find(|flag| flag.as_str() == text)
    }
}

/// What a marker says of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepPart {
    /// The object that has its bytes.
    pub key: Key,
    /// Size in bytes.
    pub size: u64,
    /// The SHA-256 of all bytes.
    pub sha256: Sha256,
    /// The content type, by the part's name and its first bytes.
    pub content_type: String,
    /// The character set that HTML which is not UTF-8 says it has.
    pub charset: Option<String>,
    /// What is remarkable about it.
    pub flags: Vec<Flag>,
}

impl StepPart {
    /// The name of its file.
    pub fn file_name(&self) -> &str {
        self.key.name()
    }

    /// Refuses bytes that are not those of the marker.
    pub(super) fn check(&self, size: u64, sha256: Sha256) -> Result<()> {
        if size == self.size && sha256 == self.sha256 {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Integrity, "a part is not what its step's marker says")
            .with_key(&self.key)
            .with_fact("size", size)
            .with_fact("expected_size", self.size)
            .with_fact("sha256", sha256)
            .with_fact("expected_sha256", self.sha256))
    }

    pub(super) fn belongs_to(relative: &str, step: &crate::StepId) -> bool {
        layout::belongs_to(relative, step.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_say_which_part_they_are() {
        for (file, part) in [
            ("page.html", "html"),
            ("old.HTM", "html"),
            ("shot.jpeg", "screenshot"),
            ("a.json", "action"),
            ("trace.har", "trace.har"),
            ("README", "README"),
        ] {
            assert_eq!(PartName::of_file(file).unwrap().as_str(), part, "{file}");
        }
        assert_eq!(PartName::screenshot().file("image/jpeg"), "screenshot.jpg");
        assert_eq!(PartName::screenshot().file("text/plain"), "screenshot.bin");
    }
}
