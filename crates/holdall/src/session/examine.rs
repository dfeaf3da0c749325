//! What a session's keys say: grouped by the step that they are of.

use super::layout::{INDEX, MARKER};
use super::sessions::Sessions;
use crate::{SessionId, StepId};
use holdall_store::{ListOptions, Metadata, ObjectList, Prefix, Result};

/// Objects of one step, in the order of their keys. A file beside the step's folder is a group of its own.
pub(super) struct Group {
    /// The first segment below the session's name.
    pub(super) name: String,
    /// Whether the segment is a folder.
    pub(super) is_folder: bool,
    pub(super) objects: Vec<Metadata>,
}

/// The groups of a session, as the store lists them; the objects of one are held at once. The index is left out.
pub(super) struct Groups {
    prefix: String,
    list: ObjectList,
    first: Option<Metadata>,
}

impl Sessions {
    pub(super) fn groups(&self, session: &SessionId) -> Result<Groups> {
        let prefix = self.layout.session(session);
        Ok(Groups { list: self.store.list(&prefix)?, prefix, first: None })
    }

    /// The steps of a session that have a marker, in the order of their names.
    pub(super) fn marked(&self, session: &SessionId) -> Result<Marked> {
        let prefix = self.layout.session(session);
        let list = self.store.list_with(ListOptions {
            prefix: Prefix::parse(&prefix)?,
            keys_only: true,
            ..ListOptions::default()
        })?;
        Ok(Marked { prefix, list })
    }
}

impl Groups {
    /// The next group; none after the last.
    pub(super) async fn next(&mut self, sessions: &Sessions) -> Result<Option<Group>> {
        let mut group: Option<Group> = None;
        loop {
            let object = match self.first.take() {
                Some(object) => Some(object),
                None => match self.list.next().await.transpose() {
                    Err(error) if sessions.says_nothing_there(&error) => None,
                    other => other?,
                },
            };
            let Some(object) = object else { return Ok(group) };
            let relative = object.key.as_str().strip_prefix(&self.prefix).unwrap_or_default();
            let (name, is_folder) = match relative.split_once('/') {
                Some((folder, _)) => (folder, true),
                None => (relative, false),
            };
            if name.starts_with(INDEX) || name.is_empty() {
                continue;
            }
            match &mut group {
                Some(group) if (group.name.as_str(), group.is_folder) == (name, is_folder) => {
                    group.objects.push(object);
                }
                Some(_) => {
                    self.first = Some(object);
                    return Ok(group);
                }
                None => group = Some(Group { name: name.to_owned(), is_folder, objects: vec![object] }),
            }
        }
    }
}

/// Steps that have a marker, as the store lists them.
pub(super) struct Marked {
    prefix: String,
    list: ObjectList,
}

impl Marked {
    /// The next; none after the last.
    pub(super) async fn next(&mut self, sessions: &Sessions) -> Result<Option<StepId>> {
        while let Some(object) = self.list.next().await {
            let object = match object {
                Err(error) if sessions.says_nothing_there(&error) => return Ok(None),
                other => other?,
            };
            let relative = object.key.as_str().strip_prefix(&self.prefix).unwrap_or_default();
            let step = relative.strip_suffix(MARKER).and_then(|step| step.strip_suffix('/'));
            if let Some(step) = step.and_then(|step| StepId::parse(step).ok()) {
                return Ok(Some(step));
            }
        }
        Ok(None)
    }
}
