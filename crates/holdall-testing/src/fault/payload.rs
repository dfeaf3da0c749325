//! Is the body what the request says it is?

use md5::{Digest as _, Md5};

use super::reply::Refusal;
use super::request::Request;
use crate::chunked::Chunked;
use crate::encode::{base64, hex};

const CHECKSUMS: [&str; 5] = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"];

/// SHA-256 in hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}

/// Takes the aws-chunked framing off a body that has it. Chunk signatures and trailers are not looked at.
pub(super) fn unwrap(request: &mut Request) {
    let streaming = request.header("x-amz-content-sha256").is_some_and(|hash| hash.starts_with("STREAMING-"));
    if !streaming {
        return;
    }
    let mut plain = Vec::with_capacity(request.body.len());
    Chunked::default().advance(&request.body, |data| plain.extend_from_slice(data));
    request.body = plain;
}

/// Compares the body with every digest in the headers.
///
/// # Errors
/// What S3 answers to a body that differs.
pub(super) fn verify(request: &Request) -> Result<(), Refusal> {
    let body = &request.body;
    match request.header("x-amz-content-sha256") {
        None | Some("UNSIGNED-PAYLOAD") => {}
        Some(hash) if hash.starts_with("STREAMING-") => {}
        Some(hash) if *hash == sha256(body) => {}
        Some(_) => return Err(Refusal::new(400, "XAmzContentSHA256Mismatch")),
    }
    if let Some(length) = request.header("x-amz-decoded-content-length")
        && length.parse() != Ok(body.len())
    {
        return Err(Refusal::new(400, "IncompleteBody"));
    }
    if request.header("content-md5").is_some_and(|md5| md5 != base64(&Md5::digest(body))) {
        return Err(Refusal::new(400, "BadDigest"));
    }
    for (name, value) in checksums(request) {
        if checksum(name.trim_start_matches("x-amz-checksum-"), body).is_some_and(|own| own != *value) {
            return Err(Refusal::new(400, "BadDigest"));
        }
    }
    Ok(())
}

/// The checksum headers of a request.
pub(super) fn checksums(request: &Request) -> impl Iterator<Item = (&str, &String)> {
    let named = |name: &str| {
        name.strip_prefix("x-amz-checksum-").is_some_and(|algorithm| CHECKSUMS.contains(&algorithm))
    };
    request.headers.iter().filter(move |(name, _)| named(name)).map(|(name, value)| (name.as_str(), value))
}

/// A checksum by S3's name for it.
pub(super) fn checksum(algorithm: &str, body: &[u8]) -> Option<String> {
    use crc_fast::CrcAlgorithm::{Crc32Iscsi, Crc32IsoHdlc, Crc64Nvme};
    let crc32 = |algorithm| base64(&(crc_fast::checksum(algorithm, body) as u32).to_be_bytes());
    Some(match algorithm {
        "crc32" => crc32(Crc32IsoHdlc),
        "crc32c" => crc32(Crc32Iscsi),
        "crc64nvme" => base64(&crc_fast::checksum(Crc64Nvme, body).to_be_bytes()),
        "sha1" => base64(ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, body).as_ref()),
        "sha256" => base64(ring::digest::digest(&ring::digest::SHA256, body).as_ref()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_of_the_catalogue_text() {
        let of = |algorithm| checksum(algorithm, b"123456789");
        assert_eq!(of("crc32"), Some(base64(&0xcbf4_3926_u32.to_be_bytes())));
        assert_eq!(of("crc32c"), Some(base64(&0xe306_9283_u32.to_be_bytes())));
        assert_eq!(of("crc64nvme"), Some(base64(&0xae8b_1486_0a79_9888_u64.to_be_bytes())));
        assert_eq!(of("md4"), None);
    }
}
