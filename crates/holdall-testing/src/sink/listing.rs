//! Pages of a listing, synthetic or remembered, and the ETags in them.

use std::io::Write as _;
use std::ops::Bound;

use super::memory::Bucket;
use super::operation::ListQuery;
use crate::encode::{url_escape, xml_escape as escape};

const NAME: &str = "object-";
const DIGITS: usize = 9;
const MODIFIED: &str = "2026-01-01T00:00:00.000Z";
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// The index of a key of the synthetic listing.
fn index_of(key: &str) -> Option<&str> {
    let digits = key.get(key.len().checked_sub(DIGITS)?..)?;
    (digits.bytes().all(|b| b.is_ascii_digit()) && key[..key.len() - DIGITS].ends_with(NAME))
        .then_some(digits)
}

/// Says whether the synthetic listing could contain the key.
pub(super) fn is_synthetic(key: &str) -> bool {
    index_of(key).is_some()
}

/// The ETag of a key of this size, without quotes.
///
/// A synthetic key's carries its index in decimal, so that a page is stamped without hashing.
pub(super) fn etag(key: &str, size: u64) -> String {
    match index_of(key) {
        Some(index) => format!("5eed5ee{index}{size:016x}-1"),
        None => format!("{:016x}{size:016x}-1", fnv(key.as_bytes())),
    }
}

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// A page of a bucket that was never written to: `keys` names below the asked prefix.
pub(super) fn synthetic_page(query: &ListQuery, keys: u64, size: u64) -> Vec<u8> {
    let start = first_after(&query.prefix, &query.after, keys);
    let count = (keys - start).min(query.max_keys as u64);
    let mut entries = Vec::with_capacity(count as usize * (query.prefix.len() + 256));
    let stamp = Stamp::new(query, size);
    (start..start + count).for_each(|index| stamp.press(index, &mut entries));
    let next = (count > 0 && start + count < keys).then(|| synthetic_key(&query.prefix, start + count - 1));
    finish(query, count as usize, next.as_deref(), &entries)
}

fn synthetic_key(prefix: &str, index: u64) -> String {
    format!("{prefix}{NAME}{index:0DIGITS$}")
}

/// How many synthetic keys sort at or before `after`.
fn first_after(prefix: &str, after: &str, keys: u64) -> u64 {
    let (mut low, mut high) = (0, keys);
    while low < high {
        let middle = low.midpoint(high);
        if synthetic_key(prefix, middle).as_str() <= after { low = middle + 1 } else { high = middle }
    }
    low
}

/// One `<Contents>` element with holes for the digits.
struct Stamp {
    entry: Vec<u8>,
    holes: [usize; 2],
}

impl Stamp {
    fn new(query: &ListQuery, size: u64) -> Stamp {
        let mut entry = Vec::new();
        let blank = "0".repeat(DIGITS);
        let key = format!("{}{NAME}{blank}", query.prefix);
        write_entry(&mut entry, query, &key, &etag(&key, size), size);
        let in_key = "<Contents><Key>".len() + escaped(query, &query.prefix).len() + NAME.len();
        let in_etag =
            in_key + DIGITS + "</Key><LastModified></LastModified><ETag>&quot;5eed5ee".len() + MODIFIED.len();
        Stamp { entry, holes: [in_key, in_etag] }
    }

    fn press(&self, index: u64, out: &mut Vec<u8>) {
        let base = out.len();
        out.extend_from_slice(&self.entry);
        let mut digits = [b'0'; DIGITS];
        let mut rest = index;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        for hole in self.holes {
            out[base + hole..][..DIGITS].copy_from_slice(&digits);
        }
    }
}

/// A page of what was put.
pub(super) fn remembered_page(query: &ListQuery, bucket: &Bucket) -> Vec<u8> {
    let (mut entries, mut count, mut last, mut truncated) = (Vec::new(), 0, None::<String>, false);
    // Keys below a common prefix that an earlier page ended with are skipped, as S3 does.
    let mut from = match common_prefix(query, &query.after) {
        Some(common) if common == query.after => past(common),
        _ => Bound::Excluded(query.after.clone()),
    };
    if query.after < query.prefix {
        from = Bound::Included(query.prefix.clone());
    }
    while let Some((key, &size)) = bucket.range((from.clone(), Bound::Unbounded)).next() {
        if !key.starts_with(&query.prefix) {
            break;
        }
        if count == query.max_keys {
            truncated = count > 0;
            break;
        }
        count += 1;
        if let Some(common) = common_prefix(query, key) {
            let common_escaped = escaped(query, common);
            write(
                &mut entries,
                format_args!("<CommonPrefixes><Prefix>{common_escaped}</Prefix></CommonPrefixes>"),
            );
            from = past(common);
            last = Some(common.to_owned());
        } else {
            write_entry(&mut entries, query, key, &etag(key, size), size);
            from = Bound::Excluded(key.clone());
            last = Some(key.clone());
        }
    }
    finish(query, count, last.as_deref().filter(|_| truncated), &entries)
}

fn common_prefix<'a>(query: &ListQuery, key: &'a str) -> Option<&'a str> {
    if query.delimiter.is_empty() {
        return None;
    }
    let rest = key.strip_prefix(query.prefix.as_str())?;
    let end = rest.find(&query.delimiter)? + query.delimiter.len();
    Some(&key[..query.prefix.len() + end])
}

/// The first place behind everything that starts with this.
fn past(prefix: &str) -> Bound<String> {
    Bound::Excluded(format!("{prefix}\u{10FFFF}"))
}

fn write_entry(out: &mut Vec<u8>, query: &ListQuery, key: &str, etag: &str, size: u64) {
    let key = escaped(query, key);
    write(
        out,
        format_args!(
            "<Contents><Key>{key}</Key><LastModified>{MODIFIED}</LastModified><ETag>&quot;{etag}&quot;</ETag>\
             <Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        ),
    );
}

fn finish(query: &ListQuery, count: usize, next: Option<&str>, entries: &[u8]) -> Vec<u8> {
    let mut page = Vec::with_capacity(entries.len() + 1024);
    let (bucket, prefix) = (escape(&query.bucket), escaped(query, &query.prefix));
    write(
        &mut page,
        format_args!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"{NAMESPACE}\"><Name>{bucket}</Name>\
             <Prefix>{prefix}</Prefix><MaxKeys>{}</MaxKeys><IsTruncated>{}</IsTruncated>",
            query.max_keys,
            next.is_some()
        ),
    );
    if query.v2 {
        write(&mut page, format_args!("<KeyCount>{count}</KeyCount>"));
    }
    if query.url_encoded {
        write(&mut page, format_args!("<EncodingType>url</EncodingType>"));
    }
    match next {
        Some(next) if query.v2 => {
            let token = escape(next);
            write(&mut page, format_args!("<NextContinuationToken>{token}</NextContinuationToken>"));
        }
        Some(next) => write(&mut page, format_args!("<NextMarker>{}</NextMarker>", escaped(query, next))),
        None => {}
    }
    page.extend_from_slice(entries);
    page.extend_from_slice(b"</ListBucketResult>");
    page
}

fn write(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a vector takes any bytes");
}

fn escaped(query: &ListQuery, text: &str) -> String {
    if query.url_encoded { url_escape(text) } else { escape(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(prefix: &str, after: &str, max_keys: usize) -> ListQuery {
        ListQuery { prefix: prefix.into(), after: after.into(), max_keys, v2: true, ..ListQuery::default() }
    }

    fn keys(page: &[u8], tag: &str) -> Vec<String> {
        let text = String::from_utf8(page.to_vec()).unwrap();
        let open = format!("<{tag}>");
        let pieces = text.split(&open).skip(1);
        pieces.map(|piece| piece.split('<').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_stamped_entry_equals_a_written_one() {
        let query = query("a&b/", "", 5);
        let page = String::from_utf8(synthetic_page(&query, 3, 7)).unwrap();
        for index in 0..3 {
            let (mut entry, key) = (Vec::new(), synthetic_key("a&b/", index));
            write_entry(&mut entry, &query, &key, &etag(&key, 7), 7);
            assert!(page.contains(std::str::from_utf8(&entry).unwrap()), "{page}");
        }
    }

    #[test]
    fn synthetic_pages_cover_every_key_once() {
        let (mut after, mut seen) = (String::new(), Vec::new());
        loop {
            let page = synthetic_page(&query("p/", &after, 10), 25, 1);
            seen.extend(keys(&page, "Key"));
            match keys(&page, "NextContinuationToken").pop() {
                Some(token) => after = token,
                None => break,
            }
        }
        assert_eq!(seen, (0..25).map(|i| synthetic_key("p/", i)).collect::<Vec<_>>());
    }

    #[test]
    fn a_remembered_listing_honours_delimiter_and_token() {
        let bucket: Bucket =
            ["a", "d/1", "d/2", "e", "f/1"].into_iter().map(|key| (key.to_owned(), 1)).collect();
        let mut query = ListQuery { delimiter: "/".into(), ..query("", "", 2) };
        let page = remembered_page(&query, &bucket);
        assert_eq!(
            (keys(&page, "Key"), keys(&page, "NextContinuationToken")),
            (vec!["a".into()], vec!["d/".into()])
        );
        query.after = "d/".into();
        let page = remembered_page(&query, &bucket);
        assert_eq!(keys(&page, "Key"), ["e"]);
        assert_eq!(keys(&page, "IsTruncated"), ["false"]);
    }
}
