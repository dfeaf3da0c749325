//! GetBucketReplication.

use super::subresource::Subresource;
use crate::client::Client;
use crate::error::Result;
use crate::xml::Element;

/// A rule that copies a bucket's objects to another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicationRule {
    /// The rule's name.
    pub id: String,
    /// Whether it is in force.
    pub enabled: bool,
    /// The other bucket, as the server names it; AWS says `arn:aws:s3:::bucket`.
    pub destination: String,
}

const REPLICATION: Subresource = Subresource {
    query: "replication",
    get: "GetBucketReplication",
    put: "PutBucketReplication",
    delete: "DeleteBucketReplication",
    roots: &["ReplicationConfiguration"],
    absent: &["ReplicationConfigurationNotFoundError"],
};

impl Client {
    /// Asks for the replication rules; none where none are set.
    pub async fn replication(&self) -> Result<Vec<ReplicationRule>> {
        let root = self.configuration(&REPLICATION).await?;
        Ok(root.iter().flat_map(|root| root.each("Rule")).map(rule).collect())
    }
}

fn rule(element: &Element) -> ReplicationRule {
    let destination = element.child("Destination").and_then(|destination| destination.text_of("Bucket"));
    ReplicationRule {
        id: element.text_of("ID").unwrap_or("").to_owned(),
        enabled: element.text_of("Status") == Some("Enabled"),
        destination: destination.unwrap_or("").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_of_aws_is_read() {
        let xml = b"<Rule><ID>r</ID><Priority>1</Priority><Filter><Prefix></Prefix></Filter><Status>Enabled\
            </Status><Destination><Bucket>arn:aws:s3:::copy</Bucket></Destination></Rule>";
        let wanted = ReplicationRule {
            id: "r".to_owned(),
            enabled: true,
            destination: "arn:aws:s3:::copy".to_owned(),
        };
        assert_eq!(rule(&Element::parse(xml).unwrap()), wanted);
    }
}
