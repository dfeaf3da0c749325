//! GetBucketAcl.

use super::subresource::Subresource;
use crate::client::Client;
use crate::error::Result;
use crate::xml::{Element, fault};

/// Who has a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grantee {
    /// Everybody, without credentials.
    Everybody,
    /// Everybody who has any credentials of the service.
    AnyUser,
    /// A user, or a group of another name: an id, an address or a URI.
    Named(String),
}

/// One grant of a bucket's access control list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who has it.
    pub grantee: Grantee,
    /// What it allows: `READ`, `WRITE`, `READ_ACP`, `WRITE_ACP`, `FULL_CONTROL`.
    pub permission: String,
}

impl Grant {
    /// Whether strangers have it.
    pub fn is_public(&self) -> bool {
        matches!(self.grantee, Grantee::Everybody | Grantee::AnyUser)
    }
}

const ACL: Subresource = Subresource {
    query: "acl",
    get: "GetBucketAcl",
    put: "PutBucketAcl",
    delete: "",
    roots: &["AccessControlPolicy"],
    absent: &[],
};

impl Client {
    /// Asks for the grants of the bucket's access control list, the owner's own among them.
    pub async fn bucket_grants(&self) -> Result<Vec<Grant>> {
        let root = self.configuration(&ACL).await?;
        root.as_ref().map_or_else(|| Ok(Vec::new()), grants)
    }
}

fn grants(root: &Element) -> Result<Vec<Grant>> {
    let list = root.child("AccessControlList").ok_or_else(|| fault("AccessControlList is missing"))?;
    list.each("Grant").map(grant).collect()
}

fn grant(element: &Element) -> Result<Grant> {
    let grantee = element.child("Grantee").ok_or_else(|| fault("Grantee is missing"))?;
    let name = ["URI", "ID", "EmailAddress"].into_iter().find_map(|field| grantee.text_of(field));
    let grantee = match name.unwrap_or("") {
        "http://acs.amazonaws.com/groups/global/AllUsers" => Grantee::Everybody,
        "http://acs.amazonaws.com/groups/global/AuthenticatedUsers" => Grantee::AnyUser,
        name => Grantee::Named(name.to_owned()),
    };
    Ok(Grant { grantee, permission: element.required("Permission")?.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_told_from_users() {
        let group = |name| {
            format!(
                "<Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\">\
                 <URI>http://acs.amazonaws.com/groups/{name}</URI></Grantee><Permission>READ</Permission></Grant>"
            )
        };
        let xml = format!(
            "<AccessControlPolicy><Owner><ID>me</ID></Owner><AccessControlList><Grant><Grantee><ID>me</ID>\
             </Grantee><Permission>FULL_CONTROL</Permission></Grant>{}{}{}</AccessControlList></AccessControlPolicy>",
            group("global/AllUsers"),
            group("global/AuthenticatedUsers"),
            group("s3/LogDelivery"),
        );
        let grants = grants(&Element::parse(xml.as_bytes()).unwrap()).unwrap();
        let public: Vec<_> = grants.iter().map(Grant::is_public).collect();
        assert_eq!(public, [false, true, true, false]);
        assert_eq!(grants[0].grantee, Grantee::Named("me".to_owned()));
        assert_eq!(grants[1].grantee, Grantee::Everybody);
        assert_eq!(grants[0].permission, "FULL_CONTROL");
    }
}
