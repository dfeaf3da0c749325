//! Objects that say of themselves which write made them: the body, the attributes and the digest name each other.

use holdall_store::{Attributes, Metadata, sha256};
use holdall_testing::random::Random;

/// What one write stores. No two writes of a history have the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) key: String,
    pub(crate) number: u64,
    pub(crate) size: usize,
    /// What belongs to it is more than the attribute of a file can hold on most file systems.
    pub(crate) heavy: bool,
}

/// What a read answered: which write it was of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) number: u64,
    /// The key that it was written to first: that of the source for a copy.
    pub(crate) origin: String,
}

impl Version {
    pub(crate) fn body(&self) -> Vec<u8> {
        let mut body = format!("{} of {}\n", self.number, self.key).into_bytes();
        body.extend(Random::new(self.number).bytes(self.size.saturating_sub(body.len())));
        body.truncate(self.size);
        body
    }

    pub(crate) fn attributes(&self, body: &[u8]) -> Attributes {
        let ballast = if self.heavy { "b".repeat(1500) } else { String::new() };
        let metadata = [
            ("number", self.number.to_string()),
            ("size", self.size.to_string()),
            ("key", digest(self.key.as_bytes())),
            ("body", digest(body)),
            ("ballast", ballast),
        ];
        Attributes {
            content_type: Some(format!("application/x-{}", self.number)),
            cache_control: Some(format!("max-age={}", self.number)),
            metadata: metadata.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            ..Attributes::default()
        }
    }

    /// Tags fill a record as nothing else can.
    pub(crate) fn tags(&self) -> Vec<(String, String)> {
        ballast(self.number, if self.heavy { 10 } else { 0 })
    }
}

fn ballast(number: u64, count: usize) -> Vec<(String, String)> {
    let tag = |n| (format!("{n}{}", "t".repeat(120)), format!("{number}{}", "v".repeat(200)));
    (0..count).map(tag).collect()
}

/// The tags that an object is given which is there.
pub(crate) fn tagging(number: u64, heavy: bool) -> Vec<(String, String)> {
    let mut tags = vec![("set".to_owned(), number.to_string())];
    tags.extend(ballast(number, if heavy { 9 } else { 0 }));
    tags
}

/// Finds out which write or tagging an object is of.
///
/// # Errors
///
/// Says which tags do not belong together.
pub(crate) fn recognise_tags(seen: Seen, tags: &[(String, String)]) -> Result<Seen, String> {
    if let Some((_, number)) = tags.iter().find(|(name, _)| name == "set") {
        let number = number.parse().map_err(|e| format!("{e}"))?;
        if [false, true].iter().any(|heavy| tags == tagging(number, *heavy)) {
            return Ok(Seen { number, ..seen });
        }
    } else if [0, 10].iter().any(|count| tags == ballast(seen.number, *count)) {
        return Ok(seen);
    }
    Err(format!("write {} has the tags {tags:?}", seen.number))
}

fn digest(bytes: &[u8]) -> String {
    sha256(bytes).to_hex()
}

/// Finds out which write an object is of.
///
/// # Errors
///
/// Says what does not belong together.
pub(crate) fn recognise(keys: &[String], metadata: &Metadata, body: &[u8]) -> Result<Seen, String> {
    let noted = |name: &str| {
        let text = metadata.attributes.metadata.get(name);
        text.ok_or_else(|| format!("half-described: no {name} among {:?}", metadata.attributes))
    };
    let number = noted("number")?.parse().map_err(|e| format!("{e}"))?;
    let size = noted("size")?.parse().map_err(|e| format!("{e}"))?;
    let of = noted("key")?;
    let origin = keys.iter().find(|key| digest(key.as_bytes()) == *of);
    let origin = origin.ok_or_else(|| format!("write {number} is of no key of this history"))?;
    let heavy = !noted("ballast")?.is_empty();
    let version = Version { key: origin.clone(), number, size, heavy };
    let wanted = version.body();
    if body != wanted {
        return Err(format!("torn: {} bytes are not the {size} of write {number}", body.len()));
    }
    if metadata.size != size as u64 || metadata.attributes != version.attributes(&wanted) {
        return Err(format!("write {number} is described as {metadata:?}"));
    }
    if metadata.sha256.is_some_and(|told| told != sha256(&wanted)) {
        return Err(format!("write {number} has the digest of something else"));
    }
    Ok(Seen { number, origin: origin.clone() })
}
