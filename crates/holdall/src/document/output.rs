//! What is made of a job's documents: reviews and letters, each as JSON and as Markdown.

use super::documents::Documents;
use super::event::TARGET;
use super::reference::Reference;
use crate::id;
use bytes::Bytes;
use holdall_store::{Error, ErrorKind, Key, PutOptions, Receipt, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A kind of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OutputKind {
    /// A review.
    Review,
    /// A letter.
    Letter,
}

impl OutputKind {
    const ALL: [Self; 2] = [Self::Review, Self::Letter];

    /// The kind's name in keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::Letter => "letter",
        }
    }
}

/// An output: its forms, of which one may be missing.
#[derive(Debug, Clone)]
pub struct Output {
    kind: OutputKind,
    id: String,
    json: Option<Content>,
    markdown: Option<Content>,
}

#[derive(Debug, Clone)]
enum Content {
    Bytes(Bytes),
    File(PathBuf),
}

/// What became of an output.
#[derive(Debug, Default)]
pub struct Outputs {
    /// What the store took, or queued.
    pub stored: Vec<Receipt>,
    /// What it did not take; each was warned about.
    pub failed: Vec<(Key, Error)>,
}

impl Output {
    /// Names an output.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for an id that can be no part of a key.
    pub fn new(kind: OutputKind, id: &str) -> Result<Self> {
        id::check("output", id)?;
        Ok(Self { kind, id: id.to_owned(), json: None, markdown: None })
    }

    /// Its form in JSON.
    pub fn json(self, bytes: impl Into<Bytes>) -> Self {
        Self { json: Some(Content::Bytes(bytes.into())), ..self }
    }

    /// Its form in Markdown.
    pub fn markdown(self, bytes: impl Into<Bytes>) -> Self {
        Self { markdown: Some(Content::Bytes(bytes.into())), ..self }
    }

    /// Finds outputs in a folder: files called `{id}_review.json`, `{id}_review.md`, `{id}_letter.json` and
    /// `{id}_letter.md`. Others are not looked at.
    ///
    /// # Errors
    ///
    /// `Io` for a folder that cannot be read, `InvalidInput` for an id that can be no part of a key.
    pub fn in_folder(folder: &Path) -> Result<Vec<Self>> {
        let failed =
            |e| Error::io("the folder of outputs cannot be read", e).with_fact("folder", folder.display());
        let mut found = BTreeMap::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let Some((kind, id, is_json)) = name.to_str().and_then(parse) else { continue };
            let output = match found.remove(&(kind, id.to_owned())) {
                Some(output) => output,
                None => Self::new(kind, id)?,
            };
            let content = Some(Content::File(entry.path()));
            let output = match is_json {
                true => Self { json: content, ..output },
                false => Self { markdown: content, ..output },
            };
            found.insert((kind, id.to_owned()), output);
        }
        Ok(found.into_values().collect())
    }

    fn forms(&self) -> impl Iterator<Item = (String, &Content)> {
        let name = |extension| format!("{}_{}.{extension}", self.id, self.kind.as_str());
        let json = self.json.iter().map(move |content| (name("json"), content));
        json.chain(self.markdown.iter().map(move |content| (name("md"), content)))
    }
}

/// Reads the name of an output's file.
fn parse(name: &str) -> Option<(OutputKind, &str, bool)> {
    let (stem, is_json) = match name.strip_suffix(".json") {
        Some(stem) => (stem, true),
        None => (name.strip_suffix(".md")?, false),
    };
    OutputKind::ALL.into_iter().find_map(|kind| {
        let id = stem.strip_suffix(kind.as_str())?.strip_suffix('_')?;
        (!id.is_empty()).then_some((kind, id, is_json))
    })
}

impl Documents {
    /// Uploads an output, to `{root}{reference}/output/{id}_review.json`, `.md` (`_letter`). Where documents are not
    /// uploaded, nothing is done.
    ///
    /// What fails is warned about and answered, and is no error: a job does not fail for its outputs.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall::document::{Documents, Output, OutputKind, Reference};
    /// # use holdall::{Settings, Store};
    /// # let store = Store::memory();
    /// # let documents = Documents::open(&store, &Settings::default())?;
    /// let output = Output::new(OutputKind::Review, "r1")?.json(r#"{"verdict": "good"}"#).markdown("# Good");
    /// let outputs = documents.put_output(&Reference::parse("25/00284/F")?, &output).await;
    /// assert_eq!(outputs.stored[0].key.as_str(), "documents/25_00284_F/output/r1_review.json");
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn put_output(&self, reference: &Reference, output: &Output) -> Outputs {
        let mut outputs = Outputs::default();
        if !self.publishes() {
            return outputs;
        }
        for (name, content) in output.forms() {
            let key = match self.root.key(&format!("{}/output/{name}", reference.safe())) {
                Ok(key) => key,
                // An id and a reference of 200 bytes each fit; a long root may be too much for them.
                Err(error) => {
                    tracing::warn!(target: TARGET, name, %error, "the output was not uploaded");
                    continue;
                }
            };
            match self.put_form(&key, content).await {
                Ok(receipt) => outputs.stored.push(receipt),
                Err(error) => {
                    tracing::warn!(target: TARGET, key = key.as_str(), kind = %error.kind(), %error, "the output was not uploaded");
                    outputs.failed.push((key, error));
                }
            }
        }
        outputs
    }

    async fn put_form(&self, key: &Key, content: &Content) -> Result<Receipt> {
        match content {
            Content::Bytes(bytes) => self.store.put(key.as_str(), bytes.clone()).await,
            Content::File(path) if path.is_symlink() => {
                Err(Error::new(ErrorKind::InvalidInput, "an output is not a file").with_key(key))
            }
            Content::File(path) => self.store.put_file(key.as_str(), path, &PutOptions::default()).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DOC-9
    #[test]
    fn outputs_are_known_by_their_names() {
        assert_eq!(parse("r1_review.json"), Some((OutputKind::Review, "r1", true)));
        assert_eq!(parse("a_b_letter.md"), Some((OutputKind::Letter, "a_b", false)));
        for other in ["review.json", "_review.json", "r1_review.pdf", "r1-review.md", "x.json", ""] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn an_id_that_is_no_part_of_a_key_is_refused() {
        for id in ["", "a/b", "..", " a", "a\nb"] {
            assert_eq!(Output::new(OutputKind::Review, id).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
    }
}
