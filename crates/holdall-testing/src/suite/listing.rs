//! Listings are whole, in order, and say where they stop.

use super::capability::Capability::{
    ByteOrder, EncodedListings, FolderKeys, ListPages, ListedEtags, LongDelimiter, NestedKeys, SpecialKeys,
    StartAfter,
};
use super::case::Case;
use super::failure::{Failure, Outcome, ensure, equal, fails};
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
        Case::new("listing/start-after", "A listing starts after a key, there or not.", |s| {
            Box::pin(start_after(s))
        })
        .serves(&["SES-4"])
        .needs(&[StartAfter]),
        Case::new(
            "listing/start-inside-a-prefix",
            "A common prefix is listed when a key in it is after the start.",
            |s| Box::pin(start_inside(s)),
        )
        .serves(&["SES-4"])
        .needs(&[StartAfter]),
        Case::new("listing/small-pages", "Pages have no more than was asked for, and miss nothing.", |s| {
            Box::pin(small_pages(s))
        })
        .serves(&["SES-4", "EVI-3"])
        .needs(&[ListPages]),
        Case::new("listing/many", "2,500 keys are listed whole, in pages of 1,000 and of 7.", |s| {
            Box::pin(many(s))
        })
        .serves(&["SES-4", "EVI-3"])
        .needs(&[ListPages]),
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

async fn fill(s: &Subject, names: &[&str]) -> Outcome {
    for name in names {
        s.put(name, "x").await?;
    }
    Ok(())
}

fn paged(page_size: u32) -> ListOptions {
    ListOptions { page_size: Some(page_size), ..ListOptions::default() }
}

fn delimited(delimiter: &str) -> ListOptions {
    ListOptions { delimiter: Some(delimiter.to_owned()), ..ListOptions::default() }
}

fn after(key: &str) -> ListOptions {
    ListOptions { start_after: Some(key.to_owned()), ..ListOptions::default() }
}

fn listed(names: &[&str], prefixes: &[&str]) -> Listed {
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

async fn start_after(s: Subject) -> Outcome {
    fill(&s, &["p/a", "p/b", "p/d", "p/\u{e9}", "q"]).await?;
    let list = async |start: &str| s.list("p/", after(start)).await.map(|listed| listed.names);
    equal("an existing key", list("p/b").await?, ["p/d", "p/\u{e9}"])?;
    equal("between two", list("p/c").await?, ["p/d", "p/\u{e9}"])?;
    equal("before all", list("p/").await?, ["p/a", "p/b", "p/d", "p/\u{e9}"])?;
    equal("before the prefix", list("a").await?, ["p/a", "p/b", "p/d", "p/\u{e9}"])?;
    equal("the last key", list("p/\u{e9}").await?.len(), 0)?;
    equal("after the prefix", list("q").await?.len(), 0)?;
    let both = ListOptions { start_after: Some("p/a".into()), ..paged(1) };
    equal("page by page", s.list("p/", both).await?.names, ["p/b", "p/d", "p/\u{e9}"])
}

async fn start_inside(s: Subject) -> Outcome {
    fill(&s, &["a", "f/b", "f/m", "g/c", "h"]).await?;
    let list = async |start: &str| {
        s.list("", ListOptions { start_after: Some(start.to_owned()), ..delimited("/") }).await
    };
    equal("at its first key", list("f/b").await?, listed(&["h"], &["f/", "g/"]))?;
    equal("between its keys", list("f/c").await?, listed(&["h"], &["f/", "g/"]))?;
    equal("at the prefix itself", list("f/").await?, listed(&["h"], &["f/", "g/"]))?;
    equal("at its last key", list("f/m").await?, listed(&["h"], &["g/"]))?;
    equal("after its last key", list("f/z").await?, listed(&["h"], &["g/"]))
}

async fn small_pages(s: Subject) -> Outcome {
    fill(&s, &["a", "b/1", "b/2", "b/3", "c", "d/1", "e", "f/1", "f/2"]).await?;
    for size in [1, 2, 3, 5, 9, 1000] {
        let plain = in_pages(&s, size, None).await?;
        equal(format!("in pages of {size}"), plain.names.len(), 9)?;
        let folded = in_pages(&s, size, Some("/")).await?;
        let wanted = listed(&["a", "c", "e"], &["b/", "d/", "f/"]);
        equal(format!("folded, in pages of {size}"), folded, wanted)?;
    }
    Ok(())
}

/// Lists in pages, and sees that each is small enough and comes after the one before.
async fn in_pages(s: &Subject, size: u32, delimiter: Option<&str>) -> Outcome<Listed> {
    let options = ListOptions { delimiter: delimiter.map(str::to_owned), ..paged(size) };
    let mut all = listed(&[], &[]);
    let mut last = String::new();
    for page in s.pages("", options).await? {
        let mut entries: Vec<&String> = page.names.iter().chain(&page.prefixes).collect();
        ensure(entries.len() <= size as usize, format!("{} entries are within {size}", entries.len()))?;
        entries.sort();
        ensure(page.names.is_sorted() && page.prefixes.is_sorted(), format!("{page:?} is in order"))?;
        if let Some((first, end)) = entries.first().zip(entries.last()) {
            ensure(**first > last, format!("{first:?} comes after {last:?} of the page before"))?;
            last = (*end).clone();
        }
        all.names.extend(page.names);
        all.prefixes.extend(page.prefixes);
    }
    Ok(all)
}

async fn many(s: Subject) -> Outcome {
    let names: Vec<String> = (0..2500).map(|n| format!("d{}/k{n:05}", n / 500)).collect();
    s.put_many(&names).await?;
    for size in [1000, 7] {
        equal(format!("in pages of {size}"), in_pages(&s, size, None).await?.names, names.clone())?;
    }
    equal("by the server's own pages", s.names().await?, names.clone())?;
    let folded = in_pages(&s, 2, Some("/")).await?;
    equal("folded", folded, listed(&[], &["d0/", "d1/", "d2/", "d3/", "d4/"]))?;
    let start = ListOptions { start_after: Some(names[1999].clone()), ..ListOptions::default() };
    equal("the last 500", s.list("", start).await?.names, names[2000..].to_vec())?;
    equal("by statistics", s.store().stats(s.prefix()).await?.objects, 2500)?;
    let keys = names.iter().map(|name| s.parsed(name)).collect::<Outcome<Vec<_>>>()?;
    let failures = s.store().delete_many(keys).await;
    equal("failures of the delete", failures.len(), 0)?;
    equal("what is left", s.names().await?.len(), 0)
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
        match Prefix::parse(prefix) {
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
