//! Which of sorted names lie below others.

/// Names that cover all that is below them as a folder, and themselves. What is asked for must come in bytewise order,
/// and each name before what it covers.
#[derive(Debug, Default)]
pub(in crate::transfer) struct Covering {
    /// Those that may still cover something: each begins the next, so there are no more than a key is long.
    names: Vec<String>,
}

impl Covering {
    /// Adds a name, without a slash at its end.
    pub(in crate::transfer) fn add(&mut self, name: &str) {
        self.names.push(name.to_owned());
    }

    /// Whether a name is one of those, or lies below one.
    pub(in crate::transfer) fn covers(&mut self, name: &str) -> bool {
        // Once a name does not begin with another, no later one does.
        self.names.retain(|covering| name.starts_with(covering.as_str()));
        self.names.iter().any(|covering| matches!(name.as_bytes().get(covering.len()), None | Some(b'/')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_covers_itself_and_what_is_below_and_not_its_neighbours() {
        let mut covering = Covering::default();
        covering.add("a");
        let asked =
            [("a", true), ("a!", false), ("a-b", false), ("a/b", true), ("a/b/c", true), ("a0", false)];
        for (name, covered) in asked {
            assert_eq!(covering.covers(name), covered, "{name}");
        }
        assert!(!covering.covers("b") && covering.names.is_empty());
    }
}
