//! The sink, asked over a bare socket.

use std::io::Read as _;

use holdall_testing::sink::{Sink, SinkOptions, pattern_matches};

use crate::client::{Client, elements};

fn remembering() -> Sink {
    Sink::start(SinkOptions { remember: true, threads: 2, ..SinkOptions::default() }).unwrap()
}

#[test]
fn what_was_put_is_listed_and_read_with_its_size() {
    let sink = remembering();
    let mut client = Client::of(sink.address());
    let put = client.ask("PUT /b/dir/a%20b", "", &[7; 300_000]);
    assert_eq!(put.status, 200);
    let etag = put.header("etag").unwrap().to_owned();
    let got = client.ask("GET /b/dir/a%20b", "", b"");
    assert_eq!((got.body.len(), got.header("etag")), (300_000, Some(etag.as_str())));
    assert!(pattern_matches(0, &got.body));
    let listed = client.ask("GET /b?list-type=2&prefix=dir%2F", "", b"").text();
    assert_eq!(elements(&listed, "Key"), ["dir/a b"]);
    assert_eq!(elements(&listed, "Size"), ["300000"]);
    assert_eq!(elements(&listed, "ETag"), [etag.replace('"', "&quot;")]);
    assert_eq!(client.ask("DELETE /b/dir/a%20b", "", b"").status, 204);
    assert_eq!(client.ask("HEAD /b/dir/a%20b", "", b"").status, 404);
    assert_eq!(elements(&client.ask("GET /b", "", b"").text(), "Key"), [""; 0]);
}

#[test]
fn bytes_that_are_kept_are_read_again() {
    let keep = SinkOptions { remember: true, keep: true, ..SinkOptions::default() };
    let sink = Sink::start(keep).unwrap();
    let mut client = Client::of(sink.address());
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n / 7) as u8).collect();
    assert_eq!(client.ask("PUT /b/a", "", &bytes).status, 200);
    assert!(client.ask("GET /b/a", "", b"").body == bytes);
    let part = client.ask("GET /b/a", "Range: bytes=1000-1999\r\n", b"");
    assert!(part.status == 206 && part.body == bytes[1000..2000]);
    let begun = client.ask("POST /b/parts?uploads", "", b"").text();
    let upload = &elements(&begun, "UploadId")[0];
    for (number, part) in [(2, &bytes[200_000..]), (1, &bytes[..200_000])] {
        client.ask(&format!("PUT /b/parts?partNumber={number}&uploadId={upload}"), "", part);
    }
    client.ask(&format!("POST /b/parts?uploadId={upload}"), "", b"<CompleteMultipartUpload/>");
    assert!(client.ask("GET /b/parts", "", b"").body == bytes);
    client.ask("DELETE /b/a", "", b"");
    assert_eq!(client.ask("GET /b/a", "", b"").status, 404);
}

#[test]
fn short_bytes_that_were_not_signed_are_refused_where_that_is_asked_for() {
    let start =
        |verify| Sink::start(SinkOptions { verify, remember: true, ..SinkOptions::default() }).unwrap();
    let empty = "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\n";
    for (verify, headers, body, status) in [
        (true, empty, &b""[..], 200),
        (true, empty, b"others", 400),
        (true, "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n", b"others", 200),
        (true, empty, &[7; 4097], 200),
        (false, empty, b"others", 200),
    ] {
        let sink = start(verify);
        let mut client = Client::of(sink.address());
        assert_eq!(client.ask("PUT /b/a", headers, body).status, status, "{headers} {}", body.len());
        let expected = if status == 200 { 200 } else { 404 };
        assert_eq!(client.ask("HEAD /b/a", "", b"").status, expected, "{headers} {}", body.len());
    }
}

#[test]
fn ranges_are_answered_with_206_and_the_same_etag() {
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let mut client = Client::of(sink.address());
    let whole = client.ask("HEAD /b/size=10000000", "", b"");
    assert_eq!(whole.header("content-length"), Some("10000000"));
    let part = client.ask("GET /b/size=10000000", "Range: bytes=1234567-9999999\r\n", b"");
    assert_eq!((part.status, part.body.len()), (206, 10_000_000 - 1_234_567));
    assert_eq!(part.header("content-range"), Some("bytes 1234567-9999999/10000000"));
    assert_eq!(part.header("etag"), whole.header("etag"));
    assert!(pattern_matches(1_234_567, &part.body));
    assert_eq!(client.ask("GET /b/size=10", "Range: bytes=10-\r\n", b"").status, 416);
    assert_eq!(client.ask("GET /b/size=10", "Range: bytes=-4\r\n", b"").body.len(), 4);
    assert_eq!(client.ask("GET /b/size=0", "", b"").body.len(), 0);
}

#[test]
fn a_multipart_upload_has_the_size_of_its_parts() {
    let sink = remembering();
    let mut client = Client::of(sink.address());
    let begun = client.ask("POST /b/big?uploads", "", b"").text();
    let upload = &elements(&begun, "UploadId")[0];
    for number in 1..=3 {
        let part =
            client.ask(&format!("PUT /b/big?partNumber={number}&uploadId={upload}"), "", &[0; 200_000]);
        assert!(part.header("etag").is_some());
    }
    let done = client.ask(&format!("POST /b/big?uploadId={upload}"), "", b"<CompleteMultipartUpload/>");
    assert!(done.text().contains("CompleteMultipartUploadResult"));
    assert_eq!(client.ask("HEAD /b/big", "", b"").header("content-length"), Some("600000"));
}

#[test]
fn a_synthetic_listing_is_paged_to_its_end() {
    let sink = Sink::start(SinkOptions { keys: 2500, size: 9, ..SinkOptions::default() }).unwrap();
    let mut client = Client::of(sink.address());
    let (mut keys, mut token) = (Vec::new(), String::new());
    loop {
        let page = client.ask(&format!("GET /b?list-type=2&prefix=p/{token}"), "", b"").text();
        keys.extend(elements(&page, "Key"));
        match elements(&page, "NextContinuationToken").pop() {
            Some(next) => token = format!("&continuation-token={next}"),
            None => break,
        }
    }
    assert_eq!(keys.len(), 2500);
    assert!(keys.is_sorted() && keys.iter().all(|key| key.starts_with("p/object-")));
    let after = client.ask("GET /b?list-type=2&prefix=p/&start-after=p/object-000002498", "", b"").text();
    assert_eq!(elements(&after, "Key"), ["p/object-000002499"]);
    let head = client.ask("HEAD /b/p/object-000002499", "", b"");
    assert_eq!(elements(&after, "ETag"), [head.header("etag").unwrap().replace('"', "&quot;")]);
    assert_eq!(head.header("content-length"), Some("9"));
}

#[test]
fn delete_many_honours_quiet_and_forgets() {
    let sink = remembering();
    let mut client = Client::of(sink.address());
    client.ask("PUT /b/a%26b", "", b"1");
    client.ask("PUT /b/c", "", b"1");
    let body = b"<Delete><Object><Key>a&amp;b</Key></Object></Delete>";
    assert_eq!(elements(&client.ask("POST /b?delete", "", body).text(), "Key"), ["a&amp;b"]);
    let quiet = b"<Delete><Quiet>true</Quiet><Object><Key>c</Key></Object></Delete>";
    assert!(!client.ask("POST /b?delete", "", quiet).text().contains("<Deleted>"));
    assert_eq!(elements(&client.ask("GET /b", "", b"").text(), "Key"), [""; 0]);
}

#[test]
fn chunked_and_aws_chunked_bodies_have_their_decoded_size() {
    let sink = remembering();
    let mut client = Client::of(sink.address());
    client.send(b"PUT /b/chunked HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
    client.send(b"lo\r\n0\r\n\r\n");
    assert_eq!(client.answer(true).status, 200);
    let aws = "Content-Encoding: aws-chunked\r\nx-amz-decoded-content-length: 5\r\n";
    client.ask("PUT /b/aws", aws, b"5;chunk-signature=00\r\nhello\r\n0;chunk-signature=00\r\n\r\n");
    for key in ["chunked", "aws"] {
        let head = client.ask(&format!("HEAD /b/{key}"), "", b"");
        assert_eq!(head.header("content-length"), Some("5"), "{key}");
    }
}

#[test]
fn expect_continue_is_answered_before_the_body() {
    let sink = remembering();
    let mut client = Client::of(sink.address());
    client.send(b"PUT /b/k HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send(b"1234");
    assert_eq!(client.answer(true).status, 200);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let sink = remembering();
    let mut client = Client::of(sink.address());
    client.send(b"HEAD /b HTTP/1.1\r\n\r\nDELETE /b/x HTTP/1.1\r\n\r\nHEAD /b/none HTTP/1.1\r\nConnection: close\r\n\r\n");
    let statuses = [(); 3].map(|()| client.answer(false).status);
    assert_eq!(statuses, [200, 204, 404]);
    assert_eq!(client.0.read(&mut [0]).unwrap(), 0);
}

#[test]
fn nonsense_is_refused_and_the_connection_closed() {
    let sink = remembering();
    let mut client = Client::of(sink.address());
    client.send(b"\x16\x03\x01\x02\x00\r\n\r\n");
    assert_eq!(client.answer(true).status, 400);
    assert_eq!(client.0.read(&mut [0]).unwrap(), 0);
}
