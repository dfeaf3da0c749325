//! Every fault of the connection and of the answer's frame, met by every operation.

use std::time::{Duration, Instant};

use holdall_s3::{Error, ErrorKind};
use holdall_testing::fault::{Fault, Rule};

use crate::support::ops::{Begun, Op, prepare};
use crate::support::{ATTEMPTS, READ, World, all_of, in_time};

/// A fault that may pass, whom it can meet, and as what it ends when it does not pass.
#[derive(Clone)]
struct Passing {
    fault: Fault,
    meets: fn(Op) -> bool,
    ends_as: &'static [ErrorKind],
}

fn all(_: Op) -> bool {
    true
}

fn passing() -> Vec<Passing> {
    use ErrorKind as K;
    let row = |fault, meets, ends_as| Passing { fault, meets, ends_as };
    let bodies: fn(Op) -> bool = Op::answers_with_a_body;
    vec![
        row(Fault::Reset, all, &[K::Unreachable][..]),
        row(Fault::ResetUnread, all, &[K::Unreachable]),
        row(Fault::AnswerLost, all, &[K::Unreachable]),
        row(Fault::Stall, all, &[K::Timeout]),
        row(Fault::Delay(READ * 3), all, &[K::Timeout]),
        row(Fault::Garbage(b"\x00\xffno HTTP at all\r\n\r\n".to_vec()), all, &[K::Protocol]),
        row(Fault::Garbage(Vec::new()), all, &[K::Unreachable]),
        row(Fault::Garbage(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec()), all, &[K::Unreachable]),
        row(Fault::DripHeaders { every: Duration::from_millis(50) }, all, &[K::Timeout]),
        row(Fault::HugeHeaders { bytes: 1 << 20 }, all, &[K::Protocol]),
        row(Fault::slow_down(None), all, &[K::Throttled]),
        row(Fault::slow_down(Some(9999)), all, &[K::Throttled]),
        row(Fault::too_many_requests(), all, &[K::Throttled]),
        row(Fault::internal_error(), all, &[K::Unreachable]),
        row(Fault::refuse(502, ""), all, &[K::Unreachable]),
        row(Fault::refuse(504, "<html>"), all, &[K::Unreachable]),
        row(Fault::ShortBody { missing: 3 }, bodies, &[K::Incomplete]),
        row(Fault::ResetMidBody { after: 5 }, bodies, &[K::Incomplete]),
        row(Fault::StallMidBody { after: 5 }, bodies, &[K::Timeout]),
        row(Fault::Drip { bytes: 2, every: Duration::from_millis(100) }, bodies, &[K::Timeout]),
    ]
}

/// Faults that a client must not even notice.
fn harmless() -> Vec<Fault> {
    vec![
        Fault::LongBody { extra: 7 },
        Fault::UnexpectedContinue { times: 3 },
        Fault::CloseAfter,
        Fault::CloseOnReuse,
        Fault::RequireContentMd5,
        Fault::Delay(READ / 10),
        Fault::HugeHeaders { bytes: 20_000 },
        Fault::Drip { bytes: 20, every: Duration::from_millis(1) },
        Fault::ClockSkew { seconds: 100 },
    ]
}

/// Whether a failure is honest: of the right kind, tried as often as set, and silent about no effect.
async fn judge(op: Op, world: &World, begun: &Begun, row: &Passing, error: &Error) {
    let what = format!("{op:?} under {:?}: {error:?}", row.fault);
    assert!(row.ends_as.contains(&error.kind()), "{what}");
    assert_eq!(error.host(), Some(world.server.address().to_string().as_str()), "{what}");
    assert!(!error.operation().is_empty(), "{what}");
    assert_eq!(error.attempts(), ATTEMPTS, "{what}");
    let changes = !matches!(op, Op::Get | Op::Head | Op::List | Op::ListParts | Op::ListUploads);
    let changes = changes && !matches!(op, Op::HeadBucket | Op::Location | Op::Versions);
    if changes && !error.is_ambiguous() {
        assert!(!op.is_done(world, begun).await, "it took effect; {what}");
    }
}

async fn met_always(op: Op, row: Passing) {
    let world = World::good();
    let begun = prepare(&world).await;
    world.server.add_rule(Rule::new(row.fault.clone()).on(op.kind()));
    let start = Instant::now();
    let result = op.run(&world.client, &begun).await;
    let took = start.elapsed();
    let sent = world.count(op.kind());
    world.server.clear_rules();
    match &result {
        Ok(()) => assert!(op.is_done(&world, &begun).await, "{op:?} lied under {:?}", row.fault),
        Err(error) => judge(op, &world, &begun, &row, error).await,
    }
    assert!(sent <= ATTEMPTS, "{op:?} was sent {sent} times under {:?}", row.fault);
    let patience = if op.is_waited_for() { 3 } else { 1 };
    assert!(took < READ * 12 * patience, "{op:?} took {took:?} under {:?}", row.fault);
    op.assert_nothing_else_changed(&world);
    assert_eq!(world.server.trap().connections(), 0);
}

async fn met_once(op: Op, fault: Fault, warm: bool) {
    let world = World::good();
    let begun = prepare(&world).await;
    if warm {
        world.warm_up().await;
    }
    world.server.add_rule(Rule::new(fault.clone()).on(op.kind()).once());
    let result = op.run(&world.client, &begun).await;
    assert!(result.is_ok(), "{op:?} under one {fault:?} (warm: {warm}): {result:?}");
    assert!(op.is_done(&world, &begun).await, "{op:?} lied under one {fault:?} (warm: {warm})");
    op.assert_nothing_else_changed(&world);
}

/// Every operation with every row that can meet it.
fn meetings() -> impl Iterator<Item = (Op, Passing)> {
    let met = |row: Passing| {
        Op::ALL.into_iter().filter(move |op| (row.meets)(*op)).map(move |op| (op, row.clone()))
    };
    passing().into_iter().flat_map(met)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_passes_is_success_by_retry() {
    in_time(all_of(meetings().map(|(op, row)| Box::pin(met_once(op, row.fault, false))))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_on_a_kept_connection_that_passes_is_success_by_retry() {
    in_time(all_of(meetings().map(|(op, row)| Box::pin(met_once(op, row.fault, true))))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_stays_ends_as_its_kind_after_the_attempts_set() {
    in_time(all_of(meetings().map(|(op, row)| Box::pin(met_always(op, row))))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_no_harm_is_not_noticed() {
    let met =
        harmless().into_iter().flat_map(|fault| Op::ALL.map(|op| Box::pin(does_no_harm(op, fault.clone()))));
    in_time(all_of(met)).await;
}

/// Does it twice, so that the second meets the connection that the first left.
async fn does_no_harm(op: Op, fault: Fault) {
    let world = World::good();
    let begun = prepare(&world).await;
    world.server.add_rule(Rule::new(fault.clone()));
    for turn in 1..=2 {
        let result = match (op, turn) {
            (Op::Complete, 2) => world.client.head_bucket().await,
            _ => op.run(&world.client, &begun).await,
        };
        assert!(result.is_ok(), "{op:?}, turn {turn}, under {fault:?}: {result:?}");
    }
    assert!(op.is_done(&world, &begun).await, "{op:?} lied under {fault:?}");
    assert!(world.count(op.kind()) <= 3, "{op:?} was repeated under {fault:?}");
    op.assert_nothing_else_changed(&world);
}

/// What the server means is final: asked once, and told as it is.
#[tokio::test(flavor = "multi_thread")]
async fn evi_12_a_refusal_is_not_tried_again() {
    use ErrorKind as K;
    let table = [
        (403, "AccessDenied", K::PermissionDenied),
        (403, "InvalidAccessKeyId", K::Credentials),
        (403, "SignatureDoesNotMatch", K::Credentials),
        (400, "ExpiredToken", K::Credentials),
        (404, "NoSuchBucket", K::BucketNotFound),
        (409, "BucketNotEmpty", K::Conflict),
        (400, "InvalidArgument", K::InvalidInput),
        (400, "SomethingNew", K::InvalidInput),
        (501, "NotImplemented", K::Unsupported),
        (412, "PreconditionFailed", K::Precondition),
        (407, "", K::Config),
    ];
    let each = |(status, code, kind)| Op::ALL.map(|op| Box::pin(refused(op, status, code, kind)));
    in_time(all_of(table.into_iter().flat_map(each))).await;
}

async fn refused(op: Op, status: u16, code: &'static str, kind: ErrorKind) {
    let world = World::good();
    let begun = prepare(&world).await;
    world.server.add_rule(Rule::new(Fault::refuse(status, code)).on(op.kind()));
    let error = op.run(&world.client, &begun).await.unwrap_err();
    // An answer to HEAD has no body that could name a code.
    let bodyless = matches!(op, Op::Head | Op::HeadBucket);
    assert!(error.kind() == kind || bodyless, "{op:?} refused {status} {code}: {error:?}");
    assert_eq!((error.status(), error.attempts()), (Some(status), 1), "{op:?} {code}");
    assert_eq!(world.count(op.kind()), 1, "{op:?} {code}");
    assert!(!error.is_ambiguous(), "{op:?} {code}");
    world.server.clear_rules();
    op.assert_nothing_else_changed(&world);
}
