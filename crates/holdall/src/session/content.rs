//! What a part is made of, and what its first bytes say of it.

use super::part::{Flag, PartName};
use bytes::Bytes;
use holdall_store::{Error, ErrorKind, Result, content_type_of};
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// What is smaller is brought into memory; what is larger passes through.
pub(super) const INLINE: u64 = 1 << 20;
/// An action is looked at as a whole.
pub(super) const MAX_ACTION: u64 = 16 << 20;
/// How many first bytes say what a part is.
const SNIFF: usize = 8192;
/// Where HTML says its character set, if it does.
const HEAD: usize = 1024;

/// A reader of any kind.
pub(super) type Reader = Box<dyn AsyncRead + Send + Sync + Unpin>;

/// The bytes of a part: at hand, in a file, or to come.
///
/// A file or a stream passes through memory in pieces and is never held as a whole.
///
/// ```
/// use holdall::session::Content;
/// let page = Content::from("<p>hello</p>");
/// let film = Content::file("out/film.webm");
/// # let _ = (page, film);
/// ```
pub struct Content(pub(super) Kind);

pub(super) enum Kind {
    Bytes(Bytes),
    File(PathBuf),
    Stream(Reader, Option<u64>),
}

impl Content {
    /// The bytes of a file, read when the step is stored.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Kind::File(path.into()))
    }

    /// What a reader gives until its end; `size` is what is expected, where that is known.
    pub fn stream(reader: impl AsyncRead + Send + Sync + Unpin + 'static, size: Option<u64>) -> Self {
        Self(Kind::Stream(Box::new(reader), size))
    }

    /// Brings what is small into memory, and opens what is large.
    pub(super) async fn open(self, name: &PartName) -> Result<Opened> {
        let limit = if *name == PartName::action() { MAX_ACTION } else { INLINE };
        match self.0 {
            Kind::Bytes(bytes) => Ok(Opened::Bytes(bytes)),
            Kind::Stream(reader, size) => read_small(name, reader, size, limit).await,
            // All at once: each change of threads costs more than reading a small file.
            Kind::File(path) => tokio::task::spawn_blocking(move || open_file(&path, limit))
                .await
                .map_err(|e| Error::new(ErrorKind::Cancelled, "reading was cancelled").with_source(e))?,
        }
    }
}

/// A part whose beginning is at hand.
pub(super) enum Opened {
    Bytes(Bytes),
    /// The first bytes, what follows them, and the size that is expected.
    Large(Bytes, Reader, Option<u64>),
}

impl Opened {
    /// A part of which one byte more than `limit` was read, or all.
    fn of(first: Vec<u8>, limit: u64, rest: Reader, size: Option<u64>) -> Self {
        match first.len() as u64 <= limit {
            true => Self::Bytes(first.into()),
            false => Self::Large(first.into(), rest, size),
        }
    }

    pub(super) fn first(&self) -> &[u8] {
        let (Self::Bytes(bytes) | Self::Large(bytes, ..)) = self;
        &bytes[..bytes.len().min(SNIFF)]
    }
}

fn open_file(path: &Path, limit: u64) -> Result<Opened> {
    let failed = |e| Error::io("a part's file cannot be read", e).with_fact("path", path.display());
    let mut file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(Error::new(ErrorKind::InvalidInput, "a part cannot be a folder")
            .with_fact("path", path.display()));
    }
    let size = metadata.is_file().then_some(metadata.len());
    let mut first = Vec::with_capacity(room(size, limit));
    file.by_ref().take(limit + 1).read_to_end(&mut first).map_err(failed)?;
    Ok(Opened::of(first, limit, Box::new(tokio::fs::File::from_std(file)), size))
}

/// For all that is read at first, and a byte by which it is known whether that is all.
fn room(size: Option<u64>, limit: u64) -> usize {
    usize::try_from(size.unwrap_or(0).min(limit) + 1).unwrap_or_default()
}

async fn read_small(name: &PartName, mut reader: Reader, size: Option<u64>, limit: u64) -> Result<Opened> {
    let mut first = Vec::with_capacity(room(size, limit));
    let failed = |e| Error::io("a part cannot be read", e).with_fact("part", name);
    (&mut reader).take(limit + 1).read_to_end(&mut first).await.map_err(failed)?;
    Ok(Opened::of(first, limit, reader, size))
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self(Kind::Bytes(bytes))
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Content {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<&'static [u8]> for Content {
    fn from(bytes: &'static [u8]) -> Self {
        Bytes::from_static(bytes).into()
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Bytes(bytes) => write!(f, "Content({} bytes)", bytes.len()),
            Kind::File(path) => write!(f, "Content({path:?})"),
            Kind::Stream(_, size) => write!(f, "Content(stream of {size:?})"),
        }
    }
}

/// Refuses an action that is no JSON text.
pub(super) fn check_action(bytes: &[u8]) -> Result<()> {
    let wrong = |why: String| {
        Error::new(ErrorKind::InvalidInput, "an action has to be JSON")
            .with_fact("because", why)
            .with_hint("store what is no JSON as a part of another name")
    };
    let text = std::str::from_utf8(bytes).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|error| wrong(error.to_string()))?;
    Ok(())
}

/// The content type of a part, by its name and first bytes.
pub(super) fn type_of(name: &PartName, first: &[u8]) -> String {
    match name.as_str() {
        "html" => "text/html".to_owned(),
        "action" => "application/json".to_owned(),
        "screenshot" => {
            infer::get(first).map_or("application/octet-stream", |kind| kind.mime_type()).to_owned()
        }
        other => content_type_of(other, first),
    }
}

/// What is said of a part once all of it was seen: its type, the character set of what is not UTF-8, and flags.
pub(super) fn judge(name: &PartName, first: &[u8], is_utf8: bool) -> (String, Option<String>, Vec<Flag>) {
    let content_type = type_of(name, first);
    match name.as_str() {
        "html" if is_utf8 => ("text/html; charset=utf-8".to_owned(), None, Vec::new()),
        "html" => {
            let charset = charset_of(first);
            let content_type =
                charset.as_ref().map_or(content_type, |charset| format!("text/html; charset={charset}"));
            (content_type, charset, vec![Flag::NotUtf8])
        }
        "screenshot" if !content_type.starts_with("image/") => (content_type, None, vec![Flag::NotAnImage]),
        _ => (content_type, None, Vec::new()),
    }
}

/// The character set that HTML says it has: by its byte order mark, else by the first `charset=` in its head.
fn charset_of(first: &[u8]) -> Option<String> {
    match first {
        [0xff, 0xfe, ..] => return Some("utf-16le".to_owned()),
        [0xfe, 0xff, ..] => return Some("utf-16be".to_owned()),
        _ => {}
    }
    let head = String::from_utf8_lossy(&first[..first.len().min(HEAD)]).to_ascii_lowercase();
    let (_, rest) = head.split_once("charset=")?;
    let name: String = rest
        .trim_start_matches(['"', '\''])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':'))
        .take(40)
        .collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(name: &str, bytes: &[u8]) -> (String, Option<String>, Vec<Flag>) {
        judge(&PartName::parse(name).unwrap(), bytes, std::str::from_utf8(bytes).is_ok())
    }

    #[test]
    fn ses_2_html_that_is_not_utf8_is_kept_and_its_charset_noted() {
        let latin = b"<meta charset=\"ISO-8859-1\">caf\xe9";
        let (kind, charset, flags) = judged("html", latin);
        assert_eq!(
            (kind.as_str(), charset.as_deref()),
            ("text/html; charset=iso-8859-1", Some("iso-8859-1"))
        );
        assert_eq!(flags, [Flag::NotUtf8]);
        assert_eq!(judged("html", b"\xff\xfe<\0").1.as_deref(), Some("utf-16le"));
        assert_eq!(judged("html", b"\xe9"), ("text/html".to_owned(), None, vec![Flag::NotUtf8]));
        assert_eq!(judged("html", b"<p>").0, "text/html; charset=utf-8");
    }

    #[test]
    fn ses_2_a_screenshot_that_is_no_image_is_kept_and_flagged() {
        assert_eq!(judged("screenshot", b"\x89PNG\r\n\x1a\n").0, "image/png");
        assert_eq!(judged("screenshot", b"no").2, [Flag::NotAnImage]);
        assert_eq!(judged("screenshot", b"%PDF-1.7").2, [Flag::NotAnImage]);
        assert_eq!(judged("console.log", b"x"), ("text/plain; charset=utf-8".to_owned(), None, Vec::new()));
    }

    #[test]
    fn ses_10_an_action_that_is_not_json_is_refused() {
        for action in [&b""[..], b"click", b"{\"a\":}", b"{} {}", b"\"\xff\""] {
            assert_eq!(check_action(action).unwrap_err().kind(), ErrorKind::InvalidInput, "{action:?}");
        }
        for action in ["{}", "[1, 2]", "null", "\"x\""] {
            check_action(action.as_bytes()).unwrap();
        }
    }
}
