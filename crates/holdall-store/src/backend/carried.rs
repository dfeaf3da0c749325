//! What an object carries besides its bytes.

use crate::backend::check_tags;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::{CopyOptions, PutOptions};
use crate::{Acl, Attributes, Encryption};

/// What S3 says of an object that was stored without a content type.
const NO_CONTENT_TYPE: &str = "binary/octet-stream";

/// Attributes, tags and ACL that were checked, as they will be read again.
#[derive(Clone)]
pub(crate) struct Carried {
    pub(crate) attributes: Attributes,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) acl: Option<Acl>,
    /// The name of the write, where its caller gave it one.
    pub(crate) nonce: Option<String>,
}

impl Carried {
    /// Checks what a put asks for of a store that encrypts nothing.
    pub(crate) fn of(options: &PutOptions) -> Result<Self> {
        refuse_encryption(options.encryption.as_ref())?;
        let carried = Self::new(&options.attributes, &options.tags, options.acl)?;
        Ok(Self { nonce: options.nonce.clone(), ..carried })
    }

    /// Checks what there is to carry.
    pub(crate) fn new(attributes: &Attributes, tags: &[(String, String)], acl: Option<Acl>) -> Result<Self> {
        check_tags(tags)?;
        let mut attributes = attributes.as_stored()?;
        attributes.content_type.get_or_insert_with(|| NO_CONTENT_TYPE.to_owned());
        Ok(Self { attributes, tags: tags.to_vec(), acl, nonce: None })
    }
}

/// Refuses a promise that neither memory nor a folder keeps.
pub(crate) fn refuse_encryption(encryption: Option<&Encryption>) -> Result<()> {
    match encryption {
        Some(_) => Err(Error::new(ErrorKind::Unsupported, "this kind of store encrypts nothing")),
        None => Ok(()),
    }
}

/// The attributes of a copy. As on S3 the storage class goes along only where that is asked for.
pub(crate) fn copied_attributes(source: &Attributes, options: &CopyOptions) -> Attributes {
    options.attributes.clone().unwrap_or_else(|| Attributes {
        storage_class: source.storage_class.clone().filter(|_| options.keep_storage_class),
        ..source.clone()
    })
}

/// Refuses a copy that would change nothing, as S3 does.
pub(crate) fn check_onto_itself(from: &Key, to: &Key, options: &CopyOptions) -> Result<()> {
    if from == to && options.attributes.is_none() && options.version.is_none() {
        let message = "a copy onto itself needs new attributes";
        return Err(Error::new(ErrorKind::InvalidInput, message).with_key(to));
    }
    Ok(())
}
