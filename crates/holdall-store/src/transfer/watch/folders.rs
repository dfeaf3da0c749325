//! Which watch of the kernel's stands for which folder.

use std::collections::HashMap;

/// Folders by the number of their watch. Each knows its name and the one above it, so that one that is renamed takes
/// along all that are in it.
#[derive(Debug, Default)]
pub(super) struct Folders {
    nodes: HashMap<i32, Node>,
    top: Option<i32>,
}

#[derive(Debug)]
struct Node {
    above: i32,
    name: Box<str>,
}

/// A path is never so deep; a loop would be.
const DEEPEST: usize = 4096;

impl Folders {
    /// Puts a folder where it is, whether it was somewhere else before or not known.
    pub(super) fn put(&mut self, watch: i32, above: Option<i32>, name: &str) {
        match above {
            None => self.top = Some(watch),
            Some(above) if above != watch => {
                self.nodes.insert(watch, Node { above, name: name.into() });
            }
            Some(_) => {}
        }
    }

    pub(super) fn is_top(&self, watch: i32) -> bool {
        self.top == Some(watch)
    }

    /// The path relative to the top; none for a folder that is not below it, or not any more.
    pub(super) fn path(&self, watch: i32) -> Option<String> {
        let mut names = Vec::new();
        let mut at = watch;
        while !self.is_top(at) {
            let node = self.nodes.get(&at).filter(|_| names.len() < DEEPEST)?;
            names.push(&*node.name);
            at = node.above;
        }
        names.reverse();
        Some(names.join("/"))
    }

    /// Forgets a folder, whose watch is gone.
    pub(super) fn forget(&mut self, watch: i32) {
        self.nodes.remove(&watch);
    }

    /// Takes a folder and all that is in it out, and answers their watches.
    pub(super) fn take_out(&mut self, watch: i32) -> Vec<i32> {
        self.nodes.remove(&watch);
        let mut out: Vec<i32> =
            self.nodes.keys().copied().filter(|below| self.path(*below).is_none()).collect();
        out.iter().for_each(|below| self.forget(*below));
        out.push(watch);
        out
    }

    pub(super) fn count(&self) -> u64 {
        self.nodes.len() as u64 + u64::from(self.top.is_some())
    }
}

/// A name below a folder of this relative path.
pub(super) fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_moves_takes_along_what_is_in_it() {
        let mut folders = Folders::default();
        for (watch, above, name) in [(1, None, ""), (2, Some(1), "a"), (3, Some(2), "b"), (4, Some(1), "c")] {
            folders.put(watch, above, name);
        }
        assert_eq!(folders.path(1).as_deref(), Some(""));
        assert_eq!(folders.path(3).as_deref(), Some("a/b"));
        folders.put(2, Some(4), "z");
        assert_eq!(folders.path(3).as_deref(), Some("c/z/b"));
        let mut out = folders.take_out(4);
        out.sort_unstable();
        assert_eq!((out, folders.path(3), folders.count()), (vec![2, 3, 4], None, 1));
    }

    #[test]
    fn a_loop_is_no_path() {
        let mut folders = Folders::default();
        folders.put(1, None, "");
        folders.put(2, Some(3), "a");
        folders.put(3, Some(2), "b");
        assert_eq!(folders.path(2), None);
    }
}
