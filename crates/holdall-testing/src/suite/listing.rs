//! Listings are whole, in order, and say where they stop.

use super::capability::Capability::{
    ByteOrder, EncodedListings, FolderKeys, ListedEtags, LongDelimiter, NestedKeys, SpecialKeys,
};
use super::case::Case;
use super::failure::{Failure, Outcome, ensure, equal, fails};
use super::secrets::heard;
use super::subject::{Listed, Subject};
use holdall_store::{ErrorKind, ListOptions, Payload, Prefix};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("listing/empty", "A listing of nothing is empty and no error.", |s| Box::pin(empty(s)))
            .serves(&["SES-4"]),
        Case::new("listing/prefix", "A prefix is text: it may end anywhere in a key, or be a key.", |s| {
            Box::pin(prefix(s))
        })
        .serves(&["OBS-3", "EVI-3"]),
        Case::new("listing/entries", "An entry has the size and time that a head has.", |s| {
            Box::pin(entries(s))
        })
        .serves(&["EVI-3"]),
        Case::new("listing/etags", "An entry has the ETag that a head has.", |s| Box::pin(etags(s)))
            .serves(&["EVI-3"])
            .needs(&[ListedEtags]),
        Case::new("listing/keys-only", "Keys alone are the same keys.", |s| Box::pin(keys_only(s)))
            .serves(&["OBS-3"]),
        Case::new("listing/order", "Keys come in the order of their bytes.", |s| Box::pin(order(s)))
            .serves(&["SES-4"])
            .needs(&[ByteOrder]),
        Case::new("listing/folders", "A listing with a slash shows one level of folders.", |s| {
            Box::pin(folders(s))
        })
        .serves(&["EVI-3", "SES-4"]),
        Case::new("listing/delimiter", "A delimiter folds what lies deeper into common prefixes.", |s| {
            Box::pin(delimiter(s))
        })
        .serves(&["EVI-3", "SES-4"])
        .needs(&[NestedKeys, FolderKeys]),
        Case::new("listing/long-delimiter", "A delimiter may be any text.", |s| Box::pin(long_delimiter(s)))
            .serves(&["EVI-3"])
            .needs(&[LongDelimiter]),
        Case::new("listing/encoded-names", "Names that look encoded are listed as they are.", |s| {
            Box::pin(encoded_names(s))
        })
        .serves(&["EVI-3"])
        .needs(&[SpecialKeys, EncodedListings]),
        Case::new("listing/reserved", "holdall's own folder is in no listing and no count.", |s| {
            Box::pin(reserved(s))
        })
        .serves(&["SES-4"]),
        Case::new("listing/refused", "An empty delimiter and a page of 0 or 1,001 are InvalidInput.", |s| {
            Box::pin(refused(s))
        })
        .serves(&["SES-10"]),
    ]
}

pub(super) async fn fill(s: &Subject, names: &[&str]) -> Outcome {
    for name in names {
        s.put(name, "x").await?;
    }
    Ok(())
}

pub(super) fn paged(page_size: u32) -> ListOptions {
    ListOptions { page_size: Some(page_size), ..ListOptions::default() }
}

pub(super) fn delimited(delimiter: &str) -> ListOptions {
    ListOptions { delimiter: Some(delimiter.to_owned()), ..ListOptions::default() }
}

pub(super) fn listed(names: &[&str], prefixes: &[&str]) -> Listed {
    let own = |texts: &[&str]| texts.iter().map(|&t| t.to_owned()).collect();
    Listed { names: own(names), prefixes: own(prefixes) }
}

async fn empty(s: Subject) -> Outcome {
    let nothing = listed(&[], &[]);
    equal("by a prefix of no key", s.list("none/", ListOptions::default()).await?, nothing.clone())?;
    equal("with a delimiter", s.list("none/", delimited("/")).await?, nothing.clone())?;
    let s = s.alone().await?;
    equal("of an empty store", s.list("", ListOptions::default()).await?, nothing)
}

async fn prefix(s: Subject) -> Outcome {
    fill(&s, &["key", "key2", "ke", "folder/below", "other"]).await?;
    let list = async |prefix: &str| s.list(prefix, ListOptions::default()).await.map(|l| l.names);
    equal("by a key", list("key").await?, ["key", "key2"])?;
    equal("by a folder", list("folder/").await?, ["folder/below"])?;
    equal("by half a folder", list("fol").await?, ["folder/below"])?;
    equal("by half a name", list("k").await?, ["ke", "key", "key2"])?;
    equal("by a whole last key", list("other").await?, ["other"])?;
    equal("by none", list("").await?.len(), 5)?;
    let long = "k".repeat(1024 - s.prefix().len());
    equal("by a prefix as long as a key", list(&long).await?.len(), 0)
}

async fn entries(s: Subject) -> Outcome {
    fill(&s, &["a"]).await?;
    s.put("empty", "").await?;
    s.put("large", vec![1; 70_000]).await?;
    let page = s.store().list(&s.key(""))?.collect().await?;
    equal("the number of entries", page.objects.len(), 3)?;
    for entry in page.objects {
        let head = s.store().head(entry.key.as_str()).await?;
        let what = |field: &str| format!("{field} of {}", entry.key);
        equal(what("size"), entry.size, head.size)?;
        equal(what("time"), entry.last_modified, head.last_modified)?;
        ensure(entry.last_modified.is_some(), what("there is a time"))?;
    }
    Ok(())
}

async fn etags(s: Subject) -> Outcome {
    fill(&s, &["a", "b"]).await?;
    for entry in s.store().list(&s.key(""))?.collect().await?.objects {
        let head = s.store().head(entry.key.as_str()).await?;
        equal(format!("ETag of {}", entry.key), entry.etag, head.etag)?;
    }
    Ok(())
}

async fn keys_only(s: Subject) -> Outcome {
    for name in ["a", "b/c", "b/d", "e"] {
        s.put(name, "x").await?;
    }
    for delimiter in [None, Some("/".to_owned())] {
        let all = ListOptions { delimiter, ..ListOptions::default() };
        let keys = ListOptions { keys_only: true, ..all.clone() };
        equal("the listing", s.list("", keys).await?, s.list("", all).await?)?;
    }
    Ok(())
}

async fn order(s: Subject) -> Outcome {
    let mut names = vec![
        "a",
        "d b",
        "d!b",
        "d-b",
        "d.b",
        "d/b",
        "d/e/c",
        "d0",
        "aB",
        "a_b",
        "ab",
        "a~",
        "B",
        "Z",
        "z",
        "\u{e9}",
        "e\u{301}",
        "\u{65e5}",
        "\u{fffd}",
        "\u{ffee}",
        "\u{10000}",
        "\u{1f9f3}",
        "_",
    ];
    fill(&s, &names).await?;
    names.sort_unstable();
    equal("in one page", s.names().await?, names.clone())?;
    let mut one_by_one = Vec::new();
    for page in s.pages("", paged(1)).await? {
        one_by_one.extend(page.names);
    }
    equal("one by one", one_by_one, names)
}

async fn folders(s: Subject) -> Outcome {
    fill(&s, &["a", "b/1", "b/2/3", "c", "d/e/f"]).await?;
    let list = async |prefix: &str| s.list(prefix, delimited("/")).await;
    equal("at the top", list("").await?, listed(&["a", "c"], &["b/", "d/"]))?;
    equal("in a folder", list("b/").await?, listed(&["b/1"], &["b/2/"]))?;
    equal("in a folder of folders", list("d/").await?, listed(&[], &["d/e/"]))
}

async fn delimiter(s: Subject) -> Outcome {
    fill(&s, &["a", "a/b", "a/c/d", "b", "b-c", "d/", "d/e", "z/y/x/w"]).await?;
    let list = async |prefix: &str| s.list(prefix, delimited("/")).await;
    equal("at the top", list("").await?, listed(&["a", "b", "b-c"], &["a/", "d/", "z/"]))?;
    equal("in a folder", list("a/").await?, listed(&["a/b"], &["a/c/"]))?;
    equal("in a folder with its own object", list("d/").await?, listed(&["d/", "d/e"], &[]))?;
    equal("by half a name", list("z/y").await?, listed(&[], &["z/y/"]))?;
    equal("by a folder's name", list("a").await?, listed(&["a"], &["a/"]))?;
    equal("another one", s.list("", delimited("-")).await?.prefixes, ["b-"])
}

async fn long_delimiter(s: Subject) -> Outcome {
    fill(&s, &["a--b", "a--c", "a-b", "d--", "--e", "f"]).await?;
    let wanted = listed(&["a-b", "f"], &["--", "a--", "d--"]);
    equal("two characters", s.list("", delimited("--")).await?, wanted)?;
    fill(&s, &["g\u{e9}h"]).await?;
    equal("one of two bytes", s.list("g", delimited("\u{e9}")).await?, listed(&[], &["g\u{e9}"]))?;
    equal(
        "one that is a prefix's end",
        s.list("a-", delimited("--")).await?,
        listed(&["a--b", "a--c", "a-b"], &[]),
    )
}

async fn encoded_names(s: Subject) -> Outcome {
    let mut names = ["%2F", "%252F", "a%20b", "a b", "a+b", "%", "&lt;", "<", "&", "\"", "'", "]]>"];
    fill(&s, &names).await?;
    names.sort_unstable();
    equal("the names", s.names().await?, names)?;
    fill(&s, &["%41/x", "&amp;/x"]).await?;
    equal("common prefixes", s.list("", delimited("/")).await?.prefixes, ["%41/", "&amp;/"])
}

async fn reserved(s: Subject) -> Outcome {
    let s = s.alone().await?;
    fill(&s, &["a", ".holdallx"]).await?;
    if let Some(service) = s.place().service() {
        let wire = service.wire_below(s.store())?;
        for key in [".holdall/journal", ".holdall/probes/x"] {
            wire.client.put(&wire.key(key), Payload::Empty, &holdall_s3::PutOptions::default()).await?;
        }
    }
    equal("the names", s.names().await?, [".holdallx", "a"])?;
    equal("folded", s.list("", delimited("/")).await?, listed(&[".holdallx", "a"], &[]))?;
    equal("by a prefix of it", s.list(".hold", ListOptions::default()).await?.names, [".holdallx"])?;
    equal("the count", s.store().stats("").await?.objects, 2)?;
    for prefix in [".holdall", ".holdall/", ".holdall/journal"] {
        match heard(Prefix::parse(prefix)) {
            Err(error) => equal(format!("the prefix {prefix:?}"), error.kind(), ErrorKind::InvalidInput)?,
            Ok(_) => return Err(Failure::new(format!("{prefix:?} can be listed"))),
        }
    }
    Ok(())
}

async fn refused(s: Subject) -> Outcome {
    fails("an empty delimiter", s.store().list_with(delimited("")), ErrorKind::InvalidInput)?;
    for size in [0, 1001] {
        fails(format!("pages of {size}"), s.store().list_with(paged(size)), ErrorKind::InvalidInput)?;
    }
    fails("a NUL in the prefix", s.store().list("a\0"), ErrorKind::InvalidInput).map(drop)
}
