//! Digests that prove bytes: what is computed, and what a server says.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use crc_fast::{CrcAlgorithm, Digest};
use http::HeaderMap;
use md5::Digest as _;
use std::fmt;

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// Reads 64 hex digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 64 {
            return None;
        }
        let mut out = [0; 32];
        for (i, pair) in bytes.chunks_exact(2).enumerate() {
            let hi = (pair[0] as char).to_digit(16)?;
            let lo = (pair[1] as char).to_digit(16)?;
            out[i] = (hi * 16 + lo) as u8;
        }
        Some(Self(out))
    }

    /// Writes 64 lower-case hex digits.
    pub fn to_hex(self) -> String {
        hex(&self.0)
    }

    /// Writes base64, as the `x-amz-checksum-sha256` header has it.
    pub fn to_base64(self) -> String {
        BASE64.encode(self.0)
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

/// Writes bytes as lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for b in bytes {
        out.push(DIGITS[(b >> 4) as usize] as char);
        out.push(DIGITS[(b & 15) as usize] as char);
    }
    out
}

/// Computes SHA-256, 1.8 GB/s on a core with SHA instructions.
pub fn sha256(bytes: &[u8]) -> Sha256 {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    Sha256(out)
}

/// Computes MD5, which the protocol wants for `Content-MD5`; it protects against accident, not against malice.
pub fn md5(bytes: &[u8]) -> [u8; 16] {
    md5::Md5::digest(bytes).into()
}

/// Computes CRC-32C (Castagnoli).
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

/// Computes CRC-64/NVME.
pub fn crc64nvme(bytes: &[u8]) -> u64 {
    crc_fast::checksum(CrcAlgorithm::Crc64Nvme, bytes)
}

/// Base64 of an MD5, as `Content-MD5` has it.
pub(crate) fn content_md5(bytes: &[u8]) -> String {
    BASE64.encode(md5(bytes))
}

/// The checksums of the `x-amz-checksum-*` headers that this client computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChecksumAlgorithm {
    /// CRC-64/NVME, AWS's default since 2025.
    Crc64Nvme,
    /// CRC-32C.
    Crc32c,
    /// SHA-256.
    Sha256,
}

impl ChecksumAlgorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Crc64Nvme, Self::Crc32c, Self::Sha256];

    /// The header that carries the value.
    pub fn header(self) -> &'static str {
        match self {
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The name in `x-amz-checksum-algorithm` and in the element `Checksum…` of a completed part.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc64Nvme => "CRC64NVME",
            Self::Crc32c => "CRC32C",
            Self::Sha256 => "SHA256",
        }
    }

    /// The algorithm of a name that [`ChecksumAlgorithm::name`] gives.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Computes the checksum of whole bytes.
    pub fn compute(self, bytes: &[u8]) -> Checksum {
        let mut running = Running::new(self);
        running.update(bytes);
        running.finish()
    }
}

/// One checksum and its value in base64, as the protocol writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// How it was computed.
    pub algorithm: ChecksumAlgorithm,
    /// The value in base64; `value-N` is a composite of N parts' checksums and says nothing of the whole bytes.
    pub value: String,
}

impl Checksum {
    /// Finds the first checksum among an answer's headers.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        ChecksumAlgorithm::ALL.into_iter().find_map(|algorithm| Self::of(algorithm, headers))
    }

    /// Finds the checksum of one algorithm among an answer's headers.
    pub(crate) fn of(algorithm: ChecksumAlgorithm, headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(algorithm.header())?.to_str().ok()?.to_owned();
        Some(Self { algorithm, value })
    }

    /// The SHA-256, where it is one of the bytes.
    pub fn sha256(&self) -> Option<Sha256> {
        let bytes =
            BASE64.decode(&self.value).ok().filter(|_| self.algorithm == ChecksumAlgorithm::Sha256)?;
        Some(Sha256(bytes.try_into().ok()?))
    }

    /// Whether the value is a checksum of parts' checksums.
    pub fn is_composite(&self) -> bool {
        self.value.contains('-')
    }
}

/// A checksum of bytes that come in pieces.
pub struct Running(State);

enum State {
    Crc(ChecksumAlgorithm, Digest),
    Sha256(ring::digest::Context),
}

impl Running {
    /// Begins one, of no bytes yet.
    pub fn new(algorithm: ChecksumAlgorithm) -> Self {
        Self(match algorithm {
            ChecksumAlgorithm::Crc64Nvme => State::Crc(algorithm, Digest::new(CrcAlgorithm::Crc64Nvme)),
            ChecksumAlgorithm::Crc32c => State::Crc(algorithm, Digest::new(CrcAlgorithm::Crc32Iscsi)),
            ChecksumAlgorithm::Sha256 => State::Sha256(ring::digest::Context::new(&ring::digest::SHA256)),
        })
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Crc(_, digest) => digest.update(bytes),
            State::Sha256(context) => context.update(bytes),
        }
    }

    /// Ends it: the checksum of all bytes.
    pub fn finish(self) -> Checksum {
        match self.0 {
            State::Crc(ChecksumAlgorithm::Crc32c, digest) => Checksum {
                algorithm: ChecksumAlgorithm::Crc32c,
                value: BASE64.encode((digest.finalize() as u32).to_be_bytes()),
            },
            State::Crc(algorithm, digest) => {
                Checksum { algorithm, value: BASE64.encode(digest.finalize().to_be_bytes()) }
            }
            State::Sha256(context) => Checksum {
                algorithm: ChecksumAlgorithm::Sha256,
                value: BASE64.encode(context.finish().as_ref()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_values_of_the_catalogue() {
        // The CRC catalogue's check input is "123456789".
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc64nvme(b"123456789"), 0xae8b_1486_0a79_9888);
        assert_eq!(sha256(b"").to_hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(hex(&md5(b"")), "d41d8cd98f00b204e9800998ecf8427e");
    }

    #[test]
    fn hex_is_read_back() {
        let digest = sha256(b"holdall");
        assert_eq!(Sha256::from_hex(&digest.to_hex()), Some(digest));
        assert_eq!(Sha256::from_hex("zz"), None);
    }

    #[test]
    fn running_checksums_equal_whole_ones() {
        for algorithm in ChecksumAlgorithm::ALL {
            let mut running = Running::new(algorithm);
            running.update(b"1234");
            running.update(b"56789");
            assert_eq!(running.finish(), algorithm.compute(b"123456789"));
        }
    }
}
