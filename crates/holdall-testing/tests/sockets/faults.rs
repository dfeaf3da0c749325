//! Every fault, as it looks on the wire.

use std::time::{Duration, Instant};

use holdall_testing::fault::{Fault, FaultServer, Kind, Rule, Script};

use crate::client::{Answer, Client, elements};

const BODY: &[u8] = b"0123456789";
const SHORT: Duration = Duration::from_millis(20);

/// A server with object `k`, one rule, and a client.
fn with(rule: Rule) -> (FaultServer, Client) {
    let server = FaultServer::start(Script::new().minimum_part(1).rule(rule), 1).unwrap();
    server.put_object("b", "k", BODY);
    let client = Client::of(server.address());
    client.0.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    (server, client)
}

fn on_get(fault: Fault) -> (FaultServer, Client) {
    with(Rule::new(fault).on(Kind::GetObject).once())
}

fn get(client: &mut Client) -> Answer {
    client.ask("GET /b/k", "", b"")
}

/// Head and body of a whole answer up to the close.
fn split(raw: &[u8]) -> (String, Vec<u8>) {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    (String::from_utf8(raw[..end].to_vec()).unwrap(), raw[end..].to_vec())
}

#[test]
fn resets_before_and_after_the_operation() {
    for (fault, written) in [(Fault::Reset, false), (Fault::ResetUnread, false), (Fault::AnswerLost, true)] {
        let (server, mut client) = with(Rule::new(fault.clone()).on(Kind::PutObject).once());
        let (came, orderly) = client.ask_raw("PUT /b/new", "", b"x");
        assert_eq!((came.len(), orderly), (0, false), "{fault:?}");
        assert_eq!(server.object("b", "new").is_some(), written, "{fault:?}");
        assert_eq!(server.log()[0].fault, Some(fault));
        assert_eq!(get(&mut Client::of(server.address())).status, 200);
    }
}

#[test]
fn bodies_that_break_off_or_go_on() {
    let length = |head: &str| head.to_lowercase().contains("content-length: 10\r\n");
    for (fault, body, orderly) in [
        (Fault::ResetMidBody { after: 4 }, "0123", false),
        (Fault::ShortBody { missing: 3 }, "0123456", true),
        (Fault::LongBody { extra: 2 }, "0123456789!!", true),
    ] {
        let (_server, mut client) = on_get(fault.clone());
        let (raw, ended_well) = client.ask_raw("GET /b/k", "", b"");
        let (head, came) = split(&raw);
        assert!(length(&head), "{fault:?}: {head}");
        // A reset may overtake bytes that were not read yet.
        assert!(
            came == body.as_bytes() || !orderly && body.as_bytes().starts_with(&came),
            "{fault:?}: {came:?}"
        );
        assert_eq!(ended_well, orderly, "{fault:?}");
    }
}

#[test]
fn lengths_and_bytes_that_are_wrong() {
    let (_server, mut client) = on_get(Fault::WrongLength { by: 5 });
    let (head, body) = split(&client.ask_raw("GET /b/k", "", b"").0);
    assert!(head.contains("content-length: 15\r\n") && body == BODY);
    let (_server, mut client) = on_get(Fault::CutBody { to: 4 });
    assert_eq!(get(&mut client).text(), "0123");
    let (_server, mut client) = on_get(Fault::FlipByte { at: 1 });
    assert_eq!(get(&mut client).body[..3], [b'0', !b'1', b'2']);
    let (server, mut client) = with(Rule::new(Fault::CorruptWrite).on(Kind::PutObject));
    assert_eq!(client.ask("PUT /b/new", "", b"ab").status, 200);
    assert_eq!(server.object("b", "new").unwrap().bytes, [b'a', !b'b']);
}

#[test]
fn a_storm_of_refusals_ends_after_its_count() {
    let (server, mut client) = with(Rule::new(Fault::slow_down(Some(2))).on(Kind::PutObject).first(3));
    for _ in 0..3 {
        let refused = client.ask("PUT /b/new", "", b"x");
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("2")));
        assert_eq!(elements(&refused.text(), "Code"), ["SlowDown"]);
    }
    assert_eq!(client.ask("PUT /b/new", "", b"x").status, 200);
    assert_eq!(server.log().iter().filter(|seen| seen.fault.is_some()).count(), 3);
    for (fault, status) in [
        (Fault::slow_down(None), 503),
        (Fault::internal_error(), 500),
        (Fault::too_many_requests(), 429),
        (Fault::expired_token(), 400),
    ] {
        let (_server, mut client) = on_get(fault);
        assert_eq!((get(&mut client).status, get(&mut client).status), (status, 200));
    }
}

#[test]
fn an_early_refusal_leaves_the_body_unread() {
    let fault = Fault::RefuseEarly { status: 403, code: "AccessDenied".into(), after: 1000 };
    let (server, mut client) = with(Rule::new(fault).on(Kind::PutObject));
    client.send(b"PUT /b/new HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n");
    client.send(&[0; 2000]);
    let answer = client.answer(true);
    assert_eq!((answer.status, elements(&answer.text(), "Code")), (403, vec!["AccessDenied".into()]));
    assert_eq!((server.log()[0].body_length, server.object("b", "new").is_none()), (1000, true));
}

#[test]
fn errors_under_status_200() {
    for (kind, line) in [(Kind::CopyObject, "PUT /b/new"), (Kind::DeleteObjects, "POST /b?delete")] {
        let (server, mut client) =
            with(Rule::new(Fault::ErrorBody { code: "InternalError".into() }).on(kind));
        let headers = if kind == Kind::CopyObject { "x-amz-copy-source: b/k\r\n" } else { "" };
        let answer = client.ask(line, headers, b"<Delete><Object><Key>k</Key></Object></Delete>");
        assert_eq!((answer.status, elements(&answer.text(), "Code")), (200, vec!["InternalError".into()]));
        assert_eq!(server.objects("b").len(), 1);
    }
}

#[test]
fn deletes_that_are_half_done() {
    let body = b"<Delete><Object><Key>k</Key></Object><Object><Key>l</Key></Object></Delete>";
    let (server, mut client) =
        with(Rule::new(Fault::RefuseKeys { containing: "k".into(), code: "AccessDenied".into() }));
    let answer = client.ask("POST /b?delete", "", body).text();
    assert!(
        answer.contains("<Error><Key>k</Key><Code>AccessDenied</Code>") && server.object("b", "k").is_some()
    );
    let (server, mut client) = with(Rule::new(Fault::OmitKeys { containing: "k".into() }));
    assert_eq!(elements(&client.ask("POST /b?delete", "", body).text(), "Key"), ["l"]);
    assert!(server.object("b", "k").is_some());
    let (_server, mut client) = with(Rule::new(Fault::RequireContentMd5));
    assert_eq!(client.ask("POST /b?delete", "", body).status, 400);
}

#[test]
fn headers_that_are_missing_or_wrong() {
    let range = |client: &mut Client| client.ask("GET /b/k", "Range: bytes=2-4\r\n", b"");
    let (_server, mut client) = on_get(Fault::missing_etag());
    assert_eq!((get(&mut client).header("etag"), get(&mut client).header("etag").is_some()), (None, true));
    let (_server, mut client) = on_get(Fault::ShiftContentRange { by: 1 });
    assert_eq!(range(&mut client).header("content-range"), Some("bytes 3-5/10"));
    let (_server, mut client) = on_get(Fault::ChangeTotal { by: 1 });
    assert_eq!(range(&mut client).header("content-range"), Some("bytes 2-4/11"));
    let (_server, mut client) = on_get(Fault::IgnoreRange);
    let whole = range(&mut client);
    assert_eq!((whole.status, whole.body.as_slice(), whole.header("content-range")), (200, BODY, None));
    let (_server, mut client) = with(Rule::new(Fault::ChangeEtag).header("range").from(2));
    let etags = [(); 3].map(|()| range(&mut client).header("etag").unwrap().to_owned());
    assert!(etags[0] != etags[1] && etags[1] != etags[2], "{etags:?}");
    for algorithm in ["sha256", "crc32c", "crc64nvme"] {
        let (_server, mut client) = on_get(Fault::wrong_checksum(algorithm));
        assert!(get(&mut client).header(&format!("x-amz-checksum-{algorithm}")).is_some());
    }
}

#[test]
fn drips_and_stalls() {
    let (_server, mut client) = on_get(Fault::Drip { bytes: 4, every: SHORT });
    let begun = Instant::now();
    assert_eq!(get(&mut client).body, BODY);
    assert!(begun.elapsed() >= SHORT * 3);
    let (_server, mut client) = on_get(Fault::Delay(SHORT * 3));
    let begun = Instant::now();
    assert_eq!((get(&mut client).status, begun.elapsed() >= SHORT * 3), (200, true));
    for (fault, most) in [(Fault::Stall, 0), (Fault::StallMidBody { after: 3 }, 3)] {
        let (server, mut client) = on_get(fault);
        client.0.set_read_timeout(Some(SHORT * 10)).unwrap();
        let (raw, orderly) = client.ask_raw("GET /b/k", "", b"");
        let body = if most == 0 { raw } else { split(&raw).1 };
        assert_eq!((body.len(), orderly, server.open_connections()), (most, false, 1));
    }
    let (_server, mut client) = on_get(Fault::DripHeaders { every: Duration::from_millis(1) });
    client.0.set_read_timeout(Some(SHORT * 5)).unwrap();
    client.send(b"GET /b/k HTTP/1.1\r\n\r\n");
    let mut came = [0; 100];
    std::io::Read::read_exact(&mut client.0, &mut came).unwrap();
    assert!(came.ends_with(b"drip\r\n") || came.windows(6).any(|window| window == b"drip\r\n"));
}

#[test]
fn a_redirect_names_the_region_and_baits_with_the_trap() {
    let region = Some("eu-west-1".to_owned());
    let (server, mut client) = on_get(Fault::Redirect { status: 307, region });
    let answer = get(&mut client);
    assert_eq!((answer.status, answer.header("x-amz-bucket-region")), (307, Some("eu-west-1")));
    let location = answer.header("location").unwrap();
    assert_eq!(location, format!("{}/b/k", server.trap().endpoint()));
    assert_eq!(server.trap().connections(), 0);
    let address = server.trap().endpoint().trim_start_matches("http://").parse().unwrap();
    assert_eq!(Client::of(address).ask("GET /b/k", "Authorization: secret\r\n", b"").status, 200);
    assert_eq!(server.trap().connections(), 1);
    assert!(server.trap().heard()[0].contains("secret"));
}

#[test]
fn a_clock_that_is_ahead() {
    let (_server, mut client) = with(Rule::new(Fault::ClockSkew { seconds: 86400 * 365 * 30 }));
    let refused = client.ask("GET /b/k", "x-amz-date: 20260101T000000Z\r\n", b"");
    assert_eq!(
        (refused.status, elements(&refused.text(), "Code")),
        (403, vec!["RequestTimeTooSkewed".into()])
    );
    assert!(refused.header("date").unwrap().contains(" 205"), "{}", refused.head);
}

#[test]
fn answers_that_are_no_http_or_no_xml() {
    let (_server, mut client) = with(Rule::new(Fault::Garbage(b"\0\xffnonsense".to_vec())));
    assert_eq!(client.ask_raw("GET /b/k", "", b"").0, b"\0\xffnonsense");
    let body = |fault: Fault| {
        let (_server, mut client) = with(Rule::new(fault));
        String::from_utf8_lossy(&client.ask("GET /b?list-type=2", "", b"").body).into_owned()
    };
    assert!(body(Fault::garbage_xml()).contains("<<<"));
    assert_eq!(body(Fault::DeepXml { depth: 1000 }), "<a>".repeat(1000));
    assert!(body(Fault::EntityBomb).contains("<!ENTITY lol9"));
}

#[test]
fn huge_xml_is_streamed_until_the_client_goes() {
    let (_server, mut client) =
        with(Rule::new(Fault::HugeXml { bytes: Some(1 << 20) }).on(Kind::ListObjects).once());
    client.send(b"GET /b?list-type=2 HTTP/1.1\r\n\r\nGET /b/k HTTP/1.1\r\nConnection: close\r\n\r\n");
    let raw = client.rest().0;
    assert!(raw.len() > 1 << 20 && raw.ends_with(BODY));
    assert!(String::from_utf8_lossy(&raw).contains("</ListBucketResult>\r\n0\r\n\r\nHTTP/1.1 200"));
    let (server, mut client) = with(Rule::new(Fault::HugeXml { bytes: None }));
    client.send(b"GET /b?list-type=2 HTTP/1.1\r\n\r\n");
    std::io::Read::read_exact(&mut client.0, &mut vec![0; 8 << 20]).unwrap();
    drop(client);
    let begun = Instant::now();
    while server.open_connections() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn listings_that_lie() {
    let list = |fault: Fault, query: &str| {
        let (server, mut client) = with(Rule::new(fault).on(Kind::ListObjects));
        server.put_object("b", "l", b"");
        server.put_object("b", "m", b"");
        client.ask(&format!("GET /b?list-type=2{query}"), "", b"").text()
    };
    let tokens = |page: &str| elements(page, "NextContinuationToken");
    let page = list(Fault::NoToken, "&max-keys=1");
    assert_eq!((elements(&page, "IsTruncated"), tokens(&page)), (vec!["true".into()], vec![]));
    let page = list(Fault::SameToken, "&continuation-token=6b&max-keys=1");
    assert_eq!((elements(&page, "Key"), tokens(&page)), (vec!["l".into()], vec!["6b".into()]));
    assert_eq!(elements(&list(Fault::Unordered, ""), "Key"), ["m", "l", "k"]);
    assert_eq!(elements(&list(Fault::DuplicateKeys, ""), "Key"), ["k", "k", "l", "l", "m", "m"]);
    let climbing = elements(&list(Fault::climbing_keys(), "&encoding-type=url"), "Key");
    assert!(
        ["data/../../escape.txt", "/etc/passwd", "nul%00byte"]
            .iter()
            .all(|key| climbing.contains(&(*key).into()))
    );
}

#[test]
fn a_climbing_key_can_be_held_too() {
    let (server, mut client) = with(Rule::new(Fault::Stall).key("never"));
    server.put_object("b", "data/../../escape.txt", b"x");
    assert_eq!(client.ask("GET /b/data/../../escape.txt", "", b"").text(), "x");
    assert!(elements(&client.ask("GET /b", "", b"").text(), "Key").contains(&"data/../../escape.txt".into()));
}

#[test]
fn heads_that_are_unusual() {
    let (_server, mut client) = on_get(Fault::UnexpectedContinue { times: 2 });
    client.send(b"GET /b/k HTTP/1.1\r\n\r\n");
    let statuses = [(); 3].map(|()| client.head()[9..12].to_owned());
    assert_eq!(statuses, ["100", "100", "200"]);
    let (_server, mut client) = on_get(Fault::HugeHeaders { bytes: 1 << 20 });
    assert!(get(&mut client).head.len() > 1 << 20);
}

#[test]
fn connections_that_end_between_requests() {
    let (server, mut client) = on_get(Fault::CloseAfter);
    assert_eq!(get(&mut client).body, BODY);
    assert_eq!(client.rest(), (vec![], true));
    let (server_2, mut client) = on_get(Fault::CloseOnReuse);
    let answer = get(&mut client);
    assert_eq!((answer.body.as_slice(), answer.header("connection")), (BODY, None));
    assert_eq!(client.ask_raw("GET /b/k", "", b""), (vec![], false));
    let mut client = Client::of(server_2.address());
    assert_eq!(get(&mut client).status, 200);
    server_2.disconnect();
    assert!(client.rest().1);
    assert_eq!((server.connections(), server_2.connections()), (1, 2));
}

/// Begins an upload of one part and answers the line and body of its Complete.
fn upload(client: &mut Client) -> (String, String) {
    let begun = client.ask("POST /b/big?uploads", "", b"").text();
    let id = elements(&begun, "UploadId").pop().unwrap();
    let part = client.ask(&format!("PUT /b/big?partNumber=1&uploadId={id}"), "", b"part");
    let etag = part.header("etag").unwrap().to_owned();
    let body = format!("<C><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></C>");
    (format!("POST /b/big?uploadId={id}"), body)
}

#[test]
fn a_complete_whose_answer_is_lost_has_no_upload_afterwards() {
    let (server, mut client) = with(Rule::new(Fault::AnswerLost).on(Kind::CompleteMultipartUpload).once());
    let (line, body) = upload(&mut client);
    assert!(!client.ask_raw(&line, "", body.as_bytes()).1);
    assert_eq!(server.object("b", "big").unwrap().bytes, b"part");
    let again = Client::of(server.address()).ask(&line, "", body.as_bytes());
    assert_eq!(elements(&again.text(), "Code"), ["NoSuchUpload"]);
}

#[test]
fn a_slow_complete_sends_blanks_and_then_its_verdict() {
    for (error, tag) in [(None, "CompleteMultipartUploadResult"), (Some("InternalError".to_owned()), "Error")]
    {
        let fault = Fault::SlowXml { spaces: 3, every: SHORT, error: error.clone() };
        let (server, mut client) = with(Rule::new(fault).on(Kind::CompleteMultipartUpload));
        let (line, body) = upload(&mut client);
        let raw = client.ask_raw(&line, "Connection: close\r\n", body.as_bytes()).0;
        let text = String::from_utf8(raw).unwrap();
        assert!(
            text.contains("encoding: chunked\r\n") && text.contains("1\r\n \r\n1\r\n \r\n1\r\n \r\n"),
            "{text}"
        );
        assert!(text.contains(&format!("<{tag}")), "{text}");
        assert_eq!(server.object("b", "big").is_none(), error.is_some());
    }
}

#[test]
fn rules_can_come_and_go() {
    let (server, mut client) = with(Rule::new(Fault::internal_error()).on(Kind::GetObject));
    assert_eq!(get(&mut client).status, 500);
    server.clear_rules();
    assert_eq!(get(&mut client).status, 200);
    server.add_rule(Rule::new(Fault::too_many_requests()).key("k"));
    assert_eq!(get(&mut client).status, 429);
}

#[test]
fn a_server_in_the_middle_of_stalls_stops_at_once() {
    let (server, mut client) = with(Rule::new(Fault::Drip { bytes: 1, every: Duration::from_secs(60) }));
    let mut stalled = Client::of(server.address());
    server.add_rule(Rule::new(Fault::Stall));
    client.send(b"GET /b/k HTTP/1.1\r\n\r\n");
    client.head();
    stalled.send(b"GET /b");
    let begun = Instant::now();
    drop(server);
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_body_is_refused_for_what_it_has_in_it() {
    let fault = Fault::RefuseBody { containing: "bad".into(), status: 501, code: "NotImplemented".into() };
    let (server, mut client) = with(Rule::new(fault).on(Kind::PutObject));
    assert_eq!(client.ask("PUT /b/new", "", b"a bad one").status, 501);
    assert!(server.object("b", "new").is_none());
    assert_eq!(client.ask("PUT /b/new", "", b"a good one").status, 200);
}
