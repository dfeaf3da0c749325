//! GetBucketLifecycleConfiguration, PutBucketLifecycleConfiguration, DeleteBucketLifecycle.

mod rule;

pub use rule::{LifecycleFilter, LifecycleRule, Transition};

use super::subresource::Subresource;
use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::xml::{Element, XmlWriter};

const LIFECYCLE: Subresource = Subresource {
    query: "lifecycle",
    get: "GetBucketLifecycleConfiguration",
    put: "PutBucketLifecycleConfiguration",
    delete: "DeleteBucketLifecycle",
    roots: &["LifecycleConfiguration"],
    absent: &["NoSuchLifecycleConfiguration"],
};

/// AWS says in a header from what size on objects move; a rule set written without it gets the default.
const MINIMUM_SIZE: &str = "x-amz-transition-default-minimum-object-size";

/// What becomes of objects as they age: the rules of a bucket, which are always written all together.
///
/// Rules that were read are written back whole, with every element that this crate knows nothing of. (Attributes of
/// elements are not kept; S3's rules have none.)
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// The rules.
    pub rules: Vec<LifecycleRule>,
    /// What stands beside the rules.
    beside: Vec<Element>,
    minimum_size: Option<String>,
}

impl Lifecycle {
    /// These rules and nothing else.
    pub fn new(rules: Vec<LifecycleRule>) -> Self {
        Self { rules, ..Self::default() }
    }

    fn of_root(root: Element, minimum_size: Option<String>) -> Self {
        let (rules, beside) = root.children.into_iter().partition(|child| child.name == "Rule");
        Self { rules: Vec::into_iter(rules).map(LifecycleRule::of_element).collect(), beside, minimum_size }
    }

    fn to_xml(&self) -> Vec<u8> {
        let rules = self.rules.iter().map(|rule| rule.element().clone());
        let children: Vec<Element> = self.beside.iter().cloned().chain(rules).collect();
        XmlWriter::document("LifecycleConfiguration", &children)
    }
}

impl Client {
    /// Asks for the lifecycle rules; none where none were ever set.
    pub async fn lifecycle(&self) -> Result<Lifecycle> {
        let Some(reply) = self.ask(&LIFECYCLE).await? else { return Ok(Lifecycle::default()) };
        Ok(Lifecycle::of_root(LIFECYCLE.root(&reply)?, reply.text(MINIMUM_SIZE)))
    }

    /// Replaces all lifecycle rules by these.
    ///
    /// A server may leave out of a rule what it does not know (Ceph 16 and moto drop bounds on sizes); read back what
    /// matters.
    ///
    /// # Errors
    ///
    /// `InvalidInput` without rules: [`delete_lifecycle`](Self::delete_lifecycle) removes them.
    pub async fn put_lifecycle(&self, lifecycle: &Lifecycle) -> Result<()> {
        if lifecycle.rules.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, "a lifecycle needs a rule"));
        }
        let put = self.configure(&LIFECYCLE, |call| {
            let call = call.document(lifecycle.to_xml());
            match &lifecycle.minimum_size {
                Some(size) => call.header(MINIMUM_SIZE, size),
                None => Ok(call),
            }
        });
        put.await
    }

    /// Removes all lifecycle rules.
    pub async fn delete_lifecycle(&self) -> Result<()> {
        self.unconfigure(&LIFECYCLE).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mig_3_what_is_not_understood_is_written_back() {
        const RULES: &str = "<Beside>x</Beside><Rule><ID>a</ID><Filter><And><Prefix>t/</Prefix>\
            <ObjectSizeGreaterThan>5</ObjectSizeGreaterThan></And></Filter><Status>Enabled</Status>\
            <NoncurrentVersionExpiration><NoncurrentDays>30</NoncurrentDays>\
            <NewerNoncurrentVersions>3</NewerNoncurrentVersions></NoncurrentVersionExpiration>\
            <New><Thing>a &amp; b</Thing></New></Rule>";
        let head = "<LifecycleConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
        let document = format!("{head}{RULES}</LifecycleConfiguration>");
        let read = Lifecycle::of_root(Element::parse(document.as_bytes()).unwrap(), None);
        let written = String::from_utf8(read.to_xml()).unwrap();
        assert!(written.ends_with(&document), "{written}");
        assert!(read.rules[0].has_more());
    }
}
