//! Answers that say something else than they seem to: errors in successes, missing and wrong headers, portals.

use holdall_s3::{
    ChecksumAlgorithm, CopyOptions, CopySource, DeleteTarget, ErrorKind, GetOptions, PayloadIntegrity,
    PutOptions, WriteCondition,
};
use holdall_testing::fault::{Fault, Kind, Rule};

use crate::support::ops::{BODY, Op, prepare};
use crate::support::raw::RawServer;
use crate::support::{ATTEMPTS, BUCKET, World, all_of, client_of, config, in_time, on_put, put};

/// 200 and an error in the body: CompleteMultipartUpload and CopyObject are known for it, none is safe from it.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_the_body_of_a_success_is_an_error() {
    use ErrorKind as K;
    // What a GET brings is an object's bytes, whatever they say; a HEAD brings nothing.
    let ops = || Op::ALL.into_iter().filter(|op| !matches!(op, Op::Get | Op::Head | Op::HeadBucket));
    let table = [
        ("InternalError", K::Unreachable, ATTEMPTS),
        ("SlowDown", K::Throttled, ATTEMPTS),
        ("NobodyKnowsThis", K::Unreachable, ATTEMPTS),
        ("AccessDenied", K::PermissionDenied, 1),
        ("EntityTooSmall", K::InvalidInput, 1),
    ];
    let each =
        |(code, kind, attempts)| ops().map(move |op| Box::pin(error_in_a_success(op, code, kind, attempts)));
    in_time(all_of(table.into_iter().flat_map(each))).await;
}

async fn error_in_a_success(op: Op, code: &'static str, kind: ErrorKind, attempts: u32) {
    let world = World::good();
    let begun = prepare(&world).await;
    world.server.add_rule(Rule::new(Fault::ErrorBody { code: code.into() }).on(op.kind()));
    let error = op.run(&world.client, &begun).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (kind, attempts), "{op:?} {code}: {error:?}");
    assert_eq!(error.code(), Some(code), "{op:?}");
    world.server.clear_rules();
    op.assert_nothing_else_changed(&world);
    op.run(&world.client, &begun).await.unwrap();
    assert!(op.is_done(&world, &begun).await);
}

#[tokio::test]
async fn an_error_is_found_however_it_is_written() {
    for error in [
        "<Error><Code>AccessDenied</Code></Error>",
        "\n\n  <Error>\n<Code>AccessDenied</Code></Error>",
        "<?xml version=\"1.0\"?>\n<Error xmlns=\"x\"><Code>AccessDenied</Code></Error>",
        "\u{feff}<?xml version=\"1.0\"?><Error\n xmlns=\"x\"><Code>AccessDenied</Code></Error>",
        "<?xml version=\"1.0\"?><!-- why not --><Error\t><Code>AccessDenied</Code></Error>",
        "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>",
    ] {
        let server = RawServer::saying(format!(
            "HTTP/1.1 200 OK\r\netag: \"x\"\r\ncontent-length: {}\r\n\r\n{error}",
            error.len()
        ));
        let client = client_of(config(&server.endpoint));
        for result in [
            in_time(put(&client, "k", b"x", &PutOptions::default())).await.map(drop),
            in_time(client.delete("k", &Default::default())).await.map(drop),
        ] {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::PermissionDenied, "{error}");
        }
    }
}

#[tokio::test]
async fn a_write_without_an_etag_is_a_protocol_fault() {
    for (op, fault) in [
        (Op::Put, Fault::missing_etag()),
        (Op::UploadPart, Fault::missing_etag()),
        (Op::Put, Fault::SetHeader("etag".into(), String::new())),
        (Op::Copy, Fault::ReplaceBody(b"<CopyObjectResult></CopyObjectResult>".to_vec())),
        (Op::Copy, Fault::ReplaceBody(Vec::new())),
        (Op::UploadPartCopy, Fault::ReplaceBody(b"<CopyPartResult><ETag/></CopyPartResult>".to_vec())),
        (Op::CreateUpload, Fault::ReplaceBody(b"<InitiateMultipartUploadResult/>".to_vec())),
        (Op::Complete, Fault::ReplaceBody(b"<html>welcome</html>".to_vec())),
        (Op::DeleteBatch, Fault::ReplaceBody(b"<html>welcome</html>".to_vec())),
    ] {
        let world = World::good();
        let begun = prepare(&world).await;
        world.server.add_rule(Rule::new(fault.clone()).on(op.kind()));
        let error = in_time(op.run(&world.client, &begun)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{op:?} {fault:?}: {error:?}");
        assert_eq!(world.count(op.kind()), 1, "{op:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_document_is_a_protocol_fault() {
    let damaged = [
        Fault::garbage_xml(),
        Fault::ReplaceBody(b"hello".to_vec()),
        Fault::CutBody { to: 60 },
        Fault::EntityBomb,
        Fault::DeepXml { depth: 100_000 },
    ];
    let with_documents = [
        Op::DeleteBatch,
        Op::Copy,
        Op::List,
        Op::CreateUpload,
        Op::UploadPartCopy,
        Op::Complete,
        Op::ListParts,
        Op::ListUploads,
        Op::Location,
        Op::Versions,
    ];
    let each = |fault: Fault| with_documents.map(|op| Box::pin(no_document(op, fault.clone())));
    in_time(all_of(damaged.into_iter().flat_map(each))).await;
}

async fn no_document(op: Op, fault: Fault) {
    let world = World::good();
    let begun = prepare(&world).await;
    world.server.add_rule(Rule::new(fault.clone()).on(op.kind()));
    let error = op.run(&world.client, &begun).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{op:?} {fault:?}: {error:?}");
    op.assert_nothing_else_changed(&world);
}

/// Error bodies that cannot be read do not hide the status.
#[tokio::test]
async fn a_status_is_believed_whatever_its_body_is() {
    for body in ["", "<html>gateway</html>", "<Error>", "<Error><Code></Code></Error>", "\u{0}\u{1}"] {
        for (status, kind) in [(403, ErrorKind::PermissionDenied), (404, ErrorKind::NotFound)] {
            let length = body.len();
            let server =
                RawServer::saying(format!("HTTP/1.1 {status} No\r\ncontent-length: {length}\r\n\r\n{body}"));
            let client = client_of(config(&server.endpoint));
            let error = in_time(client.get("k", &GetOptions::default())).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{body:?}");
        }
    }
}

/// A captive portal or a wrong proxy answers everything with a page.
#[tokio::test]
async fn a_page_for_everything_is_no_answer_of_s3() {
    let page = "<html><body>please log in</body></html>";
    let server = RawServer::saying(format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n{page}",
        page.len()
    ));
    let begun = prepare(&World::good()).await;
    for op in Op::ALL.into_iter().filter(|op| !matches!(op, Op::Head | Op::HeadBucket)) {
        let client = client_of(config(&server.endpoint));
        let error = in_time(op.run(&client, &begun)).await.expect_err(&format!("{op:?}"));
        assert_eq!(error.kind(), ErrorKind::Protocol, "{op:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_head_that_names_no_object_is_a_protocol_fault() {
    let server = RawServer::saying("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n");
    let client = client_of(config(&server.endpoint));
    let error = in_time(client.head("k", &GetOptions::default())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

#[tokio::test]
async fn a_checksum_that_the_server_computed_otherwise_is_an_integrity_fault() {
    for algorithm in [ChecksumAlgorithm::Crc64Nvme, ChecksumAlgorithm::Crc32c, ChecksumAlgorithm::Sha256] {
        let wrong = || Fault::wrong_checksum(&algorithm.name().to_lowercase());
        let asked = |c: &mut holdall_s3::Config| c.integrity = PayloadIntegrity::Checksum(algorithm);
        let world = World::with(on_put(wrong()));
        let error = in_time(put(&world.client(asked), "k", BODY, &PutOptions::default())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity, "{algorithm:?}");
        // Services say it unasked, too.
        let error = in_time(world.put("k", BODY)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity, "{algorithm:?}, unasked");
        let world = World::with(Rule::new(wrong()).on(Kind::UploadPart));
        let client = world.client(asked);
        let upload = in_time(client.create_upload("k", &PutOptions::default())).await.unwrap();
        let error = in_time(client.upload_part(&upload, 1, BODY.into())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity, "{algorithm:?}, a part");
    }
}

#[tokio::test]
async fn a_payload_damaged_on_its_way_is_refused_by_a_server_that_looks() {
    let world = World::with(on_put(Fault::refuse(400, "XAmzContentSHA256Mismatch")));
    assert_eq!(in_time(world.put("k", b"x")).await.unwrap_err().kind(), ErrorKind::Integrity);
    assert_eq!(world.stored("k"), None);
}

#[tokio::test]
async fn ses_7_keys_that_are_refused_or_left_out_are_named() {
    let targets: Vec<DeleteTarget> =
        (0..10).map(|n| DeleteTarget { key: format!("k{n}"), version: None }).collect();
    for (fault, kind) in [
        (
            Fault::RefuseKeys { containing: "k3".into(), code: "AccessDenied".into() },
            ErrorKind::PermissionDenied,
        ),
        (Fault::RefuseKeys { containing: "k3".into(), code: "InternalError".into() }, ErrorKind::Unreachable),
        (Fault::RefuseKeys { containing: "k3".into(), code: "Surprise".into() }, ErrorKind::Protocol),
        (Fault::OmitKeys { containing: "k3".into() }, ErrorKind::Protocol),
    ] {
        let world = World::with(Rule::new(fault.clone()).on(Kind::DeleteObjects));
        (0..10).for_each(|n| world.server.put_object(BUCKET, &format!("k{n}"), b"x"));
        let failures = in_time(world.client.delete_batch(&targets)).await.unwrap();
        let said: Vec<_> = failures.iter().map(|f| (f.target.key.as_str(), f.error.kind())).collect();
        assert_eq!(said, [("k3", kind)], "{fault:?}");
        let left: Vec<String> = world.server.objects(BUCKET).into_keys().collect();
        assert_eq!(left, ["k3"]);
    }
}

/// Deleting what is not there is no error, on servers that say 404 too.
#[tokio::test]
async fn deleting_what_is_not_there_is_done() {
    let world = World::with(Rule::new(Fault::refuse(404, "NoSuchKey")).on(Kind::DeleteObject));
    in_time(world.client.delete("k", &Default::default())).await.unwrap();
}

#[tokio::test]
async fn encryption_that_nobody_confirms_is_unsupported() {
    let world = World::good();
    let options = PutOptions { encryption: Some(holdall_s3::Encryption::S3), ..PutOptions::default() };
    for error in [
        in_time(put(&world.client, "k", BODY, &options)).await.unwrap_err(),
        in_time(world.client.create_upload("k", &options)).await.unwrap_err(),
    ] {
        assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error:?}");
    }
}

#[tokio::test]
async fn an_etag_that_changed_under_a_copy_is_a_precondition() {
    let world = World::good();
    world.server.put_object(BUCKET, "k", BODY);
    let mut source = CopySource::new("k");
    source.conditions.if_match = Some("\"another\"".into());
    let error = in_time(world.client.copy(&source, "copy", &CopyOptions::default())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Precondition);
    assert_eq!(world.stored("copy"), None);
}

#[tokio::test]
async fn parts_that_the_server_does_not_have_make_no_object() {
    let world = World::good();
    let mut begun = prepare(&world).await;
    begun.part.etag = "\"another\"".into();
    let parts = [begun.part];
    let result = in_time(world.client.complete_upload(&begun.upload, &parts, &WriteCondition::Always)).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(world.stored("big"), None);
}
