//! The claim of a name: what holds it, what may take its place, and what is still to be deleted.
//!
//! A claim is one small object that only ever changes by a conditional write. What it says is what is there: bytes at a
//! path that no claim names are nobody's. Each change is a function from a claim to the next; `place` writes them.

use super::layout::{AttachmentName, AttachmentPath, BundlePath, attachment_claim, bundle_claim};
use super::moment::Moment;
use crate::DecisionId;
use holdall_store::{Error, ErrorKind, Result, Sha256};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

const SCHEMA: &str = "holdall.claim/1";
const NAME: &str = "holdall.claim/";

/// What is claimed: the bundle of a decision, or an attachment of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    Bundle(DecisionId),
    Attachment(DecisionId, AttachmentName),
}

impl Subject {
    /// The claim's place below the root of the collection.
    pub(super) fn claim_path(&self) -> String {
        match self {
            Self::Bundle(decision) => bundle_claim(decision),
            Self::Attachment(decision, name) => attachment_claim(decision, name),
        }
    }

    pub(super) fn decision(&self) -> &DecisionId {
        match self {
            Self::Bundle(decision) | Self::Attachment(decision, _) => decision,
        }
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Bundle(_) => None,
            Self::Attachment(_, name) => Some(name.as_str()),
        }
    }

    /// Whether a claim of this may name a path: a claim is read from a store that others write to.
    fn may_hold(&self, path: &str) -> bool {
        match self {
            Self::Bundle(decision) => BundlePath::parse(path).is_some_and(|path| path.decision == *decision),
            Self::Attachment(decision, name) => AttachmentPath::parse(path)
                .is_some_and(|path| path.decision == *decision && path.name == *name),
        }
    }
}

/// The bytes that a claim names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    /// Where they lie, below the root of the collection.
    pub(super) path: String,
    pub(super) size: u64,
    /// The SHA-256 of the object's bytes.
    pub(super) sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) created_at: Option<String>,
    /// The bundle's own checksum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) checksum: Option<String>,
    /// The bundle was there before claims were, and its checksum is not that of the canonical form.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) checksum_kept: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<String>,
    /// Fields of later minor versions.
    #[serde(flatten)]
    pub(super) other: Map<String, Value>,
}

impl Held {
    pub(super) fn new(path: String, size: u64, sha256: Sha256) -> Self {
        Self::of(path, size, sha256.to_hex())
    }

    pub(super) fn of(path: String, size: u64, sha256: String) -> Self {
        Self {
            path,
            size,
            sha256,
            created_at: None,
            checksum: None,
            checksum_kept: false,
            content_type: None,
            other: Map::new(),
        }
    }
}

/// A bundle that is to take another's place, with all its bytes: whoever comes can bring it there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Next {
    pub(super) held: Held,
    pub(super) document: String,
}

/// What is known of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claim {
    schema: String,
    decision_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Counts the changes, so that no two states of a claim have the same bytes, and thus no two the same `ETag`.
    revision: u64,
    /// None once it was removed.
    pub(super) holds: Option<Held>,
    /// What is to take its place, and may lie there already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Next>,
    /// Paths of what is given up and may still be there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) old: Vec<String>,
    /// Paths of what was removed. A put that was under way meanwhile may have come after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    past: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    removed_at: Option<String>,
    /// Fields of later minor versions.
    #[serde(flatten)]
    other: Map<String, Value>,
}

impl Claim {
    /// The first claim of a name.
    pub(super) fn new(subject: &Subject, held: Held) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            decision_id: subject.decision().as_str().to_owned(),
            name: subject.name().map(str::to_owned),
            revision: 1,
            holds: Some(held),
            next: None,
            old: Vec::new(),
            past: Vec::new(),
            removed_at: None,
            other: Map::new(),
        }
    }

    /// Reads a claim.
    ///
    /// # Errors
    ///
    /// `Unsupported` for one of a later version; `Integrity` for what is no claim of this name.
    pub(super) fn parse(bytes: &[u8], subject: &Subject) -> Result<Self> {
        let damaged = |why: &str| {
            Error::new(ErrorKind::Integrity, "a claim of evidence is damaged")
                .with_fact("because", why)
                .with_hint("restore it from a backup or a version; `evidence verify` lists what is there")
        };
        let value: Value =
            serde_json::from_slice(bytes).map_err(|e| damaged("it is no JSON").with_source(e))?;
        match value.get("schema").and_then(Value::as_str) {
            Some(SCHEMA) => {}
            Some(other) if other.starts_with(NAME) => return Err(from_the_future(other)),
            _ => return Err(damaged("it has another schema")),
        }
        let claim: Self =
            serde_json::from_value(value).map_err(|e| damaged("a field is missing").with_source(e))?;
        if claim.decision_id != subject.decision().as_str() || claim.name.as_deref() != subject.name() {
            return Err(damaged("it is of another name"));
        }
        if !claim.paths().all(|path| subject.may_hold(path)) {
            return Err(damaged("it names a place that is not its own"));
        }
        Ok(claim)
    }

    /// One line of JSON.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("its keys are text");
        bytes.push(b'\n');
        bytes
    }

    /// All paths that it names.
    fn paths(&self) -> impl Iterator<Item = &str> {
        let old = self.old.iter().chain(&self.past).map(String::as_str);
        self.held().map(|held| held.path.as_str()).chain(old)
    }

    fn held(&self) -> impl Iterator<Item = &Held> {
        self.holds.iter().chain(self.next.iter().map(|next| &next.held))
    }

    /// Whether it names a path.
    pub(super) fn names(&self, path: &str) -> bool {
        self.paths().any(|named| named == path)
    }

    /// Whether bytes of a digest may rightly lie at a path.
    pub(super) fn knows(&self, path: &str, sha256: &str) -> bool {
        self.held().any(|held| held.path == path && held.sha256 == sha256)
    }

    /// Whether something is left to be done.
    pub(super) fn is_unfinished(&self) -> bool {
        self.next.is_some() || !self.old.is_empty()
    }

    /// What was given up and may be deleted.
    pub(super) fn doomed(&self) -> Vec<String> {
        let in_use = |path: &String| self.held().any(|held| held.path == *path);
        self.old.iter().filter(|path| !in_use(path)).cloned().collect()
    }

    fn changed(&self) -> Self {
        Self { revision: self.revision + 1, ..self.clone() }
    }

    /// Whether what it holds lies at a path.
    pub(super) fn holds_at(&self, path: &str) -> bool {
        self.holds.as_ref().is_some_and(|held| held.path == path)
    }

    /// Whether something of this name lay at a path that was removed.
    pub(super) fn was_at(&self, path: &str) -> bool {
        self.past.iter().any(|past| past == path)
    }

    /// Something else is to take the place of what it holds.
    pub(super) fn replacing(&self, next: Next) -> Self {
        Self { next: Some(next), ..self.changed() }
    }

    /// What was announced will not come.
    pub(super) fn as_before(&self) -> Self {
        Self { next: None, ..self.changed() }
    }

    /// What was announced has come; what lay elsewhere is given up.
    pub(super) fn settled(&self) -> Self {
        let holds = self.next.as_ref().map(|next| next.held.clone());
        let mut claim = Self { holds, next: None, ..self.changed() };
        let given_up = self.holds.iter().map(|held| held.path.clone());
        claim.old.extend(given_up.filter(|path| !claim.holds_at(path)).collect::<Vec<_>>());
        claim
    }

    /// Nothing is there any more.
    pub(super) fn removed(&self, at: Moment) -> Self {
        let mut old: Vec<String> =
            self.held().map(|held| held.path.clone()).chain(self.old.clone()).collect();
        old.sort();
        old.dedup();
        Self { holds: None, next: None, old, removed_at: Some(at.to_string()), ..self.changed() }
    }

    /// A claim was made in vain: what lies there is nobody's, and stays.
    pub(super) fn withdrawn(&self, at: Moment) -> Self {
        Self { holds: None, removed_at: Some(at.to_string()), ..self.changed() }
    }

    /// A name that was removed is claimed again.
    pub(super) fn renewed(&self, held: &Held) -> Self {
        Self { removed_at: None, holds: Some(held.clone()), ..self.changed() }
    }

    /// What was given up is gone.
    pub(super) fn tidied(&self) -> Self {
        let mut claim = Self { old: Vec::new(), ..self.changed() };
        if self.holds.is_none() {
            claim.past.extend(self.old.clone());
            claim.past.sort();
            claim.past.dedup();
        }
        claim
    }
}

pub(super) fn from_the_future(version: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "this was written by a later version of holdall")
        .with_fact("schema", format_args!("{:?}", version.chars().take(40).collect::<String>()))
        .with_hint("update holdall on this machine")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> Subject {
        Subject::Bundle(DecisionId::parse("d-1").unwrap())
    }

    fn held(path: &str, n: u8) -> Held {
        Held::new(path.to_owned(), 1, Sha256([n; 32]))
    }

    const A: &str = "risk/2026/01/d-1.json";
    const B: &str = "risk/2026/02/d-1.json";

    fn next(path: &str, n: u8) -> Next {
        Next { held: held(path, n), document: "{}".to_owned() }
    }

    #[test]
    fn a_replacement_elsewhere_gives_the_old_place_up_and_one_at_the_same_place_does_not() {
        let first = Claim::new(&subject(), held(A, 1));
        let moved = first.replacing(next(B, 2)).settled();
        assert_eq!((moved.old.as_slice(), moved.holds.clone()), (&[A.to_owned()][..], Some(held(B, 2))));
        let stayed = first.replacing(next(A, 2));
        assert!(stayed.knows(A, &held(A, 1).sha256) && stayed.knows(A, &held(A, 2).sha256));
        assert!(!stayed.settled().is_unfinished());
    }

    #[test]
    fn what_was_removed_is_named_until_it_is_gone_and_its_place_is_remembered() {
        let claim = Claim::new(&subject(), held(A, 1)).replacing(next(B, 2));
        let removed = claim.removed("2026-03-01T00:00:00Z".parse().unwrap());
        assert_eq!((removed.holds.clone(), removed.doomed().len()), (None, 2));
        let renewed = removed.tidied().renewed(&held(A, 3));
        assert_eq!((renewed.removed_at.clone(), renewed.revision, renewed.is_unfinished()), (None, 5, false));
        assert!(renewed.was_at(A) && renewed.was_at(B) && renewed.doomed().is_empty());
    }

    #[test]
    fn no_two_states_have_the_same_bytes() {
        let first = Claim::new(&subject(), held(A, 1));
        let back = first.replacing(next(A, 2)).settled().replacing(next(A, 1)).settled();
        assert_ne!(first.to_bytes(), back.to_bytes());
        assert_eq!(first.holds, back.holds);
    }

    #[test]
    fn what_is_no_claim_of_this_name_is_refused() {
        let claim = Claim::new(&subject(), held(A, 1));
        let text = String::from_utf8(claim.to_bytes()).unwrap();
        assert_eq!(Claim::parse(text.as_bytes(), &subject()).unwrap(), claim);
        for (from, to) in [
            ("d-1\"", "d-2\""),
            (A, "../../secret/d-1.json"),
            (A, "risk/2026/01/d-2.json"),
            ("{", "["),
            ("revision", "edition"),
        ] {
            let error = Claim::parse(text.replacen(from, to, 1).as_bytes(), &subject()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Integrity, "{to}: {error}");
        }
        let future = Claim::parse(text.replace("claim/1", "claim/2").as_bytes(), &subject()).unwrap_err();
        assert_eq!(future.kind(), ErrorKind::Unsupported);
        assert!(future.message().contains("later version"), "{future}");
    }

    #[test]
    fn fields_of_later_minor_versions_are_kept() {
        let text = String::from_utf8(Claim::new(&subject(), held(A, 1)).to_bytes()).unwrap();
        let text = text.replacen("\"revision\":1", "\"revision\":1,\"seal\":{\"by\":\"x\"}", 1);
        let kept = Claim::parse(text.as_bytes(), &subject()).unwrap().tidied();
        assert!(String::from_utf8(kept.to_bytes()).unwrap().contains("\"seal\":{\"by\":\"x\"}"));
    }
}
