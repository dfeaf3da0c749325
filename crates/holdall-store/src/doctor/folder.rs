//! A store in a folder: whether it is there, may be written, lasts, and has room.

use super::examine::Options;
use super::finding::Finding;
use super::mend;
use crate::error::ErrorKind;
use crate::object::GcOptions;
use crate::settings::{Fsync, Resolved};
use crate::store::Store;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, XattrFlags};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

const THERE: &str = "folder.there";
const WRITE: &str = "folder.write";
const ATTRIBUTES: &str = "folder.attributes";
const SPACE: &str = "folder.space";
const LASTING: &str = "folder.lasting";
const FSYNC: &str = "folder.fsync";
const FORMAT: &str = "folder.format";
const LEFTOVERS: &str = "folder.leftovers";

pub(super) const MIB: u64 = 1 << 20;
/// Below this a store is as good as full.
const SCANT: u64 = 64 * MIB;
pub(super) const LITTLE: u64 = 1024 * MIB;

/// File systems that are gone with the machine or the container, as `statfs(2)` names them.
const VOLATILE: [(i64, &str); 3] =
    [(0x0102_1994, "tmpfs"), (0x8584_58f6, "ramfs"), (0x794c_7630, "a container's overlay")];

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum There {
    Folder,
    Other,
    Nothing,
    Closed(String),
}

/// What came of a throw-away file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tried {
    /// The file could be written; or what was said.
    pub(super) written: Result<(), String>,
    /// It could have attributes.
    pub(super) attributes: bool,
}

/// Checks a folder; `implicit` where nobody named it.
pub(super) async fn examine(
    path: &Path,
    implicit: bool,
    resolved: &Resolved,
    options: &Options,
) -> Vec<Finding> {
    let (folder, read_only) = (path.to_owned(), options.read_only);
    let looked = tokio::task::spawn_blocking(move || look(&folder, implicit, read_only)).await;
    let (mut findings, is_there) = looked.unwrap_or_else(|error| {
        (vec![Finding::unknown(THERE, format!("it could not be looked at: {error}"))], false)
    });
    if is_there {
        findings.push(fsync(resolved.settings.fsync));
        findings.extend(inside(resolved, options.older_than).await);
    }
    findings
}

/// Looks at the folder and its file system.
fn look(path: &Path, implicit: bool, read_only: bool) -> (Vec<Finding>, bool) {
    let what = there(path);
    let mut findings = vec![judge_there(&what, path, implicit)];
    if what != There::Folder {
        return (findings, false);
    }
    match read_only {
        true => findings.push(Finding::unknown(WRITE, "not tried: nothing is to be written")),
        false => findings.extend(judge_tried(&try_file(path), path)),
    }
    match file_system(path) {
        Ok((free, magic)) => {
            findings.push(space(free, path));
            findings.push(lasting(magic, path));
        }
        Err(error) => findings.push(Finding::unknown(SPACE, format!("it could not be asked for: {error}"))),
    }
    (findings, true)
}

fn there(path: &Path) -> There {
    match rustix::fs::stat(path) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => There::Folder,
        Ok(_) | Err(Errno::NOTDIR) => There::Other,
        Err(Errno::NOENT) => There::Nothing,
        Err(error) => There::Closed(error.to_string()),
    }
}

fn judge_there(what: &There, path: &Path, implicit: bool) -> Finding {
    let shown = path.display();
    match what {
        There::Folder => Finding::ok(THERE, format!("{shown} is a folder")),
        There::Nothing if implicit => {
            Finding::note(THERE, format!("{shown} is not there yet")).means("the first put makes it")
        }
        There::Nothing => Finding::problem(THERE, format!("{shown} is not there"))
            .means("nothing can be read; its name may be misspelt, or what should be mounted there is not")
            .mend(format!("mkdir -p {shown}")),
        There::Other => Finding::problem(THERE, format!("{shown} is no folder"))
            .means("nothing can be stored or read")
            .mend("set HOLDALL_STORE to a folder"),
        There::Closed(said) => Finding::problem(THERE, format!("{shown} cannot be looked at: {said}"))
            .means("nothing can be stored or read")
            .mend(format!("give this user access to {shown}: chown or chmod u+rwx, and x on those above it")),
    }
}

/// Writes a file without leaving it: it has a name only as long as this takes.
fn try_file(path: &Path) -> Tried {
    let name = format!(".holdall-doctor-{:016x}", crate::disk::unique());
    let failed = |error: Errno| Tried { written: Err(error.to_string()), attributes: false };
    let folder = match rustix::fs::openat(CWD, path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
        Ok(folder) => folder,
        Err(error) => return failed(error),
    };
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::WRONLY;
    let file = match rustix::fs::openat(&folder, &*name, flags, Mode::from_raw_mode(0o600)) {
        Ok(file) => file,
        Err(error) => return failed(error),
    };
    let tried = try_writing(&file);
    let removed = rustix::fs::unlinkat(&folder, &*name, AtFlags::empty());
    match tried.and_then(|attributes| removed.map(|()| attributes)) {
        Ok(attributes) => Tried { written: Ok(()), attributes },
        Err(error) => failed(error),
    }
}

fn try_writing(file: &OwnedFd) -> rustix::io::Result<bool> {
    rustix::io::write(file, b"holdall doctor was here\n")?;
    rustix::fs::fsync(file)?;
    match rustix::fs::fsetxattr(file, "user.holdall", b"{}", XattrFlags::empty()) {
        Ok(()) => Ok(true),
        Err(Errno::OPNOTSUPP | Errno::PERM | Errno::ACCESS | Errno::NOSPC) => Ok(false),
        Err(error) => Err(error),
    }
}

fn judge_tried(tried: &Tried, path: &Path) -> Vec<Finding> {
    let shown = path.display();
    if let Err(said) = &tried.written {
        return vec![
            Finding::problem(WRITE, format!("no file can be written in {shown}: {said}"))
                .means("nothing can be stored")
                .mend(format!(
                    "chown or chmod u+rwx {shown}, and see that its file system may be written and has room"
                )),
        ];
    }
    let attributes = match tried.attributes {
        true => Finding::ok(ATTRIBUTES, "files have attributes"),
        false => Finding::note(ATTRIBUTES, "files have no attributes on this file system")
            .means("what belongs to an object lies in .holdall/meta, which must be moved along with it"),
    };
    vec![Finding::ok(WRITE, "a file can be written and removed"), attributes]
}

pub(super) fn file_system(path: &Path) -> rustix::io::Result<(u64, i64)> {
    let room = rustix::fs::statvfs(path)?;
    let kind = rustix::fs::statfs(path)?;
    #[allow(clippy::unnecessary_cast, reason = "the field's type differs between architectures")]
    let magic = (kind.f_type as i64) & 0xffff_ffff;
    Ok((room.f_bavail.saturating_mul(room.f_frsize), magic))
}

fn space(free: u64, path: &Path) -> Finding {
    let what = format!("{} MiB are free", free / MIB);
    let mend = format!("make room on the file system of {}; `holdall gc` removes leftovers", path.display());
    let finding = match free {
        0..SCANT => Finding::problem(SPACE, what).means("the next puts will fail").mend(mend),
        SCANT..LITTLE => Finding::warning(SPACE, what).means("puts fail when it is full").mend(mend),
        _ => Finding::ok(SPACE, what),
    };
    finding.fact("free_bytes", free)
}

fn lasting(magic: i64, path: &Path) -> Finding {
    match VOLATILE.iter().find(|(known, _)| *known == magic) {
        None => Finding::ok(LASTING, "the file system outlasts a restart"),
        Some((_, name)) => Finding::warning(LASTING, format!("{} is on {name}", path.display()))
            .means("what is stored is gone with the next restart of the machine or the container")
            .mend("set HOLDALL_STORE to a folder on a disk or a mounted volume"),
    }
}

fn fsync(fsync: Fsync) -> Finding {
    match fsync {
        Fsync::Data => Finding::ok(FSYNC, "what is stored is on the disk before it is acknowledged"),
        Fsync::None => {
            Finding::note(FSYNC, "what is stored may not be on the disk yet when it is acknowledged")
                .means("a power cut loses what was stored last")
                .mend(mend::set("HOLDALL_FSYNC", "data"))
        }
    }
}

/// Asks the store itself.
async fn inside(resolved: &Resolved, older_than: Duration) -> Vec<Finding> {
    let store = match Store::from_settings(&resolved.settings) {
        Ok(store) => store,
        Err(error) => return vec![super::unresolved(&error)],
    };
    let format = match store.health().await {
        Ok(_) => Finding::ok(FORMAT, "its .holdall/ is of a version that this holdall knows"),
        Err(error) => return vec![judge_format(error.kind(), &error.to_string())],
    };
    let mut count = 0;
    let options = GcOptions { older_than, dry_run: true };
    let looked = store.gc(&options, |_| count += 1).await.map_err(|error| error.to_string());
    vec![format, leftovers(looked.map(|()| count), older_than)]
}

fn judge_format(kind: ErrorKind, said: &str) -> Finding {
    match kind {
        ErrorKind::Unsupported => Finding::problem(FORMAT, said)
            .means("a later holdall writes to this folder; this one refuses to, so as not to damage it")
            .mend("install the holdall that the folder was written with"),
        _ => Finding::problem(FORMAT, said)
            .means("the store cannot be used")
            .mend("give this user access to .holdall/: chown or chmod -R u+rwX"),
    }
}

fn leftovers(found: Result<usize, String>, older_than: Duration) -> Finding {
    match found {
        Ok(0) => Finding::ok(LEFTOVERS, "no write was left half done"),
        Ok(count) => Finding::warning(LEFTOVERS, format!("{count} left by interrupted writes"))
            .means("they take room, and nobody needs them")
            .mend(mend::gc(older_than))
            .fact("leftovers", count),
        Err(said) => Finding::unknown(LEFTOVERS, format!("they could not be looked for: {said}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::asked::tests::seen;
    use super::*;
    use crate::doctor::Status;
    use std::path::PathBuf;

    fn path() -> PathBuf {
        PathBuf::from("/srv/bag")
    }

    #[test]
    fn a_folder_that_is_none_is_a_problem_unless_nobody_named_it() {
        let table = [
            (There::Folder, false, Status::Ok, ""),
            (There::Nothing, true, Status::Note, ""),
            (There::Nothing, false, Status::Problem, "mkdir -p /srv/bag"),
            (There::Other, false, Status::Problem, "set HOLDALL_STORE to a folder"),
            (There::Closed("no".into()), false, Status::Problem, "give this user access to /srv/bag"),
        ];
        for (what, implicit, status, mend) in table {
            let found = [judge_there(&what, &path(), implicit)];
            assert_eq!(seen(&found).0, status, "{what:?}");
            assert!(seen(&found).2.starts_with(mend), "{found:?}");
        }
    }

    #[test]
    fn what_cannot_be_written_says_why() {
        let refused = Tried { written: Err("Permission denied".into()), attributes: false };
        let found = judge_tried(&refused, &path());
        assert_eq!((found.len(), seen(&found).0), (1, Status::Problem));
        assert!(seen(&found).2.starts_with("chown or chmod u+rwx /srv/bag"));
        let plain = judge_tried(&Tried { written: Ok(()), attributes: false }, &path());
        assert_eq!((plain[0].status, plain[1].status), (Status::Ok, Status::Note));
        let all = judge_tried(&Tried { written: Ok(()), attributes: true }, &path());
        assert!(all.iter().all(|finding| finding.status == Status::Ok));
    }

    #[test]
    fn little_room_is_told_before_there_is_none() {
        let table = [
            (SCANT - 1, Status::Problem),
            (SCANT, Status::Warning),
            (LITTLE - 1, Status::Warning),
            (LITTLE, Status::Ok),
        ];
        for (free, status) in table {
            assert_eq!(space(free, &path()).status, status, "{free}");
        }
    }

    #[test]
    fn what_a_restart_empties_is_no_place_to_keep_things() {
        for (magic, name) in VOLATILE {
            let found = [lasting(magic, &path())];
            assert_eq!(seen(&found).0, Status::Warning);
            assert!(seen(&found).1.contains(name) && seen(&found).2.contains("HOLDALL_STORE"));
        }
        assert_eq!(lasting(0xef53, &path()).status, Status::Ok);
    }

    #[test]
    fn leftovers_and_formats_are_told() {
        let week = Duration::from_secs(604_800);
        assert_eq!(leftovers(Ok(0), week).status, Status::Ok);
        let found = [leftovers(Ok(2), week)];
        assert_eq!(seen(&found), (Status::Warning, "2 left by interrupted writes", "holdall gc"));
        assert_eq!(leftovers(Err("x".into()), week).status, Status::Unknown);
        let later = judge_format(ErrorKind::Unsupported, "of another version");
        assert!(later.mend.unwrap().starts_with("install the holdall"));
        let closed = judge_format(ErrorKind::PermissionDenied, "no");
        assert!(closed.mend.unwrap().contains("chmod"));
        assert_eq!(fsync(Fsync::None).mend.as_deref(), Some("set HOLDALL_FSYNC=data"));
        assert_eq!(fsync(Fsync::Data).status, Status::Ok);
    }

    #[test]
    fn a_trial_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(try_file(folder.path()).written, Ok(()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(there(&folder.path().join("none")), There::Nothing);
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        assert_eq!(there(&file), There::Other);
        assert!(try_file(&file).written.is_err());
    }
}
