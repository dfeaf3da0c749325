//! Random sequences on a real queue and on a simple one, with other processes, restarts and compaction in between.

use crate::support::*;
use holdall_store::Payload;
use holdall_store::outbox::{EntryId, Kind, Mark, Options, Queue, Standing};
use holdall_testing::random::{Random, seed_from_env};

const KEYS: [&str; 4] = ["a", "a/b", "b", "marker"];

/// An entry as a simple queue has it.
#[derive(Debug, Clone)]
struct Known {
    id: EntryId,
    kind: Kind,
    key: &'static str,
    from: Option<&'static str>,
    after: Option<EntryId>,
    bytes: Vec<u8>,
    attempted: bool,
    parked: bool,
}

impl Known {
    fn concerns(&self, key: &str) -> bool {
        self.key == key || self.from == Some(key)
    }
}

/// The unsettled entries in the order in which they were queued.
#[derive(Debug, Default)]
struct Model(Vec<Known>);

impl Model {
    fn at(&self, key: &str) -> Vec<EntryId> {
        self.0.iter().filter(|known| known.concerns(key)).map(|known| known.id).collect()
    }

    /// The bytes that a reader sees; none where nothing waits, or nothing is left of the key.
    fn bytes(&self, key: &str) -> Option<&[u8]> {
        let changes = |known: &&Known| known.key == key || (known.kind == Kind::Move && known.concerns(key));
        let last = self.0.iter().rev().find(changes)?;
        (last.kind == Kind::Put).then_some(&last.bytes)
    }

    fn ready(&self) -> Vec<&'static str> {
        let is_first = |nth: usize, key: &str| !self.0[..nth].iter().any(|known| known.concerns(key));
        let is_ready = |(nth, known): &(usize, &Known)| {
            let waits = known.after.is_some_and(|after| self.0.iter().any(|other| other.id == after));
            let is_head = is_first(*nth, known.key) && known.from.is_none_or(|from| is_first(*nth, from));
            is_head && !waits && !known.parked
        };
        let mut ready: Vec<&str> = self.0.iter().enumerate().filter(is_ready).map(|(_, k)| k.key).collect();
        ready.sort_unstable();
        ready
    }
}

struct Run {
    folder: tempfile::TempDir,
    queues: Vec<Queue>,
    model: Model,
    random: Random,
}

impl Run {
    fn open(folder: &tempfile::TempDir) -> Queue {
        Queue::open(Options { segment_frames: 9, ..options(folder.path()) }).unwrap()
    }

    fn pick(&mut self, n: usize) -> usize {
        (self.random.number() % n as u64) as usize
    }

    async fn step(&mut self) {
        let (which, key) = (self.pick(2), KEYS[self.pick(KEYS.len())]);
        let queue = self.queues[which].clone();
        match self.pick(20) {
            0..8 => self.queue_one(&queue, key).await,
            8..15 => self.send_head(&queue).await,
            15 | 16 => self.park_or_retry(&queue).await,
            17 => self.queues[which] = Self::open(&self.folder),
            18 => {
                let drain = queue.try_drain().unwrap().unwrap();
                queue.compact(&drain).unwrap();
            }
            _ => {
                if let Some(known) = self.model.0.last().cloned() {
                    queue.drop_entry(&pending(&queue, known.key, known.id)).await.unwrap();
                    self.model.0.pop();
                }
            }
        }
    }

    async fn queue_one(&mut self, queue: &Queue, key: &'static str) {
        let (kind, from) = match self.pick(8) {
            0 => (Kind::Delete, None),
            1 => (Kind::Copy, Some(KEYS[self.pick(KEYS.len())])),
            2 => (Kind::Move, Some(KEYS[self.pick(KEYS.len())])),
            _ => (Kind::Put, None),
        };
        if from == Some(key) {
            return;
        }
        let size = [0, 1, 100, 5000, 270_000][self.pick(5)];
        let bytes = if kind == Kind::Put { self.random.bytes(size) } else { Vec::new() };
        let mut new = entry(kind, key);
        new.from = from.map(str::to_owned);
        let after =
            if self.pick(3) == 0 { self.model.0.last().map(|last| (last.id, last.key)) } else { None };
        if let Some((id, of)) = after {
            new = new.after(id, of);
        }
        let id = append(queue, new, Payload::Bytes(bytes.clone().into())).await;
        let after = after.map(|(id, _)| id);
        self.model.0.push(Known { id, kind, key, from, after, bytes, attempted: false, parked: false });
    }

    async fn send_head(&mut self, queue: &Queue) {
        let Some((head, entry)) = queue.ready(None, 1).unwrap().entries.pop() else { return };
        let nth = self.model.0.iter().position(|known| known.id == entry.id).unwrap();
        assert_eq!(head.attempted, self.model.0[nth].attempted);
        queue.mark(&head, Mark::Attempted).await.unwrap();
        self.model.0[nth].attempted = true;
        if self.pick(3) > 0 {
            queue.mark(&head, Mark::Done).await.unwrap();
            self.model.0.remove(nth);
        }
    }

    async fn park_or_retry(&mut self, queue: &Queue) {
        if self.model.0.is_empty() {
            return;
        }
        let nth = self.pick(self.model.0.len());
        let known = &mut self.model.0[nth];
        let mark = match known.parked {
            true => Mark::Retry { not_before: 0 },
            false => Mark::Parked { why: "it was refused".to_owned() },
        };
        known.parked = !known.parked;
        queue.mark(&pending(queue, known.key, known.id), mark).await.unwrap();
    }

    fn compare(&self) {
        for queue in &self.queues {
            for key in KEYS {
                let waiting = queue.waiting(&destination(), key).unwrap();
                assert_eq!(waiting.iter().map(|p| p.id).collect::<Vec<_>>(), self.model.at(key), "{key}");
                for pending in &waiting {
                    let known = self.model.0.iter().find(|known| known.id == pending.id).unwrap();
                    assert_eq!(pending.standing == Standing::Parked, known.parked, "{key}");
                }
                let latest = queue.latest(&destination(), key).unwrap();
                let is_copy = latest
                    .as_ref()
                    .is_some_and(|p| !p.is_removal() && queue.entry(p).unwrap().kind != Kind::Put);
                let seen = latest.filter(|latest| !latest.is_removal() && !is_copy);
                let seen = seen.map(|pending| queue.content(&pending).unwrap().bytes().unwrap());
                assert!(seen.as_deref() == self.model.bytes(key), "{key}");
            }
            assert_eq!(ready(queue), self.model.ready());
            let status = queue.status().unwrap();
            assert_eq!(status.entries, self.model.0.len() as u64);
            assert_eq!((status.damaged, status.torn, status.missing, status.foreign), (0, 0, 0, 0));
        }
    }
}

#[tokio::test]
async fn a_queue_is_what_a_simple_one_is() {
    let seed = seed_from_env("HOLDALL_TEST_SEED").unwrap();
    println!("HOLDALL_TEST_SEED={seed:#x}");
    let is_long = std::env::var("HOLDALL_TEST_LONG").is_ok_and(|value| value == "1");
    for round in 0..if is_long { 400 } else { 12 } {
        let folder = in_memory();
        let queues = vec![Run::open(&folder), Run::open(&folder)];
        let random = Random::named(seed, &format!("queue {round}"));
        let mut run = Run { folder, queues, model: Model::default(), random };
        for _ in 0..80 {
            run.step().await;
            run.compare();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_writers_and_a_drainer_lose_nothing_and_send_everything_once_in_order() {
    let folder = in_memory();
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..8_u32 {
        let queue = Run::open(&folder);
        tasks.spawn(async move {
            for n in 0..40_u32 {
                put(&queue, ["x", "y", "z"][n as usize % 3], format!("{writer} {n}")).await;
            }
        });
    }
    let queue = Run::open(&folder);
    let mut sent: std::collections::BTreeMap<String, Vec<(EntryId, Vec<u8>)>> = Default::default();
    let mut count = 0;
    while count < 8 * 40 {
        for (head, entry) in queue.ready(None, 10).unwrap().entries {
            let bytes = queue.content(&head).unwrap().bytes().unwrap();
            sent.entry(entry.key.clone()).or_default().push((entry.id, bytes));
            queue.mark(&head, Mark::Done).await.unwrap();
            count += 1;
        }
        let drain = queue.try_drain().unwrap().unwrap();
        queue.compact(&drain).unwrap();
        tokio::task::yield_now().await;
    }
    tasks.join_all().await;
    assert_eq!(queue.status().unwrap().entries, 0);
    for (key, sent) in sent {
        assert!(sent.is_sorted_by(|a, b| a.0 < b.0), "{key} was sent out of order");
        for writer in 0..8 {
            let own = sent.iter().filter_map(|(_, bytes)| {
                let text = String::from_utf8(bytes.clone()).unwrap();
                let (by, n) = text.split_once(' ')?;
                (by == writer.to_string()).then(|| n.parse::<u32>().unwrap())
            });
            let own: Vec<u32> = own.collect();
            assert!(own.len() >= 13 && own.is_sorted(), "{key} of {writer}: {own:?}");
        }
    }
}
