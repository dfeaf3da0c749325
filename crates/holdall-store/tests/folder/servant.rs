//! A process that does deeds one after another in one thread, so that somebody can watch it.

use crate::deeds::perform;
use crate::ground::{Skip, open};
use holdall_store::Fsync;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const SERVE: &str = "HOLDALL_TEST_FOLDER_SERVE";

/// Serves until its input ends, if it was started to.
pub(crate) fn serve_if_asked() -> bool {
    if std::env::var_os(SERVE).is_none() {
        return false;
    }
    // No driver of input and output: it would be woken by writes that are none of the store's.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .thread_keep_alive(std::time::Duration::from_secs(3600))
        .build()
        .unwrap();
    let thread = runtime
        .block_on(async { tokio::task::spawn_blocking(|| std::fs::read_link("/proc/thread-self")).await });
    println!("{}", thread.unwrap().unwrap().file_name().unwrap().to_str().unwrap());
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let (deed, root) = line.split_once('\t').unwrap();
        // A store of its own each time: it has opened nothing yet.
        let answer = runtime.block_on(perform(deed, &open(Path::new(root), Fsync::Data)));
        match answer {
            Ok(said) => println!("ok\t{said}"),
            Err(error) => println!("{:?}\t{error}", error.kind()),
        }
    }
    true
}

/// What a deed came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// `ok`, or the kind of the error.
    pub(crate) word: String,
    pub(crate) said: String,
}

impl Answer {
    pub(crate) fn is_ok(&self) -> bool {
        self.word == "ok"
    }
}

/// Such a process, gone with this.
pub(crate) struct Servant {
    child: Child,
    input: ChildStdin,
    said: BufReader<ChildStdout>,
    /// The one thread that touches the disk.
    pub(crate) thread: String,
}

impl Servant {
    /// Starts one by a command that ends in a program like this one.
    pub(crate) fn start(command: &mut Command) -> Result<Self, Skip> {
        let command = command.env(SERVE, "1").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| Skip(format!("{command:?}: {error}")))?;
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let input = child.stdin.take().unwrap();
        let mut thread = String::new();
        said.read_line(&mut thread).unwrap();
        assert!(!thread.is_empty(), "{command:?}: {}", child.wait().unwrap());
        Ok(Self { child, input, said, thread: thread.trim_end().to_owned() })
    }

    pub(crate) fn ask(&mut self, deed: &str, root: &Path) {
        writeln!(self.input, "{deed}\t{}", root.display()).unwrap();
    }

    pub(crate) fn answer(&mut self) -> Answer {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        let (word, said) = line.trim_end_matches('\n').split_once('\t').expect("the process lives");
        Answer { word: word.to_owned(), said: said.to_owned() }
    }

    pub(crate) fn perform(&mut self, deed: &str, root: &Path) -> Answer {
        self.ask(deed, root);
        self.answer()
    }

    /// A line of what the kernel says of its thread.
    pub(crate) fn status(&self, name: &str) -> String {
        self.status_in(name, &format!("/proc/{}/task/{}/status", self.child.id(), self.thread))
    }

    /// The same of its first thread.
    pub(crate) fn main_status(&self, name: &str) -> String {
        self.status_in(name, &format!("/proc/{0}/task/{0}/status", self.child.id()))
    }

    fn status_in(&self, name: &str, path: &str) -> String {
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').trim().to_owned()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Servant {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
