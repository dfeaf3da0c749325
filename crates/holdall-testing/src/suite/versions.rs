//! Versions: what was replaced and deleted is there still.

use super::capability::Capability::{Multipart, Versions};
use super::case::Case;
use super::failure::{Failure, Outcome, ensure, equal, fails, same_bytes};
use super::subject::Subject;
use bytes::Bytes;
use holdall_store::{
    Attributes, CopyOptions, ErrorKind, GetOptions, MoveOptions, PutOptions, Version, Versioning,
};

pub(super) fn cases() -> Vec<Case> {
    let case = |name, promise, run| Case::new(name, promise, run).serves(&["SES-9"]).needs(&[Versions]);
    vec![
        case("versions/off", "Where no versions are kept, each object is its own only version.", |s| {
            Box::pin(off(s))
        }),
        case("versions/kept", "What is replaced and deleted stays, whole and in order.", |s| {
            Box::pin(kept(s))
        }),
        case("versions/restore", "A version is brought back with all that it carries.", |s| {
            Box::pin(restore(s))
        }),
        case("versions/delete-latest", "Without the latest version a key has the one before.", |s| {
            Box::pin(delete_latest(s))
        }),
        case("versions/delete-marker", "Without its mark a deleted object is back.", |s| {
            Box::pin(delete_marker(s))
        }),
        case("versions/delete-old", "An old version goes for good, and the others stay.", |s| {
            Box::pin(delete_old(s))
        }),
        case("versions/missing", "To ask for a version that there is not is NotFound.", |s| {
            Box::pin(missing(s))
        })
        .serves(&["SES-9", "SES-10"]),
        case("versions/nothing", "To delete what is not there leaves a mark, and nothing else.", |s| {
            Box::pin(nothing(s))
        }),
        case("versions/order", "Versions are listed by key, the latest of each first.", |s| {
            Box::pin(order(s))
        }),
        case("versions/pages", "More versions than a page holds are all listed, once.", |s| {
            Box::pin(pages(s))
        }),
        case("versions/batch", "What a batch deletes stays as a version.", |s| Box::pin(batch(s))),
        case("versions/copy", "A version is copied to another key.", |s| Box::pin(copied(s))),
        case("versions/rename", "What is moved away stays as a version.", |s| Box::pin(renamed(s))),
        case("versions/before", "What was there before versions were kept is one of them.", |s| {
            Box::pin(before(s))
        }),
        case("versions/suspended", "Versions that are kept stay when no more of them are.", |s| {
            Box::pin(suspended(s))
        }),
        case("versions/parts", "An object that was sent in parts stays as a version.", |s| {
            Box::pin(parts(s))
        })
        .needs(&[Versions, Multipart]),
    ]
}

/// A store of its own that keeps versions.
async fn keeping(s: &Subject) -> Outcome<Subject> {
    let own = s.alone().await?;
    own.store().bucket().set_versioning(Versioning::Enabled).await?;
    equal("versioning", own.store().bucket().versioning().await?, Versioning::Enabled)?;
    Ok(own)
}

async fn versions(s: &Subject, prefix: &str) -> Outcome<Vec<Version>> {
    Ok(s.store().versions(&s.key(prefix))?.collect().await?)
}

/// What each version is, in the order of the listing: its key, whether it is a mark, whether the latest.
async fn outline(s: &Subject, prefix: &str) -> Outcome<Vec<(String, bool, bool)>> {
    let versions = versions(s, prefix).await?.into_iter();
    Ok(versions.map(|v| (v.key.as_str().to_owned(), v.is_marker, v.is_latest)).collect())
}

async fn read(s: &Subject, key: &str, version: &str) -> Outcome<Bytes> {
    let options = GetOptions { version: Some(version.to_owned()), ..GetOptions::default() };
    let head = s.store().head_with(&s.key(key), &options).await?;
    equal("the version in the head", head.version.as_deref(), Some(version))?;
    let object = s.store().get_with(&s.key(key), &options).await?;
    equal("the version in the answer", object.metadata.version.as_deref(), Some(version))?;
    equal("size", object.metadata.size, head.size)?;
    Ok(object.bytes().await?)
}

fn named(version: Option<String>) -> Outcome<String> {
    version.ok_or_else(|| Failure::new("an answer names no version"))
}

/// Puts each text at a key; answers the versions they are.
async fn put_all(s: &Subject, key: &str, texts: &[&'static str]) -> Outcome<Vec<String>> {
    let mut made = Vec::new();
    for text in texts {
        made.push(named(s.put(key, *text).await?.version)?);
    }
    Ok(made)
}

async fn off(s: Subject) -> Outcome {
    let s = s.alone().await?;
    equal("versioning", s.store().bucket().versioning().await?, Versioning::Off)?;
    fails("to demand versions", s.store().demand_versions().await, ErrorKind::Unsupported)?;
    s.put("a", "one").await?;
    s.put("a", "two").await?;
    s.store().delete("never").await?;
    equal("versions", outline(&s, "").await?, [("a".to_owned(), false, true)])
}

async fn kept(s: Subject) -> Outcome {
    let s = keeping(&s).await?;
    s.store().demand_versions().await?;
    let made = put_all(&s, "a", &["one", "two", ""]).await?;
    let deleted = s.store().delete("a").await?;
    let marker = named(deleted.version)?;
    ensure(!s.exists("a").await?, "a deleted object is not there")?;
    equal("names", s.names().await?, Vec::<String>::new())?;
    let all = versions(&s, "a").await?;
    let listed: Vec<_> = all.iter().map(|v| (v.version.as_str(), v.is_marker, v.is_latest, v.size)).collect();
    let wanted = [
        (&*marker, true, true, 0),
        (&*made[2], false, false, 0),
        (&*made[1], false, false, 3),
        (&*made[0], false, false, 3),
    ];
    equal("versions", listed, wanted)?;
    ensure(all[0].etag.is_none() && all[1..].iter().all(|v| v.etag.is_some()), "only objects have ETags")?;
    for (version, text) in made.iter().zip(["one", "two", ""]) {
        same_bytes(text, &read(&s, "a", version).await?, text.as_bytes())?;
    }
    // It can be written again, and all of that stays.
    let again = named(s.put("a", "again").await?.version)?;
    equal("the latest", versions(&s, "a").await?[0].version.as_str(), &*again)?;
    equal("how many", versions(&s, "a").await?.len(), 5)
}

async fn restore(s: Subject) -> Outcome {
    let s = keeping(&s).await?;
    let attributes = Attributes {
        content_type: Some("application/x-first".to_owned()),
        metadata: [("kind".to_owned(), "first".to_owned())].into(),
        ..Attributes::default()
    };
    let options = PutOptions { attributes: attributes.clone(), ..PutOptions::default() };
    let first = named(s.store().put_with(&s.key("a"), "one", &options).await?.version)?;
    let digest = s.head("a").await?.sha256;
    s.put("a", "two").await?;
    s.store().delete("a").await?;
    let receipt = s.store().restore_version(&s.key("a"), &first).await?;
    same_bytes("the object", &s.read("a").await?, b"one")?;
    let head = s.head("a").await?;
    equal("attributes", head.attributes, attributes)?;
    equal("digest", head.sha256, digest)?;
    // Ceph does not say what version a copy is.
    ensure(receipt.version.is_none() || receipt.version == head.version, "the receipt names the version")?;
    let all = versions(&s, "a").await?;
    equal("the latest", Some(all[0].version.clone()), head.version)?;
    equal("how many", all.len(), 4)?;
    same_bytes("the version that it is of", &read(&s, "a", &first).await?, b"one")
}

async fn delete_latest(s: Subject) -> Outcome {
    let s = keeping(&s).await?;
    let made = put_all(&s, "a", &["one", "two"]).await?;
    let deleted = s.store().delete_version(&s.key("a"), &made[1]).await?;
    equal("the version deleted", deleted.version.as_deref(), Some(&*made[1]))?;
    same_bytes("the object", &s.read("a").await?, b"one")?;
    equal("its version", s.head("a").await?.version.as_deref(), Some(&*made[0]))?;
    equal("versions", outline(&s, "a").await?, [("a".to_owned(), false, true)])?;
    s.store().delete_version(&s.key("a"), &made[0]).await?;
    ensure(!s.exists("a").await?, "without its only version an object is not there")?;
    equal("how many", versions(&s, "").await?.len(), 0)
}

async fn delete_marker(s: Subject) -> Outcome {
    let s = keeping(&s).await?;
    put_all(&s, "a", &["one", "two"]).await?;
    let first = named(s.store().delete("a").await?.version)?;
    // Ceph makes no second mark, S3 does.
    if let Some(second) = s.store().delete("a").await?.version {
        ensure(first != second, "each deletion has a mark of its own")?;
        s.store().delete_version(&s.key("a"), &second).await?;
        ensure(!s.exists("a").await?, "the mark before is there still")?;
    }
    s.store().delete_version(&s.key("a"), &first).await?;
    same_bytes("the object", &s.read("a").await?, b"two")?;
    equal(
        "versions",
        outline(&s, "a").await?,
        [("a".to_owned(), false, true), ("a".to_owned(), false, false)],
    )
}

async fn delete_old(s: Subject) -> Outcome {
    let s = keeping(&s).await?;
    let made = put_all(&s, "a", &["one", "two", "three"]).await?;
    for _ in 0..2 {
        // That it is not there any more is no error.
        s.store().delete_version(&s.key("a"), &made[1]).await?;
    }
    same_bytes("the object", &s.read("a").await?, b"three")?;
    same_bytes("the first", &read(&s, "a", &made[0]).await?, b"one")?;
    let left: Vec<String> = versions(&s, "a").await?.into_iter().map(|v| v.version).collect();
    equal("versions", left, [made[2].clone(), made[0].clone()])
}

async fn missing(s: Subject) -> Outcome {
    let s = keeping(&s).await?;
    let made = put_all(&s, "a", &["one", "two"]).await?;
    let marker = named(s.store().delete("a").await?.version)?;
    s.store().delete_version(&s.key("a"), &made[0]).await?;
    for version in [&made[0], &marker] {
        let options = GetOptions { version: Some(version.clone()), ..GetOptions::default() };
        fails("a read", s.store().get_with(&s.key("a"), &options).await, ErrorKind::NotFound)?;
        fails("a head", s.store().head_with(&s.key("a"), &options).await, ErrorKind::NotFound)?;
        let restored = s.store().restore_version(&s.key("a"), version).await;
        fails("to restore it", restored, ErrorKind::NotFound)?;
    }
    same_bytes("the other", &read(&s, "a", &made[1]).await?, b"two")
}

async fn nothing(s: Subject) -> Outcome {
    let s = keeping(&s).await?;
    let deleted = s.store().delete("never").await?;
    ensure(deleted.existed != Some(true), "there was nothing")?;
    equal("versions", outline(&s, "").await?, [("never".to_owned(), true, true)])?;
    s.store().delete_version("never", &named(deleted.version)?).await?;
    equal("how many", versions(&s, "").await?.len(), 0)
}

async fn order(s: Subject) -> Outcome {
    let s = keeping(&s).await?;
    let keys = ["a", "a!", "a-b", "a/b", "b", "b/c/d", "c", "d %+&é"];
    for round in 0..2 {
        for key in keys {
            s.put(key, if round == 0 { "old" } else { "new" }).await?;
        }
    }
    s.store().delete("b").await?;
    let mut wanted = Vec::new();
    for key in keys {
        let marked = key == "b";
        wanted.extend(marked.then(|| (key.to_owned(), true, true)));
        wanted.push((key.to_owned(), false, !marked));
        wanted.push((key.to_owned(), false, false));
    }
    equal("versions", outline(&s, "").await?, wanted.as_slice())?;
    let below: Vec<_> = wanted.into_iter().filter(|(key, ..)| key.starts_with("a/")).collect();
    equal("versions below a prefix", outline(&s, "a/").await?, below)?;
    let size_of_old = versions(&s, "c").await?.last().map(|v| v.size);
    equal("the size of an old one", size_of_old, Some(3))
}

async fn pages(s: Subject) -> Outcome {
    let s = keeping(&s).await?;
    let names: Vec<String> = (0..520).map(|n| format!("many/{n:03}")).collect();
    for _ in 0..2 {
        s.put_many(&names).await?;
    }
    s.put("other", "").await?;
    let all = versions(&s, "many/").await?;
    equal("how many", all.len(), 1040)?;
    let latest: Vec<&str> = all.iter().filter(|v| v.is_latest).map(|v| v.key.as_str()).collect();
    equal("the latest", latest, names)?;
    let mut ids: Vec<_> = all.iter().map(|v| (v.key.as_str(), v.version.as_str())).collect();
    ids.sort_unstable();
    ids.dedup();
    equal("how many that differ", ids.len(), 1040)
}

async fn batch(s: Subject) -> Outcome {
    let s = keeping(&s).await?;
    for key in ["a", "b"] {
        put_all(&s, key, &["one", "two"]).await?;
    }
    let keys = [s.parsed("a")?, s.parsed("b")?];
    let failures = s.store().delete_many(keys).await;
    ensure(failures.is_empty(), format!("{failures:?}"))?;
    equal("names", s.names().await?, Vec::<String>::new())?;
    for key in ["a", "b"] {
        let all = versions(&s, key).await?;
        let marks: Vec<_> = all.iter().map(|v| (v.is_marker, v.is_latest)).collect();
        equal("versions", marks, [(true, true), (false, false), (false, false)])?;
        same_bytes("the last", &read(&s, key, &all[1].version).await?, b"two")?;
    }
    Ok(())
}

async fn copied(s: Subject) -> Outcome {
    let s = keeping(&s).await?;
    let made = put_all(&s, "a", &["one", "two"]).await?;
    let options = CopyOptions { version: Some(made[0].clone()), ..CopyOptions::default() };
    s.store().copy(&s.key("a"), &s.key("b"), &options).await?;
    same_bytes("the copy", &s.read("b").await?, b"one")?;
    same_bytes("the source", &s.read("a").await?, b"two")
}

async fn renamed(s: Subject) -> Outcome {
    let s = keeping(&s).await?;
    let made = put_all(&s, "a", &["one", "two"]).await?;
    put_all(&s, "b", &["other"]).await?;
    s.store().rename(&s.key("a"), &s.key("b"), &MoveOptions::default()).await?;
    equal("names", s.names().await?, ["b"])?;
    same_bytes("what was moved", &s.read("b").await?, b"two")?;
    same_bytes("what it was", &read(&s, "a", &made[1]).await?, b"two")?;
    let there = versions(&s, "b").await?;
    equal("versions there", there.len(), 2)?;
    same_bytes("what was there", &read(&s, "b", &there[1].version).await?, b"other")?;
    let here: Vec<_> = versions(&s, "a").await?.iter().map(|v| (v.is_marker, v.is_latest)).collect();
    equal("versions here", here, [(true, true), (false, false), (false, false)])
}

async fn before(s: Subject) -> Outcome {
    let s = s.alone().await?;
    s.put("a", "before").await?;
    s.store().bucket().set_versioning(Versioning::Enabled).await?;
    let first = versions(&s, "a").await?.swap_remove(0).version;
    // Ceph does not say it of what was there before.
    let told = s.head("a").await?.version;
    ensure(told.is_none() || told.as_ref() == Some(&first), "a head names the only version")?;
    s.put("a", "after").await?;
    let options = GetOptions { version: Some(first), ..GetOptions::default() };
    let old = s.store().get_with(&s.key("a"), &options).await?.bytes().await?;
    same_bytes("what was there before", &old, b"before")?;
    equal("how many", versions(&s, "a").await?.len(), 2)
}

async fn suspended(s: Subject) -> Outcome {
    let s = keeping(&s).await?;
    let made = put_all(&s, "a", &["one", "two"]).await?;
    s.store().bucket().set_versioning(Versioning::Suspended).await?;
    equal("versioning", s.store().bucket().versioning().await?, Versioning::Suspended)?;
    fails("to demand versions", s.store().demand_versions().await, ErrorKind::Unsupported)?;
    s.put("a", "three").await?;
    s.put("a", "four").await?;
    same_bytes("the object", &s.read("a").await?, b"four")?;
    for (version, text) in made.iter().zip(["one", "two"]) {
        same_bytes(text, &read(&s, "a", version).await?, text.as_bytes())?;
    }
    equal("how many", versions(&s, "a").await?.len(), 3)?;
    let back = s.store().bucket().set_versioning(Versioning::Off).await;
    fails("to take it back", back, ErrorKind::InvalidInput).map(drop)
}

async fn parts(s: Subject) -> Outcome {
    let s = keeping(&s).await?;
    let bytes = s.random("versions").bytes(11 << 20);
    let options = PutOptions::default();
    let receipt = s.store().put_reader(&s.key("large"), &*bytes, None, &options).await?;
    s.put("large", "small").await?;
    same_bytes("the version", &read(&s, "large", &named(receipt.version)?).await?, &bytes)
}
