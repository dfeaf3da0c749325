//! Tags of objects that are there.

use super::backend::MemoryBackend;
use crate::backend::check_tags;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use std::sync::Arc;

impl MemoryBackend {
    pub(super) fn set_object_tags(&self, key: &Key, tags: &[(String, String)]) -> Result<()> {
        check_tags(tags)?;
        let mut state = self.map().write();
        let object = state.map.get_mut(key).ok_or_else(missing)?;
        // Whoever reads the object meanwhile keeps what it was.
        Arc::make_mut(object).tags = tags.to_vec();
        Ok(())
    }
}

fn missing() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such object")
}
