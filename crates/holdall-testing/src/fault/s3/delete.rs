//! Deleting one object or many.

use super::NAMESPACE;
use crate::encode::xml_escape;
use crate::fault::Fault;
use crate::fault::conditions;
use crate::fault::objects::Store;
use crate::fault::reply::{Refusal, Reply};
use crate::fault::request::Request;
use crate::fault::xml;

/// The most keys in one request.
const MOST: usize = 1000;

pub(super) fn one(request: &Request, store: &mut Store) -> Result<Reply, Refusal> {
    let bucket = store.bucket(&request.bucket)?;
    if request.header("if-match").is_some() {
        conditions::for_write(request, bucket.get(&request.key))?;
    }
    bucket.remove(&request.key);
    Ok(Reply::new(204))
}

pub(super) fn many(request: &Request, fault: Option<&Fault>, store: &mut Store) -> Result<Reply, Refusal> {
    let objects = xml::elements(&request.body, "Object")?;
    let settings = xml::elements(&request.body, "Delete")?;
    let quiet =
        settings.first().and_then(|delete| delete.get("Quiet")).is_some_and(|quiet| quiet.trim() == "true");
    if objects.is_empty() || objects.len() > MOST {
        return Err(Refusal::new(400, "MalformedXML"));
    }
    let bucket = store.bucket(&request.bucket)?;
    let mut results = String::new();
    for mut object in objects {
        let key = object.remove("Key").ok_or_else(|| Refusal::new(400, "MalformedXML"))?;
        let escaped = xml_escape(&key);
        match fault {
            Some(Fault::OmitKeys { containing }) if key.contains(containing.as_str()) => {}
            Some(Fault::RefuseKeys { containing, code }) if key.contains(containing.as_str()) => {
                let code = xml_escape(code);
                results += &format!(
                    "<Error><Key>{escaped}</Key><Code>{code}</Code><Message>{code}</Message></Error>"
                );
            }
            _ => {
                bucket.remove(&key);
                if !quiet {
                    results += &format!("<Deleted><Key>{escaped}</Key></Deleted>");
                }
            }
        }
    }
    Ok(Reply::xml(format!("<DeleteResult xmlns=\"{NAMESPACE}\">{results}</DeleteResult>")))
}
