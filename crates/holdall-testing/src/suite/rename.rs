//! Moves inside a store.

use super::capability::Capability::Tags;
use super::case::Case;
use super::failure::{Outcome, ensure, equal, fails, same_bytes};
use super::secrets::heard;
use super::subject::Subject;
use super::wire;
use holdall_store::transfer::Moved;
use holdall_store::{Attributes, ErrorKind, MoveOptions, PutOptions, Result, WriteCondition};
use std::collections::BTreeMap;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("rename/plain", "A renamed object has all that it had, under its new key alone.", |s| {
            Box::pin(plain(s))
        }),
        Case::new("rename/replaces", "A renamed object replaces what is at its new key.", |s| {
            Box::pin(replaces(s))
        }),
        Case::new("rename/self", "An object is not renamed to its own key, and stays.", |s| {
            Box::pin(onto_itself(s))
        }),
        Case::new("rename/missing", "To rename what is not there is NotFound and changes nothing.", |s| {
            Box::pin(missing(s))
        })
        .serves(&["SES-10"]),
        Case::new(
            "rename/create-only",
            "A create-only rename replaces nothing; where that cannot be decided, it is Unsupported.",
            |s| Box::pin(create_only(s)),
        ),
        Case::new("rename/if-match", "A rename of a certain ETag moves that object or none.", |s| {
            Box::pin(if_match(s))
        }),
        Case::new("rename/tags", "Tags go along with a rename.", |s| Box::pin(tags(s)))
            .serves(&["TOP-12"])
            .needs(&[Tags]),
        Case::new("rename/folders", "Keys are renamed across folders, and into one that is new.", |s| {
            Box::pin(folders(s))
        }),
    ]
}

async fn rename(s: &Subject, from: &str, to: &str, options: &MoveOptions) -> Result<Moved> {
    s.store().rename(&s.key(from), &s.key(to), options).await
}

async fn plain(s: Subject) -> Outcome {
    let bytes = s.random("rename").bytes(9000);
    let attributes = Attributes {
        content_type: Some("application/x-moved".to_owned()),
        cache_control: Some("no-store".to_owned()),
        metadata: BTreeMap::from([("kind".to_owned(), "caf\u{e9}".to_owned())]),
        ..Attributes::default()
    };
    let options = PutOptions { attributes: attributes.clone(), ..PutOptions::default() };
    s.store().put_with(&s.key("from"), bytes.clone(), &options).await?;
    let digest = s.head("from").await?.sha256;
    let moved = rename(&s, "from", "to", &MoveOptions::default()).await?;
    same_bytes("the object", &s.read("to").await?, &bytes)?;
    let head = s.head("to").await?;
    equal("attributes", head.attributes, attributes)?;
    equal("the recorded digest", head.sha256, digest)?;
    equal("key in the receipt", moved.receipt.key.as_str(), &*s.key("to"))?;
    equal("size in the receipt", moved.receipt.size, 9000)?;
    equal("ETag of receipt and head", moved.receipt.etag, head.etag)?;
    ensure(moved.tags_kept, "tags are kept")?;
    equal("the names", s.names().await?, ["to"])
}

async fn replaces(s: Subject) -> Outcome {
    s.put("from", "new").await?;
    let before = s.put("to", "something else").await?;
    let moved = rename(&s, "from", "to", &MoveOptions::default()).await?;
    ensure(before.etag != moved.receipt.etag, "other bytes have another ETag")?;
    same_bytes("the target", &s.read("to").await?, b"new")?;
    equal("the names", s.names().await?, ["to"])
}

async fn onto_itself(s: Subject) -> Outcome {
    s.put("from", "precious").await?;
    let renamed = rename(&s, "from", "from", &MoveOptions::default()).await;
    fails("onto itself", renamed, ErrorKind::InvalidInput)?;
    same_bytes("the object", &s.read("from").await?, b"precious")
}

async fn missing(s: Subject) -> Outcome {
    s.put("to", "as before").await?;
    let renamed = rename(&s, "none", "to", &MoveOptions::default()).await;
    let error = fails("what is not there", renamed, ErrorKind::NotFound)?;
    equal("the key that the error names", error.key(), Some(&*s.key("none")))?;
    same_bytes("the target", &s.read("to").await?, b"as before")
}

async fn create_only(s: Subject) -> Outcome {
    s.put("source", "new").await?;
    s.put("taken", "old").await?;
    let options = MoveOptions { condition: WriteCondition::Absent, ..MoveOptions::default() };
    let able = match heard(rename(&s, "source", "taken", &options).await) {
        Err(error) if error.kind() == ErrorKind::Unsupported => false,
        other => fails("a rename over an object", other, ErrorKind::Precondition).map(|_| true)?,
    };
    same_bytes("what is there", &s.read("taken").await?, b"old")?;
    same_bytes("the source", &s.read("source").await?, b"new")?;
    if !able {
        fails(
            "a rename to a free key",
            rename(&s, "source", "free", &options).await,
            ErrorKind::Unsupported,
        )?;
        return equal("the names", s.names().await?, ["source", "taken"]);
    }
    rename(&s, "source", "free", &options).await?;
    same_bytes("the object", &s.read("free").await?, b"new")?;
    equal("the names", s.names().await?, ["free", "taken"])
}

async fn if_match(s: Subject) -> Outcome {
    s.put("from", "old").await?;
    let old = s.head("from").await?.etag;
    s.put("from", "newer").await?;
    let options = |etag| MoveOptions { if_match: etag, ..MoveOptions::default() };
    fails("of another", rename(&s, "from", "to", &options(old)).await, ErrorKind::Precondition)?;
    equal("the names", s.names().await?, ["from"])?;
    rename(&s, "from", "to", &options(s.head("from").await?.etag)).await?;
    same_bytes("the object", &s.read("to").await?, b"newer")?;
    equal("the names", s.names().await?, ["to"])
}

async fn tags(s: Subject) -> Outcome {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let tags = vec![pair("one", "1"), pair("two", "2 + 3")];
    let options = PutOptions { tags: tags.clone(), ..PutOptions::default() };
    s.store().put_with(&s.key("from"), "x", &options).await?;
    rename(&s, "from", "to", &MoveOptions::default()).await?;
    wire::has_tags(&s, "to", &tags).await?;
    let mut read = s.store().tags(&s.key("to")).await?;
    read.sort();
    equal("the tags that are read", read, tags)?;
    fails("tags of nothing", s.store().tags(&s.key("from")).await, ErrorKind::NotFound).map(drop)
}

async fn folders(s: Subject) -> Outcome {
    s.put("deep/er/a", "1").await?;
    s.put("deep/b", "2").await?;
    for (from, to) in [("deep/er/a", "new/folder/a"), ("deep/b", "b"), ("new/folder/a", "deep/b")] {
        rename(&s, from, to, &MoveOptions::default()).await?;
    }
    same_bytes("the last", &s.read("deep/b").await?, b"1")?;
    equal("the names", s.names().await?, ["b", "deep/b"])
}
