//! What a job is made of: its documents, as a worker wrote them down.

use super::format::{check_schema, invalid};
use super::reference::{Reference, safe};
use holdall_store::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A document of a job: a file on this machine, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Document {
    /// Its file.
    pub path: PathBuf,
    /// What it is called in its key; the file's name if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What kind of document it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_type: Option<String>,
    /// Where it was fetched from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_url: Option<String>,
}

/// A job: documents of one reference, in their order, which numbers them from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSpec {
    reference: Reference,
    documents: Vec<Document>,
}

/// The form of a job in a file.
#[derive(Deserialize)]
struct Text {
    reference: String,
    documents: Vec<Document>,
}

impl JobSpec {
    /// Checks a job. Paths are made absolute by the current folder.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a path that is not UTF-8, ends in no name or is that of two documents, and for more than
    /// 100,000 documents.
    pub fn new(reference: Reference, documents: Vec<Document>) -> Result<Self> {
        let here = std::env::current_dir().map_err(|e| Error::io("there is no current folder", e))?;
        Self::below(reference, documents, &here)
    }

    /// Reads a job from JSON: `reference`, and `documents`, each with a `path` and, where they are known, `name`,
    /// `description`, `document_type` and `source_url`. Other fields do not count. Relative paths are below `base`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for what is no job, as for [`JobSpec::new`] and for [`Reference::parse`]; `Unsupported` for a
    /// `schema` of a later version.
    pub fn parse(json: &[u8], base: &Path) -> Result<Self> {
        // What a later version has to say of itself is read first: its other fields may be others.
        let text: serde_json::Value =
            serde_json::from_slice(json).map_err(|e| invalid("the job is not JSON", e))?;
        check_schema(text.get("schema"))?;
        let text: Text =
            serde_json::from_value(text).map_err(|e| invalid("the job has not the form of one", e))?;
        Self::below(Reference::parse(&text.reference)?, text.documents, base)
    }

    fn below(reference: Reference, mut documents: Vec<Document>, base: &Path) -> Result<Self> {
        const MOST: usize = 100_000;
        if documents.len() > MOST {
            return Err(Error::new(ErrorKind::InvalidInput, "a job has at most 100,000 documents")
                .with_fact("documents", documents.len()));
        }
        let mut seen = BTreeSet::new();
        for document in &mut documents {
            check_path(&document.path)?;
            let full = std::path::absolute(base.join(&document.path));
            document.path = full.map_err(|e| Error::io("there is no current folder", e))?;
            if !seen.insert(document.path.clone()) {
                return Err(wrong_path("two documents of a job have one file", &document.path));
            }
        }
        Ok(Self { reference, documents })
    }

    /// What the documents belong to.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The documents, in their order.
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }
}

fn check_path(path: &Path) -> Result<()> {
    let Some(text) = path.to_str() else {
        return Err(wrong_path("a document's path is not UTF-8", path));
    };
    if path.file_name().is_none() || text.contains('\0') {
        return Err(wrong_path("a document's path is not that of a file", path));
    }
    Ok(())
}

fn wrong_path(message: &str, path: &Path) -> Error {
    Error::new(ErrorKind::InvalidInput, message).with_fact("path", format_args!("{path:?}"))
}

/// The name of a document in its key: its number, what it is called, and its file's extension.
pub(super) fn key_name(number: u32, document: &Document) -> String {
    const LONGEST: usize = 150;
    let stem = || document.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let called = document.name.as_deref().unwrap_or_else(stem).trim();
    let mut called = safe(called);
    let mut end = called.len().min(LONGEST);
    while !called.is_char_boundary(end) {
        end -= 1;
    }
    called.truncate(end);
    let begin = format!("{number:03}_");
    let called = match called.strip_prefix(&begin).unwrap_or(&called) {
        "" => "document",
        called => called,
    };
    let extension = document.path.extension().and_then(|extension| extension.to_str());
    let usual = |text: &&str| text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match extension.filter(usual) {
        Some(extension) => format!("{begin}{called}.{}", extension.to_ascii_lowercase()),
        None => format!("{begin}{called}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(path: &str, name: Option<&str>) -> Document {
        Document { path: path.into(), name: name.map(str::to_owned), ..Document::default() }
    }

    /// DOC-4
    #[test]
    fn a_documents_key_ends_in_its_number_and_its_name() {
        for (path, name, expected) in [
            ("Transport.pdf", None, "001_Transport.pdf"),
            ("001_Transport.pdf", None, "001_Transport.pdf"),
            ("a/b/Site plan (1).PDF", None, "001_Site_plan__1_.pdf"),
            ("x.pdf", Some("Transport Statement"), "001_Transport_Statement.pdf"),
            ("x", Some("../up"), "001_.._up"),
            ("x.pdf", Some(" "), "001_document.pdf"),
            ("x.p-f", None, "001_x"),
            ("002_x.tar.gz", None, "001_002_x.tar.gz"),
        ] {
            assert_eq!(key_name(1, &document(path, name)), expected);
        }
        assert_eq!(key_name(1234, &document("x.pdf", None)), "1234_x.pdf");
        assert!(key_name(1, &document("x.pdf", Some(&"é".repeat(200)))).len() < 200);
    }

    /// DOC-14
    #[test]
    fn a_job_is_read_and_its_paths_are_below_a_folder() {
        let json = br#"{"schema": "holdall.job/1.3", "later": 1, "reference": "a/b", "documents": [
            {"path": "./x/../a.pdf", "document_type": "plan", "later": true}, {"path": "/abs/b.pdf"}]}"#;
        let spec = JobSpec::parse(json, Path::new("/base")).unwrap();
        let paths: Vec<_> = spec.documents().iter().map(|d| d.path.to_str().unwrap()).collect();
        assert_eq!((spec.reference().safe(), paths), ("a_b", vec!["/base/x/../a.pdf", "/abs/b.pdf"]));
        assert_eq!(spec.documents()[0].document_type.as_deref(), Some("plan"));
    }

    #[test]
    fn what_is_no_job_is_refused_and_says_why() {
        for (json, kind, why) in [
            ("", ErrorKind::InvalidInput, "not JSON"),
            ("[]", ErrorKind::InvalidInput, "form"),
            (r#"{"reference": "a"}"#, ErrorKind::InvalidInput, "documents"),
            (r#"{"reference": 1, "documents": []}"#, ErrorKind::InvalidInput, "form"),
            (r#"{"reference": "", "documents": []}"#, ErrorKind::InvalidInput, "empty"),
            (r#"{"reference": "a", "documents": [{"path": ""}]}"#, ErrorKind::InvalidInput, "path"),
            (r#"{"reference": "a", "documents": [{"path": "a/.."}]}"#, ErrorKind::InvalidInput, "path"),
            (r#"{"reference": "a", "documents": [{"path": "a\u0000b"}]}"#, ErrorKind::InvalidInput, "path"),
            (
                r#"{"reference": "a", "documents": [{"path": "a"}, {"path": "./a"}]}"#,
                ErrorKind::InvalidInput,
                "two",
            ),
            (r#"{"schema": "holdall.job/2", "jobs": []}"#, ErrorKind::Unsupported, "later"),
            (
                r#"{"schema": "holdall.step/1", "reference": "a", "documents": []}"#,
                ErrorKind::InvalidInput,
                "schema",
            ),
            (r#"{"schema": 1, "reference": "a", "documents": []}"#, ErrorKind::InvalidInput, "schema"),
        ] {
            let error = JobSpec::parse(json.as_bytes(), Path::new("/base")).unwrap_err();
            let said = format!("{error} {:?}", std::error::Error::source(&error).map(ToString::to_string));
            assert_eq!(error.kind(), kind, "{json} {said}");
            assert!(said.contains(why), "{json} {said}");
        }
    }
}
