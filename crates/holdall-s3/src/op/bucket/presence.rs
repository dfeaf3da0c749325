//! CreateBucket, HeadBucket, DeleteBucket, GetBucketLocation.

use crate::client::{Call, Client};
use crate::error::{ErrorKind, Result};
use crate::xml::{Element, XmlWriter};
use http::Method;
use std::sync::atomic::Ordering;

impl Client {
    /// Makes the bucket.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`, whoever owns it.
    pub async fn create_bucket(&self) -> Result<()> {
        self.make_bucket(Call::new("CreateBucket", Method::PUT)).await
    }

    /// Makes the bucket so that its objects can be locked; it keeps versions then. A server that does not know of such
    /// buckets may make one of the usual kind.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`, whoever owns it.
    pub async fn create_locking_bucket(&self) -> Result<()> {
        let call = Call::new("CreateBucket", Method::PUT);
        self.make_bucket(call.header("x-amz-bucket-object-lock-enabled", "true")?).await
    }

    async fn make_bucket(&self, mut call: Call) -> Result<()> {
        let region = self.region();
        // AWS wants no constraint for us-east-1; others know no regions.
        if crate::is_aws_host(&self.place().site.host) && region != "us-east-1" {
            let mut xml = XmlWriter::new();
            xml.open_root("CreateBucketConfiguration");
            xml.element("LocationConstraint", &region);
            xml.close("CreateBucketConfiguration");
            call = call.document(xml.finish());
        }
        self.run(&call).await.map(drop)
    }

    /// Asks whether the bucket is there and may be used.
    ///
    /// # Errors
    ///
    /// `BucketNotFound`, `PermissionDenied`.
    pub async fn head_bucket(&self) -> Result<()> {
        match self.run(&Call::new("HeadBucket", Method::HEAD)).await {
            Ok(_) => Ok(()),
            // An answer without a body has no code; of a bucket, not found means the bucket.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(error.with_kind(ErrorKind::BucketNotFound))
            }
            Err(error) => Err(error),
        }
    }

    /// Deletes the bucket, which must be empty.
    ///
    /// # Errors
    ///
    /// `Conflict` when it is not empty.
    pub async fn delete_bucket(&self) -> Result<()> {
        self.run(&Call::new("DeleteBucket", Method::DELETE).nothing()).await?;
        self.0.bucket_seen.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Asks for the bucket's region.
    pub async fn bucket_location(&self) -> Result<String> {
        let call = Call::new("GetBucketLocation", Method::GET).query("location", "");
        let reply = self.run(&call).await?;
        let root = Element::parse_named(&reply.bytes, "LocationConstraint")
            .map_err(|e| e.in_operation(call.operation, &reply.host, reply.attempts))?;
        // The protocol's two oddities: nothing is us-east-1, EU is eu-west-1.
        let inner = root.text_of("LocationConstraint").unwrap_or(&root.text).trim();
        Ok(match inner {
            "" => "us-east-1",
            "EU" => "eu-west-1",
            region => region,
        }
        .to_owned())
    }
}
