//! The fault server without a fault is a correct one.

use holdall_testing::fault::{FaultServer, Kind, Script};

use crate::client::{Client, elements};

fn server() -> (FaultServer, Client) {
    let server = FaultServer::start(Script::new().bucket("b").minimum_part(4), 1).unwrap();
    let client = Client::of(server.address());
    (server, client)
}

#[test]
fn an_object_comes_back_with_its_metadata() {
    let (server, mut client) = server();
    let headers = "Content-Type: text/plain\r\nx-amz-meta-Colour: blue\r\nCache-Control: no-store\r\n";
    let put = client.ask("PUT /b/a%20dir//k", headers, b"hello");
    assert_eq!((put.status, put.header("etag")), (200, Some("\"5d41402abc4b2a76b9719d911017c592\"")));
    let got = client.ask("GET /b/a%20dir//k", "", b"");
    assert_eq!((got.status, got.text().as_str()), (200, "hello"));
    for (name, value) in
        [("content-type", "text/plain"), ("x-amz-meta-colour", "blue"), ("cache-control", "no-store")]
    {
        assert_eq!(got.header(name), Some(value));
    }
    let head = client.ask("HEAD /b/a%20dir//k", "", b"");
    assert_eq!((head.header("content-length"), head.header("etag")), (Some("5"), put.header("etag")));
    let stored = server.object("b", "a dir//k").unwrap();
    assert_eq!((stored.bytes.as_slice(), stored.metadata["colour"].as_str()), (&b"hello"[..], "blue"));
    assert_eq!(client.ask("DELETE /b/a%20dir//k", "", b"").status, 204);
    assert_eq!(client.ask("GET /b/a%20dir//k", "", b"").status, 404);
    assert_eq!(server.objects("b").len(), 0);
}

#[test]
fn ranges_and_conditions_of_reads() {
    let (server, mut client) = server();
    server.put_object("b", "k", b"0123456789");
    let part = client.ask("GET /b/k", "Range: bytes=3-5\r\n", b"");
    assert_eq!(
        (part.status, part.text().as_str(), part.header("content-range")),
        (206, "345", Some("bytes 3-5/10"))
    );
    let outside = client.ask("GET /b/k", "Range: bytes=10-\r\n", b"");
    assert_eq!((outside.status, outside.header("content-range")), (416, Some("bytes */10")));
    let etag = part.header("etag").unwrap();
    let status = |client: &mut Client, header: &str| client.ask("GET /b/k", header, b"").status;
    assert_eq!(status(&mut client, &format!("If-Match: {etag}\r\n")), 200);
    assert_eq!(status(&mut client, "If-Match: \"other\"\r\n"), 412);
    assert_eq!(status(&mut client, &format!("If-None-Match: {etag}\r\n")), 304);
    let modified = part.header("last-modified").unwrap();
    assert_eq!(status(&mut client, &format!("If-Modified-Since: {modified}\r\n")), 304);
    assert_eq!(status(&mut client, &format!("If-Unmodified-Since: {modified}\r\n")), 200);
}

#[test]
fn conditions_of_writes() {
    let (server, mut client) = server();
    let status = |client: &mut Client, header: &str| client.ask("PUT /b/k", header, b"new").status;
    assert_eq!(status(&mut client, "If-Match: \"x\"\r\n"), 404);
    assert_eq!(status(&mut client, "If-None-Match: *\r\n"), 200);
    assert_eq!(status(&mut client, "If-None-Match: *\r\n"), 412);
    assert_eq!(status(&mut client, "If-Match: \"x\"\r\n"), 412);
    let etag = server.object("b", "k").unwrap().etag;
    assert_eq!(status(&mut client, &format!("If-Match: \"{etag}\"\r\n")), 200);
}

#[test]
fn one_of_sixteen_racers_creates() {
    let (server, _) = server();
    let address = server.address();
    let race = move || Client::of(address).ask("PUT /b/k", "If-None-Match: *\r\n", b"x").status;
    let racers: Vec<_> = (0..16).map(|_| std::thread::spawn(race)).collect();
    let statuses: Vec<u16> = racers.into_iter().map(|racer| racer.join().unwrap()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
}

#[test]
fn a_body_that_differs_from_its_digest_is_refused() {
    let (server, mut client) = server();
    let right = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    for (header, code) in [
        (format!("x-amz-content-sha256: {}\r\n", right.replace('2', "3")), "XAmzContentSHA256Mismatch"),
        ("Content-MD5: XUFAKrxLKna5cZ2REBfFkQ==\r\n".to_owned(), "BadDigest"),
        ("x-amz-checksum-crc32c: AAAAAA==\r\n".to_owned(), "BadDigest"),
    ] {
        let put = client.ask("PUT /b/k", &header, b"hello");
        assert_eq!((put.status, elements(&put.text(), "Code")), (400, vec![code.to_owned()]));
    }
    assert!(server.object("b", "k").is_none());
    for header in [
        format!("x-amz-content-sha256: {right}\r\n"),
        "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n".to_owned(),
        "Content-MD5: XUFAKrxLKna5cZ2REBfFkg==\r\n".to_owned(),
        "x-amz-checksum-crc32c: mnG7TA==\r\n".to_owned(),
    ] {
        assert_eq!(client.ask("PUT /b/k", &header, b"hello").status, 200, "{header}");
    }
    let seen = server.log().pop().unwrap();
    assert_eq!((seen.kind, seen.body_length, seen.body_sha256.as_str()), (Kind::PutObject, 5, right));
    let got = client.ask("GET /b/k", "x-amz-checksum-mode: ENABLED\r\n", b"");
    assert_eq!(got.header("x-amz-checksum-crc32c"), Some("mnG7TA=="));
}

#[test]
fn aws_chunked_bodies_are_unwrapped() {
    let (server, mut client) = server();
    let headers = "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nContent-Encoding: aws-chunked\r\n\
                   x-amz-decoded-content-length: 5\r\n";
    let wire = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32c:mnG7TA==\r\n\r\n";
    assert_eq!(client.ask("PUT /b/k", headers, wire).status, 200);
    let stored = server.object("b", "k").unwrap();
    assert_eq!((stored.bytes.as_slice(), stored.headers.get("content-encoding")), (&b"hello"[..], None));
}

#[test]
fn listings_page_group_and_encode() {
    let (server, mut client) = server();
    for key in ["a", "d/1", "d/2", "e&f", "p+q", "z"] {
        server.put_object("b", key, key.as_bytes());
    }
    let (mut keys, mut prefixes, mut token) = (Vec::new(), Vec::new(), String::new());
    let mut pages = 0;
    loop {
        let page = client.ask(&format!("GET /b?list-type=2&delimiter=/&max-keys=2{token}"), "", b"").text();
        keys.extend(elements(&page, "Key"));
        prefixes.extend(elements(&page, "CommonPrefixes><Prefix"));
        pages += 1;
        match elements(&page, "NextContinuationToken").pop() {
            Some(next) => token = format!("&continuation-token={next}"),
            None => break,
        }
    }
    assert_eq!((keys.join(" "), prefixes.join(" "), pages), ("a e&amp;f p+q z".into(), "d/".into(), 3));
    let encoded = client.ask("GET /b?list-type=2&encoding-type=url&prefix=p", "", b"").text();
    assert_eq!(elements(&encoded, "Key"), ["p%2Bq"]);
    let after = client.ask("GET /b?list-type=2&start-after=e%26f", "", b"").text();
    assert_eq!(elements(&after, "Key"), ["p+q", "z"]);
    let marker = client.ask("GET /b?marker=d/1&max-keys=1", "", b"").text();
    assert_eq!(
        (elements(&marker, "Key"), elements(&marker, "IsTruncated")),
        (vec!["d/2".into()], vec!["true".into()])
    );
    assert_eq!(client.ask("GET /none?list-type=2", "", b"").status, 404);
}

#[test]
fn a_multipart_upload_from_start_to_end() {
    let (server, mut client) = server();
    let begun = client.ask("POST /b/big?uploads", "x-amz-meta-a: b\r\n", b"").text();
    let upload = elements(&begun, "UploadId").pop().unwrap();
    let mut list = String::from("<CompleteMultipartUpload>");
    for (number, bytes) in [(1, "first"), (2, "second"), (5, "x")] {
        let part =
            client.ask(&format!("PUT /b/big?partNumber={number}&uploadId={upload}"), "", bytes.as_bytes());
        let etag = part.header("etag").unwrap();
        list += &format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>");
    }
    list += "</CompleteMultipartUpload>";
    let parts = client.ask(&format!("GET /b/big?uploadId={upload}&max-parts=2"), "", b"").text();
    assert_eq!(
        (elements(&parts, "PartNumber"), elements(&parts, "IsTruncated")),
        (vec!["1".into(), "2".into()], vec!["true".into()])
    );
    let uploads = client.ask("GET /b?uploads", "", b"").text();
    assert_eq!((elements(&uploads, "Key"), server.uploads().len()), (vec!["big".into()], 1));
    let wrong = list.replace("<ETag>\"", "<ETag>\"0");
    let refused = client.ask(&format!("POST /b/big?uploadId={upload}"), "", wrong.as_bytes());
    assert_eq!(elements(&refused.text(), "Code"), ["InvalidPart"]);
    let done = client.ask(&format!("POST /b/big?uploadId={upload}"), "", list.as_bytes());
    assert!(elements(&done.text(), "ETag")[0].ends_with("-3&quot;"), "{}", done.text());
    let stored = server.object("b", "big").unwrap();
    assert_eq!((stored.bytes.as_slice(), stored.metadata["a"].as_str()), (&b"firstsecondx"[..], "b"));
    let again = client.ask(&format!("POST /b/big?uploadId={upload}"), "", list.as_bytes());
    assert_eq!((again.status, elements(&again.text(), "Code")), (404, vec!["NoSuchUpload".into()]));
    assert_eq!(client.ask(&format!("DELETE /b/big?uploadId={upload}"), "", b"").status, 404);
}

#[test]
fn copies_of_objects_and_parts() {
    let (server, mut client) = server();
    client.ask("PUT /b/from%20here", "x-amz-meta-a: b\r\n", b"0123456789");
    let copy = client.ask("PUT /b/to", "x-amz-copy-source: /b/from%20here\r\n", b"");
    assert_eq!((copy.status, elements(&copy.text(), "ETag").len()), (200, 1));
    assert_eq!(server.object("b", "to").unwrap().metadata["a"], "b");
    let replaced =
        "x-amz-copy-source: b/from%20here\r\nx-amz-metadata-directive: REPLACE\r\nx-amz-meta-c: d\r\n";
    client.ask("PUT /b/to", replaced, b"");
    assert_eq!(
        server.object("b", "to").unwrap().metadata.into_iter().collect::<Vec<_>>(),
        [("c".into(), "d".into())]
    );
    let pinned = "x-amz-copy-source: b/to\r\nx-amz-copy-source-if-match: \"other\"\r\n";
    assert_eq!(client.ask("PUT /b/third", pinned, b"").status, 412);
    let begun = client.ask("POST /b/joined?uploads", "", b"").text();
    let upload = elements(&begun, "UploadId").pop().unwrap();
    let source = "x-amz-copy-source: b/to\r\nx-amz-copy-source-range: bytes=2-4\r\n";
    let part = client.ask(&format!("PUT /b/joined?partNumber=1&uploadId={upload}"), source, b"").text();
    let etag = elements(&part, "ETag").pop().unwrap();
    let list = format!("<C><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></C>");
    assert_eq!(client.ask(&format!("POST /b/joined?uploadId={upload}"), "", list.as_bytes()).status, 200);
    assert_eq!(server.object("b", "joined").unwrap().bytes, b"234");
}

#[test]
fn deleting_many_and_the_bucket() {
    let (server, mut client) = server();
    server.put_object("b", "a&b", b"");
    server.put_object("b", "c", b"");
    assert_eq!(client.ask("DELETE /b", "", b"").status, 409);
    let body = b"<Delete><Object><Key>a&amp;b</Key></Object><Object><Key>none</Key></Object></Delete>";
    let deleted = client.ask("POST /b?delete", "", body).text();
    assert_eq!(elements(&deleted, "Key"), ["a&amp;b", "none"]);
    let quiet = b"<Delete><Quiet>true</Quiet><Object><Key>c</Key></Object></Delete>";
    assert_eq!(elements(&client.ask("POST /b?delete", "", quiet).text(), "Key"), [""; 0]);
    assert_eq!(client.ask("POST /b?delete", "", b"<Delete><Object>").status, 400);
    assert_eq!(client.ask("DELETE /b", "", b"").status, 204);
    assert_eq!(client.ask("HEAD /b", "", b"").status, 404);
    assert_eq!(client.ask("PUT /b", "", b"").status, 200);
    assert_eq!(client.ask("GET /b?location", "", b"").status, 200);
    assert_eq!(client.ask("GET /b?policy", "", b"").status, 501);
}

#[test]
fn expect_continue_and_chunked_bodies() {
    let (server, mut client) = server();
    client.send(b"PUT /b/k HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send(b"1234");
    assert_eq!(client.answer(true).status, 200);
    client.send(b"PUT /b/l HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    assert_eq!(client.answer(true).status, 200);
    assert_eq!(server.object("b", "l").unwrap().bytes, b"abc");
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_bucket_keeps_its_rules() {
    let (server, mut client) = server();
    let rules = b"<LifecycleConfiguration><Rule><ID>a</ID></Rule></LifecycleConfiguration>";
    assert_eq!(client.ask("GET /b?lifecycle", "", b"").status, 404);
    assert_eq!(client.ask("PUT /b?lifecycle", "", b"<LifecycleConfiguration/>").status, 400);
    assert_eq!(client.ask("PUT /b?lifecycle", "", rules).status, 200);
    assert_eq!(client.ask("GET /b?lifecycle", "", b"").text().as_bytes(), rules);
    assert_eq!(server.lifecycle("b").unwrap().as_bytes(), rules);
    assert_eq!(client.ask("DELETE /b?lifecycle", "", b"").status, 204);
    assert_eq!((server.lifecycle("b"), client.ask("HEAD /b", "", b"").status), (None, 200));
}
