//! What the fuzzer calls: parsers of what servers and users say.

use crate::endpoint::Endpoint;
use crate::xml::{Element, Listing, ServiceError, continuation_token, parse_listing};

/// The scanner takes nothing that quick-xml refuses, and reads the same keys.
pub fn listing(data: &[u8]) {
    // A token found before the page is read is a guess that reading it corrects; it must only not panic.
    continuation_token(data);
    let Ok(page) = parse_listing(data) else { return };
    let tree =
        Element::parse_named(data, "ListBucketResult").expect("quick-xml takes what the scanner takes");
    assert_eq!(tree.each("Contents").count(), page.objects.len(), "{page:?}");
    let Listing { objects, .. } = page;
    if tree.child("EncodingType").is_none() {
        for (entry, object) in tree.each("Contents").zip(&objects) {
            let theirs: Vec<_> = entry.each("Key").map(|k| k.text.as_str()).collect();
            assert!(theirs.last() == Some(&object.key.as_str()), "{theirs:?} {object:?}");
        }
    }
}

/// No document makes the reader panic.
pub fn xml(data: &[u8]) {
    let parsed = Element::parse(data);
    let said = ServiceError::parse(data);
    assert!(parsed.is_ok() || said.is_none());
    ServiceError::is_root_of(data);
}

/// What is read as an endpoint is printed so that it is read the same again.
pub fn endpoint(text: &str) {
    if let Ok(endpoint) = Endpoint::parse(text) {
        let again = Endpoint::parse(&endpoint.to_string()).expect("what was printed can be read");
        assert_eq!(
            (again.host(), again.port(), again.is_tls()),
            (endpoint.host(), endpoint.port(), endpoint.is_tls())
        );
        let _hint = endpoint.region_hint();
        for bucket in ["bucket", "b.c", text] {
            let _site = endpoint.site(bucket, crate::Addressing::Auto);
        }
    }
}
