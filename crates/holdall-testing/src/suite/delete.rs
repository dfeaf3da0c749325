//! Deletes, alone and many.

use super::capability::Capability::{ControlKeys, DeleteBatch, NestedKeys, SpecialKeys};
use super::case::Case;
use super::failure::{Outcome, ensure, equal, fails, same_bytes};
use super::secrets::heard;
use super::subject::Subject;
use holdall_store::{DeleteOptions, ErrorKind, Key};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("delete/one", "A deleted object is gone from reads and listings.", |s| Box::pin(one(s)))
            .serves(&["EVI-3", "SES-7"]),
        Case::new("delete/missing", "A delete of what is not there is no error.", |s| Box::pin(missing(s)))
            .serves(&["EVI-3"]),
        Case::new("delete/existed", "A delete that looks says whether there was an object.", |s| {
            Box::pin(existed(s))
        })
        .serves(&["EVI-3"]),
        Case::new("delete/neighbours", "A delete takes one key and none beside or below it.", |s| {
            Box::pin(neighbours(s))
        })
        .serves(&["SES-7"])
        .needs(&[NestedKeys]),
        Case::new("delete/batch", "A batch deletes its keys, there or not, and no other.", |s| {
            Box::pin(batch(s))
        })
        .serves(&["EVI-3", "SES-7"])
        .needs(&[DeleteBatch]),
        Case::new("delete/odd-batch", "Keys that XML cannot carry are deleted with a batch too.", |s| {
            Box::pin(odd_batch(s))
        })
        .serves(&["EVI-3"])
        .needs(&[DeleteBatch, ControlKeys, SpecialKeys]),
        Case::new("delete/many", "Any number of keys is deleted, 1,000 a request.", |s| Box::pin(many(s)))
            .serves(&["EVI-3"])
            .needs(&[DeleteBatch]),
        Case::new("delete/again", "What was deleted can be put again.", |s| Box::pin(again(s)))
            .serves(&["EVI-3"]),
        Case::new(
            "delete/if-match",
            "A delete of a certain ETag takes that object or none; where that cannot be, it is Unsupported.",
            |s| Box::pin(if_match(s)),
        )
        .serves(&["EVI-3"]),
        Case::new("delete/too-many-at-once", "A backend refuses a batch of more than 1,000 keys.", |s| {
            Box::pin(too_many(s))
        })
        .serves(&["EVI-3"]),
    ]
}

async fn one(s: Subject) -> Outcome {
    s.put("a", "x").await?;
    s.put("b", "x").await?;
    s.store().delete(&s.key("a")).await?;
    fails("get", s.store().get(&s.key("a")).await, ErrorKind::NotFound)?;
    fails("head", s.store().head(&s.key("a")).await, ErrorKind::NotFound)?;
    equal("the names", s.names().await?, ["b"])
}

async fn if_match(s: Subject) -> Outcome {
    let delete = async |etag: &str| {
        let options = DeleteOptions { if_match: Some(etag.to_owned()), ..DeleteOptions::default() };
        s.store().delete_with(&s.key("a"), &options).await
    };
    let first = s.put("a", "first").await?.etag;
    s.put("a", "second").await?;
    let etag = s.store().head(&s.key("a")).await?.etag;
    let (Some(first), Some(etag)) = (first, etag) else { return Ok(()) };
    let able = match heard(delete(&first).await) {
        Err(error) if error.kind() == ErrorKind::Unsupported => false,
        other => fails("a delete of what was replaced", other, ErrorKind::Precondition).map(|_| true)?,
    };
    equal("the names", s.names().await?, ["a"])?;
    if !able {
        fails("a delete of what is there", delete(&etag).await, ErrorKind::Unsupported)?;
        return equal("the names", s.names().await?, ["a"]);
    }
    equal("it existed", delete(&etag).await?.existed, Some(true))?;
    equal("the names", s.names().await?.len(), 0)?;
    fails("a delete of what is gone", delete(&etag).await, ErrorKind::NotFound)?;
    Ok(())
}

async fn missing(s: Subject) -> Outcome {
    s.store().delete(&s.key("never")).await?;
    s.put("once", "x").await?;
    s.store().delete(&s.key("once")).await?;
    s.store().delete(&s.key("once")).await?;
    equal("the names", s.names().await?.len(), 0)
}

async fn existed(s: Subject) -> Outcome {
    let looking = DeleteOptions { look: true, ..DeleteOptions::default() };
    let delete = async |options: &DeleteOptions| s.store().delete_with(&s.key("a"), options).await;
    equal("of what never was", delete(&looking).await?.existed, Some(false))?;
    s.put("a", "x").await?;
    equal("of what is there", delete(&looking).await?.existed, Some(true))?;
    equal("of what was deleted", delete(&looking).await?.existed, Some(false))?;
    s.put("b", "x").await?;
    let plain = s.store().delete(&s.key("b")).await?.existed;
    ensure(plain != Some(false), format!("without a look it is true or unknown: {plain:?}"))
}

async fn neighbours(s: Subject) -> Outcome {
    for name in ["a", "a-", "aa", "b/c", "b/d"] {
        s.put(name, "x").await?;
    }
    s.store().delete(&s.key("a")).await?;
    let looking = DeleteOptions { look: true, ..DeleteOptions::default() };
    let above = s.store().delete_with(&s.key("b"), &looking).await?;
    equal("what is below alone makes no object", above.existed, Some(false))?;
    s.store().delete(&s.key("b/")).await?;
    s.store().delete(&s.key("b/c")).await?;
    equal("the names", s.names().await?, ["a-", "aa", "b/d"])
}

/// Puts names, deletes some at once, and sees which are left.
async fn batch_leaves(s: &Subject, put: &[&str], delete: &[&str], left: &[&str]) -> Outcome {
    for name in put {
        s.put(name, "x").await?;
    }
    let keys = delete.iter().map(|name| s.parsed(name)).collect::<Outcome<Vec<Key>>>()?;
    let failures = s.backend().delete_batch(&keys).await?;
    ensure(failures.is_empty(), format!("none fails: {failures:?}"))?;
    equal("what is left", s.names().await?, left.to_vec())
}

async fn batch(s: Subject) -> Outcome {
    batch_leaves(&s, &["a", "b", "c", "ca"], &["a", "never", "c", "c/x"], &["b", "ca"]).await?;
    equal("failures of an empty batch", s.backend().delete_batch(&[]).await?.len(), 0)?;
    batch_leaves(&s, &["b"], &["b", "b"], &["ca"]).await
}

async fn odd_batch(s: Subject) -> Outcome {
    let odd = [
        "\u{1}",
        "a\u{1}b",
        "a\nb",
        "a\tb",
        "a\rb",
        "<&>\"'",
        "]]>",
        "&#1;",
        "\u{fffe}",
        "%01",
        " ",
        "\u{1f9f3}",
    ];
    let mut put = odd.to_vec();
    put.extend(["&amp;", "ab", "stays"]);
    batch_leaves(&s, &put, &odd, &["&amp;", "ab", "stays"]).await
}

async fn many(s: Subject) -> Outcome {
    let names: Vec<String> = (0..1203).map(|n| format!("k{n}")).collect();
    s.put_many(&names).await?;
    let keys = names.iter().map(|name| s.parsed(name)).collect::<Outcome<Vec<_>>>()?;
    s.put("stays", "x").await?;
    let failures = s.store().delete_many(keys).await;
    ensure(failures.is_empty(), format!("none fails: {failures:?}"))?;
    equal("what is left", s.names().await?, ["stays"])
}

async fn again(s: Subject) -> Outcome {
    for text in ["one", "two"] {
        s.put("a", text).await?;
        same_bytes("what was put", &s.read("a").await?, text.as_bytes())?;
        s.store().delete(&s.key("a")).await?;
        equal("exists after the delete", s.exists("a").await?, false)?;
    }
    Ok(())
}

async fn too_many(s: Subject) -> Outcome {
    s.put("k0", "x").await?;
    let keys = (0..1001).map(|n| s.parsed(&format!("k{n}"))).collect::<Outcome<Vec<_>>>()?;
    fails("1,001 keys", s.backend().delete_batch(&keys).await, ErrorKind::InvalidInput)?;
    equal("the first exists still", s.exists("k0").await?, true)
}
