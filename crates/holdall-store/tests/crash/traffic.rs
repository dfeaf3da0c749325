//! Work without end: several tasks that write, copy and delete, on keys of their own and on shared ones.

use crate::content::Version;
use crate::operation::{Operation, When};
use holdall_testing::random::Random;

/// What is done next is decided by these numbers alone, so that parent and child agree on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traffic {
    pub(crate) seed: u64,
    pub(crate) round: u64,
    pub(crate) tasks: u64,
    /// Whether records may be files of their own.
    pub(crate) heavy: bool,
}

/// Operations of one task of one round, at most.
const LONGEST: u64 = 1 << 20;
const TASKS: u64 = 16;
const MIB: usize = 1 << 20;

/// Keys that meet: as file and folder, and as paths that are none.
const KEYS: [&str; 12] =
    ["a", "a/b", "a//b", "a/b/c", "dir/", "dir/x", "../x", "deep/er/and/deeper", "deep/er", "é\n", "s", "t"];

impl Traffic {
    pub(crate) fn to_text(self) -> String {
        format!("{} {} {} {}", self.seed, self.round, self.tasks, u8::from(self.heavy))
    }

    pub(crate) fn from_text(text: &str) -> Self {
        let numbers: Vec<u64> = text.split(' ').filter_map(|word| word.parse().ok()).collect();
        let [seed, round, tasks, heavy] = numbers[..] else { panic!("no traffic: {text:?}") };
        Self { seed, round, tasks, heavy: heavy == 1 }
    }

    /// What a task does at a step, and the number by which it is spoken of.
    pub(crate) fn operation(&self, task: u64, index: u64) -> (u64, Operation) {
        assert!(index < LONGEST && task < TASKS, "numbers stay apart");
        let id = (self.round * TASKS + task) * LONGEST + index;
        (id, self.made(&mut Random::new(self.seed ^ id.wrapping_mul(0x2545_f491_4f6c_dd1d)), task, id))
    }

    /// The same, by its number.
    pub(crate) fn by_id(&self, id: u64) -> Operation {
        self.operation(id / LONGEST % TASKS, id % LONGEST).1
    }

    fn made(&self, random: &mut Random, task: u64, id: u64) -> Operation {
        let mut pick = |n: u64| random.number() % n;
        let key = key(task, pick(4), pick(1 << 20));
        let heavy = self.heavy && pick(6) == 0;
        let size = [0, 10, 300, 5_000, 300_000][pick(5) as usize];
        let version = |size| Version { key: key.clone(), number: id + 1, size, heavy };
        match pick(20) {
            0..8 => Operation::Put(version(size), When::Always),
            8..10 => Operation::Put(version(size), When::Absent),
            10..12 => Operation::Put(version(size), When::Current),
            12..14 => Operation::Delete(vec![key]),
            14 => Operation::Tag { key, number: id + 1, heavy },
            15..18 => match self::key(task, pick(4), pick(1 << 20)) {
                from if from == key => Operation::Delete(vec![key]),
                from => Operation::Copy { from, to: key },
            },
            18 if pick(8) == 0 => {
                let parts = vec![5 * MIB, 8 * MIB + 1, 70];
                let backwards = pick(2) == 0;
                Operation::Upload { version: version(parts.iter().sum()), parts, backwards }
            }
            18 => Operation::Upload { version: version(size), parts: vec![size], backwards: false },
            _ => {
                let keys = (0..3)
                    .map(|_| self::key(task, 0, pick(1 << 20)))
                    .collect::<std::collections::BTreeSet<_>>();
                Operation::Delete(keys.into_iter().collect())
            }
        }
    }
}

/// A key that all tasks write to, or one of the task's own, or a long one of its own.
fn key(task: u64, whose: u64, which: u64) -> String {
    let key = KEYS[(which % KEYS.len() as u64) as usize];
    match whose {
        0 => key.to_owned(),
        1 if which.is_multiple_of(5) => format!("{task}{}", "n".repeat(300)),
        _ => format!("own/{task}/{key}"),
    }
}
