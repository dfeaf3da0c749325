//! Making steps of files that lie there already.

use super::content::{self, MAX_ACTION};
use super::examine::Group;
use super::hashing::Seen;
use super::layout::{Entry, MARKER};
use super::moment::Moments;
use super::part::{PartName, StepPart};
use super::publish::{Draft, lost_a_race};
use super::sessions::Sessions;
use super::step::Step;
use crate::{SessionId, StepId};
use futures_util::StreamExt;
use holdall_store::{Error, ErrorKind, Metadata, Result, WriteCondition};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// How many first bytes say what a part is.
const SNIFF: usize = 8192;

/// How files are made steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AdoptOptions {
    /// Say what would be adopted, and write nothing.
    pub dry_run: bool,
}

/// What became of files that lie as a step's do.
#[derive(Debug)]
#[non_exhaustive]
pub enum Adopted {
    /// They are a step now.
    Done(Box<Step>),
    /// They would be.
    Would(Box<Step>),
    /// They were a step before.
    Already,
}

/// Files that lie as a step's do.
#[derive(Debug)]
#[non_exhaustive]
pub struct AdoptedStep {
    /// The session.
    pub session: SessionId,
    /// The step's name, which may be none that a step can have.
    pub name: String,
    /// What became of them.
    pub outcome: Result<Adopted>,
}

impl Sessions {
    /// Makes steps of files that lie below a session's name without a marker: those in a folder of the step's name
    /// (`SESSION/STEP/page.html`), and those beside each other with the step's name and an extension
    /// (`SESSION/STEP.html`, `SESSION/STEP.png`). Each is read for its digest, and none is changed: the marker and the entry
    /// of the index are all that is written. Run again, it goes on with what is no step yet.
    ///
    /// HTML becomes `html`, an image `screenshot`, JSON `action`; what else is there, and a second one of these, is a part of
    /// its file's name. A step was recorded when the last of its files was written.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall::session::{AdoptOptions, Sessions};
    /// use holdall::{SessionId, Settings, StepId, Store};
    ///
    /// let store = Store::memory();
    /// store.put("sessions/run-7/0001/page.html", "<p>old</p>").await?;
    /// let sessions = Sessions::open(&store, &Settings::default())?;
    /// let session = SessionId::parse("run-7")?;
    /// sessions.adopt(&session, &AdoptOptions::default(), |step| println!("{}", step.name)).await?;
    /// let content = sessions.retrieve(&session, &StepId::parse("0001")?).await?;
    /// assert_eq!(content.html().unwrap(), "<p>old</p>");
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What keeps the session from being listed. A step that cannot be adopted is handed on with its error: `InvalidInput` for
    /// an action that is no JSON and for names that are none, `Integrity` where something else is called `step.json`.
    pub async fn adopt(
        &self,
        session: &SessionId,
        options: &AdoptOptions,
        mut told: impl FnMut(AdoptedStep) + Send,
    ) -> Result<()> {
        let mut groups = self.groups(session)?;
        while let Some(group) = groups.next(self).await? {
            let (name, files) = match group.is_folder {
                true => (group.name.clone(), in_folder(self, session, &group)),
                false => match self.beside(session, &group).await? {
                    Some(found) => found,
                    None => continue,
                },
            };
            // What lies deeper was put there by others, or is of an attempt that failed.
            if files.is_empty() {
                continue;
            }
            let outcome = Box::pin(self.adopt_step(session, &name, files, options)).await;
            told(AdoptedStep { session: session.clone(), name, outcome });
        }
        Ok(())
    }

    /// Makes steps of files in every session: see [`Sessions::adopt`].
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # use holdall::session::{AdoptOptions, Sessions};
    /// # use holdall::{Settings, Store};
    /// # let store = Store::memory();
    /// store.put("sessions/run-7/0001/page.html", "<p>old</p>").await?;
    /// let sessions = Sessions::open(&store, &Settings::default())?;
    /// let mut would = 0;
    /// let options = AdoptOptions { dry_run: true };
    /// sessions.adopt_all(&options, |adopted| would += u32::from(adopted.outcome.is_ok())).await?;
    /// assert_eq!(would, 1);
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Sessions::adopt`].
    pub async fn adopt_all(
        &self,
        options: &AdoptOptions,
        mut told: impl FnMut(AdoptedStep) + Send,
    ) -> Result<()> {
        let mut names = self.all_names()?;
        while let Some(some) = names.next(self).await? {
            for session in some {
                self.adopt(&session, options, &mut told).await?;
            }
        }
        Ok(())
    }

    /// The files that have a step's name and an extension, at the first of them; none at the others.
    async fn beside(
        &self,
        session: &SessionId,
        group: &Group,
    ) -> Result<Option<(String, Vec<(String, Metadata)>)>> {
        let Some((step, _)) = group.name.rsplit_once('.').filter(|(step, _)| !step.is_empty()) else {
            return Ok(None);
        };
        let top = self.layout.session(session);
        let mut list = self.store.list(&format!("{top}{step}."))?;
        let mut files = Vec::new();
        while let Some(object) = list.next().await.transpose()? {
            let name = object.key.as_str().strip_prefix(&top).unwrap_or_default();
            if !name.contains('/') && name.rsplit_once('.').is_some_and(|(stem, _)| stem == step) {
                files.push((name.to_owned(), object));
            }
        }
        let is_first = files.first().is_some_and(|(name, _)| *name == group.name);
        Ok(is_first.then(|| (step.to_owned(), files)))
    }

    async fn adopt_step(
        &self,
        session: &SessionId,
        name: &str,
        files: Vec<(String, Metadata)>,
        options: &AdoptOptions,
    ) -> Result<Adopted> {
        let step = StepId::parse(name)?;
        if self.find(session, &step).await?.is_some() {
            return Ok(Adopted::Already);
        }
        let written = files.iter().filter_map(|(_, object)| object.last_modified).max();
        let entry = Entry::new(written.unwrap_or(SystemTime::UNIX_EPOCH), &step);
        let mut parts = BTreeMap::new();
        for (part, object) in named(files)? {
            let described = self.described(&part, &object).await?;
            parts.insert(part, described);
        }
        let draft = Draft::new(self, session, &step, Moments::default()).with(parts, false);
        let mut step = draft.step(self, None, &entry);
        if options.dry_run {
            return Ok(Adopted::Would(Box::new(step)));
        }
        self.write_entries(session, &entry).await?;
        let condition = if self.store.is_remote() { WriteCondition::Always } else { WriteCondition::Absent };
        match self.put_marker(&mut step, condition).await {
            Ok(_) => Ok(Adopted::Done(Box::new(step))),
            // Somebody stored it meanwhile.
            Err(error) if lost_a_race(&error) => Ok(Adopted::Already),
            Err(error) => Err(error),
        }
    }

    /// Reads a file that is to be a part.
    async fn described(&self, name: &PartName, object: &Metadata) -> Result<StepPart> {
        let key = object.key.clone();
        let mut reading = self.store.get(key.as_str()).await?;
        let is_action = *name == PartName::action();
        let (mut seen, mut begin) = (Seen::new(), Vec::new());
        while let Some(piece) = reading.stream.next().await.transpose()? {
            seen.update(&piece);
            let room = if is_action { MAX_ACTION as usize + 1 } else { SNIFF } - begin.len();
            begin.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        let found = seen.finish();
        if is_action && found.size > MAX_ACTION {
            let error = Error::new(ErrorKind::InvalidInput, "an action is too large").with_key(&key);
            return Err(error.with_fact("limit", MAX_ACTION));
        }
        if is_action {
            content::check_action(&begin).map_err(|error| error.with_key(&key))?;
        }
        begin.truncate(SNIFF);
        let (content_type, charset, flags) = content::judge(name, &begin, found.is_utf8);
        Ok(StepPart { key, size: found.size, sha256: found.sha256, content_type, charset, flags })
    }
}

/// The files right in a step's folder, but its marker.
fn in_folder(sessions: &Sessions, session: &SessionId, group: &Group) -> Vec<(String, Metadata)> {
    let file = |object: &Metadata| {
        let relative = sessions.layout.relative(session, &object.key);
        let name = relative.strip_prefix(&group.name)?.strip_prefix('/')?;
        let is_file = !name.is_empty() && !name.contains('/') && name != MARKER;
        is_file.then(|| (name.to_owned(), object.clone()))
    };
    group.objects.iter().filter_map(file).collect()
}

/// Says which part each file is: of several that could be one, the one that is called as holdall calls it, else the
/// first; the others are called as their files.
fn named(files: Vec<(String, Metadata)>) -> Result<BTreeMap<PartName, Metadata>> {
    let mut claims: BTreeMap<PartName, Vec<(String, Metadata)>> = BTreeMap::new();
    for (file, object) in files {
        claims.entry(PartName::of_file(&file)?).or_default().push((file, object));
    }
    let mut parts = BTreeMap::new();
    for (part, mut files) in claims {
        let stem = if part == PartName::html() { "page" } else { part.as_str() };
        let own =
            |(file, _): &(String, Metadata)| file.rsplit_once('.').is_some_and(|(name, _)| name == stem);
        let (_, first) = files.remove(files.iter().position(own).unwrap_or_default());
        parts.insert(part, first);
        for (file, object) in files {
            parts.insert(PartName::parse(&file)?, object);
        }
    }
    Ok(parts)
}
