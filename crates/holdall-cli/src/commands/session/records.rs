//! What `--json` prints of steps, and how they are shown to people.

use crate::text::{Moment, bytes, escaped};
use holdall::session::{Step, StepPart};
use holdall::{ReadFrom, State};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

/// A moment, to the millisecond.
pub(super) fn exactly(moment: SystemTime) -> String {
    jiff::Timestamp::try_from(moment).map_or_else(|_| "-".to_owned(), |moment| format!("{moment:.3}"))
}

/// A step as its marker describes it.
#[derive(Serialize)]
pub(super) struct StepRecord<'a> {
    session: &'a str,
    step: &'a str,
    time: String,
    stored: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    size: u64,
    parts: BTreeMap<&'a str, PartRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_from: Option<&'static str>,
    /// Of a step that was stored: `stored` or `queued`.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    /// The outbox that it waits in.
    #[serde(skip_serializing_if = "Option::is_none")]
    outbox: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct PartRecord<'a> {
    key: &'a str,
    size: u64,
    sha256: String,
    content_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    charset: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flags: Vec<&'static str>,
}

impl<'a> StepRecord<'a> {
    pub(super) fn new(step: &'a Step) -> Self {
        let part = |part: &'a StepPart| PartRecord {
            key: part.key.as_str(),
            size: part.size,
            sha256: part.sha256.to_hex(),
            content_type: &part.content_type,
            charset: part.charset.as_deref(),
            flags: part.flags.iter().map(|flag| flag.as_str()).collect(),
        };
        Self {
            session: step.session.as_str(),
            step: step.step.as_str(),
            time: exactly(step.time),
            stored: exactly(step.stored),
            expires: step.expires.map(exactly),
            size: step.size(),
            parts: step.parts.iter().map(|(name, of)| (name.as_str(), part(of))).collect(),
            read_from: (step.read_from != ReadFrom::Store).then(|| step.read_from.as_str()),
            state: None,
            outbox: None,
        }
    }

    pub(super) fn stored(self, state: State, outbox: Option<&'a Path>) -> Self {
        let outbox = outbox.map(|folder| folder.to_string_lossy());
        Self { state: Some(state.as_str()), outbox, ..self }
    }
}

/// Prints a line for each fact of a step and for each part.
pub(super) fn print(step: &Step, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "session: {}", escaped(step.session.as_str()))?;
    writeln!(out, "step: {}", escaped(step.step.as_str()))?;
    writeln!(out, "time: {}", Moment(step.time))?;
    writeln!(out, "stored: {}", Moment(step.stored))?;
    if let Some(expires) = step.expires {
        writeln!(out, "expires: {}", Moment(expires))?;
    }
    if step.read_from != ReadFrom::Store {
        writeln!(out, "read_from: {}", step.read_from.as_str())?;
    }
    for (name, part) in &step.parts {
        let flags: String = part.flags.iter().map(|flag| format!(", {}", flag.as_str())).collect();
        let kind = escaped(&part.content_type);
        writeln!(out, "part.{}: {}, {kind}{flags}", escaped(name.as_str()), bytes(part.size))?;
    }
    Ok(())
}
