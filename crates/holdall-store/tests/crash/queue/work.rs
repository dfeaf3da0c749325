//! What a process does to an outbox. What is done is decided by its number alone, so that parent and child agree on it.

use crate::child::say;
use holdall_store::outbox::{Destination, Entry, Kind, Mark, Options, Pending, Queue};
use holdall_store::{Error, ErrorKind, Payload};
use holdall_testing::random::Random;
use std::path::Path;

/// Keys that all tasks write to.
pub(crate) const KEYS: [&str; 4] = ["a", "a/b", "é", "marker"];

/// Operations of one task, at most.
const LONGEST: u64 = 1 << 20;
const TASKS: u64 = 16;

/// One call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Put {
        key: &'static str,
        size: usize,
    },
    /// The entry of another deed is sent: it is attempted, then done.
    Settle(u64),
    Compact,
}

impl Deed {
    pub(crate) fn numbered(id: u64) -> Self {
        let mut random = Random::new(id.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let mut pick = |n: u64| random.number() % n;
        match id % 16 {
            11 => Self::Compact,
            3 | 7 | 15 => Self::Settle(id - 1),
            nth => {
                let key = KEYS[pick(KEYS.len() as u64) as usize];
                let size = if nth == 9 { 300_000 } else { [0, 10, 300, 5_000][pick(4) as usize] };
                Self::Put { key, size }
            }
        }
    }
}

/// The bytes that a deed puts.
pub(crate) fn content(id: u64, size: usize) -> Vec<u8> {
    Random::new(!id).bytes(size)
}

/// By what the entry of a deed is known again.
pub(crate) fn nonce(id: u64) -> String {
    format!("{id:032x}")
}

pub(crate) fn destination() -> Destination {
    Destination { endpoint: "http://localhost".to_owned(), bucket: "bucket".to_owned() }
}

/// Opens an outbox with small segments, so that they follow each other.
pub(crate) fn open(folder: &Path) -> Result<Queue, Error> {
    let options = Options::new(folder);
    Queue::open(Options { segment_frames: 6, min_free: 0, allow_volatile: true, ..options })
}

/// Deeds of one or of several tasks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueWork {
    /// The deeds of the first task begin with this one; those of the others each a million later.
    pub(crate) first: u64,
    /// None for one that does the same calls in every run.
    pub(crate) tasks: u64,
    pub(crate) deeds: u64,
    /// Whether to go on when a deed fails.
    pub(crate) endures: bool,
}

impl QueueWork {
    /// The deeds of a round, which have numbers of their own.
    pub(crate) fn of_round(round: u64, tasks: u64) -> Self {
        Self { first: round * TASKS * LONGEST, tasks, deeds: LONGEST, endures: false }
    }

    pub(crate) fn to_text(self) -> String {
        format!("{} {} {} {}", self.first, self.tasks, self.deeds, u8::from(self.endures))
    }

    pub(crate) fn from_text(text: &str) -> Self {
        let numbers: Vec<u64> = text.split(' ').filter_map(|word| word.parse().ok()).collect();
        let [first, tasks, deeds, endures] = numbers[..] else { panic!("no work: {text:?}") };
        Self { first, tasks, deeds, endures: endures == 1 }
    }

    /// Does all of it.
    pub(crate) fn perform(self, folder: &Path) {
        let queue = match open(folder) {
            // It may be the opening that fails: nothing is said then.
            Err(_) if self.endures => return,
            other => other.expect("an outbox can be opened"),
        };
        if self.tasks == 0 {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            let runtime = builder.enable_all().max_blocking_threads(1).build().expect("a runtime");
            return runtime.block_on(self.task(queue, self.first));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for task in 0..self.tasks {
                tasks.spawn(self.task(queue.clone(), self.first + task * LONGEST));
            }
            tasks.join_all().await;
        });
    }

    async fn task(self, queue: Queue, first: u64) {
        for id in first..first + self.deeds {
            say(&format!("begin {id}\n"));
            match perform(&queue, id).await {
                Ok(()) => say(&format!("done {id}\n")),
                Err(error) if self.endures => {
                    eprintln!("{error:?}");
                    say(&format!("refused {id}\n"));
                }
                Err(error) => {
                    say(&format!("failed {id} {error:?}\n"));
                    std::process::exit(1);
                }
            }
        }
    }
}

async fn perform(queue: &Queue, id: u64) -> Result<(), Error> {
    match Deed::numbered(id) {
        Deed::Put { key, size } => put(queue, key, id, size).await,
        Deed::Settle(of) => {
            let Deed::Put { key, .. } = Deed::numbered(of) else { panic!("a put is what is settled") };
            let Some(pending) = find(queue, key, of)? else { return Ok(()) };
            queue.mark(&pending, Mark::Attempted).await?;
            queue.mark(&pending, Mark::Done).await
        }
        Deed::Compact => {
            let queue = queue.clone();
            let compacted = tokio::task::spawn_blocking(move || match queue.try_drain()? {
                Some(drain) => queue.compact(&drain).map(drop),
                None => Ok(()),
            });
            compacted.await.expect("it does not panic")
        }
    }
}

pub(crate) async fn put(queue: &Queue, key: &str, id: u64, size: usize) -> Result<(), Error> {
    let lock = queue.lock(&destination(), &[key]).await?;
    let mut entry = Entry::new(Kind::Put, destination(), key);
    entry.nonce = nonce(id);
    queue.append(&lock, entry, Payload::Bytes(content(id, size).into())).await.map(drop)
}

fn find(queue: &Queue, key: &str, id: u64) -> Result<Option<Pending>, Error> {
    for pending in queue.waiting(&destination(), key)? {
        match queue.entry(&pending) {
            Ok(entry) if entry.nonce == nonce(id) => return Ok(Some(pending)),
            // Another task settled that one.
            Err(error) if error.kind() != ErrorKind::Changed => return Err(error),
            _ => {}
        }
    }
    Ok(None)
}
