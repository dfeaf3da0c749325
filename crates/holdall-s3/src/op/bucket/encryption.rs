//! GetBucketEncryption, PutBucketEncryption, DeleteBucketEncryption.

use super::subresource::Subresource;
use crate::client::Client;
use crate::error::Result;
use crate::xml::{Element, XmlWriter, fault};

/// How a bucket encrypts what is stored without a word about encryption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketEncryption {
    /// By the storage's own keys, `AES256`.
    S3,
    /// By a key of a key management service.
    Kms {
        /// The key; the service's default when none is named.
        key: Option<String>,
        /// Whether the bucket has a key of its own, which saves questions to the service.
        bucket_key: bool,
    },
    /// In a way of another name.
    Other(String),
}

const ENCRYPTION: Subresource = Subresource {
    query: "encryption",
    get: "GetBucketEncryption",
    put: "PutBucketEncryption",
    delete: "DeleteBucketEncryption",
    roots: &["ServerSideEncryptionConfiguration"],
    absent: &["ServerSideEncryptionConfigurationNotFoundError", "NoSuchEncryptionConfiguration"],
};

impl Client {
    /// Asks how the bucket encrypts by default; none when it does not.
    pub async fn bucket_encryption(&self) -> Result<Option<BucketEncryption>> {
        self.configuration(&ENCRYPTION).await?.map(|root| BucketEncryption::of_root(&root)).transpose()
    }

    /// Sets how the bucket encrypts by default.
    pub async fn put_bucket_encryption(&self, encryption: &BucketEncryption) -> Result<()> {
        let xml = XmlWriter::document("ServerSideEncryptionConfiguration", &[encryption.rule()]);
        self.configure(&ENCRYPTION, |call| Ok(call.document(xml))).await
    }

    /// Sets the bucket back to what its server does by default.
    pub async fn delete_bucket_encryption(&self) -> Result<()> {
        self.unconfigure(&ENCRYPTION).await
    }
}

impl BucketEncryption {
    fn of_root(root: &Element) -> Result<Self> {
        let rule = root.child("Rule").ok_or_else(|| fault("Rule is missing"))?;
        let default = rule.child("ApplyServerSideEncryptionByDefault");
        let default = default.ok_or_else(|| fault("ApplyServerSideEncryptionByDefault is missing"))?;
        Ok(match default.required("SSEAlgorithm")? {
            "AES256" => Self::S3,
            "aws:kms" => Self::Kms {
                key: default.text_of("KMSMasterKeyID").map(str::to_owned),
                bucket_key: rule.text_of("BucketKeyEnabled") == Some("true"),
            },
            other => Self::Other(other.to_owned()),
        })
    }

    fn rule(&self) -> Element {
        let (algorithm, key, bucket_key) = match self {
            Self::S3 => ("AES256", None, false),
            Self::Kms { key, bucket_key } => ("aws:kms", key.as_deref(), *bucket_key),
            Self::Other(name) => (name.as_str(), None, false),
        };
        let key = key.map(|key| Element::of_text("KMSMasterKeyID", key));
        let default = std::iter::once(Element::of_text("SSEAlgorithm", algorithm)).chain(key);
        let default = Element::of("ApplyServerSideEncryptionByDefault", default);
        let bucket_key = bucket_key.then(|| Element::of_text("BucketKeyEnabled", "true"));
        Element::of("Rule", std::iter::once(default).chain(bucket_key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let kms =
            |key: Option<&str>, bucket_key| BucketEncryption::Kms { key: key.map(str::to_owned), bucket_key };
        let other = BucketEncryption::Other("aws:kms:dsse".to_owned());
        for wanted in [BucketEncryption::S3, kms(None, false), kms(Some("k"), true), other] {
            let root = Element::of("ServerSideEncryptionConfiguration", [wanted.rule()]);
            assert_eq!(BucketEncryption::of_root(&root).unwrap(), wanted);
        }
    }

    #[test]
    fn an_answer_of_aws_is_read() {
        let xml = b"<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>\
            AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled>\
            <BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes></Rule>\
            </ServerSideEncryptionConfiguration>";
        assert_eq!(BucketEncryption::of_root(&Element::parse(xml).unwrap()).unwrap(), BucketEncryption::S3);
        let empty = Element::named("ServerSideEncryptionConfiguration");
        BucketEncryption::of_root(&empty).unwrap_err();
    }
}
