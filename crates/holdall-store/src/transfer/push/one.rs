//! Stores files of a folder one by one, as their writer says that they are written.

use super::{Job, Push};
use crate::error::{Error, ErrorKind, Result};
use crate::integrity::manifest::is_own;
use crate::key::{Key, Prefix, RESERVED};
use crate::receipt::{Receipt, State};
use crate::store::Store;
use crate::transfer::landing::is_temporary;
use crate::transfer::sync::{Verdict, open_index};
use crate::transfer::tree::as_folder;
use crate::transfer::{PushOptions, TreeEvent};
use std::path::{Component, Path};
use std::sync::Arc;

/// A folder whose files are stored one by one; a push of it finds them unchanged.
///
/// It has the folder's index until it ends, so end it before the push. Files may be stored from any number of tasks at
/// once.
pub struct Piecemeal(Arc<Push>);

impl Store {
    /// Begins to store files of a folder one by one, below a prefix, as [`Store::push`] would.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall_store::Store;
    /// use holdall_store::transfer::PushOptions;
    ///
    /// let dir = std::env::temp_dir().join(format!("holdall-piecemeal-{}", std::process::id()));
    /// std::fs::create_dir_all(&dir)?;
    /// std::fs::write(dir.join("a.txt"), "hello")?;
    /// let store = Store::memory();
    /// let folder = store.piecemeal(&dir, "runs/7", &PushOptions::default()).await?;
    /// assert_eq!(folder.put("a.txt").await?.key.as_str(), "runs/7/a.txt");
    /// folder.end().await?;
    /// # std::fs::remove_dir_all(&dir)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a prefix that is none.
    pub async fn piecemeal(&self, dir: &Path, prefix: &str, options: &PushOptions) -> Result<Piecemeal> {
        Prefix::parse(prefix)?;
        let prefix = as_folder(prefix);
        let (_, log) = open_index(self, &prefix, dir, None).await?;
        let store = if options.manifest { self.hashing_whole() } else { self.clone() };
        Ok(Piecemeal(Arc::new(Push::new(&store, (dir, &prefix), options, log))))
    }
}

impl Piecemeal {
    /// Stores a file as it is now, whatever the store has at its key.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a path that leaves the folder, or that a push leaves out: a symbolic link, what is no file, a
    /// name that is holdall's own. `Changed` for a file that is written meanwhile: nothing is stored of it.
    pub async fn put(&self, relative: &str) -> Result<Receipt> {
        check(relative, self.0.options.manifest)?;
        let (path, key) = (self.0.dir.join(relative), format!("{}{relative}", self.0.prefix));
        stays_within(&self.0.dir, relative)?;
        let settled = self.0.open(&path).await.map_err(|e| e.with_fact("path", path.display()))?;
        let job = Job {
            relative: relative.to_owned(),
            seen: settled.file.identity(),
            verdict: Verdict::Move,
            etag: None,
            state: State::Stored,
        };
        let mut watch = self.0.watch(&key);
        let stored = self.0.opened(&path, &Key::parse(&key)?, (job, settled), &mut watch).await;
        match watch.end(stored)? {
            TreeEvent::Pushed { receipt, .. } => Ok(receipt),
            _ => Err(Error::new(ErrorKind::InvalidInput, "a dry run stores nothing").with_key(key)),
        }
    }

    /// Ends it: what was stored is noted, and the index is free for a push.
    ///
    /// # Errors
    ///
    /// `Cancelled` when the runtime ends.
    pub async fn end(self) -> Result<()> {
        self.0.clone().settle().await
    }
}

/// Refuses what no walk of the folder would find.
fn check(relative: &str, has_manifest: bool) -> Result<()> {
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    let spelled = relative.split('/').all(|name| !name.is_empty() && name != "." && name != "..");
    let path = Path::new(relative);
    if relative.is_empty() || !spelled || !path.components().all(is_plain) {
        return Err(refused("the path leads out of the folder", relative));
    }
    let name = relative.rsplit('/').next().unwrap_or_default();
    let is_reserved = relative.split('/').next() == Some(RESERVED);
    if is_reserved || is_temporary(name) || (has_manifest && is_own(relative)) {
        return Err(refused("the name is holdall's own", relative));
    }
    Ok(())
}

/// Refuses a path on which a symbolic link leads elsewhere: a push follows none.
fn stays_within(dir: &Path, relative: &str) -> Result<()> {
    let above = Path::new(relative).parent().unwrap_or(Path::new(""));
    let real = |path: &Path| {
        path.canonicalize().map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Error::new(ErrorKind::NotFound, "there is no such folder"),
            _ => Error::io("the folder cannot be looked at", e),
        })
    };
    let named = |error: Error| error.with_fact("path", dir.join(relative).display());
    let (dir_is, above_is) = (real(dir).map_err(named)?, real(&dir.join(above)).map_err(named)?);
    if above_is != dir_is.join(above) {
        return Err(refused("a symbolic link leads out of the folder", relative));
    }
    let is_link = dir.join(relative).symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
    if is_link { Err(refused("this is a symbolic link", relative)) } else { Ok(()) }
}

fn refused(message: &str, relative: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, message).with_fact("path", format_args!("{relative:?}"))
}

impl std::fmt::Debug for Piecemeal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Piecemeal").field("dir", &self.0.dir).field("prefix", &self.0.prefix).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;
    use crate::transfer::TreeSummary;

    async fn push(store: &Store, dir: &Path, options: &PushOptions) -> TreeSummary {
        store.push(dir, "p", options, &mut |_| ()).await.unwrap()
    }

    #[tokio::test]
    async fn a_push_sends_nothing_again_that_was_stored_before_it() {
        let (dir, index, at) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let settings = Settings { index: Some(index.path().to_owned()), ..Settings::default() };
        let store = Store::open(&format!("file://{}", at.path().display()), &settings).unwrap();
        std::fs::create_dir(dir.path().join("sub")).unwrap();
        // Of this no digest is recorded with the object, since it goes in parts where there are any.
        std::fs::write(dir.path().join("sub/large"), vec![7; 9 << 20]).unwrap();
        std::fs::write(dir.path().join("small"), "1").unwrap();
        let options = PushOptions { manifest: true, ..PushOptions::default() };
        let folder = store.piecemeal(dir.path(), "p", &options).await.unwrap();
        assert_eq!(folder.put("sub/large").await.unwrap().size, 9 << 20);
        folder.put("small").await.unwrap();
        folder.end().await.unwrap();
        let summary = push(&store, dir.path(), &options).await;
        assert_eq!((summary.done, summary.unchanged), (0, 2));
    }

    #[tokio::test]
    async fn what_a_push_leaves_out_is_refused_and_nothing_is_stored() {
        let (dir, store) = (tempfile::tempdir().unwrap(), Store::memory());
        std::fs::write(dir.path().join("manifest.json"), "{}").unwrap();
        std::fs::write(dir.path().join("a"), "a").unwrap();
        std::os::unix::fs::symlink(dir.path().join("a"), dir.path().join("link")).unwrap();
        let options = PushOptions { manifest: true, ..PushOptions::default() };
        let folder = store.piecemeal(dir.path(), "p", &options).await.unwrap();
        std::os::unix::fs::symlink("/tmp", dir.path().join("linked")).unwrap();
        for wrong in [
            "linked/x",
            "../a",
            "/a",
            "",
            "a/",
            "./a",
            "sub/../a",
            ".holdall/x",
            "manifest.json",
            "link",
            ".",
        ] {
            let error = folder.put(wrong).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{wrong:?}: {error}");
        }
        assert_eq!(folder.put("none").await.unwrap_err().kind(), ErrorKind::NotFound);
        assert!(store.list("").unwrap().collect().await.unwrap().objects.is_empty());
    }
}
