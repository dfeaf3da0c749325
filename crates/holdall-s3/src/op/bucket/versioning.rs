//! GetBucketVersioning and PutBucketVersioning.

use super::subresource::Subresource;
use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::xml::{Element, XmlWriter};

/// Whether a bucket keeps versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Versioning {
    /// It never has.
    Off,
    /// It does.
    Enabled,
    /// It did, and keeps those it has.
    Suspended,
}

const VERSIONING: Subresource = Subresource {
    query: "versioning",
    get: "GetBucketVersioning",
    put: "PutBucketVersioning",
    delete: "",
    // moto names it after its operation.
    roots: &["VersioningConfiguration", "GetBucketVersioningResponse"],
    absent: &[],
};

impl Client {
    /// Asks whether the bucket keeps versions.
    pub async fn versioning(&self) -> Result<Versioning> {
        Ok(match self.configuration(&VERSIONING).await?.as_ref().and_then(|root| root.text_of("Status")) {
            Some("Enabled") => Versioning::Enabled,
            Some("Suspended") => Versioning::Suspended,
            _ => Versioning::Off,
        })
    }

    /// Makes the bucket keep versions, or no new ones.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for [`Versioning::Off`]: a bucket never goes back to it.
    pub async fn put_versioning(&self, versioning: Versioning) -> Result<()> {
        let status = match versioning {
            Versioning::Enabled => "Enabled",
            Versioning::Suspended => "Suspended",
            Versioning::Off => {
                let text = "versioning can be suspended, never taken back";
                return Err(Error::new(ErrorKind::InvalidInput, text));
            }
        };
        let xml = XmlWriter::document("VersioningConfiguration", &[Element::of_text("Status", status)]);
        self.configure(&VERSIONING, |call| Ok(call.document(xml))).await
    }
}
