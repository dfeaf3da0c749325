//! Redirects: the region may be followed, `Location` never.

use holdall_s3::{Error, ErrorKind, PutOptions};
use holdall_testing::fault::{Fault, Kind, Rule};

use crate::support::ops::{Op, prepare};
use crate::support::raw::RawServer;
use crate::support::{BUCKET, World, all_of, bytes, client_of, config, in_time, put};

fn redirect(status: u16, region: Option<&str>) -> Fault {
    Fault::Redirect { status, region: region.map(str::to_owned) }
}

#[tokio::test(flavor = "multi_thread")]
async fn location_is_never_followed() {
    let statuses = [301, 307, 308];
    let each = |status| Op::ALL.map(|op| Box::pin(redirected(op, status)));
    in_time(all_of(statuses.into_iter().flat_map(each))).await;
}

async fn redirected(op: Op, status: u16) {
    let world = World::good();
    let begun = prepare(&world).await;
    world.server.add_rule(Rule::new(redirect(status, None)).on(op.kind()));
    let error = op.run(&world.client, &begun).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{op:?}");
    assert_eq!(world.server.trap().connections(), 0, "{op:?}: {:?}", world.server.trap().heard());
    assert_eq!(world.count(op.kind()), 1, "{op:?}");
    op.assert_nothing_else_changed(&world);
}

#[tokio::test]
async fn another_region_is_signed_for_once_and_the_host_stays() {
    for status in [301, 307, 400] {
        let fault = match status {
            400 => Fault::Refuse {
                status,
                code: "AuthorizationHeaderMalformed".into(),
                headers: vec![("x-amz-bucket-region".into(), "eu-west-1".into())],
            },
            _ => redirect(status, Some("eu-west-1")),
        };
        let world = World::with(Rule::new(fault).once());
        in_time(world.put("k", b"x")).await.unwrap();
        assert_eq!(world.client.region(), "eu-west-1");
        let signed: Vec<String> = world
            .seen(Kind::PutObject)
            .iter()
            .map(|seen| seen.header("authorization").unwrap().split('/').nth(2).unwrap().to_owned())
            .collect();
        assert_eq!(signed, ["us-east-1", "eu-west-1"]);
        assert_eq!(world.server.trap().connections(), 0);
        // From now on it is known.
        world.server.clear_log();
        in_time(world.put("k", b"x")).await.unwrap();
        assert_eq!(world.count(Kind::PutObject), 1);
    }
}

#[tokio::test]
async fn regions_without_end_are_not_followed() {
    for region in ["eu-west-1", "us-east-1", "evil.example/", "x y", ""] {
        let world = World::with(Rule::new(redirect(301, Some(region))));
        let error = in_time(world.put("k", b"x")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{region}");
        assert!(world.count(Kind::PutObject) <= 2, "{region}");
        assert_eq!(world.server.trap().connections(), 0);
        assert!(world.server.objects(BUCKET).is_empty());
    }
}

async fn early(status: u16, code: &str) -> (World, Error) {
    let fault = Fault::RefuseEarly { status, code: code.into(), after: 1000 };
    let world = World::with(Rule::new(fault).on(Kind::PutObject));
    let result = in_time(put(&world.client, "k", &bytes(16 << 20), &PutOptions::default())).await;
    let error = result.unwrap_err();
    (world, error)
}

/// The answer comes while most of the body is still here.
#[tokio::test]
async fn a_refusal_in_the_middle_of_a_body_is_heard() {
    for (status, code, kind) in [
        (403, "AccessDenied", ErrorKind::PermissionDenied),
        (412, "PreconditionFailed", ErrorKind::Precondition),
        (400, "ExpiredToken", ErrorKind::Credentials),
        (307, "TemporaryRedirect", ErrorKind::Config),
    ] {
        let (world, error) = early(status, code).await;
        assert_eq!((error.kind(), error.status(), error.attempts()), (kind, Some(status), 1), "{error:?}");
        assert_eq!(world.count(Kind::PutObject), 1);
        assert!(world.server.objects(BUCKET).is_empty());
        // The connection with the rest of the body in it is not used again.
        world.server.clear_rules();
        in_time(world.put("k", b"x")).await.unwrap();
    }
}

#[tokio::test]
async fn a_passing_refusal_in_the_middle_of_a_body_is_retried() {
    let fault = Fault::RefuseEarly { status: 503, code: "SlowDown".into(), after: 1000 };
    let world = World::with(Rule::new(fault).on(Kind::PutObject).first(2));
    let body = bytes(16 << 20);
    in_time(put(&world.client, "k", &body, &PutOptions::default())).await.unwrap();
    assert!(world.stored("k").unwrap() == body);
}

/// A redirect to a metadata service, in every header and element where one could be.
#[tokio::test]
async fn no_place_for_an_address_is_looked_at() {
    let trap = RawServer::saying("HTTP/1.1 200 OK\r\netag: \"x\"\r\ncontent-length: 0\r\n\r\n");
    let host = trap.endpoint.trim_start_matches("http://").to_owned();
    let body = format!(
        "<Error><Code>TemporaryRedirect</Code><Endpoint>{host}</Endpoint><Bucket>b</Bucket><Region>{host}</Region>\
         </Error>"
    );
    for status in [300, 301, 302, 303, 305, 307, 308] {
        let server = RawServer::saying(format!(
            "HTTP/1.1 {status} Moved\r\nlocation: http://{host}/\r\nrefresh: 0; url=http://{host}/\r\n\
             x-amz-bucket-region: {host}\r\nalt-svc: h2=\"{host}\"\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ));
        let error =
            in_time(put(&client_of(config(&server.endpoint)), "k", b"x", &PutOptions::default())).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Config, "{status}");
    }
    assert_eq!(trap.connections(), 0);
}
