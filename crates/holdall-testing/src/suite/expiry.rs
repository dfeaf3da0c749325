//! Objects that expire.

use super::capability::Capability::Versions;
use super::case::Case;
use super::failure::{Outcome, ensure, equal, fails, same_bytes};
use super::subject::Subject;
use holdall_store::{
    Attributes, CopyOptions, ErrorKind, ExpirationEvent, GetOptions, ListOptions, MoveOptions, PutOptions,
    SweepOptions, Versioning,
};
use std::time::{Duration, SystemTime};

pub(super) fn cases() -> Vec<Case> {
    let case = |name, promise, run| Case::new(name, promise, run).serves(&["SES-8"]);
    vec![
        case("expiry/at-once", "What has expired is not found at once, whoever asks how.", |s| {
            Box::pin(at_once(s))
        }),
        case("expiry/told", "When an object expires is told, and nothing else of it is changed.", |s| {
            Box::pin(told(s))
        }),
        case("expiry/set", "An object is given a moment, another one, and none.", |s| Box::pin(set(s))),
        case(
            "expiry/below",
            "Objects below a prefix are given a moment, each for itself, and not again.",
            |s| Box::pin(below(s)),
        ),
        case("expiry/past", "A moment that has passed is refused, and nothing is changed.", |s| {
            Box::pin(past(s))
        }),
        case("expiry/carried", "A moment goes along with copies and moves.", |s| Box::pin(carried(s))),
        case("expiry/swept", "A sweep deletes what has expired, exactly, and again it finds nothing.", |s| {
            Box::pin(swept(s))
        }),
        case("expiry/versions", "Where versions are kept, what is swept leaves one and its mark.", |s| {
            Box::pin(versions(s))
        })
        .needs(&[Versions]),
        case("expiry/parts", "What goes in parts expires too.", |s| Box::pin(parts(s))),
    ]
}

/// The moments of tests: one that comes while a test waits, and one that does not.
fn soon() -> SystemTime {
    SystemTime::now() + Duration::from_millis(200)
}

fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(7200)
}

/// Waits until an object that was given [`soon`] has expired: moments are rounded up to the second.
async fn until_then() {
    tokio::time::sleep(Duration::from_millis(1300)).await;
}

fn expiring(moment: SystemTime) -> PutOptions {
    PutOptions { expires: Some(moment), ..PutOptions::default() }
}

async fn at_once(s: Subject) -> Outcome {
    let key = s.key("a");
    s.store().put_with(&key, "bytes", &expiring(soon())).await?;
    s.put("stays", "x").await?;
    until_then().await;
    fails("a get", s.store().get(&key).await, ErrorKind::NotFound)?;
    fails("a head", s.store().head(&key).await, ErrorKind::NotFound)?;
    ensure(!s.exists("a").await?, "it does not exist")?;
    let file = tempfile::tempdir()?;
    let got = s.store().get_to_file(&key, &file.path().join("f"), &GetOptions::default()).await;
    fails("a get to a file", got, ErrorKind::NotFound)?;
    let copied = s.store().copy(&key, &s.key("b"), &CopyOptions::default()).await;
    fails("a copy", copied, ErrorKind::NotFound)?;
    let moved = s.store().rename(&key, &s.key("b"), &MoveOptions::default()).await;
    fails("a move", moved, ErrorKind::NotFound)?;
    fails("another moment", s.store().set_expiration(&key, None).await, ErrorKind::NotFound)?;
    let anyway = GetOptions { expired: true, ..GetOptions::default() };
    let object = s.store().get_with(&key, &anyway).await?;
    same_bytes("what is there still", &object.bytes().await?, b"bytes")?;
    // It can be written again, and is then what was written.
    s.put("a", "new").await?;
    same_bytes("the new one", &s.read("a").await?, b"new")
}

async fn told(s: Subject) -> Outcome {
    let attributes = Attributes {
        content_type: Some("application/x-own".to_owned()),
        metadata: [("kind".to_owned(), "letter".to_owned())].into(),
        ..Attributes::default()
    };
    let moment = later();
    let options = PutOptions { attributes: attributes.clone(), ..expiring(moment) };
    s.store().put_with(&s.key("a"), "bytes", &options).await?;
    let head = s.head("a").await?;
    let told = head.expires.ok_or_else(|| super::Failure::new("no moment is told"))?;
    ensure(told >= moment && told < moment + Duration::from_secs(1), "the moment, rounded up")?;
    equal("attributes", head.attributes, attributes)?;
    let object = s.store().get(&s.key("a")).await?;
    equal("the moment of a get", object.metadata.expires, Some(told))?;
    equal("the names", s.names().await?, ["a"])
}

async fn set(s: Subject) -> Outcome {
    let attributes =
        Attributes { metadata: [("kind".to_owned(), "letter".to_owned())].into(), ..Attributes::default() };
    let options = PutOptions { attributes, ..PutOptions::default() };
    s.store().put_with(&s.key("a"), "bytes", &options).await?;
    let before = s.head("a").await?;
    equal("no moment", before.expires, None)?;
    for moment in [Some(later()), Some(later() + Duration::from_secs(86_400)), None] {
        s.store().set_expiration(&s.key("a"), moment).await?;
        let head = s.head("a").await?;
        let rounded = head.expires.map(|at| at - Duration::from_secs(1));
        ensure(head.expires >= moment && rounded < moment.or(Some(later())), "the moment that was set")?;
        equal("whether there is one", head.expires.is_some(), moment.is_some())?;
        equal("attributes", &head.attributes, &before.attributes)?;
        equal("digest", head.sha256, before.sha256)?;
    }
    same_bytes("the bytes", &s.read("a").await?, b"bytes")?;
    let missing = s.store().set_expiration(&s.key("none"), Some(later())).await;
    fails("of what is not there", missing, ErrorKind::NotFound).map(drop)
}

async fn below(s: Subject) -> Outcome {
    for name in ["a/1", "a/2", "a/3", "b"] {
        s.put(name, "bytes").await?;
    }
    let moment = Some(later());
    s.store().set_expiration(&s.key("a/1"), moment).await?;
    let told = s.head("a/1").await?.expires;
    let mut keys = Vec::new();
    let mut tell = |event| match event {
        ExpirationEvent::Set { key } => keys.push(key.as_str().to_owned()),
        other => keys.push(format!("{other:?}")),
    };
    let set = s.store().set_expiration_below(&s.key("a/"), moment, &mut tell).await?;
    equal("what was set", (set.set, set.unchanged, set.failed), (2, 1, 0))?;
    keys.sort();
    equal("the events", keys, vec![s.key("a/2"), s.key("a/3")])?;
    for name in ["a/1", "a/2", "a/3"] {
        equal(name, s.head(name).await?.expires, told)?;
        same_bytes(name, &s.read(name).await?, b"bytes")?;
    }
    equal("another one's", s.head("b").await?.expires, None)?;
    let past = Some(SystemTime::now() - Duration::from_secs(86_400));
    let refused = s.store().set_expiration_below(&s.key("a/"), past, &mut |_| ()).await;
    fails("a moment that has passed", refused, ErrorKind::InvalidInput)?;
    let cleared = s.store().set_expiration_below(&s.key("a/"), None, &mut |_| ()).await?;
    equal("what was cleared", (cleared.set, cleared.unchanged), (3, 0))?;
    equal("no moment", s.head("a/2").await?.expires, None)
}

async fn past(s: Subject) -> Outcome {
    s.put("a", "bytes").await?;
    let yesterday = SystemTime::now() - Duration::from_secs(86_400);
    let put = s.store().put_with(&s.key("a"), "new", &expiring(yesterday)).await;
    fails("a put", put, ErrorKind::InvalidInput)?;
    let set = s.store().set_expiration(&s.key("a"), Some(yesterday)).await;
    fails("a moment", set, ErrorKind::InvalidInput)?;
    same_bytes("the bytes", &s.read("a").await?, b"bytes")?;
    equal("its moment", s.head("a").await?.expires, None)
}

async fn carried(s: Subject) -> Outcome {
    s.store().put_with(&s.key("a"), "bytes", &expiring(later())).await?;
    let moment = s.head("a").await?.expires;
    s.store().copy(&s.key("a"), &s.key("b"), &CopyOptions::default()).await?;
    equal("the copy's", s.head("b").await?.expires, moment)?;
    s.store().rename(&s.key("b"), &s.key("c"), &MoveOptions::default()).await?;
    equal("the moved one's", s.head("c").await?.expires, moment)?;
    s.put("a", "again").await?;
    equal("that of what was put after it", s.head("a").await?.expires, None)
}

async fn swept(s: Subject) -> Outcome {
    let s = s.alone().await?;
    for name in ["due/1", "due/2", "renewed", "replaced", "cleared"] {
        s.store().put_with(&s.key(name), "bytes", &expiring(soon())).await?;
    }
    s.store().put_with(&s.key("later"), "bytes", &expiring(later())).await?;
    s.put("never", "bytes").await?;
    s.store().set_expiration(&s.key("renewed"), Some(later())).await?;
    s.put("replaced", "new").await?;
    s.store().set_expiration(&s.key("cleared"), None).await?;
    until_then().await;
    let mut options = SweepOptions { grace: Duration::ZERO, dry_run: true };
    let planned = s.store().sweep(&options, &mut |_| ()).await?;
    equal("what would go", (planned.deleted, planned.bytes, planned.failed), (2, 10, 0))?;
    let early = SweepOptions { grace: Duration::from_secs(3600), dry_run: false };
    equal("within a grace", s.store().sweep(&early, &mut |_| ()).await?.deleted, 0)?;
    options.dry_run = false;
    let swept = s.store().sweep(&options, &mut |_| ()).await?;
    equal("what went", (swept.deleted, swept.bytes, swept.failed), (2, 10, 0))?;
    equal(
        "what is left",
        s.list("", ListOptions::default()).await?.names,
        ["cleared", "later", "never", "renewed", "replaced"],
    )?;
    for name in ["cleared", "later", "never", "renewed"] {
        same_bytes(name, &s.read(name).await?, b"bytes")?;
    }
    equal("again", s.store().sweep(&options, &mut |_| ()).await?.deleted, 0)
}

async fn versions(s: Subject) -> Outcome {
    let s = s.alone().await?;
    s.store().bucket().set_versioning(Versioning::Enabled).await?;
    s.store().put_with(&s.key("a"), "bytes", &expiring(soon())).await?;
    until_then().await;
    let options = SweepOptions { grace: Duration::ZERO, dry_run: false };
    equal("what went", s.store().sweep(&options, &mut |_| ()).await?.deleted, 1)?;
    let left = s.store().versions("")?.collect().await?;
    let told: Vec<_> = left.iter().map(|v| (v.key.as_str(), v.is_marker, v.is_latest)).collect();
    equal("versions", told, [("a", true, true), ("a", false, false)])
}

async fn parts(s: Subject) -> Outcome {
    let bytes = s.random("expiry").bytes(11 << 20);
    s.store().put_reader(&s.key("large"), &*bytes, None, &expiring(later())).await?;
    ensure(s.head("large").await?.expires.is_some(), "a stream has its moment")?;
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("f"), &bytes)?;
    s.store().put_file(&s.key("file"), &folder.path().join("f"), &expiring(later())).await?;
    ensure(s.head("file").await?.expires.is_some(), "a file has its moment")?;
    same_bytes("the bytes", &s.read("large").await?, &bytes)
}
