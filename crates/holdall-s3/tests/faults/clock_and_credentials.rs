//! Clocks that are wrong, credentials that end, servers that ask for patience.

use std::time::{Duration, Instant};

use holdall_s3::{CredentialsSource, ErrorKind, GetOptions, PutOptions};
use holdall_testing::fault::{Fault, Kind, Rule};

use crate::support::{ATTEMPTS, BUCKET, World, all_of, alone, in_time, put};

#[tokio::test]
async fn a_wrong_clock_is_corrected_once_by_the_servers() {
    for seconds in [3600, -3600, 86_400 * 400] {
        let world = World::with(Rule::new(Fault::ClockSkew { seconds }));
        in_time(world.put("k", b"x")).await.unwrap();
        assert_eq!(world.count(Kind::PutObject), 2, "{seconds}");
        // From then on it is known, for reads and heads too.
        world.server.clear_log();
        assert_eq!(in_time(world.get("k")).await.unwrap(), b"x");
        in_time(world.client.head("k", &GetOptions::default())).await.unwrap();
        assert_eq!(world.server.log().len(), 2, "{seconds}");
    }
}

/// An answer to HEAD has no body that could say what is wrong.
#[tokio::test]
async fn a_head_under_a_wrong_clock_is_corrected_too() {
    let world = World::with(Rule::new(Fault::ClockSkew { seconds: 3600 }));
    world.server.put_object(BUCKET, "k", b"x");
    assert_eq!(in_time(world.client.head("k", &GetOptions::default())).await.unwrap().size, 1);
    assert_eq!(world.count(Kind::HeadObject), 2);
}

#[tokio::test]
async fn a_clock_that_stays_wrong_is_a_credentials_fault() {
    let fault = Fault::refuse(403, "RequestTimeTooSkewed");
    let world = World::with(Rule::new(fault));
    let error = in_time(world.put("k", b"x")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
    assert!(world.count(Kind::PutObject) <= 2);
}

/// A cache or a proxy may send an old date with an error of its own; that must not spoil what follows.
#[tokio::test]
async fn a_wrong_date_in_some_error_does_not_spoil_the_clock() {
    let old = "Sun, 01 Jan 2023 00:00:00 GMT".to_owned();
    for (status, code) in [(404, "NoSuchKey"), (403, "AccessDenied"), (500, "InternalError")] {
        let headers = vec![("date".to_owned(), old.clone())];
        let world =
            World::with(Rule::new(Fault::Refuse { status, code: code.into(), headers }).on(Kind::GetObject));
        in_time(world.get("k")).await.unwrap_err();
        world.server.add_rule(Rule::new(Fault::ClockSkew { seconds: 0 }));
        in_time(world.put("k", b"x")).await.unwrap();
        in_time(world.client.head("k", &GetOptions::default())).await.unwrap();
    }
}

#[tokio::test]
async fn fixed_credentials_that_expired_are_told_and_not_tried_again() {
    for code in ["ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired"] {
        let world = World::with(Rule::new(Fault::refuse(400, code)));
        let error = in_time(world.put("k", b"x")).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Credentials, Some(code)));
        assert_eq!(world.count(Kind::PutObject), 1, "{code}");
    }
}

/// Keys from a process, which gives others each time it is asked.
#[test]
fn a_token_that_expired_is_fetched_anew_once() {
    const NAME: &str = "clock_and_credentials::a_token_that_expired_is_fetched_anew_once";
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("keys.sh");
    let count = folder.path().join("count");
    let text = format!(
        "echo x >> {count}\nn=$(wc -l < {count} | tr -d ' ')\n\
         echo '{{\"Version\": 1, \"AccessKeyId\": \"AKID'$n'\", \"SecretAccessKey\": \"s\", \"SessionToken\": \"t\"}}'\n",
        count = count.display()
    );
    std::fs::write(&script, text).unwrap();
    let config = folder.path().join("config");
    std::fs::write(&config, format!("[default]\ncredential_process = /bin/sh {}\n", script.display()))
        .unwrap();
    let variables = [
        ("AWS_CONFIG_FILE", config.to_str().unwrap()),
        ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", ""),
    ];
    if !alone(NAME, &variables) {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(in_time(async {
        let world = World::with(Rule::new(Fault::expired_token()).on(Kind::PutObject).once());
        let client = world.client(|c| c.credentials = CredentialsSource::chain(None));
        for n in 0..3 {
            put(&client, &format!("k{n}"), b"x", &PutOptions::default()).await.unwrap();
        }
        let used: Vec<String> = world.seen(Kind::PutObject).iter().map(key_id).collect();
        assert_eq!(used, ["AKID1", "AKID2", "AKID2", "AKID2"]);
        // One that is refused again is not asked for again and again.
        world.server.clear_log();
        world.server.add_rule(Rule::new(Fault::expired_token()).on(Kind::PutObject));
        let error = put(&client, "k", b"x", &PutOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert_eq!(world.count(Kind::PutObject), 2);
    }));
}

fn key_id(seen: &holdall_testing::fault::Seen) -> String {
    let authorization = seen.header("authorization").unwrap();
    let after = authorization.split("Credential=").nth(1).unwrap();
    after.split('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_storm_of_slow_down_honours_the_attempts_set() {
    for attempts in [1, 2, 5, 9] {
        let world = World::with(Rule::new(Fault::slow_down(None)));
        let client = world.client(|c| c.retry.attempts = attempts);
        let error = in_time(put(&client, "k", b"x", &PutOptions::default())).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Throttled, attempts));
        assert_eq!(world.count(Kind::PutObject), attempts);
    }
}

#[tokio::test]
async fn retry_after_is_waited_for_and_bounded() {
    let world = World::with(Rule::new(Fault::slow_down(Some(1))).on(Kind::PutObject).once());
    let client = world.client(|c| c.retry.longest_wait = Duration::from_secs(2));
    let start = Instant::now();
    in_time(put(&client, "k", b"x", &PutOptions::default())).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
    // A day is not waited for.
    for value in [
        "86400",
        "18446744073709551615",
        "99999999999999999999999",
        "-1",
        "soon",
        "Fri, 31 Dec 2099 23:59:59 GMT",
    ] {
        let headers = vec![("retry-after".to_owned(), value.to_owned())];
        let fault = Fault::Refuse { status: 503, code: "SlowDown".into(), headers };
        let world = World::with(Rule::new(fault).on(Kind::PutObject).first(2));
        let start = Instant::now();
        in_time(world.put("k", b"x")).await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(1), "{value}: {:?}", start.elapsed());
    }
}

/// An endpoint that fails everything is not hammered: a client has 100 retries to spend, however many calls there are.
#[tokio::test(flavor = "multi_thread")]
async fn all_calls_of_a_client_share_one_retry_budget() {
    const CALLS: u32 = 100;
    let world = World::with(Rule::new(Fault::internal_error()));
    let calls = (0..CALLS).map(|_| {
        let client = world.client.clone();
        async move { drop(client.delete("k", &Default::default()).await.unwrap_err()) }
    });
    in_time(all_of(calls)).await;
    let sent = world.count(Kind::DeleteObject);
    assert!(sent <= CALLS + 100, "{sent}");
    assert!(sent < CALLS * ATTEMPTS);
    // Success fills it again.
    world.server.clear_rules();
    for _ in 0..50 {
        in_time(world.client.head_bucket()).await.unwrap();
    }
    world.server.add_rule(Rule::new(Fault::internal_error()).on(Kind::PutObject).once());
    in_time(world.put("k", b"x")).await.unwrap();
}
