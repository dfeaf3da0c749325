//! The check itself is checked: it finds what is done to a store by hand.

use crate::check::check;
use crate::child::Said;
use crate::history::History;
use crate::operation::Outcome;
use crate::run::runtime;
use crate::scene::Scene;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What is done to the folder, and what is then said of it.
type Damage = (&'static str, fn(&Path), &'static str);

const DAMAGES: [Damage; 6] = [
    ("an object is gone", |at| std::fs::remove_file(at.join("a")).unwrap(), "nothing is there"),
    ("one has come back", |at| _ = std::fs::copy(at.join("z"), at.join("gone")).unwrap(), "half-described"),
    ("one is there that nobody put", |at| std::fs::write(at.join("new"), "").unwrap(), "nobody put it"),
    ("the record is gone", |at| remove_record(&at.join("a")), "half-described"),
    ("a byte is another", |at| change_a_byte(&at.join("a")), "recorded SHA-256"),
    ("one has the place of another", |at| std::fs::rename(at.join("z"), at.join("a")).unwrap(), "only write"),
];

pub(crate) fn run() -> Result<(), String> {
    runtime().block_on(async {
        for (name, damage, said) in DAMAGES {
            let folder = tempfile::tempdir().unwrap();
            let history = play(folder.path()).await?;
            check(folder.path(), &history).await.map_err(|why| format!("before {name}: {why}"))?;
            damage(folder.path());
            match check(folder.path(), &history).await {
                Err(why) if why.contains(said) => {}
                other => return Err(format!("{name}, and the check answers {other:?}")),
            }
        }
        Ok(())
    })
}

/// Puts `a` and `z`, and deletes `gone`.
async fn play(folder: &Path) -> Result<History, String> {
    let scene = Scene::named("delete");
    let store = crate::check::open(folder, holdall_store::Fsync::None);
    let mut history = History::default();
    let renamed = |id| match id {
        0..3 => scene.operation(id),
        _ => crate::operation::Operation::Delete(vec!["gone".to_owned()]),
    };
    for id in 0..4 {
        history.hear(&Said::Begin(id), renamed);
        let done = renamed(id).perform(&store).await;
        history.hear(&Said::End(id, done.unwrap_or(Outcome::Refused)), renamed);
    }
    Ok(history)
}

fn remove_record(path: &Path) {
    rustix::fs::removexattr(path, "user.holdall").unwrap();
}

/// Changes a byte so that the file looks untouched.
fn change_a_byte(path: &Path) {
    use std::os::unix::fs::FileExt;
    let file = std::fs::File::options().read(true).write(true).open(path).unwrap();
    let before = file.metadata().unwrap();
    file.write_all_at(b"~", before.size() - 1).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
}
