//! Real writers at work while a real server takes what they write: no version of an object is torn, and in the end both
//! sides are the same.

use super::watcher::{Watcher, until};
use crate::real::Bucket;
use crate::shell::Shell;
use holdall_testing::server::Server;
use rustix::process::Signal;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Writes in several manners, and notes the SHA-256 of whatever is finished before anybody can see that it is.
const WRITER: &str = r#"
import hashlib, mmap, os, sys, time
top, log = sys.argv[1], open(sys.argv[2], 'w', buffering=1)
def finished(name, data):
    log.write(f'{name} {hashlib.sha256(data).hexdigest()}\n')
def saved_by_rename(n):
    data = os.urandom(200_000) + bytes([n])
    with open(f'{top}/.saving', 'wb') as f: f.write(data)
    finished('.saving', data); finished('saved', data)
    os.rename(f'{top}/.saving', f'{top}/saved')
def grows(n, text=[b'']):
    line = f'line {n}\n'.encode() * 50
    text[0] += line
    with open(f'{top}/log', 'ab') as f:
        f.write(line[:len(line) // 2]); f.flush(); time.sleep(0.03)
        f.write(line[len(line) // 2:])
        finished('log', text[0])
def in_place(n):
    data = bytes([n]) * 300_000
    with open(f'{top}/place', 'r+b' if n else 'w+b') as f:
        f.write(data[:150_000]); f.flush(); time.sleep(0.05)
        f.write(data[150_000:]); f.flush()
        finished('place', data)
def mapped(n):
    size = 64 * 1024
    data = bytes([255 - n]) * size
    fd = os.open(f'{top}/mapped', os.O_RDWR | os.O_CREAT)
    os.ftruncate(fd, size)
    m = mmap.mmap(fd, size)
    os.close(fd)
    m[:size // 2] = data[:size // 2]; time.sleep(0.05)
    m[size // 2:] = data[size // 2:]
    finished('mapped', data)
    m.close()
for n in range(int(sys.argv[3])):
    for write in (saved_by_rename, grows, in_place, mapped):
        write(n)
    time.sleep(0.03 * (n % 4))
"#;

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?} {output:?}");
}

fn start_on(server: &Server, test: &str) -> (Bucket, Watcher) {
    let mut bucket = Bucket::on(server, test);
    let state = bucket.shell.path("state").display().to_string();
    bucket.shell = std::mem::replace(&mut bucket.shell, Shell::bare()).with("XDG_STATE_HOME", &state);
    fs::create_dir(bucket.shell.path("in")).unwrap();
    let mut watcher = Watcher::start(&bucket.shell, &["watch", "in", "p", "--delete", "--json"]);
    watcher.until_scanned();
    (bucket, watcher)
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    fn collect(top: &Path, dir: &Path, into: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => collect(top, &path, into),
                false => {
                    let name = path.strip_prefix(top).unwrap().to_string_lossy().into_owned();
                    into.insert(name, fs::read(path).unwrap());
                }
            }
        }
    }
    let mut all = BTreeMap::new();
    collect(dir, dir, &mut all);
    all
}

/// Waits until the server has what the folder has, and compares all bytes.
fn assert_same(shell: &Shell) {
    let wanted = files(&shell.path("in"));
    let names: Vec<String> = wanted.keys().map(|name| format!("p/{name}")).collect();
    let mut rounds = 0;
    until("both sides are the same", || {
        rounds += 1;
        let listed = shell.run(&["ls", "-r", "p"]);
        let listed = String::from_utf8(listed.stdout).unwrap();
        if !listed.lines().eq(names.iter().map(String::as_str)) {
            return false;
        }
        let back = format!("back{rounds}");
        assert!(shell.run(&["pull", "p", &back]).status.success());
        let same = files(&shell.path(&back)) == wanted;
        fs::remove_dir_all(shell.path(&back)).unwrap();
        same
    });
}

fn ceph() -> Server {
    let server = Server::from_env("ceph").expect("HOLDALL_TEST_CEPH names a server, as it does under ./test");
    server.unwrap()
}

#[test]
fn what_is_stored_was_finished_by_its_writer() {
    let (bucket, mut watcher) = start_on(&ceph(), "watch-writers");
    let shell = &bucket.shell;
    shell.write("writer.py", WRITER);
    let (top, log) = (shell.path("in"), shell.path("finished"));
    run(Command::new("python3").arg(shell.path("writer.py")).arg(&top).arg(&log).arg("25"));
    assert_same(shell);
    assert_eq!(watcher.end(Signal::TERM), Some(0));
    let finished = String::from_utf8(shell.read("finished")).unwrap();
    let finished: BTreeSet<(&str, &str)> = finished.lines().filter_map(|line| line.split_once(' ')).collect();
    let mut versions = BTreeMap::<&str, usize>::new();
    for event in watcher.events.iter().filter(|event| event["event"] == "pushed") {
        let name = event["key"].as_str().unwrap().strip_prefix("p/").unwrap();
        let sha256 = event["sha256"].as_str().unwrap();
        assert!(finished.contains(&(name, sha256)), "{name} {sha256} was never finished");
        *versions.entry(name).or_default() += 1;
    }
    // Several states of each were stored, or this proved little.
    for name in ["saved", "log", "place", "mapped"] {
        assert!(versions.get(name).is_some_and(|count| *count > 3), "{versions:?}");
    }
}

#[test]
fn checkouts_copies_and_videos_arrive_whole() {
    let (bucket, mut watcher) = start_on(&ceph(), "watch-tools");
    let shell = &bucket.shell;
    for n in 0..60 {
        shell.write(&format!("source/{}/{n}.txt", n % 7), format!("{n}\n").repeat(n * 40 + 1));
    }
    let git = |folder: &str, words: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(shell.path(folder)).args([
            "-c",
            "user.name=n",
            "-c",
            "user.email=n@example.com",
        ]);
        run(command.args(["-c", "init.defaultBranch=main", "-c", "gc.auto=0"]).args(words));
    };
    git("source", &["init", "--quiet"]);
    git("source", &["add", "."]);
    git("source", &["commit", "--quiet", "-m", "first"]);
    fs::remove_dir_all(shell.path("source/3")).unwrap();
    shell.write("source/1/1.txt", "changed").write("source/new/file", "new");
    git("source", &["add", "--all"]);
    git("source", &["commit", "--quiet", "-m", "second"]);
    git(".", &["clone", "--quiet", "source", "in/clone"]);
    git("in/clone", &["checkout", "--quiet", "HEAD~1"]);
    let copy = |more: &[&str]| {
        let mut command = Command::new("rsync");
        run(command.arg("-a").args(more).arg(shell.path("source/")).arg(shell.path("in/copy")));
    };
    copy(&["--exclude", ".git"]);
    git("in/clone", &["checkout", "--quiet", "main"]);
    fs::remove_file(shell.path("source/5/5.txt")).unwrap();
    shell.write("source/6/6.txt", "changed again");
    copy(&["--exclude", ".git", "--delete"]);
    fs::create_dir(shell.path("in/video")).unwrap();
    let mut video = Command::new("ffmpeg");
    video.args(["-loglevel", "error", "-f", "lavfi", "-i", "testsrc=duration=6:size=320x240:rate=25"]);
    video.args(["-c:v", "mpeg2video", "-f", "hls", "-hls_time", "1", "-hls_flags", "temp_file"]);
    run(video.arg(shell.path("in/video/list.m3u8")));
    assert!(fs::read_dir(shell.path("in/video")).unwrap().count() > 5);
    assert_same(shell);
    assert_eq!(watcher.end(Signal::TERM), Some(0));
    assert!(watcher.events.iter().all(|event| event["event"] != "failed"), "{:?}", watcher.said());
}
