//! This program again, as a process that works on a store.

use crate::ground::{heavy, keys, kind, note, noted, open, read, run};
use holdall_store::{CopyOptions, ErrorKind, Fsync, Key, Object, PutOptions, Result, Store, WriteCondition};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// Names the work that a process is to do.
const WORK: &str = "HOLDALL_TEST_FOLDER_WORK";

/// What a process is to do: which of many it is, and how often to do it.
#[derive(Debug, Clone, Copy)]
struct Task {
    number: usize,
    rounds: usize,
}

impl Task {
    fn letter(self) -> u8 {
        b'a' + (self.number % 26) as u8
    }
}

/// Does what this process was started for, if it was.
pub(crate) fn work_if_asked() -> bool {
    let Ok(work) = std::env::var(WORK) else { return false };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [root, number, rounds] = arguments.as_slice() else { panic!("three arguments: {arguments:?}") };
    let task = Task { number: number.parse().unwrap(), rounds: rounds.parse().unwrap() };
    let (work, fsync) = match work.strip_suffix(" data") {
        Some(work) => (work, Fsync::Data),
        None => (work.trim_end_matches(" none"), Fsync::None),
    };
    let store = open(Path::new(root), fsync);
    println!("ready");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    println!("{}", run(do_work(work, store, task)));
    true
}

async fn do_work(work: &str, store: Store, task: Task) -> String {
    match work {
        "create" => return create(&store, task).await,
        "count" => count(&store, task).await,
        "folders" => folders(&store, task).await,
        "levels" => levels(&store, task).await,
        "replace" => replace(&store, task).await,
        "replace and delete" => replace_and_delete(&store, task).await,
        other => panic!("no such work: {other}"),
    }
    String::new()
}

/// Makes keys that nobody made yet, in every way there is, and answers which of them it was first at.
async fn create(store: &Store, task: Task) -> String {
    let mut won = Vec::new();
    for round in 0..task.rounds {
        // Some of the keys can be no path.
        let key = if round % 3 == 0 { format!("new//{round}") } else { format!("new/{round}") };
        let outcome = match round % 2 {
            0 => create_whole(store, &key, task).await,
            _ => create_in_parts(store, &key, task).await,
        };
        match outcome {
            Ok(_) => won.push(round.to_string()),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Precondition, "{error:?}"),
        }
    }
    won.join(" ")
}

async fn create_whole(store: &Store, key: &str, task: Task) -> Result<()> {
    let options = PutOptions { condition: WriteCondition::Absent, ..noted(&task.number.to_string()) };
    store.put_with(key, task.number.to_string(), &options).await.map(drop)
}

async fn create_in_parts(store: &Store, key: &str, task: Task) -> Result<()> {
    let name = task.number.to_string();
    let upload = store.backend().begin_upload(&Key::parse(key)?, &noted(&name)).await?;
    let part = upload.put_part(1, name.into()).await?;
    upload.complete(&[part], &WriteCondition::Absent).await.map(drop)
}

/// Adds one to a number, so often.
async fn count(store: &Store, task: Task) {
    for _ in 0..task.rounds {
        while !add_one(store).await {}
    }
}

async fn add_one(store: &Store) -> bool {
    let object = store.get("counter").await.unwrap();
    let condition = WriteCondition::Matches(object.metadata.etag.clone().unwrap());
    let bytes = object.bytes().await.unwrap();
    let next = std::str::from_utf8(&bytes).unwrap().parse::<u64>().unwrap() + 1;
    let options = PutOptions { condition, ..PutOptions::default() };
    match store.put_with("counter", next.to_string(), &options).await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Precondition, "{error:?}");
            false
        }
    }
}

/// Makes objects of its own below folders that everybody else empties.
async fn folders(store: &Store, task: Task) {
    for round in 0..task.rounds {
        let key = format!("a/b/c{}/{}", round % 2, task.number);
        store.put(&key, key.clone()).await.unwrap();
        assert_eq!(read(store, &key).await.unwrap(), key.as_bytes());
        let copy = format!("a/copies/{}", task.number);
        store.copy(&key, &copy, &CopyOptions::default()).await.unwrap();
        assert!(store.delete_many([&key, &copy].map(|key| Key::parse(key).unwrap())).await.is_empty());
        assert_eq!(kind(&store.get(&key).await), Some(ErrorKind::NotFound));
    }
}

/// Uses a file, a folder of its name, and what is below, all at once.
async fn levels(store: &Store, task: Task) {
    let keys = ["a", "a/b", "a/b/c", "a/b/c/d"];
    for round in 0..task.rounds {
        let key = keys[(round + task.number) % keys.len()];
        match (round * 7 + task.number) % 5 {
            0 | 1 => drop(store.put_with(key, key, &noted(key)).await.unwrap()),
            2 => drop(store.delete(key).await.unwrap()),
            _ => {
                if let Some(object) = some(store.get(key).await) {
                    assert_eq!(note(&object.metadata), Some(key));
                    assert_eq!(object.bytes().await.unwrap(), key);
                }
            }
        }
    }
    store.put(&format!("a/b/c/d/{}", task.number), "last").await.unwrap();
}

/// What was found, if anything; no other fault is taken.
fn some<T>(answer: Result<T>) -> Option<T> {
    answer.map_err(|error| assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}")).ok()
}

/// Keys that are replaced: plain, odd, in a folder.
const REPLACED: [&str; 3] = ["one", "o//dd", "fol/der"];

fn size(letter: u8) -> usize {
    // Some are larger than what is read at once.
    let base = if letter.is_multiple_of(4) { 300_000 } else { 1000 };
    base + 37 * usize::from(letter)
}

/// Half of them replace objects, half read them.
async fn replace(store: &Store, task: Task) {
    for round in 0..task.rounds {
        let key = REPLACED[round % REPLACED.len()];
        if task.number.is_multiple_of(2) {
            write_letter(store, key, task, round).await.unwrap();
        } else {
            demand_whole(store.get(key).await.unwrap()).await;
            if round.is_multiple_of(8) {
                assert_eq!(demand_whole_listing(store).await, 3);
            }
        }
    }
}

/// Some replace objects, some delete them, and the rest read them.
async fn replace_and_delete(store: &Store, task: Task) {
    for round in 0..task.rounds {
        let key = REPLACED[round % REPLACED.len()];
        match task.number % 4 {
            0 => write_letter(store, key, task, round).await.unwrap(),
            1 => drop(store.delete(key).await.unwrap()),
            _ => {
                if let Some(object) = some(store.get(key).await) {
                    demand_whole(object).await;
                }
                demand_whole_listing(store).await;
            }
        }
    }
}

async fn write_letter(store: &Store, key: &str, task: Task, round: usize) -> Result<()> {
    let letter = task.letter();
    let word = char::from(letter).to_string();
    // Every other record has no room beside its file.
    let options = if round.is_multiple_of(2) { noted(&word) } else { heavy(&word) };
    store.put_with(key, vec![letter; size(letter)], &options).await.map(drop)
}

async fn demand_whole(object: Object) {
    let metadata = object.metadata.clone();
    let said = note(&metadata).unwrap_or_else(|| panic!("half described: {metadata:?}")).to_owned();
    let letter = said.as_bytes()[0];
    assert_eq!(metadata.size, size(letter) as u64, "{metadata:?}");
    assert!(metadata.sha256.is_some());
    let bytes = object.bytes().await.unwrap();
    assert!(bytes.len() == size(letter) && bytes.iter().all(|byte| *byte == letter), "torn: {metadata:?}");
}

async fn demand_whole_listing(store: &Store) -> usize {
    let page = store.list("").unwrap().collect().await.unwrap();
    for object in &page.objects {
        assert!(REPLACED.contains(&object.key.as_str()), "{object:?}");
        assert!((b'a'..=b'z').any(|letter| size(letter) as u64 == object.size), "{object:?}");
    }
    let sorted = page.objects.is_sorted_by(|a, b| a.key < b.key);
    assert!(sorted, "{:?}", keys(store, "").await);
    page.objects.len()
}

/// Makes what is to be replaced.
pub(crate) async fn prepare_replaced(store: &Store) {
    for key in REPLACED {
        write_letter(store, key, Task { number: 0, rounds: 0 }, 1).await.unwrap();
    }
}

/// A process that does some work, and is gone with this.
pub(crate) struct Worker {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts one, by a command that ends in this program, and waits until it is ready.
    pub(crate) fn start(
        command: &mut Command,
        work: &str,
        root: &Path,
        number: usize,
        rounds: usize,
    ) -> Self {
        let command = command.arg(root).arg(number.to_string()).arg(rounds.to_string()).env(WORK, work);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let mut worker = Self { child, said };
        let mut line = String::new();
        worker.said.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "{}", worker.complaint());
        worker
    }

    fn complaint(&mut self) -> String {
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    pub(crate) fn go(&mut self) {
        self.child.stdin.take().unwrap().write_all(b"\n").unwrap();
    }

    /// Waits for what it has to say.
    pub(crate) fn end(mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        let complaint = self.complaint();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}\n{complaint}");
        line.trim_end().to_owned()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn this_program() -> Command {
    Command::new(std::env::current_exe().unwrap())
}

/// Lets processes do the same work at the same time, and answers what each says.
pub(crate) fn race(count: usize, work: &str, root: &Path, rounds: usize) -> Vec<String> {
    let mut workers: Vec<Worker> =
        (0..count).map(|number| Worker::start(&mut this_program(), work, root, number, rounds)).collect();
    workers.iter_mut().for_each(Worker::go);
    workers.into_iter().map(Worker::end).collect()
}
