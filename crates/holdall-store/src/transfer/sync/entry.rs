//! One entry of the index, and how it is written.

use super::Digest;
use crate::Sha256;
use crate::object::Metadata;
use crate::transfer::source::Identity;

/// A file that has the bytes of an object: as it was when they were read or written, and as the object is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::transfer) struct Entry {
    pub(in crate::transfer) file: Identity,
    /// The object's.
    pub(in crate::transfer) etag: String,
    pub(in crate::transfer) digest: Option<Digest>,
}

impl Entry {
    /// Whether it speaks of the object that is listed.
    pub(super) fn is_of(&self, listed: &Metadata) -> bool {
        self.file.size == listed.size && listed.etag.as_ref() == Some(&self.etag)
    }
}

/// What the index says of a relative key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) key: String,
    /// None for what is to be forgotten.
    pub(super) entry: Option<Entry>,
}

/// A record with more is not ours: keys and tags are shorter.
const MOST: usize = 16 * 1024;

/// What stands before a record's bytes: their number and their CRC-32C.
pub(super) const FRAME: usize = 8;

/// Writes bytes so that it can be told whether they are whole.
pub(super) fn frame(body: &[u8], into: &mut Vec<u8>) {
    into.extend_from_slice(&(body.len() as u32).to_le_bytes());
    into.extend_from_slice(&crc(body).to_le_bytes());
    into.extend_from_slice(body);
}

/// How many bytes follow a frame's first ones; none when it is no frame.
pub(super) fn framed(first: [u8; FRAME]) -> Option<(usize, u32)> {
    let (len, crc) = first.split_at(4);
    let len = u32::from_le_bytes(len.try_into().ok()?) as usize;
    Some((len, u32::from_le_bytes(crc.try_into().ok()?))).filter(|_| len <= MOST)
}

pub(super) fn crc(body: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, body) as u32
}

impl Record {
    /// Whether it can be written: a sorter needs keys without NUL, and what is too long would not be read again.
    pub(super) fn is_fit(&self) -> bool {
        !self.key.contains('\0')
            && self.key.len() + self.entry.as_ref().map_or(0, |e| e.etag.len()) < MOST / 2
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(160 + self.key.len());
        text(&mut out, &self.key);
        let Some(entry) = &self.entry else { return out };
        let file = &entry.file;
        for figure in [file.device, file.inode, file.size] {
            out.extend_from_slice(&figure.to_le_bytes());
        }
        for figure in [file.modified.0, file.modified.1, file.changed.0, file.changed.1] {
            out.extend_from_slice(&figure.to_le_bytes());
        }
        text(&mut out, &entry.etag);
        match &entry.digest {
            None => out.push(0),
            Some(Digest::Whole(sha256)) => {
                out.push(1);
                out.extend_from_slice(&sha256.0);
            }
            Some(Digest::Parts { composite, part_size }) => {
                out.push(2);
                out.extend_from_slice(&part_size.to_le_bytes());
                text(&mut out, composite);
            }
        }
        out
    }

    /// Reads a record; none for bytes that are none.
    pub(super) fn decode(body: &[u8]) -> Option<Self> {
        let mut reader = Reader(body);
        let key = reader.text()?;
        if reader.0.is_empty() {
            return Some(Self { key, entry: None });
        }
        let file = Identity {
            device: reader.figure()?,
            inode: reader.figure()?,
            size: reader.figure()?,
            modified: (reader.figure()? as i64, reader.figure()? as i64),
            changed: (reader.figure()? as i64, reader.figure()? as i64),
        };
        let etag = reader.text()?;
        let digest = match reader.take(1)? {
            [0] => None,
            [1] => Some(Digest::Whole(Sha256(reader.take(32)?.try_into().ok()?))),
            [2] => {
                let part_size = reader.figure()?;
                Some(Digest::Parts { composite: reader.text()?, part_size })
            }
            _ => return None,
        };
        let entry = Some(Entry { file, etag, digest });
        reader.0.is_empty().then_some(Self { key, entry })
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u16).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn figure(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn text(&mut self) -> Option<String> {
        let len = u16::from_le_bytes(self.take(2)?.try_into().ok()?);
        String::from_utf8(self.take(len.into())?.to_vec()).ok()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::transfer::sync) fn entry(etag: &str, digest: Option<Digest>) -> Entry {
        let file = Identity {
            device: 1,
            inode: 2,
            size: 3,
            modified: (1_700_000_000, 4),
            changed: (1_700_000_001, 5),
        };
        Entry { file, etag: etag.to_owned(), digest }
    }

    fn records() -> [Record; 4] {
        let digests = [
            None,
            Some(Digest::Whole(crate::sha256(b"abc"))),
            Some(Digest::Parts { composite: "AbCd-2".to_owned(), part_size: 8 << 20 }),
        ];
        let [none, whole, parts] =
            digests.map(|digest| Record { key: "a/é".to_owned(), entry: Some(entry("\"e\"", digest)) });
        [none, whole, parts, Record { key: "gone".to_owned(), entry: None }]
    }

    #[test]
    fn records_come_back_and_parts_of_them_are_none() {
        for record in records() {
            let body = record.encode();
            assert_eq!(Record::decode(&body).as_ref(), Some(&record));
            for cut in 0..body.len() {
                let part = Record::decode(&body[..cut]);
                assert!(part.is_none_or(|part| part.entry.is_none()), "{record:?} {cut}");
            }
            assert_eq!(Record::decode(&[&body[..], b"x"].concat()).filter(|r| *r == record), None);
        }
    }

    #[test]
    fn the_form_on_disk_stays() {
        let mut out = Vec::new();
        frame(&records()[1].encode(), &mut out);
        let hex: String = out.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, include_str!("testdata/record.hex").trim_end());
    }
}
