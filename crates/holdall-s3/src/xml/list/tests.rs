use super::*;
use crate::ErrorKind;
use crate::xml::{Element, XmlWriter};
use proptest::prelude::*;

const PAGE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name><Prefix></Prefix>\
<KeyCount>2</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>true</IsTruncated>\
<NextContinuationToken>to&amp;ken</NextContinuationToken>\
<Contents><Key>a&amp;b &lt;c&gt;</Key><LastModified>2013-05-24T00:00:00.000Z</LastModified>\
<ETag>&quot;e1&quot;</ETag><Size>7</Size><Owner><ID>x</ID></Owner><StorageClass>STANDARD</StorageClass></Contents>\
<Contents>\n  <Key>z</Key><Size>0</Size><StorageClass>GLACIER</StorageClass></Contents>\
<CommonPrefixes><Prefix>dir/</Prefix></CommonPrefixes></ListBucketResult>\n";

#[test]
fn a_page_is_read_whole() {
    let page = parse_listing(PAGE.as_bytes()).unwrap();
    assert!(page.is_truncated);
    assert_eq!(page.token.as_deref(), Some("to&ken"));
    assert_eq!(continuation_token(PAGE.as_bytes()), page.token);
    assert_eq!(page.prefixes, ["dir/"]);
    let keys: Vec<_> = page.objects.iter().map(|o| (o.key.as_str(), o.size, o.etag.as_deref())).collect();
    assert_eq!(keys, [("a&b <c>", 7, Some("\"e1\"")), ("z", 0, None)]);
    assert_eq!(page.objects[1].storage_class.as_deref(), Some("GLACIER"));
}

#[test]
fn encoded_keys_are_decoded_only_when_the_server_says_so() {
    let body = |kind: &str| {
        format!(
            "<ListBucketResult>{kind}<Contents><Key>a%20b+c</Key><Size>1</Size></Contents></ListBucketResult>"
        )
    };
    let plain = parse_listing(body("").as_bytes()).unwrap();
    assert_eq!(plain.objects[0].key, "a%20b+c");
    let encoded = parse_listing(body("<EncodingType>url</EncodingType>").as_bytes()).unwrap();
    assert_eq!(encoded.objects[0].key, "a b c");
    let claimed = body("<EncodingType>url</EncodingType>").replace("b+c", "b+c \u{e9}");
    assert_eq!(parse_listing(claimed.as_bytes()).unwrap().objects[0].key, "a%20b+c \u{e9}");
}

#[test]
fn broken_pages_are_refused() {
    let table = [
        ("cut", &PAGE[..PAGE.len() - 30]),
        ("wrong root", "<Other></Other>"),
        ("mixed ends", "<ListBucketResult><Contents><Key>a</Size></Contents></ListBucketResult>"),
        ("no key", "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>"),
        ("no size", "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>"),
        (
            "negative size",
            "<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
        ),
        ("bad flag", "<ListBucketResult><IsTruncated>maybe</IsTruncated></ListBucketResult>"),
        (
            "bare ampersand",
            "<ListBucketResult><Contents><Key>a&b</Key><Size>1</Size></Contents></ListBucketResult>",
        ),
        ("doctype", "<!DOCTYPE x><ListBucketResult></ListBucketResult>"),
        ("two roots", "<ListBucketResult></ListBucketResult><ListBucketResult></ListBucketResult>"),
        ("stray text", "<ListBucketResult>hello<IsTruncated>false</IsTruncated></ListBucketResult>"),
        ("open quote", "<ListBucketResult xmlns=\"x></ListBucketResult>"),
        ("prefixed names", "<ListBucketResult><:IsTruncated>false</IsTruncated></ListBucketResult>"),
        ("empty", ""),
    ];
    for (name, text) in table {
        let error = parse_listing(text.as_bytes()).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Protocol, "{name}");
    }
    assert!(parse_listing(b"\xff").is_err());
}

proptest! {
    #[test]
    fn the_scanner_agrees_with_quick_xml(
        keys in prop::collection::vec("[a-z&<>\"'/ é%+]{1,40}", 0..20),
        truncated: bool,
    ) {
        let mut xml = XmlWriter::new();
        xml.open_root("ListBucketResult");
        xml.element("IsTruncated", if truncated { "true" } else { "false" });
        for key in &keys {
            xml.open("Contents");
            xml.element("Key", key);
            xml.element("Size", &key.len().to_string());
            xml.close("Contents");
        }
        xml.close("ListBucketResult");
        let bytes = xml.finish();
        let page = parse_listing(&bytes).unwrap();
        let tree = Element::parse_named(&bytes, "ListBucketResult").unwrap();
        let theirs: Vec<_> = tree.each("Contents").map(|c| c.required("Key").unwrap().to_owned()).collect();
        let ours: Vec<_> = page.objects.iter().map(|o| o.key.clone()).collect();
        prop_assert_eq!(&ours, &theirs);
        prop_assert_eq!(ours, keys);
        prop_assert_eq!(page.is_truncated, truncated);
    }

    #[test]
    fn what_the_scanner_takes_quick_xml_takes(text in "(<|>|/|Contents|Key|Size|ListBucketResult|1|&amp;|a| ){0,40}") {
        if parse_listing(text.as_bytes()).is_ok() {
            prop_assert!(Element::parse(text.as_bytes()).is_ok(), "{}", text);
        }
    }
}
