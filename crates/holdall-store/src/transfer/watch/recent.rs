//! What was stored just now, so that news that come twice move nothing twice.

use crate::transfer::source::Identity;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

const MOST: usize = 4096;

/// The files that were stored last, as they were then.
#[derive(Debug, Default)]
pub(super) struct Recent {
    files: HashMap<Arc<str>, Identity>,
    order: VecDeque<Arc<str>>,
}

impl Recent {
    pub(super) fn of(&self, relative: &str) -> Option<Identity> {
        self.files.get(relative).copied()
    }

    pub(super) fn note(&mut self, relative: &Arc<str>, file: Identity) {
        if self.files.insert(relative.clone(), file).is_some() {
            return;
        }
        self.order.push_back(relative.clone());
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.files.remove(&oldest);
        }
    }

    /// Forgets all: what is at the destination is about to be asked for.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_first() {
        let mut recent = Recent::default();
        let name = |n: usize| -> Arc<str> { n.to_string().into() };
        let file = Identity { inode: 7, ..Identity::default() };
        (0..=MOST).for_each(|n| recent.note(&name(n), file));
        assert_eq!((recent.of("0"), recent.of("1")), (None, Some(file)));
        assert_eq!((recent.files.len(), recent.order.len()), (MOST, MOST));
    }
}
