//! What all configurations of a bucket share: a query names them, and a server may not know the query.

use crate::client::{Call, Client, Reply};
use crate::error::{Error, ErrorKind, Result};
use crate::xml::Element;
use http::Method;

/// One configuration of a bucket: how it is asked for and what its answers look like.
pub(super) struct Subresource {
    /// The query that names it.
    pub(super) query: &'static str,
    /// The operation that reads it.
    pub(super) get: &'static str,
    /// The operation that sets it.
    pub(super) put: &'static str,
    /// The operation that removes it.
    pub(super) delete: &'static str,
    /// The names that the root of its document may have.
    pub(super) roots: &'static [&'static str],
    /// The codes that say that it is not configured.
    pub(super) absent: &'static [&'static str],
}

impl Client {
    /// Asks for a configuration's document; none when it is not configured.
    pub(super) async fn configuration(&self, what: &Subresource) -> Result<Option<Element>> {
        let Some(reply) = self.ask(what).await? else { return Ok(None) };
        what.root(&reply).map(Some)
    }

    /// Asks for a configuration and leaves its body unread.
    pub(super) async fn ask(&self, what: &Subresource) -> Result<Option<Reply>> {
        match self.run(&Call::new(what.get, Method::GET).query(what.query, "")).await {
            Ok(reply) => Ok(Some(reply)),
            Err(error) if error.code().is_some_and(|code| what.absent.contains(&code)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets a configuration, if the server knows it: one that does not takes the request for CreateBucket.
    ///
    /// Who may not read the configuration may still set it; nothing then says that the server knew it.
    pub(super) async fn configure(
        &self,
        what: &Subresource,
        request: impl FnOnce(Call) -> Result<Call>,
    ) -> Result<()> {
        match self.is_configured(what).await {
            Err(error) if error.kind() != ErrorKind::PermissionDenied => return Err(error),
            _ => {}
        }
        let call = request(Call::new(what.put, Method::PUT).query(what.query, ""))?;
        self.run(&call).await.map(drop)
    }

    /// Removes a configuration that is there.
    ///
    /// It is read first, always: a server that does not know the query takes the request for DeleteBucket, and an
    /// empty bucket would be gone (Ceph 16 does so for `?encryption`).
    pub(super) async fn unconfigure(&self, what: &Subresource) -> Result<()> {
        if !self.is_configured(what).await? {
            return Ok(());
        }
        self.run(&Call::new(what.delete, Method::DELETE).query(what.query, "")).await.map(drop)
    }

    async fn is_configured(&self, what: &Subresource) -> Result<bool> {
        let Some(reply) = self.ask(what).await? else { return Ok(false) };
        if what.roots.is_empty() {
            return what.json(&reply).map(|_| true);
        }
        what.root(&reply).map(|_| true)
    }
}

impl Subresource {
    /// The root of an answer's document.
    pub(super) fn root(&self, reply: &Reply) -> Result<Element> {
        let judged = Element::parse(&reply.bytes).and_then(|root| self.judge(root));
        judged.map_err(|error| self.place(error, reply))
    }

    /// The text of an answer that is a JSON object.
    pub(super) fn json(&self, reply: &Reply) -> Result<String> {
        self.judge_json(&reply.bytes).map_err(|error| self.place(error, reply))
    }

    pub(super) fn judge(&self, root: Element) -> Result<Element> {
        if self.roots.contains(&root.name.as_str()) {
            return Ok(root);
        }
        if root.name == "ListBucketResult" {
            return Err(took_for_a_listing());
        }
        let got: String = root.name.chars().take(40).collect();
        Err(crate::xml::fault(&format!("root is {got}, not {}", self.roots.join(" or "))))
    }

    pub(super) fn judge_json(&self, bytes: &[u8]) -> Result<String> {
        let object: Result<serde_json::Map<_, _>, _> = serde_json::from_slice(bytes);
        match (object, std::str::from_utf8(bytes)) {
            (Ok(_), Ok(text)) => Ok(text.to_owned()),
            (Err(_), _) if Element::parse_named(bytes, "ListBucketResult").is_ok() => {
                Err(took_for_a_listing())
            }
            (Err(e), _) => {
                Err(Error::new(ErrorKind::Protocol, "the answer is not a JSON object").with_source(e))
            }
            (_, Err(e)) => Err(Error::new(ErrorKind::Protocol, "the answer is not UTF-8").with_source(e)),
        }
    }

    fn place(&self, error: Error, reply: &Reply) -> Error {
        error.in_operation(self.get, &reply.host, reply.attempts)
    }
}

/// A server that does not know a query answers as if there were none.
fn took_for_a_listing() -> Error {
    Error::new(ErrorKind::Unsupported, "the server does not know the operation and answered with a listing")
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: Subresource = Subresource {
        query: "x",
        get: "GetX",
        put: "PutX",
        delete: "DeleteX",
        roots: &["X", "Y"],
        absent: &[],
    };
    const LISTING: &[u8] = b"<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
        <Name>rawb</Name><Prefix></Prefix><MaxKeys>1000</MaxKeys></ListBucketResult>";

    fn judged(bytes: &[u8]) -> Result<String, ErrorKind> {
        let root = Element::parse(bytes).and_then(|root| XML.judge(root));
        root.map(|root| root.name).map_err(|e| e.kind())
    }

    #[test]
    fn a_listing_says_that_the_operation_is_unknown() {
        assert_eq!(judged(LISTING), Err(ErrorKind::Unsupported));
        assert_eq!(XML.judge_json(LISTING).unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(judged(b"<html></html>"), Err(ErrorKind::Protocol));
        assert_eq!(judged(b"<Y/>"), Ok("Y".to_owned()));
    }

    #[test]
    fn a_policy_is_a_json_object() {
        assert_eq!(XML.judge_json(b"{ \"a\": 1 }").unwrap(), "{ \"a\": 1 }");
        for bytes in [&b"[]"[..], b"", b"<html></html>", b"{\"a\":\"\xff\"}"] {
            assert_eq!(XML.judge_json(bytes).unwrap_err().kind(), ErrorKind::Protocol, "{bytes:?}");
        }
    }
}
