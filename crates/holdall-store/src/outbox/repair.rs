//! Looks at every byte of a queue, and sets apart what is damaged.

use super::compact::{Chosen, Compacted, Fate, choose};
use super::lock::DrainLock;
use super::payload::{self, Content, blocking};
use super::queue::Queue;
use super::scan::{Found, Scan};
use super::segment::{HEAD, head, length, log_name};
use super::table::{Pending, rows};
use super::view::View;
use crate::error::{Error, ErrorKind, Result};
use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::fs::FileExt;

/// Something that cannot be read any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file it is in.
    pub file: String,
    /// Where in the file; none where it is the whole.
    pub at: Option<u64>,
    /// Whether it is at the end: it may be a write that was cut off and never acknowledged.
    pub is_end: bool,
    /// The entry, where that can still be told.
    pub entry: Option<Pending>,
    /// The file of the entry's bytes, where they have one.
    pub payload: Option<String>,
}

/// What a look at every byte found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries that wait and are sound.
    pub entries: u64,
    /// What is damaged.
    pub damaged: Vec<Damage>,
    /// Tables whose segment is gone, and the entries with it.
    pub missing: usize,
    /// Files that are not the queue's.
    pub foreign: usize,
}

impl Queue {
    /// Reads every byte of the queue, and changes nothing.
    ///
    /// # Errors
    ///
    /// What keeps a file from being read. Damage is no error: it is reported.
    pub fn verify(&self) -> Result<Report> {
        let ground = self.0.ground.clone();
        let mut report = self.look(|view| {
            let status = view.status_of_files();
            let mut damaged = Vec::new();
            view.runs.values().try_for_each(|run| scan(run, &mut damaged))?;
            Ok(Report { damaged, missing: status.missing, foreign: status.foreign, entries: 0 })
        })?;
        let (mut entries, mut damaged) = (0, Vec::new());
        self.each(|view, pending| {
            match check(&ground, view, pending) {
                Ok(()) => entries += 1,
                Err(error) if error.kind() == ErrorKind::Integrity => {
                    let file = log_name(pending.entry.segment);
                    let at = Some(pending.entry.at);
                    let payload = view.entry(pending.entry).ok().and_then(|(entry, _)| entry.file);
                    damaged.push(Damage { file, at, is_end: false, entry: Some(pending.clone()), payload });
                }
                Err(error) => return Err(error),
            }
            Ok(())
        })?;
        // A frame that a table knows of was met as damage of its segment already; now its entry is known too.
        report
            .damaged
            .retain(|found| !damaged.iter().any(|known| (&known.file, known.at) == (&found.file, found.at)));
        report.damaged.extend(damaged);
        report.entries = entries;
        Ok(report)
    }

    /// Sets apart what is damaged, so that everything else goes on: segments go to `quarantine`, and what can be read of
    /// them stays in the queue.
    ///
    /// # Errors
    ///
    /// As for [`Queue::compact`].
    pub async fn repair(&self, lock: &DrainLock) -> Result<Report> {
        lock.demand()?;
        let queue = self.clone();
        let report = blocking(move || queue.verify()).await?;
        // The payload is what is damaged, and the entry can be read: it is given up, and what depends on it waits.
        for damage in &report.damaged {
            if let Some(pending) = &damage.entry {
                match self.drop_entry(pending).await {
                    Err(error) if error.kind() == ErrorKind::Integrity => {}
                    other => {
                        other.and_then(|()| payload::set_apart(&self.0.ground, damage.payload.as_deref()))?
                    }
                }
            }
        }
        let (queue, files) = (self.clone(), report.damaged.iter().map(|d| d.file.clone()).collect());
        blocking(move || queue.set_apart(&files)).await?;
        Ok(report)
    }

    fn set_apart(&self, files: &BTreeSet<String>) -> Result<Compacted> {
        self.end_own_segment();
        let ground = &self.0.ground;
        let chosen: Chosen =
            self.look(|view| choose(ground, view, |run| files.contains(&log_name(run.segment))))?;
        self.replace(&chosen, Fate::Quarantined)
    }

    /// Writes the bytes of an entry that waits, whole or not at all as far as it is told.
    ///
    /// # Errors
    ///
    /// `Integrity` where they are not those that were put: what was written then counts for nothing.
    pub fn export(&self, pending: &Pending, into: &mut impl Write) -> Result<u64> {
        let mut content = self.content(pending)?;
        while let Some(piece) = content.next_piece()? {
            into.write_all(&piece).map_err(|e| Error::io("the entry cannot be written there", e))?;
        }
        Ok(content.size())
    }
}

/// Every place of a segment that is no frame, whatever its table says.
fn scan(run: &super::run::Run, damaged: &mut Vec<Damage>) -> Result<()> {
    let failed = |e| Error::io("a segment of the outbox cannot be read", e);
    let file = log_name(run.segment);
    let len = length(&run.log)?;
    let mut found = |at, is_end| {
        damaged.push(Damage { file: file.clone(), at: Some(at), is_end, entry: None, payload: None })
    };
    let mut first = [0; HEAD as usize];
    let is_begun = len >= HEAD && {
        run.log.read_exact_at(&mut first, 0).map_err(failed)?;
        first == head(run.segment)
    };
    if !is_begun {
        found(0, len < HEAD);
    }
    let mut scan = Scan::new(&run.log, run.segment, HEAD, len);
    while let Some(next) = scan.next().map_err(failed)? {
        match next {
            Found::Damaged { at, is_end } => found(at, is_end),
            Found::Frame(frame) if rows(run.segment, &frame).is_none() => found(frame.at, false),
            Found::Frame(_) => {}
        }
    }
    Ok(())
}

fn check(ground: &super::ground::Ground, view: &View, pending: &Pending) -> Result<()> {
    let (entry, inline) = view.entry(pending.entry)?;
    Content::open(ground, &entry, inline)?.check()
}
