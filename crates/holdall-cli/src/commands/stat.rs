//! `holdall stat`

use super::Outcome;
use crate::app::App;
use crate::args::VersionArg;
use crate::record::{ObjectRecord, elsewhere};
use crate::target::Target;
use crate::text::{Moment, escaped};
use clap::Args;
use holdall::Metadata;
use std::io::{self, Write};

const AFTER: &str = "\
Examples:
  holdall stat runs/7/report.pdf
  holdall stat s3://results/runs/7/report.pdf --json";

/// Prints all that is known of an object
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Stat {
    /// The key
    key: String,
    #[command(flatten)]
    version: VersionArg,
}

impl Stat {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(&self.key)?;
        let object = app.store(&target)?.head_with(&target.key, &self.version.options()).await?;
        if app.globals.json {
            return Ok(app.out.json(&ObjectRecord::from(&object))?);
        }
        Ok(print(&object, &mut app.out)?)
    }
}

/// Prints a line for each fact; what a value holds cannot begin another.
fn print(object: &Metadata, out: &mut impl Write) -> io::Result<()> {
    let attributes = &object.attributes;
    let facts = [
        ("key", Some(object.key.to_string())),
        ("size", Some(object.size.to_string())),
        ("last_modified", object.last_modified.map(|time| Moment(time).to_string())),
        ("etag", object.etag.clone()),
        ("version", object.version.clone()),
        ("sha256", object.sha256.map(|digest| digest.to_hex())),
        ("content_type", attributes.content_type.clone()),
        ("cache_control", attributes.cache_control.clone()),
        ("content_disposition", attributes.content_disposition.clone()),
        ("content_encoding", attributes.content_encoding.clone()),
        ("content_language", attributes.content_language.clone()),
        ("storage_class", attributes.storage_class.clone()),
        ("expires", object.expires.map(|time| Moment(time).to_string())),
        ("read_from", elsewhere(object).map(str::to_owned)),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            writeln!(out, "{name}: {}", escaped(&value))?;
        }
    }
    for (name, value) in &attributes.metadata {
        writeln!(out, "metadata.{name}: {}", escaped(value))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdall::{Attributes, Key};

    #[test]
    fn a_value_cannot_pretend_to_be_a_fact() {
        let object = Metadata {
            key: Key::parse("a\nsize: 9").unwrap(),
            size: 5,
            etag: Some("\"e\"".into()),
            last_modified: None,
            version: None,
            attributes: Attributes {
                metadata: [("run".to_owned(), "7\u{1b}[31m".to_owned())].into(),
                ..Attributes::default()
            },
            sha256: None,
            nonce: None,
            read_from: holdall::ReadFrom::Store,
            expires: None,
        };
        let mut out = Vec::new();
        print(&object, &mut out).unwrap();
        let expected = "key: a\\nsize: 9\nsize: 5\netag: \"e\"\nmetadata.run: 7\\u{1b}[31m\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
