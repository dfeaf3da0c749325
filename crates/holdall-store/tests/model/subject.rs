//! A store, driven by the model's operations.

use crate::answer::{Answer, Known};
use crate::operation::{
    Content, DELIMITERS, KEYS, KeyIndex, Operation, PARTS, PREFIXES, Part, STARTS, UPLOADS, When,
};
use holdall_store::{
    Attributes, CopyOptions, Error, ErrorKind, GetOptions, Key, ListOptions, Metadata, PartReceipt, Prefix,
    PutOptions, Range, ReadConditions, Receipt, Store, Upload, WriteCondition, sha256,
};
use std::collections::BTreeMap;

const NEVER: &str = "\"00000000000000000000000000000000\"";

struct Open {
    key: KeyIndex,
    upload: Box<dyn Upload>,
    parts: BTreeMap<u32, PartReceipt>,
}

/// A store below a prefix, and what was last seen of its objects.
pub(crate) struct Driver {
    store: Store,
    prefix: String,
    etags: BTreeMap<KeyIndex, String>,
    uploads: [Option<Open>; UPLOADS],
}

/// A call's answer, or its error.
type Told = Result<Answer, Error>;

impl Driver {
    pub(crate) fn new(store: Store, prefix: String) -> Self {
        Self { store, prefix, etags: BTreeMap::new(), uploads: [const { None }; UPLOADS] }
    }

    /// Forgets everything but what was answered, as a process that was killed between two calls; another one opens the
    /// store.
    pub(crate) fn crash(&mut self, store: Store) {
        self.uploads = [const { None }; UPLOADS];
        self.store = store;
    }

    pub(crate) async fn answer(&mut self, operation: &Operation) -> Answer {
        let told = match operation {
            Operation::Put { key, content, when } => self.put(*key, content, *when).await,
            Operation::Get { key, part, when } => self.get(*key, *part, *when).await,
            Operation::Head { key } => self.head(*key).await,
            Operation::Delete { key } => self.store.delete(&self.key(*key)).await.map(|_| Answer::Done),
            Operation::DeleteBatch { keys } => self.delete_batch(keys).await,
            Operation::Copy { from, to, note, when } => self.copy(*from, *to, note, *when).await,
            Operation::List { prefix, delimiter, start_after, page } => {
                let options = ListOptions {
                    prefix: Prefix::parse(&format!("{}{}", self.prefix, PREFIXES[*prefix])).unwrap(),
                    delimiter: delimiter.map(|d| DELIMITERS[d].to_owned()),
                    start_after: start_after.map(|start| format!("{}{}", self.prefix, STARTS[start])),
                    page_size: Some(*page),
                    ..ListOptions::default()
                };
                self.list(options).await
            }
            Operation::Begin { upload, key, note } => self.begin(*upload, *key, note).await,
            Operation::Send { upload, part, content } => self.send(*upload, PARTS[*part], content).await,
            Operation::Complete { upload } => self.complete(*upload).await,
            Operation::Abort { upload } => match self.uploads[*upload].take() {
                Some(open) => open.upload.abort().await.map(|()| Answer::Done),
                None => Ok(Answer::Nothing),
            },
        };
        told.unwrap_or_else(|error| Answer::Failed(error.kind()))
    }

    /// Deletes what the sequence left.
    pub(crate) async fn clear(self) -> Result<(), String> {
        for open in self.uploads.into_iter().flatten() {
            open.upload.abort().await.map_err(|e| e.to_string())?;
        }
        let listed = self.store.list(&self.prefix).map_err(|e| e.to_string())?.collect().await;
        let keys = listed.map_err(|e| e.to_string())?.objects.into_iter().map(|object| object.key);
        let failures = self.store.delete_many(keys).await;
        if failures.is_empty() { Ok(()) } else { Err(format!("the clean-up fails: {failures:?}")) }
    }

    fn key(&self, key: KeyIndex) -> String {
        format!("{}{}", self.prefix, KEYS[key])
    }

    fn parsed(&self, key: KeyIndex) -> Key {
        Key::parse(&self.key(key)).unwrap()
    }

    fn seen(&self, key: KeyIndex) -> String {
        self.etags.get(&key).map_or(NEVER, String::as_str).to_owned()
    }

    fn read_conditions(&self, key: KeyIndex, when: When) -> ReadConditions {
        let none = ReadConditions::default();
        match when {
            When::Always => none,
            When::Absent => ReadConditions { if_none_match: Some(self.seen(key)), ..none },
            When::Current => ReadConditions { if_match: Some(self.seen(key)), ..none },
            When::Never => ReadConditions { if_match: Some(NEVER.to_owned()), ..none },
        }
    }

    /// Notes what a write says, and that it says the truth.
    fn stored(&mut self, key: KeyIndex, receipt: Receipt) -> Answer {
        if receipt.key.as_str() != self.key(key) {
            return Answer::Contradiction(format!("a receipt for {:?}", receipt.key));
        }
        let Some(etag) = receipt.etag else { return Answer::Contradiction("no ETag".to_owned()) };
        self.etags.insert(key, etag);
        Answer::Stored { size: receipt.size }
    }

    /// What metadata says, if it agrees with what was written last.
    fn known(&self, key: KeyIndex, metadata: &Metadata) -> Result<Known, Answer> {
        if metadata.etag.as_ref() != self.etags.get(&key) || metadata.key.as_str() != self.key(key) {
            return Err(Answer::Contradiction(format!("{metadata:?} is not what was written")));
        }
        let note = metadata.attributes.metadata.get("note").cloned();
        Ok(Known { size: metadata.size, note })
    }

    async fn put(&mut self, key: KeyIndex, content: &Content, when: When) -> Told {
        let condition = match when {
            When::Always => WriteCondition::Always,
            When::Absent => WriteCondition::Absent,
            When::Current => WriteCondition::Matches(self.seen(key)),
            When::Never => WriteCondition::Matches(NEVER.to_owned()),
        };
        let options = PutOptions { attributes: noted(&content.note), condition, ..PutOptions::default() };
        let matching = matches!(options.condition, WriteCondition::Matches(_));
        match self.store.put_with(&self.key(key), content.bytes(), &options).await {
            Ok(receipt) => Ok(self.stored(key, receipt)),
            // S3 says that there is nothing to match.
            Err(error) if matching && error.kind() == ErrorKind::NotFound => {
                Ok(Answer::Failed(ErrorKind::Precondition))
            }
            Err(error) => Err(error),
        }
    }

    async fn get(&self, key: KeyIndex, part: Option<Part>, when: When) -> Told {
        let range = part.map(|part| match part {
            Part::Bounded(start, end) => Range::Bounded { start, end },
            Part::From(start) => Range::From(start),
            Part::Last(n) => Range::Last(n),
        });
        let conditions = self.read_conditions(key, when);
        let options = GetOptions { range, conditions, ..GetOptions::default() };
        let object = self.store.get_with(&self.key(key), &options).await?;
        let (metadata, range) = (object.metadata.clone(), object.range.clone());
        let bytes = object.bytes().await?.to_vec();
        let whole = range == (0..metadata.size);
        if whole && metadata.sha256.is_some_and(|told| told != sha256(&bytes)) {
            return Ok(Answer::Contradiction("the SHA-256 is of other bytes".to_owned()));
        }
        Ok(match self.known(key, &metadata) {
            Ok(known) => Answer::Read { known, range, bytes },
            Err(contradiction) => contradiction,
        })
    }

    async fn head(&self, key: KeyIndex) -> Told {
        let head = self.store.head(&self.key(key)).await?;
        Ok(self.known(key, &head).map_or_else(|contradiction| contradiction, Answer::Known))
    }

    async fn delete_batch(&self, keys: &[KeyIndex]) -> Told {
        let keys: Vec<Key> = keys.iter().map(|key| self.parsed(*key)).collect();
        let failures = self.store.backend().delete_batch(&keys).await?;
        match failures.into_iter().next() {
            Some(failure) => Err(failure.error),
            None => Ok(Answer::Done),
        }
    }

    async fn copy(&mut self, from: KeyIndex, to: KeyIndex, note: &Option<String>, when: When) -> Told {
        let options = CopyOptions {
            attributes: note.is_some().then(|| noted(note)),
            conditions: self.read_conditions(from, when),
            ..CopyOptions::default()
        };
        let receipt = self.store.copy(&self.key(from), &self.key(to), &options).await?;
        Ok(self.stored(to, receipt))
    }

    async fn list(&self, options: ListOptions) -> Told {
        let size = options.page_size.unwrap_or(1000) as usize;
        let (mut names, mut prefixes) = (Vec::new(), Vec::new());
        let mut last = String::new();
        let mut pages = self.store.list_with(options)?;
        while let Some(page) = pages.next_page().await {
            let page = page?;
            let mut entries: Vec<String> = page.prefixes.clone();
            entries.extend(page.objects.iter().map(|object| object.key.as_str().to_owned()));
            entries.sort();
            if entries.len() > size || entries.first().is_some_and(|first| *first <= last) {
                return Ok(Answer::Contradiction(format!("after {last:?} a page of {entries:?}")));
            }
            last = entries.pop().unwrap_or(last);
            names.extend(page.objects.iter().map(|object| self.relative(object.key.as_str())));
            prefixes.extend(page.prefixes.iter().map(|prefix| self.relative(prefix)));
        }
        Ok(Answer::Listed { names, prefixes })
    }

    fn relative(&self, key: &str) -> String {
        key.strip_prefix(&self.prefix).unwrap_or(key).to_owned()
    }

    async fn begin(&mut self, slot: usize, key: KeyIndex, note: &Option<String>) -> Told {
        if let Some(open) = self.uploads[slot].take() {
            open.upload.abort().await?;
        }
        let options = PutOptions { attributes: noted(note), ..PutOptions::default() };
        let upload = self.store.backend().begin_upload(&self.parsed(key), &options).await?;
        self.uploads[slot] = Some(Open { key, upload, parts: BTreeMap::new() });
        Ok(Answer::Done)
    }

    async fn send(&mut self, slot: usize, number: u32, content: &Content) -> Told {
        let Some(open) = &mut self.uploads[slot] else { return Ok(Answer::Nothing) };
        let receipt = open.upload.put_part(number, content.bytes().into()).await?;
        open.parts.insert(number, receipt);
        Ok(Answer::Done)
    }

    async fn complete(&mut self, slot: usize) -> Told {
        let Some(open) = self.uploads[slot].take() else { return Ok(Answer::Nothing) };
        let parts: Vec<PartReceipt> = open.parts.into_values().collect();
        match open.upload.complete(&parts, &WriteCondition::Always).await {
            Ok(receipt) => Ok(self.stored(open.key, receipt)),
            Err(error) => {
                open.upload.abort().await?;
                Err(error)
            }
        }
    }
}

fn noted(note: &Option<String>) -> Attributes {
    let metadata = note.iter().map(|note| ("note".to_owned(), note.clone())).collect();
    Attributes { metadata, ..Attributes::default() }
}
