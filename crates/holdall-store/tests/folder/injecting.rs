//! Every system call of every deed fails once: the fault is told by its kind, what was there is there, nothing torn or
//! left over can be seen, and the next try works.

use crate::Case;
use crate::deeds::{READS, State, WRITES, perform, prepare, state};
use crate::ground::{Ground, Ran, open, run};
use crate::servant::{Answer, Servant};
use crate::tracing::Watch;
use crate::worker::this_program;
use holdall_store::Fsync;
use std::collections::BTreeSet;
use std::path::Path;

pub(crate) const CASES: &[Case] = &[
    ("injecting::a_put_on_a_disk_that_fails", || inject(&WRITES[..4])),
    ("injecting::a_replacement_on_a_disk_that_fails", || inject(&WRITES[4..9])),
    ("injecting::a_delete_on_a_disk_that_fails", || inject(&WRITES[9..11])),
    ("injecting::a_copy_and_an_upload_on_a_disk_that_fails", || inject(&WRITES[11..])),
    ("injecting::a_read_on_a_disk_that_fails", || inject(&READS)),
];

/// Calls whose failure nobody is to be told of, or that have nothing to do with files.
const LEFT_ALONE: [&str; 12] = [
    "close",
    "mmap",
    "munmap",
    "mprotect",
    "brk",
    "madvise",
    "futex",
    "getrandom",
    "rt_sigprocmask",
    "prctl",
    "sigaltstack",
    "gettid",
];

/// A way for a call to fail: what the system says, what the store is to say, and whether it goes on failing.
#[derive(Debug, Clone, Copy)]
struct Fault {
    errno: &'static str,
    kind: &'static str,
    lasting: bool,
}

const fn once(errno: &'static str, kind: &'static str) -> Fault {
    Fault { errno, kind, lasting: false }
}

/// How a call may fail.
fn faults(call: &str) -> Vec<Fault> {
    let by_name =
        ["openat", "openat2", "mkdirat", "linkat", "renameat", "renameat2", "unlinkat", "fsetxattr"];
    let takes_room =
        ["write", "pwrite64", "fsync", "mkdirat", "linkat", "renameat", "fsetxattr", "copy_file_range"];
    let io = once("EIO", "Io");
    if !crate::is_long() {
        return vec![if takes_room.contains(&call) { once("ENOSPC", "Full") } else { io }];
    }
    let mut faults = vec![io, Fault { lasting: true, ..io }];
    if by_name.contains(&call) {
        faults.extend([once("EACCES", "PermissionDenied"), once("EROFS", "PermissionDenied")]);
    }
    if takes_room.contains(&call) {
        faults.extend([once("ENOSPC", "Full"), once("EDQUOT", "Full")]);
    }
    faults
}

/// A store as a deed finds it.
fn prepared(deed: &str) -> Ground {
    let ground = Ground::new();
    if deed == "put the first" {
        std::fs::remove_dir(ground.root()).unwrap();
    }
    run(async { prepare(deed, &ground.store()).await.unwrap() });
    ground
}

fn state_of(root: &Path) -> State {
    // As if in a process of its own.
    run(async { state(&open(root, Fsync::None)).await })
}

/// What a deed does when nothing fails.
struct Undisturbed {
    before: State,
    after: State,
    answer: Answer,
    calls: BTreeSet<String>,
}

fn undisturbed(servant: &mut Servant, deed: &str) -> Result<Undisturbed, crate::ground::Skip> {
    let ground = prepared(deed);
    let before = state_of(&ground.root());
    let watch = Watch::start(servant, "all", &[])?;
    let answer = servant.perform(deed, &ground.root());
    let seen = watch.end();
    assert!(answer.is_ok(), "{deed}: {answer:?}");
    let names = seen.lines().filter_map(|line| line.split_once('(')).map(|(name, _)| name.to_owned());
    let known = |name: &String| {
        name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && !LEFT_ALONE.contains(&name.as_str())
    };
    Ok(Undisturbed { before, after: state_of(&ground.root()), answer, calls: names.filter(known).collect() })
}

fn inject(deeds: &[&str]) -> Ran {
    let mut servant = Servant::start(&mut this_program())?;
    for deed in deeds {
        let usual = undisturbed(&mut servant, deed)?;
        let mut injected = 0;
        for call in &usual.calls {
            for fault in faults(call) {
                let mut nth = 1;
                while try_one(&mut servant, deed, &usual, call, nth, fault)? {
                    nth += 1;
                    injected += 1;
                }
            }
        }
        assert!(injected > 10, "{deed}: only {injected} faults");
        println!("{deed}: {injected} faults");
    }
    Ok(())
}

/// Lets one call fail; answers whether there was such a call.
fn try_one(
    servant: &mut Servant,
    deed: &str,
    usual: &Undisturbed,
    call: &str,
    nth: usize,
    fault: Fault,
) -> Result<bool, crate::ground::Skip> {
    let ground = prepared(deed);
    let when = if fault.lasting { format!("{nth}+") } else { nth.to_string() };
    let watch = Watch::start(servant, call, &[format!("{call}:error={}:when={when}", fault.errno)])?;
    let answer = servant.perform(deed, &ground.root());
    let seen = watch.end();
    let Some(failed) = seen.lines().find(|line| line.contains("(INJECTED)")) else { return Ok(false) };
    let what = format!("{deed}: {failed}\n  came to {answer:?}");
    judge(&what, usual, &answer, fault, &ground);
    demand_next_works(&what, deed, usual, &ground);
    Ok(true)
}

fn judge(what: &str, usual: &Undisturbed, answer: &Answer, fault: Fault, ground: &Ground) {
    let now = state_of(&ground.root());
    if answer.is_ok() {
        assert_eq!(answer, &usual.answer, "{what}");
        assert!(now == usual.after, "{what}\n  and is not done: {now:?}");
        return;
    }
    assert_eq!(answer.word, fault.kind, "{what}");
    // Said in as many words: the change was made, and may not outlive a power cut.
    let may_be_done = answer.said.contains("may not be on the disk");
    assert!(now == usual.before || (may_be_done && now == usual.after), "{what}\n  and left {now:?}");
}

fn demand_next_works(what: &str, deed: &str, usual: &Undisturbed, ground: &Ground) {
    run(async {
        let store = ground.store();
        perform(deed, &store).await.unwrap_or_else(|error| panic!("{what}\n  and then {error:?}"));
    });
    assert!(state_of(&ground.root()) == usual.after, "{what}\n  and then was not done");
}
