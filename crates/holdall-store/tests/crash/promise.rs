//! What was promised up to a moment, and whether what a crash left keeps it.

use crate::check::{check, goes_on};
use crate::child::Said;
use crate::history::History;
use crate::run::runtime;
use crate::scene::Scene;
use holdall_store::Fsync;
use std::path::Path;
use tokio::runtime::Runtime;

/// Promises that a child made by what it said.
pub(crate) trait Promise {
    /// The child said something.
    fn hear(&mut self, said: &Said);

    /// How much was said.
    fn clock(&self) -> u64;

    /// Demands that a folder with what was left keeps them, and goes on. `turn` counts the folders.
    ///
    /// # Errors
    ///
    /// Says which promise is broken.
    fn demand(&self, base: &Path, turn: usize) -> Result<(), String>;
}

/// What a store promised in a scene.
pub(crate) struct OfStore<'a> {
    scene: &'a Scene,
    history: History,
    runtime: Runtime,
}

impl<'a> OfStore<'a> {
    pub(crate) fn new(scene: &'a Scene) -> Self {
        Self { scene, history: History::default(), runtime: runtime() }
    }
}

impl Promise for OfStore<'_> {
    fn hear(&mut self, said: &Said) {
        self.history.hear(said, |id| self.scene.operation(id));
    }

    fn clock(&self) -> u64 {
        self.history.clock()
    }

    fn demand(&self, base: &Path, turn: usize) -> Result<(), String> {
        let store = base.join(self.scene.place);
        let known = self.history.keys();
        let mut keys = self.history.keys_under_way();
        keys.extend(known.get(turn % known.len().max(1)).cloned());
        keys.push("new/of all".to_owned());
        keys.sort();
        keys.dedup();
        self.runtime.block_on(async {
            check(&store, &self.history).await?;
            goes_on(&store, &keys, Fsync::None).await
        })
    }
}
