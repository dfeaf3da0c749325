//! The marker of a step, as the store keeps it: `holdall.step/1`.

use super::layout::Layout;
use super::moment;
use super::part::{Flag, PartName, StepPart};
use super::step::{Step, Superseded};
use crate::{SessionId, StepId};
use holdall_store::{Error, ErrorKind, Key, ReadFrom, Result, Sha256};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const SCHEMA: &str = "holdall.step/1";
/// A marker that is larger is none of holdall's.
pub(super) const MAX_MARKER: u64 = 4 << 20;

#[derive(Serialize, Deserialize)]
struct Record {
    schema: String,
    session: String,
    step: String,
    time: String,
    stored: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    generation: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    waited: bool,
    parts: BTreeMap<String, PartRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    superseded: Vec<SupersededRecord>,
}

#[derive(Serialize, Deserialize)]
struct PartRecord {
    key: String,
    size: u64,
    sha256: String,
    content_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    charset: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    flags: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct SupersededRecord {
    at: String,
    keys: Vec<String>,
}

/// Writes a marker.
pub(super) fn write(step: &Step, layout: &Layout) -> Vec<u8> {
    let relative = |key: &Key| layout.relative(&step.session, key).to_owned();
    let parts = step.parts.iter().map(|(name, part)| {
        let record = PartRecord {
            key: relative(&part.key),
            size: part.size,
            sha256: part.sha256.to_hex(),
            content_type: part.content_type.clone(),
            charset: part.charset.clone(),
            flags: part.flags.iter().map(|flag| flag.as_str().to_owned()).collect(),
        };
        (name.as_str().to_owned(), record)
    });
    let superseded = step.superseded.iter();
    let record = Record {
        schema: SCHEMA.to_owned(),
        session: step.session.as_str().to_owned(),
        step: step.step.as_str().to_owned(),
        time: moment::text(step.time),
        stored: moment::text(step.stored),
        expires: step.expires.map(moment::text),
        generation: step.generation.clone(),
        waited: step.waited,
        parts: parts.collect(),
        superseded: superseded
            .map(|old| SupersededRecord { at: moment::text(old.at), keys: old.keys.clone() })
            .collect(),
    };
    let mut text = serde_json::to_vec_pretty(&record).expect("its keys are text and its numbers whole");
    text.push(b'\n');
    text
}

/// Reads a marker that was found at a step's place.
///
/// # Errors
///
/// `Unsupported` for one of a later version, `Integrity` for what is no marker of this step.
pub(super) fn read(
    bytes: &[u8],
    (session, step): (&SessionId, &StepId),
    layout: &Layout,
    read_from: ReadFrom,
) -> Result<Step> {
    check_schema(bytes, "holdall.step/", SCHEMA)?;
    let record: Record = serde_json::from_slice(bytes).map_err(|e| damaged(&e.to_string()).with_source(e))?;
    if (&*record.session, &*record.step) != (session.as_str(), step.as_str()) {
        return Err(damaged("it is that of another step"));
    }
    let time = |text: &str| moment::parse(text).ok_or_else(|| damaged("it has a time that is none"));
    let mut parts = BTreeMap::new();
    for (name, part) in record.parts {
        let name =
            PartName::parse(&name).map_err(|e| damaged("it has a part without a name").with_source(e))?;
        parts.insert(name, part.read((session, step), layout)?);
    }
    if parts.is_empty() {
        return Err(damaged("it has no parts"));
    }
    let mut superseded = Vec::new();
    for old in record.superseded {
        if !old.keys.iter().all(|key| StepPart::belongs_to(key, step)) {
            return Err(damaged("it names objects that are not its step's"));
        }
        superseded.push(Superseded { at: time(&old.at)?, keys: old.keys });
    }
    Ok(Step {
        session: session.clone(),
        step: step.clone(),
        time: time(&record.time)?,
        stored: time(&record.stored)?,
        expires: record.expires.as_deref().map(time).transpose()?,
        generation: record.generation,
        parts,
        read_from,
        waited: record.waited,
        superseded,
    })
}

impl PartRecord {
    fn read(self, (session, step): (&SessionId, &StepId), layout: &Layout) -> Result<StepPart> {
        if !StepPart::belongs_to(&self.key, step) {
            return Err(damaged("it names objects that are not its step's"));
        }
        let sha256 = Sha256::from_hex(&self.sha256).ok_or_else(|| damaged("it has a digest that is none"))?;
        Ok(StepPart {
            key: layout
                .key(session, &self.key)
                .map_err(|e| damaged("it has a key that is none").with_source(e))?,
            size: self.size,
            sha256,
            content_type: self.content_type,
            charset: self.charset,
            flags: self.flags.iter().filter_map(|flag| Flag::parse(flag)).collect(),
        })
    }
}

/// Refuses what is not of a known format: later versions apart from what is none at all.
pub(super) fn check_schema(bytes: &[u8], family: &str, known: &'static str) -> Result<()> {
    #[derive(Deserialize)]
    struct Head {
        schema: String,
    }
    let head: Head = serde_json::from_slice(bytes).map_err(|e| damaged(&e.to_string()).with_source(e))?;
    let version = head.schema.strip_prefix(family).ok_or_else(|| damaged("it has another schema"))?;
    let major = version.split('.').next().unwrap_or_default();
    if format!("{family}{major}") == known {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unsupported, "this was written by a later holdall")
        .with_fact("schema", format_args!("{:?}", head.schema.chars().take(40).collect::<String>()))
        .with_fact("known", known)
        .with_hint("use the holdall that wrote it, or a later one"))
}

pub(super) fn damaged(why: &str) -> Error {
    Error::new(ErrorKind::Integrity, "what lies at a marker's place is no marker of this step")
        .with_fact("because", why)
        .with_hint("look at it with `holdall cat`; a step of which the marker is damaged can be stored after `holdall rm` of the marker")
}

#[cfg(test)]
mod tests;
