//! GetBucketCors, PutBucketCors, DeleteBucketCors.

use super::subresource::Subresource;
use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::xml::{Element, XmlWriter};

/// What pages of other origins may do with a bucket.
#[derive(Debug, Clone, Default)]
pub struct CorsRule {
    /// The rule's name, where it has one.
    pub id: Option<String>,
    /// Origins, such as `https://app.example.com`; `*` is all.
    pub origins: Vec<String>,
    /// Methods: `GET`, `HEAD`, `PUT`, `POST`, `DELETE`.
    pub methods: Vec<String>,
    /// Headers that a request may have; `*` is all.
    pub headers: Vec<String>,
    /// Headers that a page may read.
    pub exposed: Vec<String>,
    /// How long a browser may keep the permission, in seconds.
    pub max_age: Option<u32>,
    /// What a server said besides; written back as it is.
    pub further: Unread,
}

/// What a server said of a rule and this crate does not understand.
#[derive(Debug, Clone, Default)]
pub struct Unread(Vec<Element>);

const CORS: Subresource = Subresource {
    query: "cors",
    get: "GetBucketCors",
    put: "PutBucketCors",
    delete: "DeleteBucketCors",
    roots: &["CORSConfiguration"],
    absent: &["NoSuchCORSConfiguration"],
};

impl Client {
    /// Asks for the CORS rules; none where none are set.
    pub async fn cors(&self) -> Result<Vec<CorsRule>> {
        let root = self.configuration(&CORS).await?;
        Ok(root.iter().flat_map(|root| root.each("CORSRule")).map(CorsRule::of_element).collect())
    }

    /// Replaces all CORS rules by these.
    ///
    /// # Errors
    ///
    /// `InvalidInput` without rules: [`delete_cors`](Self::delete_cors) removes them.
    pub async fn put_cors(&self, rules: &[CorsRule]) -> Result<()> {
        if rules.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, "a CORS configuration needs a rule"));
        }
        let rules: Vec<Element> = rules.iter().map(CorsRule::element).collect();
        let xml = XmlWriter::document("CORSConfiguration", &rules);
        self.configure(&CORS, |call| Ok(call.document(xml))).await
    }

    /// Removes all CORS rules.
    pub async fn delete_cors(&self) -> Result<()> {
        self.unconfigure(&CORS).await
    }
}

impl CorsRule {
    fn of_element(element: &Element) -> Self {
        let all = |name| element.each(name).map(|child| child.text.clone()).collect();
        let known =
            ["ID", "AllowedOrigin", "AllowedMethod", "AllowedHeader", "ExposeHeader", "MaxAgeSeconds"];
        let further = element.children.iter().filter(|child| !known.contains(&child.name.as_str()));
        Self {
            id: element.text_of("ID").map(str::to_owned),
            origins: all("AllowedOrigin"),
            methods: all("AllowedMethod"),
            headers: all("AllowedHeader"),
            exposed: all("ExposeHeader"),
            max_age: element.text_of("MaxAgeSeconds").and_then(|text| text.trim().parse().ok()),
            further: Unread(further.cloned().collect()),
        }
    }

    fn element(&self) -> Element {
        let id = self.id.iter().map(|id| Element::of_text("ID", id));
        let lists = [
            ("AllowedOrigin", &self.origins),
            ("AllowedMethod", &self.methods),
            ("AllowedHeader", &self.headers),
            ("ExposeHeader", &self.exposed),
        ];
        let lists = lists
            .into_iter()
            .flat_map(|(name, list)| list.iter().map(move |text| Element::of_text(name, text)));
        let age = self.max_age.map(|age| Element::of_text("MaxAgeSeconds", age.to_string()));
        Element::of("CORSRule", id.chain(lists).chain(age).chain(self.further.0.iter().cloned()))
    }
}

/// Rules are equal when they allow the same; a server may sort what they name.
impl PartialEq for CorsRule {
    fn eq(&self, other: &Self) -> bool {
        let sorted = |rule: &Self| {
            let mut children = rule.element().children;
            children.sort();
            children
        };
        sorted(self) == sorted(other)
    }
}

impl Eq for CorsRule {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_of_ceph_reads_and_writes_back() {
        let xml =
            b"<CORSRule><ID>z</ID><AllowedMethod>GET</AllowedMethod><AllowedMethod>HEAD</AllowedMethod>\
            <AllowedOrigin>*</AllowedOrigin><AllowedOrigin>https://a.example</AllowedOrigin><AllowedHeader>*\
            </AllowedHeader><MaxAgeSeconds>3600</MaxAgeSeconds><ExposeHeader>ETag</ExposeHeader><New>1</New>\
            </CORSRule>";
        let read = CorsRule::of_element(&Element::parse(xml).unwrap());
        let built = CorsRule {
            id: Some("z".to_owned()),
            origins: vec!["https://a.example".to_owned(), "*".to_owned()],
            methods: vec!["GET".to_owned(), "HEAD".to_owned()],
            headers: vec!["*".to_owned()],
            exposed: vec!["ETag".to_owned()],
            max_age: Some(3600),
            further: Unread(vec![Element::of_text("New", "1")]),
        };
        assert_eq!(read, built);
        assert_ne!(read, CorsRule { max_age: None, ..built.clone() });
        assert_eq!(CorsRule::of_element(&built.element()), built);
    }
}
