use super::*;
use crate::backend::carried::Carried;
use crate::backend::memory::content::Content;
use crate::{Prefix, WriteCondition};
use bytes::Bytes;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn objects(keys: impl IntoIterator<Item = Key>) -> Arc<Objects> {
    let objects = Objects::default();
    let carried = Carried::new(&Attributes::default(), &[], None).unwrap();
    for key in keys {
        let object = StoredObject::new(&key, Content::single(Bytes::new()), carried.clone());
        objects.insert(object, &WriteCondition::Always).unwrap();
    }
    Arc::new(objects)
}

fn keys(texts: &[&str]) -> Vec<Key> {
    texts.iter().map(|text| Key::parse(text).unwrap()).collect()
}

/// Every page as the names in it, in order.
async fn pages(objects: &Arc<Objects>, options: ListOptions) -> Vec<Vec<String>> {
    let mut listing = MemoryListing::new(objects.clone(), options);
    let mut pages = Vec::new();
    while let Some(page) = listing.next_page().await {
        let page = page.unwrap();
        let mut names = page.prefixes;
        names.extend(page.objects.iter().map(|o| o.key.to_string()));
        names.sort();
        pages.push(names);
    }
    pages
}

/// What S3's documents say, written as plainly as possible.
fn model(keys: &BTreeSet<String>, prefix: &str, delimiter: &str, start_after: &str) -> Vec<String> {
    let mut names = BTreeSet::new();
    for key in keys {
        let Some(rest) = key.strip_prefix(prefix) else { continue };
        let folded = rest.split_once(delimiter).filter(|_| !delimiter.is_empty());
        names.insert(folded.map_or(key.clone(), |(name, _)| format!("{prefix}{name}{delimiter}")));
    }
    names.into_iter().filter(|name| name.as_str() > start_after).collect()
}

proptest! {
    #[test]
    fn pages_together_are_what_the_model_lists(
        keys in proptest::collection::btree_set("[a\u{10ffff}\u{d7ff}/]{1,5}", 0..30),
        prefix in "[a\u{10ffff}/]{0,2}",
        delimiter in "[a/]{0,2}|\u{10ffff}|\u{d7ff}",
        start_after in "[a\u{10ffff}/]{0,4}",
        page_size in 1u32..5,
    ) {
        let stored = objects(keys.iter().map(|key| Key::parse(key).unwrap()));
        let options = ListOptions {
            prefix: Prefix::parse(&prefix).unwrap(),
            delimiter: Some(delimiter.clone()),
            start_after: Some(start_after.clone()),
            page_size: Some(page_size),
            keys_only: false,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let pages = runtime.block_on(pages(&stored, options));
        if let Some((last, full)) = pages.split_last() {
            prop_assert!(full.iter().all(|page| page.len() == page_size as usize), "{:?}", pages);
            prop_assert!(full.is_empty() || !last.is_empty(), "{:?}", pages);
        }
        prop_assert_eq!(pages.concat(), model(&keys, &prefix, &delimiter, &start_after));
    }
}

#[tokio::test]
async fn keys_of_holdall_itself_are_in_no_listing() {
    let mut all = keys(&[".h", ".holdall-x", ".holdall0", ".holdallx", "a"]);
    all.extend(["a", "b/c", "z"].map(Key::reserved));
    let stored = objects(all);
    let flat = pages(&stored, ListOptions::default()).await;
    assert_eq!(flat, [[".h", ".holdall-x", ".holdall0", ".holdallx", "a"]]);
    let folded = ListOptions { delimiter: Some("/".into()), ..ListOptions::default() };
    assert_eq!(pages(&stored, folded).await, flat);
}

#[tokio::test]
async fn a_page_that_is_just_full_is_the_last() {
    let stored = objects(keys(&["a", "b/1", "b/2", "c"]));
    let options =
        |n| ListOptions { delimiter: Some("/".into()), page_size: Some(n), ..ListOptions::default() };
    assert_eq!(pages(&stored, options(3)).await, [["a", "b/", "c"]]);
    assert_eq!(pages(&stored, options(2)).await, [vec!["a", "b/"], vec!["c"]]);
    assert_eq!(pages(&objects([]), options(2)).await, [Vec::<String>::new()]);
}

#[tokio::test]
async fn what_is_put_behind_the_last_entry_is_listed() {
    let stored = objects(keys(&["a", "c"]));
    let options = ListOptions { page_size: Some(1), ..ListOptions::default() };
    let mut listing = MemoryListing::new(stored.clone(), options);
    assert_eq!(listing.next_page().await.unwrap().unwrap().objects[0].key.as_str(), "a");
    let object = StoredObject::clone(&stored.get("c").unwrap());
    let metadata = Metadata { key: Key::parse("b").unwrap(), ..object.metadata.clone() };
    stored.insert(StoredObject { metadata, ..object }, &WriteCondition::Always).unwrap();
    assert_eq!(listing.next_page().await.unwrap().unwrap().objects[0].key.as_str(), "b");
}

#[test]
fn the_text_after_all_with_a_prefix_is_the_least_such_text() {
    let table = [("a/", Some("a0")), ("a\u{10ffff}", Some("b")), ("\u{10ffff}", None), ("", None)];
    for (prefix, wanted) in table {
        assert_eq!(after_all(prefix), wanted.map(|text| Bound::Included(text.to_owned())), "{prefix:?}");
    }
    assert_eq!(after_all("\u{d7ff}"), Some(Bound::Included("\u{e000}".to_owned())));
}
