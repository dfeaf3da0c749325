//! Writes whose answer is lost: settled by looking for the write's own name, never guessed.

use holdall_s3::{Client, Error, ErrorKind, GetOptions, PutOptions, WriteCondition};
use holdall_testing::fault::{Fault, Kind, Rule};

use crate::support::ops::{BODY, Op, prepare};
use crate::support::{BUCKET, READ, World, in_time, on_put, put};

fn absent() -> PutOptions {
    PutOptions { condition: WriteCondition::Absent, ..PutOptions::default() }
}

async fn create(client: &Client) -> Result<String, Error> {
    in_time(put(client, "k", BODY, &absent())).await
}

#[tokio::test]
async fn create_only_with_a_lost_answer_is_a_success_and_written_once() {
    for warm in [false, true] {
        let world = World::good();
        if warm {
            world.warm_up().await;
        }
        world.server.add_rule(on_put(Fault::AnswerLost).once());
        let etag = create(&world.client).await.unwrap();
        let stored = world.server.object(BUCKET, "k").unwrap();
        assert_eq!((stored.bytes.as_slice(), etag), (BODY, format!("\"{}\"", stored.etag)), "warm: {warm}");
        // The write itself, the one that found it done, and the look that told so.
        assert_eq!((world.count(Kind::PutObject), world.count(Kind::HeadObject)), (2, 1), "warm: {warm}");
    }
}

#[tokio::test]
async fn create_only_whose_every_answer_is_lost_is_a_success() {
    let world = World::with(on_put(Fault::AnswerLost));
    create(&world.client).await.unwrap();
    assert_eq!(world.stored("k").as_deref(), Some(BODY));
    // And with one attempt, which leaves no second put to find the first.
    let client = world.client(|c| c.retry.attempts = 1);
    in_time(put(&client, "one", BODY, &absent())).await.unwrap();
    assert_eq!(world.server.log().iter().filter(|seen| seen.key == "one").count(), 2);
}

#[tokio::test]
async fn create_only_that_lost_against_another_writer_is_a_precondition() {
    for fault in [Fault::Reset, Fault::AnswerLost] {
        for warm in [false, true] {
            let world = World::good();
            if warm {
                world.warm_up().await;
            }
            // The other's object is there before ours, of the same bytes: only the name tells whose it is.
            let theirs = world.client(|_| ());
            create(&theirs).await.unwrap();
            world.server.add_rule(on_put(fault.clone()).once());
            let error = create(&world.client).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Precondition, "{fault:?}, warm: {warm}");
            assert!(!error.is_ambiguous(), "it is known: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_plain_precondition_is_not_looked_into() {
    let world = World::good();
    world.server.put_object(BUCKET, "k", b"theirs");
    assert_eq!(create(&world.client).await.unwrap_err().kind(), ErrorKind::Precondition);
    assert_eq!((world.count(Kind::PutObject), world.count(Kind::HeadObject)), (1, 0));
    assert_eq!(world.stored("k").as_deref(), Some(&b"theirs"[..]));
}

#[tokio::test]
async fn a_replacement_with_a_lost_answer_is_a_success() {
    let world = World::good();
    let etag = in_time(world.put("k", b"old")).await.unwrap();
    world.server.add_rule(on_put(Fault::AnswerLost).once());
    let options = PutOptions { condition: WriteCondition::Matches(etag), ..PutOptions::default() };
    in_time(put(&world.client, "k", BODY, &options)).await.unwrap();
    assert_eq!(world.stored("k").as_deref(), Some(BODY));
}

/// The first sending took effect; the second meets a fault that says nothing of the first.
#[tokio::test]
async fn a_refusal_after_a_lost_answer_does_not_hide_the_write() {
    for second in [
        Fault::refuse(403, "AccessDenied"),
        Fault::refuse(400, "ExpiredToken"),
        Fault::refuse(404, "NoSuchBucket"),
        Fault::Redirect { status: 301, region: None },
    ] {
        let world = World::with(on_put(Fault::AnswerLost).once());
        world.server.add_rule(on_put(second.clone()));
        in_time(world.put("k", BODY)).await.unwrap_or_else(|e| panic!("{second:?}: {e:?}"));
        assert_eq!(world.stored("k").as_deref(), Some(BODY));
    }
}

#[tokio::test]
async fn a_write_that_cannot_be_looked_at_stays_in_doubt() {
    let world = World::with(on_put(Fault::AnswerLost).once());
    world.server.add_rule(Rule::new(Fault::refuse(403, "AccessDenied")));
    let error = in_time(world.put("k", BODY)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.is_ambiguous(), "the object is there: {error:?}");
    assert_eq!(world.stored("k").as_deref(), Some(BODY));
}

/// The server goes away for good between two attempts.
#[tokio::test]
async fn a_write_before_the_server_went_away_stays_in_doubt() {
    let world = World::with(on_put(Fault::AnswerLost).once());
    let client = world.client(|c| {
        c.retry.first_wait = std::time::Duration::from_millis(400);
        c.retry.longest_wait = std::time::Duration::from_millis(400);
        c.seams.random = || u128::MAX;
    });
    let putting = tokio::spawn(async move { put(&client, "k", BODY, &PutOptions::default()).await });
    while world.stored("k").is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    drop(world);
    let error = in_time(putting).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.is_ambiguous(), "{error:?}");
}

#[tokio::test]
async fn a_write_that_another_overwrote_is_not_claimed() {
    let world = World::with(on_put(Fault::AnswerLost).first(3));
    let server = &world.server;
    let putting = world.put("k", BODY);
    let overwriting = async {
        while server.object(BUCKET, "k").is_none() {
            tokio::task::yield_now().await;
        }
        while world.count(Kind::PutObject) < 3 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    world
        .server
        .add_rule(Rule::new(Fault::Delay(std::time::Duration::from_millis(150))).on(Kind::HeadObject));
    let (result, ()) = in_time(async {
        tokio::join!(putting, async {
            overwriting.await;
            world.server.put_object(BUCKET, "k", b"theirs");
        })
    })
    .await;
    // Depending on who was first it is ours no more or was still ours when looked at; their bytes stay.
    if let Err(error) = result {
        assert!(error.is_ambiguous(), "{error:?}");
    }
    assert_eq!(world.stored("k").as_deref(), Some(&b"theirs"[..]));
}

#[tokio::test]
async fn a_lost_complete_is_a_success_by_the_uploads_name() {
    for fault in [Fault::AnswerLost, Fault::Stall, Fault::ShortBody { missing: 5 }, Fault::internal_error()] {
        for warm in [false, true] {
            let world = World::good();
            let begun = prepare(&world).await;
            if warm {
                world.warm_up().await;
            }
            world.server.add_rule(Rule::new(fault.clone()).on(Kind::Complete).once());
            let result = in_time(Op::Complete.run(&world.client, &begun)).await;
            assert!(result.is_ok(), "{fault:?}, warm: {warm}: {result:?}");
            assert_eq!(world.stored("big").as_deref(), Some(BODY));
        }
    }
}

#[tokio::test]
async fn a_complete_after_another_aborted_is_not_found() {
    let world = World::good();
    let begun = prepare(&world).await;
    in_time(world.client(|_| ()).abort_upload(&begun.upload)).await.unwrap();
    world.server.put_object(BUCKET, "big", BODY);
    world.server.add_rule(Rule::new(Fault::Reset).on(Kind::Complete).once());
    let error = in_time(Op::Complete.run(&world.client, &begun)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "the object there is another's");
}

/// S3 keeps the connection awake with blanks while it joins the parts.
#[tokio::test]
async fn a_complete_that_takes_its_time_is_heard_to_its_end() {
    let every = std::time::Duration::from_millis(20);
    for (error, expected) in
        [(None, None), (Some("AccessDenied".to_owned()), Some(ErrorKind::PermissionDenied))]
    {
        let world = World::good();
        let begun = prepare(&world).await;
        let fault = Fault::SlowXml { spaces: 10, every, error };
        world.server.add_rule(Rule::new(fault).on(Kind::Complete));
        let result = in_time(Op::Complete.run(&world.client, &begun)).await;
        assert_eq!(result.err().map(|e| e.kind()), expected);
        assert_eq!(world.stored("big").is_some(), expected.is_none());
    }
}

#[tokio::test]
async fn a_lost_begin_of_an_upload_is_begun_again() {
    let world = World::with(Rule::new(Fault::AnswerLost).on(Kind::CreateMultipartUpload).once());
    let upload = in_time(world.client.create_upload("k", &PutOptions::default())).await.unwrap();
    // The lost one stays behind without a part, as documented; the one answered is the one used.
    assert_eq!(world.server.uploads().len(), 2);
    let part = in_time(world.client.upload_part(&upload, 1, BODY.into())).await.unwrap();
    let parts = [holdall_s3::CompletedPart { number: 1, etag: part.etag, checksum: None }];
    in_time(world.client.complete_upload(&upload, &parts, &WriteCondition::Always)).await.unwrap();
    assert_eq!(world.stored("k").as_deref(), Some(BODY));
}

#[tokio::test]
async fn every_write_has_a_name_of_its_own() {
    let world = World::good();
    for key in ["a", "b"] {
        in_time(world.put(key, b"x")).await.unwrap();
    }
    let name = |key| world.server.object(BUCKET, key).unwrap().metadata["holdall-put"].clone();
    assert_ne!(name("a"), name("b"));
    let head = in_time(world.client.head("a", &GetOptions::default())).await.unwrap();
    assert_eq!(head.attributes.metadata["holdall-put"], name("a"));
}

/// Silent or with a blank now and then: a server that moves an object's bytes is waited for longer than for others.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_moves_bytes_is_not_taken_for_a_stalled_one() {
    let blanks = Fault::SlowXml { spaces: 8, every: READ / 4, error: None };
    for fault in [Fault::Delay(READ * 2), blanks] {
        for op in [Op::Copy, Op::UploadPartCopy, Op::Complete] {
            let world = World::good();
            let begun = prepare(&world).await;
            world.server.add_rule(Rule::new(fault.clone()).on(op.kind()));
            let result = in_time(op.run(&world.client, &begun)).await;
            assert!(result.is_ok(), "{op:?} under {fault:?}: {result:?}");
            assert_eq!(world.count(op.kind()), 1, "{op:?} was repeated under {fault:?}");
        }
    }
}
