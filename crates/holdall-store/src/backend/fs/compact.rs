//! The short form of a record: what most objects need, in 64 bytes.
//!
//! ext4 keeps a small attribute inside of the inode. A larger one takes a block of its own, which doubles what a small
//! object takes on the disk and what has to be written before it is safe. Larger than this form no attribute may be.
//!
//! ```text
//! "H" 0x01 | content type u8 | put u128 | modified i64 | sha256 [u8; 32] | size u64, LEB128
//! ```
//!
//! Numbers are big-endian. The content type is a row of a table that is only ever added to.

use super::record::Record;
use crate::Sha256;

const MAGIC: [u8; 2] = [b'H', 1];

/// By its place here; the list may grow at its end.
const TYPES: [&str; 32] = [
    "application/octet-stream",
    "text/plain; charset=utf-8",
    "text/html; charset=utf-8",
    "text/css; charset=utf-8",
    "text/csv; charset=utf-8",
    "text/javascript; charset=utf-8",
    "text/markdown; charset=utf-8",
    "text/xml; charset=utf-8",
    "application/json",
    "application/pdf",
    "application/zip",
    "application/gzip",
    "application/x-tar",
    "application/xml",
    "application/javascript",
    "application/wasm",
    "application/x-ndjson",
    "application/yaml",
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/svg+xml",
    "image/avif",
    "image/bmp",
    "image/tiff",
    "video/mp4",
    "video/webm",
    "video/quicktime",
    "audio/mpeg",
    "audio/wav",
    "binary/octet-stream",
];

/// Writes the short form; none for an object that has more.
pub(super) fn write(record: &Record) -> Option<Vec<u8>> {
    let only = Record {
        put: record.put,
        size: record.size,
        modified: record.modified,
        sha256: record.sha256,
        content_type: record.content_type.clone(),
        ..Record::default()
    };
    if only != *record {
        return None;
    }
    let content_type = TYPES.iter().position(|known| Some(*known) == record.content_type.as_deref())?;
    let mut bytes = Vec::with_capacity(64);
    bytes.extend(MAGIC);
    bytes.push(content_type as u8);
    bytes.extend(record.put.to_be_bytes());
    bytes.extend(record.modified.to_be_bytes());
    bytes.extend(record.sha256?.0);
    let mut size = record.size;
    while size >= 0x80 {
        bytes.push(size as u8 | 0x80);
        size >>= 7;
    }
    bytes.push(size as u8);
    Some(bytes)
}

/// Reads the short form; none for bytes that are not this version of it.
pub(super) fn read(bytes: &[u8]) -> Option<Record> {
    let (magic, rest) = bytes.split_first_chunk::<2>()?;
    let (content_type, rest) = rest.split_first()?;
    let (put, rest) = rest.split_first_chunk::<16>()?;
    let (modified, rest) = rest.split_first_chunk::<8>()?;
    let (sha256, rest) = rest.split_first_chunk::<32>()?;
    if *magic != MAGIC {
        return None;
    }
    Some(Record {
        put: u128::from_be_bytes(*put),
        size: read_size(rest)?,
        modified: i64::from_be_bytes(*modified),
        sha256: Some(Sha256(*sha256)),
        content_type: Some((*TYPES.get(usize::from(*content_type))?).to_owned()),
        ..Record::default()
    })
}

/// Whether bytes are meant to be the short form, of whichever version.
pub(super) fn is_compact(bytes: &[u8]) -> bool {
    bytes.first() == Some(&MAGIC[0])
}

fn read_size(bytes: &[u8]) -> Option<u64> {
    let (last, more) = bytes.split_last()?;
    if bytes.len() > 9 || last & 0x80 != 0 || more.iter().any(|byte| byte & 0x80 == 0) {
        return None;
    }
    Some(bytes.iter().rev().fold(0, |size, byte| size << 7 | u64::from(byte & 0x7f)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(size: u64) -> Record {
        Record {
            put: 0x0102,
            size,
            modified: 1_700_000_000_123_456_789,
            sha256: Some(Sha256([0xab; 32])),
            content_type: Some("image/png".to_owned()),
            ..Record::default()
        }
    }

    #[test]
    fn golden_bytes() {
        let mut golden = vec![b'H', 1, 18];
        golden.extend([0; 14]);
        golden.extend([1, 2, 0x17, 0x97, 0x9c, 0xfe, 0x3d, 0x85, 0xcd, 0x15]);
        golden.extend([0xab; 32]);
        golden.extend([0x80, 0x20]);
        assert_eq!(write(&plain(4096)).unwrap(), golden);
        assert_eq!(read(&golden), Some(plain(4096)));
    }

    #[test]
    fn the_table_of_types_is_only_added_to() {
        assert_eq!(
            (TYPES[0], TYPES[18], TYPES[31]),
            ("application/octet-stream", "image/png", "binary/octet-stream")
        );
    }

    #[test]
    fn what_has_more_is_not_written_short() {
        let with = |change: fn(&mut Record)| {
            let mut record = plain(1);
            change(&mut record);
            write(&record)
        };
        assert!(with(|_| ()).is_some_and(|bytes| bytes.len() <= 64));
        assert_eq!(with(|f| f.sha256 = None), None);
        assert_eq!(with(|f| f.content_type = None), None);
        assert_eq!(with(|f| f.content_type = Some("image/x-other".into())), None);
        assert_eq!(with(|f| f.cache_control = Some("no-cache".into())), None);
        assert_eq!(with(|f| f.metadata = [("a".to_owned(), "b".to_owned())].into()), None);
        assert_eq!(with(|f| f.tags = vec![("a".into(), "b".into())]), None);
    }

    #[test]
    fn damaged_bytes_are_not_read() {
        let good = write(&plain(4096)).unwrap();
        for cut in 0..good.len() {
            assert_eq!(read(&good[..cut]), None, "{cut}");
        }
        let change = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            read(&bytes)
        };
        assert_eq!((change(0, b'J'), change(1, 2), change(2, 200)), (None, None, None));
        assert_eq!(read(&[&good[..], &[1]].concat()), None, "something follows");
    }

    proptest! {
        #[test]
        fn every_size_comes_back(size in 0..(1u64 << 62)) {
            prop_assert_eq!(read(&write(&plain(size)).unwrap()), Some(plain(size)));
        }

        #[test]
        fn any_bytes_are_read_or_not(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }
}
