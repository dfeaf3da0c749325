//! Tags of objects that are there.

use super::capability::Capability::{Tags, Versions};
use super::case::Case;
use super::failure::{Outcome, ensure, equal, fails, same_bytes};
use super::subject::Subject;
use super::wire::has_tags;
use holdall_store::{CopyOptions, ErrorKind, MoveOptions, PutOptions, Versioning};

pub(super) fn cases() -> Vec<Case> {
    let case = |name, promise, run| Case::new(name, promise, run).serves(&["TOP-12"]).needs(&[Tags]);
    vec![
        case("tags/set", "Tags are replaced, and the object stays the one that it is.", |s| Box::pin(set(s))),
        case("tags/clear", "Without its tags an object is what it was, and was it already.", |s| {
            Box::pin(clear(s))
        }),
        case("tags/change", "Tags are added and removed by their names, and the others stay.", |s| {
            Box::pin(change(s))
        }),
        case("tags/missing", "To tag what is not there is NotFound, and makes nothing.", |s| {
            Box::pin(missing(s))
        }),
        case(
            "tags/bounds",
            "Tags that S3 does not take are InvalidInput, and those that are there stay.",
            |s| Box::pin(bounds(s)),
        )
        .serves(&["SES-10"]),
        case("tags/new-object", "What is put in an object's place has none of its tags.", |s| {
            Box::pin(new_object(s))
        }),
        case("tags/travel", "Tags that were set go along with copies and moves.", |s| Box::pin(travel(s))),
        case("tags/race", "Of many that set tags at once one has set them, all of them.", |s| {
            Box::pin(race(s))
        }),
        case("tags/versions", "To set tags makes no version, and each version has its own.", |s| {
            Box::pin(versions(s))
        })
        .serves(&["SES-9", "TOP-12"])
        .needs(&[Tags, Versions]),
    ]
}

type Pairs = Vec<(String, String)>;

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Pairs {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Stores an object with tags, where nothing waits of it.
async fn tagged(s: &Subject, name: &str, tags: Pairs) -> Outcome {
    let options = PutOptions { tags, ..PutOptions::default() };
    s.store().put_with(&s.key(name), "bytes", &options).await?;
    s.place().settle(&s.key(name)).await
}

async fn tag(s: &Subject, name: &str, tags: &[(String, String)]) -> Outcome {
    Ok(s.store().set_tags(&s.key(name), tags).await?)
}

async fn read(s: &Subject, name: &str) -> Outcome<Pairs> {
    let mut tags = s.store().tags(&s.key(name)).await?;
    tags.sort();
    Ok(tags)
}

async fn set(s: Subject) -> Outcome {
    tagged(&s, "a", pairs([("old", "1"), ("kept", "2")])).await?;
    let before = s.head("a").await?;
    for tags in [pairs([("kept", "3"), ("a+b c", "d=e/f:g@h"), ("none", "")]), pairs([("x", "y")])] {
        tag(&s, "a", &tags).await?;
        has_tags(&s, "a", &tags).await?;
        let mut wanted = tags;
        wanted.sort();
        equal("the tags", read(&s, "a").await?, wanted)?;
    }
    let mut after = s.head("a").await?;
    if s.place().service().is_some() {
        // Ceph gives it another time, AWS does not.
        after.last_modified = before.last_modified;
    }
    equal("what is known of it", after, before)?;
    same_bytes("the object", &s.read("a").await?, b"bytes")
}

async fn clear(s: Subject) -> Outcome {
    tagged(&s, "a", pairs([("old", "1")])).await?;
    let before = s.head("a").await?.etag;
    for _ in 0..2 {
        tag(&s, "a", &[]).await?;
        has_tags(&s, "a", &[]).await?;
        equal("the tags", read(&s, "a").await?, pairs([]))?;
    }
    equal("the ETag", s.head("a").await?.etag, before)?;
    same_bytes("the object", &s.read("a").await?, b"bytes")
}

async fn change(s: Subject) -> Outcome {
    tagged(&s, "a", pairs([("a", "1"), ("b", "2")])).await?;
    let key = s.key("a");
    s.store().add_tags(&key, &pairs([("b", "3"), ("c", "4")])).await?;
    equal("added", read(&s, "a").await?, pairs([("a", "1"), ("b", "3"), ("c", "4")]))?;
    let left = s.store().remove_tags(&key, &["a".to_owned(), "never".to_owned(), "c".to_owned()]).await?;
    equal("left", left, pairs([("b", "3")]))?;
    equal("removed", read(&s, "a").await?, pairs([("b", "3")]))?;
    s.store().remove_tags(&key, &["b".to_owned()]).await?;
    equal("the last removed", read(&s, "a").await?, pairs([]))
}

async fn missing(s: Subject) -> Outcome {
    let set = s.store().set_tags(&s.key("none"), &pairs([("a", "1")])).await;
    fails("to tag it", set, ErrorKind::NotFound)?;
    fails("its tags", s.store().tags(&s.key("none")).await, ErrorKind::NotFound)?;
    equal("names", s.names().await?, Vec::<String>::new())
}

async fn bounds(s: Subject) -> Outcome {
    tagged(&s, "a", pairs([("a", "1")])).await?;
    let long = |n: usize| "x".repeat(n);
    let eleven = (0..11).map(|n| (n.to_string(), String::new())).collect();
    let table = [
        ("eleven", eleven),
        ("no name", pairs([("", "v")])),
        ("a long name", pairs([(&*long(129), "v")])),
        ("a long value", pairs([("n", &*long(257))])),
        ("a name twice", pairs([("n", "1"), ("n", "2")])),
    ];
    for (what, tags) in table {
        fails(what, s.store().set_tags(&s.key("a"), &tags).await, ErrorKind::InvalidInput)?;
    }
    equal("the tags", read(&s, "a").await?, pairs([("a", "1")]))?;
    let ten: Pairs = (0..10).map(|n| (format!("{n}{}", long(127)), long(256))).collect();
    tag(&s, "a", &ten).await?;
    equal("as many and long as can be", read(&s, "a").await?, ten)?;
    tag(&s, "a", &pairs([("a", "2")])).await?;
    equal("few again", read(&s, "a").await?, pairs([("a", "2")]))?;
    same_bytes("the object", &s.read("a").await?, b"bytes")
}

async fn new_object(s: Subject) -> Outcome {
    tagged(&s, "a", Vec::new()).await?;
    tag(&s, "a", &pairs([("old", "1")])).await?;
    s.put("a", "new").await?;
    equal("the tags", read(&s, "a").await?, pairs([]))?;
    has_tags(&s, "a", &[]).await
}

async fn travel(s: Subject) -> Outcome {
    let tags = pairs([("kind", "scene")]);
    tagged(&s, "a", Vec::new()).await?;
    tag(&s, "a", &tags).await?;
    s.store().copy(&s.key("a"), &s.key("copy"), &CopyOptions::default()).await?;
    s.store().rename(&s.key("a"), &s.key("moved"), &MoveOptions::default()).await?;
    for name in ["copy", "moved"] {
        has_tags(&s, name, &tags).await?;
        same_bytes(name, &s.read(name).await?, b"bytes")?;
    }
    Ok(())
}

async fn race(s: Subject) -> Outcome {
    tagged(&s, "a", Vec::new()).await?;
    let all: Vec<Pairs> =
        (0..8).map(|n| (0..4).map(|k| (format!("k{k}"), n.to_string())).collect()).collect();
    let key = s.key("a");
    let sets = all.iter().map(|tags| s.store().set_tags(&key, tags));
    for set in futures_util::future::join_all(sets).await {
        set?;
    }
    let tags = read(&s, "a").await?;
    ensure(all.contains(&tags), format!("{tags:?} are those of one"))?;
    same_bytes("the object", &s.read("a").await?, b"bytes")
}

async fn versions(s: Subject) -> Outcome {
    let s = s.alone().await?;
    s.store().bucket().set_versioning(Versioning::Enabled).await?;
    tagged(&s, "a", Vec::new()).await?;
    tag(&s, "a", &pairs([("of", "the first")])).await?;
    s.put("a", "second").await?;
    tag(&s, "a", &pairs([("of", "the second")])).await?;
    let all = s.store().versions("a")?.collect().await?;
    equal("versions", all.len(), 2)?;
    s.store().restore_version("a", &all[1].version).await?;
    equal("the tags of the first", read(&s, "a").await?, pairs([("of", "the first")]))?;
    same_bytes("the first", &s.read("a").await?, b"bytes")
}
