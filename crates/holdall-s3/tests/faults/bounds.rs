//! Answers without an end: bounded in memory and in time.

use std::io::Write;
use std::time::{Duration, Instant};

use holdall_s3::ErrorKind;
use holdall_testing::fault::{Fault, Rule};

use crate::support::ops::{Op, prepare};
use crate::support::raw::{RawServer, read_request};
use crate::support::{World, all_of, alone, client_of, config, in_time};

/// The most memory this process has had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn endless() -> [Fault; 4] {
    [
        Fault::HugeXml { bytes: None },
        Fault::HugeXml { bytes: Some(200 << 20) },
        Fault::EntityBomb,
        Fault::DeepXml { depth: 2_000_000 },
    ]
}

async fn met(op: Op, fault: Fault) {
    let world = World::good();
    let begun = prepare(&world).await;
    world.server.add_rule(Rule::new(fault.clone()).on(op.kind()));
    let start = Instant::now();
    match op.run(&world.client, &begun).await {
        Ok(()) => assert!(op.is_done(&world, &begun).await, "{op:?} lied under {fault:?}"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Protocol, "{op:?} under {fault:?}: {error:?}"),
    }
    assert!(start.elapsed() < Duration::from_secs(10), "{op:?} under {fault:?}: {:?}", start.elapsed());
}

#[test]
fn documents_without_an_end_cost_bounded_memory() {
    if !alone("bounds::documents_without_an_end_cost_bounded_memory", &[]) {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let before = peak();
        for fault in endless() {
            for op in [Op::List, Op::Copy, Op::Complete, Op::DeleteBatch, Op::Put] {
                in_time(met(op, fault.clone())).await;
            }
        }
        // Twice the bound of an answer, the server's own copies of the deep one, and what a document becomes.
        let grown = peak() - before;
        assert!(grown < 120 << 10, "memory grew by {grown} KiB");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn no_operation_takes_an_endless_answer() {
    let ops = Op::ALL.into_iter().filter(|op| *op != Op::Get);
    in_time(all_of(ops.map(|op| Box::pin(met(op, Fault::HugeXml { bytes: None }))))).await;
}

/// An error's body is read no further than it can be of use.
#[tokio::test]
async fn an_endless_error_is_judged_by_its_status() {
    let huge = std::sync::Arc::new("x".repeat(64 << 10));
    let server = RawServer::start(move |mut stream| {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n").ok();
        while write!(stream, "{:x}\r\n{huge}\r\n", huge.len()).is_ok() {}
    });
    let client = client_of(config(&server.endpoint));
    let error = in_time(client.get("k", &Default::default())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}

/// What a server says of itself ends up in errors; it must not fill a log.
#[tokio::test]
async fn what_a_server_says_is_cut_to_a_readable_length() {
    let long = "endless ".repeat(10_000);
    let body =
        format!("<Error><Code>{long}</Code><Message>{long}</Message><RequestId>{long}</RequestId></Error>");
    let length = body.len();
    let answer = format!("HTTP/1.1 403 No\r\ncontent-length: {length}\r\n\r\n{body}");
    let server = RawServer::saying(answer);
    let error = in_time(client_of(config(&server.endpoint)).get("k", &Default::default())).await.unwrap_err();
    assert!(error.to_string().len() < 4000, "{}", error.to_string().len());
    let header = "y".repeat(30_000);
    let fault = Fault::Refuse {
        status: 403,
        code: "AccessDenied".into(),
        headers: vec![("x-amz-error-message".into(), header.clone()), ("x-amz-error-code".into(), header)],
    };
    let world = World::with(Rule::new(fault));
    let error = in_time(world.client.head_bucket()).await.unwrap_err();
    assert!(error.to_string().len() < 4000, "{}", error.to_string().len());
}
