//! Copies inside a store.

use super::capability::Capability::{
    Acl as AclCapability, CopyConditions, CopyTags, EncryptionKms, Multipart, Tags, UploadTags,
};
use super::case::Case;
use super::failure::{Outcome, ensure, equal, fails, same_bytes};
use super::presign::with_kms;
use super::secrets::heard;
use super::subject::Subject;
use super::wire;
use holdall_store::backend::s3::S3Backend;
use holdall_store::{
    Acl, Attributes, Backend, CopyOptions, ErrorKind, Limits, PutOptions, ReadConditions, Receipt, Result,
    Store, WriteCondition, sha256,
};
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("copy/plain", "A copy has the bytes, headers and metadata of its source.", |s| {
            Box::pin(plain(s))
        })
        .serves(&["EVI-3"]),
        Case::new("copy/new-attributes", "New attributes replace all of the source's.", |s| {
            Box::pin(new_attributes(s))
        })
        .serves(&["EVI-3"]),
        Case::new("copy/replaces", "A copy replaces what is at its target, and leaves the source.", |s| {
            Box::pin(replaces(s))
        })
        .serves(&["EVI-3"]),
        Case::new("copy/self", "A copy onto itself needs new attributes, and then changes only them.", |s| {
            Box::pin(onto_itself(s))
        })
        .serves(&["EVI-3"]),
        Case::new("copy/missing", "A copy of what is not there is NotFound and makes nothing.", |s| {
            Box::pin(missing(s))
        })
        .serves(&["EVI-3", "SES-10"]),
        Case::new(
            "copy/conditions",
            "A copy under conditions on its source is made only if they hold.",
            |s| Box::pin(conditions(s)),
        )
        .serves(&["EVI-3"])
        .needs(&[CopyConditions]),
        Case::new(
            "copy/create-only",
            "A create-only copy replaces nothing; where that cannot be decided, it is Unsupported.",
            |s| Box::pin(create_only(s)),
        )
        .serves(&["EVI-3"]),
        Case::new("copy/tags", "Tags go along with a copy.", |s| Box::pin(tags(s)))
            .serves(&["EVI-3", "TOP-12"])
            .needs(&[Tags]),
        Case::new("copy/new-tags", "Tags can be replaced, and go along when the rest is replaced.", |s| {
            Box::pin(new_tags(s))
        })
        .serves(&["EVI-3", "TOP-12"])
        .needs(&[Tags, CopyTags]),
        Case::new("copy/reserved", "holdall's own metadata cannot be set by a copy.", |s| {
            Box::pin(reserved(s))
        })
        .serves(&["EVI-3"]),
        Case::new("copy/empty", "An empty object is copied as any other.", |s| Box::pin(empty(s)))
            .serves(&["EVI-3"]),
        Case::new(
            "copy/in-parts",
            "An object that is too large for one copy is copied whole, with all that it carries.",
            |s| Box::pin(in_parts(s)),
        )
        .serves(&["EVI-3"])
        .needs(&[Multipart]),
        Case::new("copy/in-parts-tags", "Tags go along with a copy in parts.", |s| {
            Box::pin(in_parts_with_tags(s))
        })
        .serves(&["TOP-12"])
        .needs(&[Multipart, Tags, UploadTags]),
        Case::new(
            "copy/kms",
            "With a KMS key in the settings a copy is encrypted, whatever its size.",
            |s| Box::pin(kms(s)),
        )
        .serves(&["TOP-4"])
        .needs(&[EncryptionKms, Multipart]),
        Case::new("copy/acl", "A copy gets the ACL that it is given, not its source's.", |s| {
            Box::pin(acl(s))
        })
        .serves(&["EVI-3", "DOC-3"])
        .needs(&[AclCapability]),
    ]
}

async fn copy(s: &Subject, from: &str, to: &str, options: &CopyOptions) -> Result<Receipt> {
    s.store().copy(&s.key(from), &s.key(to), options).await
}

async fn create_only(s: Subject) -> Outcome {
    s.put("source", "new").await?;
    s.put("taken", "old").await?;
    let options = CopyOptions { condition: WriteCondition::Absent, ..CopyOptions::default() };
    let able = match heard(copy(&s, "source", "taken", &options).await) {
        Err(error) if error.kind() == ErrorKind::Unsupported => false,
        other => fails("a copy over an object", other, ErrorKind::Precondition).map(|_| true)?,
    };
    equal("what is there", s.store().get(&s.key("taken")).await?.bytes().await?, "old")?;
    if !able {
        fails("a copy to a free key", copy(&s, "source", "free", &options).await, ErrorKind::Unsupported)?;
        return equal("the names", s.names().await?, ["source", "taken"]);
    }
    copy(&s, "source", "free", &options).await?;
    equal("the copy", s.store().get(&s.key("free")).await?.bytes().await?, "new")
}

fn attributes(kind: &str) -> Attributes {
    Attributes {
        content_type: Some(format!("application/x-{kind}")),
        cache_control: Some(format!("max-age={}", kind.len())),
        metadata: BTreeMap::from([
            ("kind".to_owned(), kind.to_owned()),
            (kind.to_owned(), "caf\u{e9}".into()),
        ]),
        ..Attributes::default()
    }
}

fn replacing(kind: &str) -> CopyOptions {
    CopyOptions { attributes: Some(attributes(kind)), ..CopyOptions::default() }
}

async fn source(s: &Subject) -> Outcome<Vec<u8>> {
    let bytes = s.random("copy").bytes(9000);
    let options = PutOptions { attributes: attributes("first"), ..PutOptions::default() };
    s.store().put_with(&s.key("from"), bytes.clone(), &options).await?;
    Ok(bytes)
}

async fn plain(s: Subject) -> Outcome {
    let bytes = source(&s).await?;
    let receipt = copy(&s, "from", "to", &CopyOptions::default()).await?;
    same_bytes("the copy", &s.read("to").await?, &bytes)?;
    let head = s.head("to").await?;
    equal("key in the receipt", receipt.key.as_str(), &*s.key("to"))?;
    equal("size in the receipt", receipt.size, 9000)?;
    equal("ETag of receipt and head", &receipt.etag, &head.etag)?;
    equal("attributes", head.attributes, attributes("first"))?;
    let known = [receipt.sha256, head.sha256].into_iter().flatten();
    ensure(known.into_iter().all(|digest| digest == sha256(&bytes)), "a SHA-256 that is told is right")?;
    equal("attributes of the source", s.head("from").await?.attributes, attributes("first"))
}

async fn new_attributes(s: Subject) -> Outcome {
    let bytes = source(&s).await?;
    copy(&s, "from", "to", &replacing("second")).await?;
    same_bytes("the copy", &s.read("to").await?, &bytes)?;
    let head = s.head("to").await?;
    equal("attributes", head.attributes, attributes("second"))?;
    ensure(head.sha256.is_none_or(|digest| digest == sha256(&bytes)), "a SHA-256 that is told is right")?;
    equal("attributes of the source", s.head("from").await?.attributes, attributes("first"))?;
    let none = CopyOptions { attributes: Some(Attributes::default()), ..CopyOptions::default() };
    copy(&s, "from", "bare", &none).await?;
    let bare = s.head("bare").await?.attributes;
    ensure(bare.metadata.is_empty() && bare.cache_control.is_none(), format!("{bare:?} has none"))
}

async fn replaces(s: Subject) -> Outcome {
    let bytes = source(&s).await?;
    let before = s.put("to", "something else").await?;
    let after = copy(&s, "from", "to", &CopyOptions::default()).await?;
    ensure(before.etag != after.etag, "other bytes have another ETag")?;
    same_bytes("the target", &s.read("to").await?, &bytes)?;
    same_bytes("the source", &s.read("from").await?, &bytes)
}

async fn onto_itself(s: Subject) -> Outcome {
    let bytes = source(&s).await?;
    let unchanged = copy(&s, "from", "from", &CopyOptions::default()).await;
    fails("without new attributes", unchanged, ErrorKind::InvalidInput)?;
    copy(&s, "from", "from", &replacing("second")).await?;
    same_bytes("the bytes", &s.read("from").await?, &bytes)?;
    equal("the attributes", s.head("from").await?.attributes, attributes("second"))
}

async fn missing(s: Subject) -> Outcome {
    s.put("to", "as before").await?;
    let error =
        fails("onto another", copy(&s, "none", "to", &CopyOptions::default()).await, ErrorKind::NotFound)?;
    equal("the key that the error names", error.key(), Some(&*s.key("none")))?;
    same_bytes("the target", &s.read("to").await?, b"as before")?;
    fails("onto a new one", copy(&s, "none", "new", &replacing("x")).await, ErrorKind::NotFound)?;
    equal("the target exists", s.exists("new").await?, false)
}

async fn conditions(s: Subject) -> Outcome {
    source(&s).await?;
    let head = s.head("from").await?;
    let etag = head.etag.unwrap_or_default();
    let written = head.last_modified.unwrap_or(SystemTime::UNIX_EPOCH);
    let before = written - Duration::from_secs(3600);
    let other = "\"00000000000000000000000000000000\"".to_owned();
    let none = ReadConditions::default;
    let table = [
        ("matches", ReadConditions { if_match: Some(etag.clone()), ..none() }, true),
        ("another", ReadConditions { if_match: Some(other.clone()), ..none() }, false),
        ("the same", ReadConditions { if_none_match: Some(etag), ..none() }, false),
        ("not the same", ReadConditions { if_none_match: Some(other), ..none() }, true),
        ("changed since", ReadConditions { if_modified_since: Some(before), ..none() }, true),
        ("unchanged since before", ReadConditions { if_unmodified_since: Some(before), ..none() }, false),
        ("unchanged since", ReadConditions { if_unmodified_since: Some(written), ..none() }, true),
    ];
    for (what, conditions, holds) in table {
        let options = CopyOptions { conditions, ..CopyOptions::default() };
        let copied = copy(&s, "from", what, &options).await;
        if holds {
            copied?;
        } else {
            fails(what, copied, ErrorKind::Precondition)?;
        }
        equal(format!("{what}: the copy exists"), s.exists(what).await?, holds)?;
    }
    Ok(())
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

async fn tagged(s: &Subject) -> Outcome<Vec<(String, String)>> {
    let tags = vec![pair("one", "1"), pair("two", "2 + 3")];
    let options = PutOptions { tags: tags.clone(), ..PutOptions::default() };
    s.store().put_with(&s.key("from"), "x", &options).await?;
    Ok(tags)
}

async fn tags(s: Subject) -> Outcome {
    let tags = tagged(&s).await?;
    copy(&s, "from", "kept", &CopyOptions::default()).await?;
    wire::has_tags(&s, "kept", &tags).await
}

async fn new_tags(s: Subject) -> Outcome {
    let tags = tagged(&s).await?;
    copy(&s, "from", "kept", &replacing("second")).await?;
    wire::has_tags(&s, "kept", &tags).await?;
    let other = CopyOptions { tags: Some(vec![pair("three", "3")]), ..CopyOptions::default() };
    copy(&s, "from", "replaced", &other).await?;
    wire::has_tags(&s, "replaced", &[pair("three", "3")]).await?;
    copy(&s, "from", "gone", &CopyOptions { tags: Some(Vec::new()), ..CopyOptions::default() }).await?;
    wire::has_tags(&s, "gone", &[]).await
}

async fn reserved(s: Subject) -> Outcome {
    source(&s).await?;
    for name in ["holdall-put", "holdall-sha256", "holdall-x"] {
        let mut options = replacing("second");
        if let Some(attributes) = &mut options.attributes {
            attributes.metadata.insert(name.to_owned(), "v".to_owned());
        }
        fails(name, copy(&s, "from", "to", &options).await, ErrorKind::InvalidInput)?;
        equal("the copy exists", s.exists("to").await?, false)?;
    }
    Ok(())
}

async fn empty(s: Subject) -> Outcome {
    s.put("from", "").await?;
    equal("size in the receipt", copy(&s, "from", "to", &CopyOptions::default()).await?.size, 0)?;
    same_bytes("the copy", &s.read("to").await?, b"")
}

/// The same place with a bound on copies that small objects reach.
fn of_small_copies(store: &Store) -> Store {
    let backend: &dyn Any = store.backend().as_ref();
    let Some(backend) = backend.downcast_ref::<S3Backend>() else { return store.clone() };
    let limits = Limits { max_copy: 5 << 20, ..backend.limits() };
    Store::with_backend(Arc::new(backend.clone().with_limits(limits)), store.settings().clone())
}

async fn in_parts(s: Subject) -> Outcome {
    let store = of_small_copies(s.store());
    let bytes = s.random("large").bytes((12 << 20) + 5);
    let options = PutOptions { attributes: attributes("first"), ..PutOptions::default() };
    store.put_with(&s.key("from"), bytes.clone(), &options).await?;
    let receipt = store.copy(&s.key("from"), &s.key("to"), &CopyOptions::default()).await?;
    same_bytes("the copy", &s.read("to").await?, &bytes)?;
    let head = s.head("to").await?;
    equal("size in the receipt", receipt.size, bytes.len() as u64)?;
    equal("ETag of receipt and head", &receipt.etag, &head.etag)?;
    equal("attributes", head.attributes, attributes("first"))?;
    equal("the recorded digest", head.sha256, s.head("from").await?.sha256)?;
    store.copy(&s.key("from"), &s.key("other"), &replacing("second")).await?;
    same_bytes("the other copy", &s.read("other").await?, &bytes)?;
    equal("new attributes", s.head("other").await?.attributes, attributes("second"))?;
    let gone = store.copy(&s.key("none"), &s.key("new"), &CopyOptions::default()).await;
    fails("of nothing", gone, ErrorKind::NotFound)?;
    equal("the names", s.names().await?, ["from", "other", "to"])
}

async fn in_parts_with_tags(s: Subject) -> Outcome {
    let store = of_small_copies(s.store());
    let tags = vec![pair("one", "1"), pair("two", "2 + 3")];
    let options = PutOptions { tags: tags.clone(), ..PutOptions::default() };
    store.put_with(&s.key("from"), vec![7; 6 << 20], &options).await?;
    store.copy(&s.key("from"), &s.key("to"), &CopyOptions::default()).await?;
    wire::has_tags(&s, "to", &tags).await
}

async fn kms(s: Subject) -> Outcome {
    let store = with_kms(&s)?;
    let small = PutOptions { attributes: attributes("first"), ..PutOptions::default() };
    let (large, plain) = (s.random("large").bytes(6 << 20), CopyOptions::default());
    s.store().put_with(&s.key("open"), "for all to read", &small).await?;
    s.store().put_with(&s.key("empty"), "", &small).await?;
    s.put("large", large.clone()).await?;
    store.put(&s.key("own"), "secret").await?;
    for (store, from, to, options, bytes) in [
        (&store, "open", "copy", &plain, &b"for all to read"[..]),
        (&store, "empty", "copy-of-empty", &plain, b""),
        (&of_small_copies(&store), "large", "in-parts", &plain, &large),
        // A copy that is not encrypted would take the protection off what was protected.
        (&store, "own", "own", &replacing("second"), b"secret"),
    ] {
        store.copy(&s.key(from), &s.key(to), options).await?;
        wire::has_header(&s, to, "x-amz-server-side-encryption", "aws:kms").await?;
        same_bytes(format!("the copy {to}"), &s.read(to).await?, bytes)?;
    }
    for copy in ["copy", "copy-of-empty"] {
        equal("its attributes", s.head(copy).await?.attributes, attributes("first"))?;
    }
    Ok(())
}

async fn acl(s: Subject) -> Outcome {
    let public = PutOptions { acl: Some(Acl::PublicRead), ..PutOptions::default() };
    s.store().put_with(&s.key("from"), "x", &public).await?;
    copy(&s, "from", "private", &CopyOptions::default()).await?;
    let options = CopyOptions { acl: Some(Acl::PublicRead), ..CopyOptions::default() };
    copy(&s, "from", "public", &options).await?;
    wire::is_public(&s, "from", true).await?;
    wire::is_public(&s, "private", false).await?;
    wire::is_public(&s, "public", true).await
}
