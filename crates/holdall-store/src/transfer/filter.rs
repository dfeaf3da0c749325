//! Which files of a folder take part.

use super::Shard;
use crate::error::{Error, ErrorKind, Result};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Which relative paths take part: those that match an include (or there is none) and no exclude.
///
/// Globs: `*` and `?` stay within a name, `**` crosses folders; a pattern without a slash matches the last name.
///
/// ```
/// use holdall_store::transfer::Filter;
/// let filter = Filter::new(&["*.mp4", "logs/**"], &["*.part"])?;
/// assert!(filter.takes("a/b/video.mp4") && filter.takes("logs/x/y"));
/// assert!(!filter.takes("a.txt") && !filter.takes("logs/z.part"));
/// # Ok::<(), holdall_store::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Filter {
    include: Option<GlobSet>,
    exclude: Option<GlobSet>,
    shard: Option<Shard>,
}

impl Filter {
    /// Reads patterns.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a pattern that is none.
    pub fn new<S: AsRef<str>>(include: &[S], exclude: &[S]) -> Result<Self> {
        Ok(Self { include: set(include)?, exclude: set(exclude)?, shard: None })
    }

    /// The same, of what is in a shard.
    pub(super) fn of(self, shard: Option<Shard>) -> Self {
        Self { shard, ..self }
    }

    /// Whether a relative path takes part.
    pub fn takes(&self, path: &str) -> bool {
        self.include.as_ref().is_none_or(|set| set.is_match(path))
            && !self.exclude.as_ref().is_some_and(|set| set.is_match(path))
            && self.shard.is_none_or(|shard| shard.takes(path))
    }
}

fn set<S: AsRef<str>>(patterns: &[S]) -> Result<Option<GlobSet>> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let invalid = |e: globset::Error| Error::new(ErrorKind::InvalidInput, format!("not a pattern: {e}"));
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        let pattern = pattern.as_ref();
        let anywhere = format!("**/{pattern}");
        let pattern = if pattern.contains('/') { pattern.trim_start_matches('/') } else { &anywhere };
        builder.add(GlobBuilder::new(pattern).literal_separator(true).build().map_err(invalid)?);
    }
    builder.build().map(Some).map_err(invalid)
}
