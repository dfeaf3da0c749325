//! A topic's record: the object that says whose title has a slug.

use super::{Slug, Title};
use holdall_store::{Error, ErrorKind, Key, Metadata, ReadFrom, Result, Store};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the name of a record has after the slug.
pub(super) const SUFFIX: &str = ".topic.json";

const NAME: &str = "holdall.topic/";
const SCHEMA: &str = "holdall.topic/1";

/// No record is longer.
const MOST_BYTES: u64 = 64 << 10;

/// `holdall.topic/1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    schema: String,
    pub(super) slug: Slug,
    /// None for one that was adopted and whose title nobody said yet.
    pub(super) title: Option<Title>,
    /// What later versions added: it is kept.
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Record {
    pub(super) fn new(slug: Slug, title: Option<Title>) -> Self {
        Self { schema: SCHEMA.to_owned(), slug, title, more: Map::new() }
    }

    pub(super) fn text(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self);
        text.map(|text| text + "\n")
            .map_err(|e| Error::new(ErrorKind::Io, "the record cannot be put into words").with_source(e))
    }

    /// Reads a record.
    ///
    /// # Errors
    ///
    /// `Integrity` for what is none, `Unsupported` for one of a version that is not known.
    pub(super) fn parse(text: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Headed {
            schema: String,
        }
        let is_none = || Error::new(ErrorKind::Integrity, "this is no record of a topic");
        let headed: Headed = serde_json::from_slice(text).map_err(|e| is_none().with_source(e))?;
        if headed.schema != SCHEMA {
            return Err(match headed.schema.strip_prefix(NAME) {
                Some(_) => {
                    Error::new(ErrorKind::Unsupported, "the topic's record is of a version that is not known")
                        .with_fact("schema", format_args!("{:?}", headed.schema))
                        .with_fact("known", SCHEMA)
                        .with_hint("use the version of holdall that wrote it, or a later one")
                }
                None => is_none().with_fact("schema", format_args!("{:?}", headed.schema)),
            });
        }
        serde_json::from_slice(text).map_err(|e| is_none().with_source(e))
    }

    /// Reads the record at a key, and what is known of its object; none where there is none.
    pub(super) async fn read(store: &Store, key: &Key) -> Result<Option<(Self, Metadata)>> {
        let object = match store.get(key.as_str()).await {
            Ok(object) => object,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let metadata = object.metadata.clone();
        if metadata.size > MOST_BYTES {
            return Err(Error::new(ErrorKind::Integrity, "this is no record of a topic")
                .with_key(key)
                .with_fact("size", metadata.size));
        }
        let record = Self::parse(&object.bytes().await?).map_err(|e| e.with_key(key))?;
        Ok(Some((record, metadata)))
    }
}

/// Whether an object waits in the outbox of this machine.
pub(super) fn waits(object: &Metadata) -> bool {
    object.read_from == ReadFrom::Outbox
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record::new(Slug::parse("bezout").unwrap(), Some(Title::parse("B\u{e9}zout").unwrap()))
    }

    #[test]
    fn a_record_is_written_as_it_always_was() {
        let golden = include_str!("testdata/topic-1.json");
        assert_eq!(record().text().unwrap(), golden);
        assert_eq!(Record::parse(golden.as_bytes()).unwrap(), record());
    }

    #[test]
    fn fields_of_later_versions_are_kept() {
        let later = r#"{"schema":"holdall.topic/1","slug":"a","title":null,"tags":["x"]}"#;
        let record = Record::parse(later.as_bytes()).unwrap();
        assert_eq!(record.title, None);
        let again: Value = serde_json::from_str(&record.text().unwrap()).unwrap();
        assert_eq!(again["tags"][0], "x");
    }

    #[test]
    fn what_is_no_record_is_refused_by_kind() {
        for (text, kind) in [
            ("", ErrorKind::Integrity),
            ("[]", ErrorKind::Integrity),
            (r#"{"schema":"holdall.manifest/1"}"#, ErrorKind::Integrity),
            (r#"{"schema":"holdall.topic/1","slug":"../up","title":null}"#, ErrorKind::Integrity),
            (r#"{"schema":"holdall.topic/1","slug":"a","title":"x\ny"}"#, ErrorKind::Integrity),
            (r#"{"schema":"holdall.topic/2","slug":7}"#, ErrorKind::Unsupported),
        ] {
            assert_eq!(Record::parse(text.as_bytes()).unwrap_err().kind(), kind, "{text}");
        }
    }
}
