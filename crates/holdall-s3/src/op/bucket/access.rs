//! GetPublicAccessBlock, PutPublicAccessBlock.

use super::subresource::Subresource;
use crate::client::Client;
use crate::error::Result;
use crate::xml::{Element, XmlWriter};

/// What a bucket refuses, whatever its policy and its lists of grants say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PublicAccessBlock {
    /// New public grants are refused.
    pub block_acls: bool,
    /// Public grants have no effect.
    pub ignore_acls: bool,
    /// A new public policy is refused.
    pub block_policy: bool,
    /// A public policy serves nobody but the owner's own.
    pub restrict_buckets: bool,
}

impl PublicAccessBlock {
    /// All of them.
    pub const ALL: Self =
        Self { block_acls: true, ignore_acls: true, block_policy: true, restrict_buckets: true };
}

const ACCESS: Subresource = Subresource {
    query: "publicAccessBlock",
    get: "GetPublicAccessBlock",
    put: "PutPublicAccessBlock",
    delete: "DeletePublicAccessBlock",
    // Ceph up to 16 says "block" twice.
    roots: &["PublicAccessBlockConfiguration", "BlockPublicAccessBlockConfiguration"],
    absent: &["NoSuchPublicAccessBlockConfiguration"],
};

impl Client {
    /// Asks which public access is blocked; none when nothing was ever said about it.
    pub async fn public_access_block(&self) -> Result<Option<PublicAccessBlock>> {
        Ok(self.configuration(&ACCESS).await?.map(|root| PublicAccessBlock::of_root(&root)))
    }

    /// Sets which public access is blocked.
    pub async fn put_public_access_block(&self, block: &PublicAccessBlock) -> Result<()> {
        let xml = XmlWriter::document("PublicAccessBlockConfiguration", &block.elements());
        self.configure(&ACCESS, |call| Ok(call.document(xml))).await
    }

    /// Removes all that was said about public access.
    pub async fn delete_public_access_block(&self) -> Result<()> {
        self.unconfigure(&ACCESS).await
    }
}

impl PublicAccessBlock {
    fn of_root(root: &Element) -> Self {
        let is = |name| root.text_of(name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
        Self {
            block_acls: is("BlockPublicAcls"),
            ignore_acls: is("IgnorePublicAcls"),
            block_policy: is("BlockPublicPolicy"),
            restrict_buckets: is("RestrictPublicBuckets"),
        }
    }

    fn elements(&self) -> [Element; 4] {
        let fields = [
            ("BlockPublicAcls", self.block_acls),
            ("IgnorePublicAcls", self.ignore_acls),
            ("BlockPublicPolicy", self.block_policy),
            ("RestrictPublicBuckets", self.restrict_buckets),
        ];
        fields.map(|(name, on)| Element::of_text(name, on.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_reads_back_as_itself() {
        let one = |n| PublicAccessBlock {
            block_acls: n == 0,
            ignore_acls: n == 1,
            block_policy: n == 2,
            restrict_buckets: n == 3,
        };
        for n in 0..4 {
            let root = Element::of("PublicAccessBlockConfiguration", one(n).elements());
            assert_eq!(PublicAccessBlock::of_root(&root), one(n));
        }
    }
}
