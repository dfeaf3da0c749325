//! Attributes and tags in both ways.

use super::error::{ObjectResult, of};
use crate::error::{Error, ErrorKind};
use crate::{Attributes, PutOptions};
use object_store::path::Path;
use object_store::{Attribute, TagSet};
use percent_encoding::percent_decode_str;

/// What a put carries.
pub(super) fn put_options(attributes: &object_store::Attributes, tags: &TagSet) -> ObjectResult<PutOptions> {
    let mut out = Attributes::default();
    for (attribute, value) in attributes {
        let value = Some(value.to_string());
        match attribute {
            Attribute::ContentDisposition => out.content_disposition = value,
            Attribute::ContentEncoding => out.content_encoding = value,
            Attribute::ContentLanguage => out.content_language = value,
            Attribute::ContentType => out.content_type = value,
            Attribute::CacheControl => out.cache_control = value,
            Attribute::StorageClass => out.storage_class = value,
            Attribute::Metadata(name) => out.metadata.extend(value.map(|value| (name.to_string(), value))),
            other => return Err(unknown(other)),
        }
    }
    Ok(PutOptions { attributes: out, tags: pairs(tags), ..PutOptions::default() })
}

fn unknown(attribute: &Attribute) -> object_store::Error {
    let error = Error::new(ErrorKind::Unsupported, "the store keeps no such attribute");
    of(error.with_fact("attribute", format_args!("{attribute:?}")), &Path::default())
}

/// A tag set's names and values, which it has encoded as a form has them.
fn pairs(tags: &TagSet) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    };
    tags.encoded().split('&').filter(|pair| !pair.is_empty()).map(pair).collect()
}

/// What an object carries.
pub(super) fn read(attributes: Attributes) -> object_store::Attributes {
    let headers = [
        (Attribute::ContentDisposition, attributes.content_disposition),
        (Attribute::ContentEncoding, attributes.content_encoding),
        (Attribute::ContentLanguage, attributes.content_language),
        (Attribute::ContentType, attributes.content_type),
        (Attribute::CacheControl, attributes.cache_control),
        (Attribute::StorageClass, attributes.storage_class),
    ];
    let metadata =
        attributes.metadata.into_iter().map(|(name, value)| (Attribute::Metadata(name.into()), value));
    let headers = headers.into_iter().filter_map(|(attribute, value)| Some((attribute, value?)));
    headers.chain(metadata).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_what_was_pushed() {
        let given = [("one", "1"), ("a/b c", "2 + 3 = 5 & 100%"), ("caf\u{e9}", "")];
        let mut tags = TagSet::default();
        given.iter().for_each(|(name, value)| tags.push(name, value));
        let expected = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(pairs(&tags), expected);
        assert_eq!(pairs(&TagSet::default()), []);
    }
}
