//! PutObject.

use super::settle::{name, settle};
use crate::checksum::Checksum;
use crate::client::{Call, Client, Reply};
use crate::error::{Error, ErrorKind, Result};
use crate::object::{Acl, Attributes, Encryption, WriteCondition, header_value, write_tags};
use crate::payload::Payload;
use crate::progress::Progress;
use http::Method;

/// AWS's bound on one PutObject, 5 GiB.
const MAX_PUT: u64 = 5 << 30;

/// How an object is put.
#[derive(Debug, Clone, Default)]
pub struct PutOptions {
    /// Headers and user metadata.
    pub attributes: Attributes,
    /// Tags, name and value.
    pub tags: Vec<(String, String)>,
    /// A canned access control list.
    pub acl: Option<Acl>,
    /// Encryption by the server; an answer that does not confirm it is an error.
    pub encryption: Option<Encryption>,
    /// When the write may take effect.
    pub condition: WriteCondition,
    /// Counts the bytes as they are sent.
    pub progress: Option<Progress>,
}

/// What a put answered.
#[derive(Debug, Clone)]
pub struct PutAnswer {
    /// The object's `ETag`, in quotes whether or not the server writes them; opaque.
    pub etag: String,
    /// The version made, in a bucket that keeps versions.
    pub version: Option<String>,
    /// A checksum that the server computed and that equals ours.
    pub checksum: Option<Checksum>,
    /// How often the request was sent.
    pub attempts: u32,
}

impl PutOptions {
    /// Writes the headers; with a name, so that the write can be recognised.
    pub(crate) fn write(&self, mut call: Call, attributes: &Attributes, name: Option<&str>) -> Result<Call> {
        attributes.write(name, &mut call.headers)?;
        write_tags(&self.tags, &mut call.headers)?;
        if let Some(acl) = self.acl {
            call.headers.insert("x-amz-acl", header_value("x-amz-acl", acl.as_str())?);
        }
        if let Some(encryption) = &self.encryption {
            encryption.write(&mut call.headers)?;
        }
        Ok(call)
    }
}

impl Client {
    /// Stores an object whole, by one request of at most 5 GiB.
    ///
    /// The write is named in the object's metadata (`holdall-put`); when an answer is lost, the object is looked at
    /// and the write counts as done only if it has that name. It is atomic: readers see the old object or the new.
    ///
    /// # Errors
    ///
    /// `Precondition` when the condition does not hold, `Changed` when the source's length changes while it is
    /// read, `Unsupported` when the server does not confirm the encryption asked for.
    pub async fn put(&self, key: &str, payload: Payload, options: &PutOptions) -> Result<PutAnswer> {
        if payload.len() > MAX_PUT {
            let size = payload.len();
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("too large for one put bytes={size} limit={MAX_PUT}"),
            ));
        }
        let nonce = name(self, &options.attributes);
        let call = Call::on("PutObject", Method::PUT, key);
        let mut call = options.write(call, &options.attributes, Some(&nonce))?;
        options.condition.write(&mut call.headers)?;
        let call = call.object(payload, self.config().integrity)?.counted(options.progress.as_ref());
        match self.run(&call).await {
            Ok(reply) => put_answer(&call, &reply, options.encryption.as_ref()),
            Err(error) => {
                let attempts = error.attempts();
                // Rare, and as large as the request itself: it would double what each put takes.
                let settled = Box::pin(settle(self, key, &nonce, options.encryption.as_ref(), error));
                let head = settled.await?;
                let etag =
                    head.etag.ok_or_else(|| Error::new(ErrorKind::Protocol, "the object has no ETag"))?;
                Ok(PutAnswer { etag, version: head.version, checksum: None, attempts })
            }
        }
    }
}

fn put_answer(call: &Call, reply: &Reply, encryption: Option<&Encryption>) -> Result<PutAnswer> {
    let located = |error: Error| error.in_operation(call.operation, &reply.host, reply.attempts);
    confirm(reply, encryption).map_err(located)?;
    let agreed = agreed_checksum(call, reply).and_then(|agreed| match agreed {
        Some(agreed) => Ok(Some(agreed)),
        None => right_checksum(call, reply),
    });
    let checksum = agreed.map_err(located)?;
    let etag = reply.etag().map_err(located)?;
    Ok(PutAnswer { etag, version: reply.version(), checksum, attempts: reply.attempts })
}

/// Refuses an answer that does not say that it encrypted.
pub(crate) fn confirm(reply: &Reply, encryption: Option<&Encryption>) -> Result<()> {
    match encryption {
        Some(wanted) if !wanted.is_confirmed_by(reply.headers()) => Err(Error::new(
            ErrorKind::Unsupported,
            "the server stored the object without confirming the encryption asked for",
        )),
        _ => Ok(()),
    }
}

/// Compares a checksum that the server says unasked with the bytes, where they are at hand.
fn right_checksum(call: &Call, reply: &Reply) -> Result<Option<Checksum>> {
    let said = Checksum::from_headers(reply.headers()).filter(|said| !said.is_composite());
    let (Some(said), Some(bytes)) = (said, call.payload.at_hand()) else { return Ok(None) };
    if said.algorithm.compute(&bytes) == said {
        return Ok(Some(said));
    }
    Err(other_checksum())
}

fn other_checksum() -> Error {
    Error::new(ErrorKind::Integrity, "the server computed another checksum")
}

/// Compares the server's checksum with the one that was sent.
pub(crate) fn agreed_checksum(call: &Call, reply: &Reply) -> Result<Option<Checksum>> {
    for algorithm in [
        crate::ChecksumAlgorithm::Crc64Nvme,
        crate::ChecksumAlgorithm::Crc32c,
        crate::ChecksumAlgorithm::Sha256,
    ] {
        let (Some(sent), Some(said)) =
            (call.headers.get(algorithm.header()), Checksum::of(algorithm, reply.headers()))
        else {
            continue;
        };
        if sent.as_bytes() != said.value.as_bytes() {
            return Err(other_checksum());
        }
        return Ok(Some(said));
    }
    Ok(None)
}
