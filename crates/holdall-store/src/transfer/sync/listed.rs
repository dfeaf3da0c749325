//! What is listed at the destination, read as far as it is asked for.

use crate::backend::queued::is_of_the_remote;
use crate::error::{Error, Result};
use crate::key::Prefix;
use crate::object::{ListOptions, Metadata};
use crate::store::{ObjectList, Store};
use std::iter::Peekable;
use std::vec::IntoIter;

/// The objects below a prefix, looked up in the order of their keys.
///
/// Pages without any of the keys that are wanted are jumped over, unless all of them are.
pub(in crate::transfer) struct Listed {
    store: Store,
    prefix: String,
    /// Whether every object is wanted, found or not.
    whole: bool,
    state: State,
    /// Only what waits in the outbox is known: the remote was away.
    is_away: bool,
    ready: Peekable<IntoIter<Metadata>>,
    /// Of the page under way: its objects, and those that were wanted.
    page: (usize, usize),
    failures: Vec<Error>,
}

enum State {
    Unasked,
    Open(ObjectList),
    Ended,
}

/// A page of which less than this share is wanted is followed by one that begins where the next key would be.
const SHARE: usize = 4;

impl Listed {
    pub(in crate::transfer) fn new(store: &Store, prefix: &str, whole: bool) -> Self {
        Self {
            store: store.clone(),
            prefix: prefix.to_owned(),
            whole,
            state: State::Unasked,
            is_away: false,
            ready: Vec::new().into_iter().peekable(),
            page: (0, 0),
            failures: Vec::new(),
        }
    }

    /// Answers from now on that there is nothing.
    pub(in crate::transfer) fn end(&mut self) {
        self.state = State::Ended;
        self.ready = Vec::new().into_iter().peekable();
    }

    /// What is there and could not be listed.
    pub(in crate::transfer) fn failures(&mut self) -> Vec<Error> {
        std::mem::take(&mut self.failures)
    }

    /// The object at a relative key, if there is one. Keys are asked for in order; objects passed over are handed on.
    ///
    /// # Errors
    ///
    /// Whatever keeps a page from being read.
    pub(in crate::transfer) async fn find(
        &mut self,
        relative: &str,
        passed: &mut (dyn FnMut(&str, u64) -> Result<()> + Send),
    ) -> Result<Option<Metadata>> {
        loop {
            while let Some(next) = self.ready.next_if(|next| relative_to(&self.prefix, next) <= relative) {
                let found = relative_to(&self.prefix, &next);
                if found == relative {
                    self.page.1 += 1;
                    return Ok(Some(next));
                }
                passed(found, next.size)?;
            }
            if self.ready.peek().is_some() || !self.turn(Some(relative)).await? {
                return Ok(None);
            }
        }
    }

    /// Hands on all objects that are left.
    ///
    /// # Errors
    ///
    /// As for [`Listed::find`].
    pub(in crate::transfer) async fn rest(
        &mut self,
        passed: &mut (dyn FnMut(&str, u64) -> Result<()> + Send),
    ) -> Result<()> {
        loop {
            for object in self.ready.by_ref() {
                passed(relative_to(&self.prefix, &object), object.size)?;
            }
            if !self.turn(None).await? {
                return Ok(());
            }
        }
    }

    /// Whether files can be queued although nobody can say what the remote has.
    fn may_go_on_without(&self, error: &Error) -> bool {
        !self.whole && !self.is_away && self.store.outbox().is_some() && is_of_the_remote(error)
    }

    /// Whether only what waits in the outbox is known, because the remote was away.
    pub(in crate::transfer) fn is_away(&self) -> bool {
        self.is_away
    }

    /// Goes on with what waits in the outbox alone.
    fn only_queued(&mut self, wanted: Option<&str>) -> Result<()> {
        self.is_away = true;
        let start = wanted.map(|wanted| before(&format!("{}{wanted}", self.prefix)));
        let start_after = start.filter(|start| *start > self.prefix);
        let prefix = Prefix::parse(&self.prefix)?;
        let options = ListOptions { prefix, start_after, ..ListOptions::default() };
        self.state = State::Open(self.store.list_queued(options)?);
        Ok(())
    }

    /// Reads the next page; answers whether there is one.
    async fn turn(&mut self, wanted: Option<&str>) -> Result<bool> {
        let is_sparse = self.page.0 > 0 && self.page.1 * SHARE < self.page.0;
        let is_over = matches!(self.state, State::Ended) || self.is_away;
        let starts = matches!(self.state, State::Unasked) || (is_sparse && !self.whole);
        if starts && !is_over {
            let key = wanted.filter(|_| !self.whole).map(|wanted| format!("{}{wanted}", self.prefix));
            let start_after = key.map(|key| before(&key)).filter(|start| *start > self.prefix);
            let prefix = Prefix::parse(&self.prefix)?;
            self.state = State::Open(self.store.list_with(ListOptions {
                prefix,
                start_after,
                ..ListOptions::default()
            })?);
        }
        let State::Open(list) = &mut self.state else { return Ok(false) };
        let page = match list.next_page().await {
            None => {
                self.end();
                return Ok(false);
            }
            Some(Err(error)) if self.may_go_on_without(&error) => {
                tracing::warn!(%error, "the store is away: what was moved before and is as it was counts as unchanged");
                self.only_queued(wanted)?;
                return Box::pin(self.turn(wanted)).await;
            }
            Some(page) => page?,
        };
        self.page = (page.objects.len(), 0);
        self.failures.extend(page.failures);
        self.ready = page.objects.into_iter().peekable();
        Ok(true)
    }
}

fn relative_to<'a>(prefix: &str, object: &'a Metadata) -> &'a str {
    object.key.as_str().strip_prefix(prefix).unwrap_or_default()
}

/// A key that comes before this one, with few between them.
fn before(key: &str) -> String {
    let mut start = key.to_owned();
    let last = start.pop().map_or(0, u32::from);
    if let Some(less) = last.checked_sub(1).and_then(char::from_u32).filter(|less| !less.is_control()) {
        start.push(less);
        start.push_str("~~~~~~~~");
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    async fn store(count: usize) -> Store {
        let store = Store::memory();
        for n in 0..count {
            store.put(&format!("p/{n:05}"), "x").await.unwrap();
        }
        store.put("p0", "outside").await.unwrap();
        store
    }

    #[tokio::test]
    async fn keys_are_found_in_order_and_what_lies_between_is_handed_on() {
        let store = store(2500).await;
        let mut listed = Listed::new(&store, "p/", true);
        let mut passed = Vec::new();
        let mut pass = |key: &str, size| {
            passed.push((key.to_owned(), size));
            Ok(())
        };
        assert!(listed.find("00002", &mut pass).await.unwrap().is_some());
        assert!(listed.find("00002x", &mut pass).await.unwrap().is_none());
        assert!(listed.find("02498", &mut pass).await.unwrap().is_some());
        listed.rest(&mut pass).await.unwrap();
        assert!(listed.find("zzz", &mut pass).await.unwrap().is_none());
        assert_eq!(passed.len(), 2498);
        assert_eq!((&*passed[0].0, &*passed[2497].0, passed[0].1), ("00000", "02499", 1));
    }

    #[tokio::test]
    async fn pages_that_nobody_asks_for_are_not_read() {
        let store = store(5000).await;
        let mut listed = Listed::new(&store, "p/", false);
        let mut seen = 0;
        let mut pass = |_: &str, _| {
            seen += 1;
            Ok(())
        };
        assert!(listed.find("00000", &mut pass).await.unwrap().is_some());
        assert!(listed.find("04900", &mut pass).await.unwrap().is_some());
        assert!(listed.find("04999", &mut pass).await.unwrap().is_some());
        assert!(listed.find("05000", &mut pass).await.unwrap().is_none());
        assert!(seen < 1200, "{seen} objects were passed");
    }

    proptest! {
        #[test]
        fn what_comes_before_does(key in "\\PC{1,8}", other in "[\u{0}-\u{20}é]{0,2}") {
            for key in [key.clone(), format!("{key}{other}"), other] {
                prop_assert!(key.is_empty() || before(&key) < key, "{key:?}");
            }
        }
    }
}
