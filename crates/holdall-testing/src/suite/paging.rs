//! Listings that start in the middle, and listings in pages.

use super::capability::Capability::{ListPages, StartAfter};
use super::case::Case;
use super::failure::{Outcome, ensure, equal};
use super::listing::{delimited, fill, listed, paged};
use super::subject::{Listed, Subject};
use holdall_store::ListOptions;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("listing/start-after", "A listing starts after a key, there or not.", |s| {
            Box::pin(start_after(s))
        })
        .serves(&["SES-4"])
        .needs(&[StartAfter]),
        Case::new(
            "listing/start-inside-a-prefix",
            "A common prefix is listed when it is itself after the start.",
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
    ]
}

fn after(key: &str) -> ListOptions {
    ListOptions { start_after: Some(key.to_owned()), ..ListOptions::default() }
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
    equal("before it", list("f").await?, listed(&["h"], &["f/", "g/"]))?;
    equal("at the prefix itself", list("f/").await?, listed(&["h"], &["g/"]))?;
    equal("at its first key", list("f/b").await?, listed(&["h"], &["g/"]))?;
    equal("between its keys", list("f/c").await?, listed(&["h"], &["g/"]))?;
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
