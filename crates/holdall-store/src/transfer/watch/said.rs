//! What was said already and is not said again.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// So much is kept in mind; then it begins anew, and some things are said again.
const MOST: usize = 4096;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Said(HashSet<u64>);

impl Said {
    /// Whether this was not said of the name.
    pub(super) fn is_new(&mut self, name: &str, what: impl Hash) -> bool {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(digest(name, what))
    }

    /// Has it be said again when it happens again.
    pub(super) fn forget(&mut self, name: &str, what: impl Hash) {
        self.0.remove(&digest(name, what));
    }
}

fn digest(name: &str, what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    (name, what).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_said_once_of_each_name() {
        let mut said = Said::default();
        assert!(said.is_new("a", 1) && said.is_new("a", 2) && said.is_new("b", 1));
        assert!(!said.is_new("a", 1));
        said.forget("a", 1);
        assert!(said.is_new("a", 1) && !said.is_new("a", 2));
    }
}
