//! GetBucketLogging.

use super::subresource::Subresource;
use crate::client::Client;
use crate::error::Result;
use crate::xml::Element;

/// Where a bucket's access log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketLogging {
    /// The bucket that gets it.
    pub bucket: String,
    /// How its keys begin there.
    pub prefix: String,
}

const LOGGING: Subresource = Subresource {
    query: "logging",
    get: "GetBucketLogging",
    put: "PutBucketLogging",
    delete: "",
    roots: &["BucketLoggingStatus"],
    absent: &[],
};

impl Client {
    /// Asks where the bucket's access log goes; none when there is no log.
    pub async fn bucket_logging(&self) -> Result<Option<BucketLogging>> {
        Ok(self.configuration(&LOGGING).await?.as_ref().and_then(of_root))
    }
}

fn of_root(root: &Element) -> Option<BucketLogging> {
    let target = root.child("LoggingEnabled")?;
    let text = |name| target.text_of(name).unwrap_or("").to_owned();
    Some(BucketLogging { bucket: text("TargetBucket"), prefix: text("TargetPrefix") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_and_an_empty_status_is_none() {
        let xml = b"<BucketLoggingStatus><LoggingEnabled><TargetBucket>logs</TargetBucket><TargetPrefix>a/\
            </TargetPrefix></LoggingEnabled></BucketLoggingStatus>";
        let target = BucketLogging { bucket: "logs".to_owned(), prefix: "a/".to_owned() };
        assert_eq!(of_root(&Element::parse(xml).unwrap()), Some(target));
        assert_eq!(of_root(&Element::named("BucketLoggingStatus")), None);
    }
}
