//! Sweeps of steps that have expired.

use crate::damage::verify;
use crate::world::{World, ahead, everywhere, hours, in_hours, keys, mark, names, new, session, step, sweep};
use holdall::session::{Fault, NewStep, Sessions};
use holdall::{ErrorKind, Store, SweepOptions, WriteMode};
use holdall_testing::fault::{Fault as Broken, Kind, Rule};
use std::time::{Duration, SystemTime};

/// SES-8: a sweep takes what has expired, exactly, and again it finds nothing.
#[tokio::test]
async fn a_sweep_takes_whole_steps_and_nothing_else() {
    everywhere(|sessions| async move {
        let run = session("run");
        for name in ["due", "due.x", "renewed", "cleared", "replaced", "later"] {
            sessions.store(new(&run, &step(name), name).expires(in_hours(1))).await.unwrap();
        }
        sessions.store(new(&run, &step("never"), "never")).await.unwrap();
        sessions.store(new(&run, &step("due"), "again").expires(in_hours(1))).await.unwrap();
        sessions.as_store().put("sessions/run/due/note.txt", "mine").await.unwrap();
        sessions.as_store().put("sessions/.holdall-due/note", "mine").await.unwrap();
        sessions.set_expiration(&run, &step("renewed"), Some(in_hours(99))).await.unwrap();
        sessions.set_expiration(&run, &step("cleared"), None).await.unwrap();
        sessions.store(new(&run, &step("replaced"), "new")).await.unwrap();
        sessions.set_expiration(&run, &step("later"), Some(in_hours(3))).await.unwrap();
        let later = sessions.clone().with_clock(ahead(hours(2)));
        let mut options = SweepOptions { grace: Duration::ZERO, dry_run: true };
        let planned = later.sweep(&options, &mut |_| ()).await.unwrap();
        assert_eq!((planned.deleted, planned.failed), (2, 0));
        options = SweepOptions { grace: hours(2), dry_run: false };
        assert_eq!(later.sweep(&options, &mut |_| ()).await.unwrap().deleted, 0, "within the grace");
        // Whoever knows of objects alone takes no step apart.
        assert_eq!(sessions.as_store().sweep(&options, &mut |_| ()).await.unwrap().deleted, 0);
        let due = ["sessions/run/due.x/step.json", "sessions/run/due/step.json"];
        assert_eq!(sweep(&sessions, hours(2)).await, due);
        assert!(sweep(&sessions, hours(2)).await.is_empty());
        let mut left = names(&later, &run).await;
        left.sort();
        assert_eq!(left, ["cleared", "later", "never", "renewed", "replaced"]);
        assert_eq!(mark(&later, &run, &step("replaced")).await.unwrap(), "new");
        let left = keys(sessions.as_store()).await;
        let own: Vec<_> = left.iter().filter(|key| key.starts_with("sessions/run/due")).collect();
        assert_eq!(own, ["sessions/run/due/note.txt"]);
        assert!(!left.iter().any(|key| key.contains(".holdall-deleted")), "{left:?}");
        // What was swept can be stored again, and entries go when nobody needs them any more.
        sessions.store(new(&run, &step("due"), "anew")).await.unwrap();
        assert_eq!(sweep(&sessions, hours(24 * 9)).await.len(), 2);
        let left = keys(sessions.as_store()).await;
        assert!(!left.iter().any(|key| key.contains(".holdall-due/2")), "{left:?}");
        assert_eq!(mark(&sessions, &run, &step("due")).await.unwrap(), "anew");
    })
    .await;
}

/// SES-8
#[tokio::test]
async fn what_is_due_and_not_entered_is_found_and_mended() {
    everywhere(|sessions| async move {
        let (run, one) = (session("run"), step("1"));
        sessions.store(new(&run, &one, "a").expires(in_hours(1))).await.unwrap();
        let forget = async || {
            for key in keys(sessions.as_store()).await.iter().filter(|key| key.contains(".holdall-due/")) {
                sessions.as_store().delete(key).await.unwrap();
            }
        };
        forget().await;
        assert_eq!(verify(&sessions, true).await, [(Fault::NotListed, true)]);
        assert_eq!(verify(&sessions, true).await, []);
        forget().await;
        assert!(sweep(&sessions, hours(2)).await.is_empty());
        let later = sessions.clone().with_clock(ahead(hours(30)));
        assert_eq!(verify(&later, false).await, [(Fault::Expired, false)]);
        assert_eq!(verify(&later, true).await, [(Fault::Expired, true)]);
        assert_eq!(keys(sessions.as_store()).await, [""; 0]);
    })
    .await;
}

/// SES-8, SES-7: what had expired is deleted, and told apart.
#[tokio::test]
async fn an_expired_step_is_deleted_by_hand_too() {
    everywhere(|sessions| async move {
        let (run, one) = (session("run"), step("1"));
        sessions.store(new(&run, &one, "a").expires(in_hours(1))).await.unwrap();
        let later = sessions.clone().with_clock(ahead(hours(2)));
        assert!(later.delete(&run, &one).await.unwrap().finished);
        assert_eq!(later.delete(&run, &one).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert!(sweep(&sessions, hours(2)).await.is_empty());
        let left = keys(sessions.as_store()).await;
        assert!(!left.iter().any(|key| key.starts_with("sessions/run/")), "{left:?}");
    })
    .await;
}

/// SES-8: steps and objects go by one call.
#[tokio::test]
async fn everything_that_has_expired_goes_by_one_call() {
    let store = Store::memory();
    let settings = holdall::Settings::default();
    let soon = SystemTime::now() + Duration::from_millis(100);
    let options = holdall::PutOptions { expires: Some(soon), ..Default::default() };
    store.put_with("draft", "x", &options).await.unwrap();
    let sessions = Sessions::open(&store, &settings).unwrap();
    sessions.store(new(&session("run"), &step("1"), "a").expires(soon)).await.unwrap();
    // Moments of objects are rounded up to the second.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let options = SweepOptions { grace: Duration::ZERO, dry_run: false };
    let swept = holdall::sweep(&store, &settings, &options, &mut |_| ()).await.unwrap();
    assert_eq!((swept.steps.deleted, swept.objects.deleted, swept.failed()), (1, 1, 0));
    let left = keys(&store).await;
    assert!(left.iter().all(|key| key.contains(".holdall-due/")), "{left:?}");
}

/// SES-8
#[tokio::test]
async fn what_cannot_be_swept_is_told_and_goes_the_next_time() {
    let world = World::new();
    let sessions = world.machine("one");
    let run = session("run");
    for n in 0..3 {
        let step = step(&n.to_string());
        sessions.store(new(&run, &step, "x").expires(in_hours(1))).await.unwrap();
    }
    let denied = Rule::new(Broken::refuse(403, "AccessDenied")).on(Kind::DeleteObject).key("/1/step.json");
    world.server.add_rule(denied);
    let later = sessions.clone().with_clock(ahead(hours(2)));
    let options = SweepOptions::default();
    let swept = later.sweep(&options, &mut |_| ()).await.unwrap();
    assert_eq!((swept.deleted, swept.failed), (2, 1));
    assert_eq!(mark(&sessions, &run, &step("1")).await.unwrap(), "x", "it is there, whole");
    world.up();
    world.server.add_rule(Rule::new(Broken::refuse(403, "AccessDenied")).on(Kind::DeleteObjects));
    let swept = later.sweep(&options, &mut |_| ()).await.unwrap();
    assert_eq!((swept.deleted, swept.failed), (0, 1));
    assert_eq!(sessions.describe(&run, &step("1")).await.unwrap_err().kind(), ErrorKind::NotFound);
    world.up();
    assert_eq!(later.sweep(&options, &mut |_| ()).await.unwrap().failed, 0);
    assert!(!world.stored().iter().any(|key| key.starts_with("sessions/run/")), "{:?}", world.stored());
    world.down();
    assert_eq!(later.sweep(&options, &mut |_| ()).await.unwrap_err().kind(), ErrorKind::Unreachable);
}

/// SES-8, SES-6: what comes out of an outbox after its moment is not there, and goes.
#[tokio::test]
async fn a_step_that_comes_after_its_moment_is_not_there_and_is_swept() {
    let world = World::new();
    let one = world.machine("one");
    let two = world.machine_with("two", |settings| settings.write = WriteMode::Behind);
    let (run, first) = (session("run"), step("1"));
    one.store(new(&run, &first, "a").expires(in_hours(1))).await.unwrap();
    two.store(new(&run, &first, "late").expires(in_hours(2))).await.unwrap();
    assert_eq!(sweep(&one, hours(24 * 9)).await.len(), 1);
    world.drain("two").await.unwrap();
    assert!(world.stored().iter().any(|key| key == "sessions/run/1/step.json"), "it came");
    let later = one.clone().with_clock(ahead(hours(24 * 9)));
    assert_eq!(later.describe(&run, &first).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(names(&later, &run).await, [""; 0]);
    assert_eq!(sweep(&one, hours(24 * 9)).await.len(), 1);
    let left = world.stored();
    assert!(!left.iter().any(|key| key.starts_with("sessions/run/")), "{left:?}");
    // What comes without a moment is there, as if it had come before.
    two.store(NewStep::new(&run, &first).html("stays")).await.unwrap();
    one.store(new(&run, &first, "b").expires(in_hours(1))).await.unwrap();
    assert_eq!(sweep(&one, hours(2)).await.len(), 1);
    world.drain("two").await.unwrap();
    assert_eq!(one.retrieve(&run, &first).await.unwrap().html().unwrap(), "stays");
}

/// SES-8, SES-6
#[tokio::test]
async fn kept_copies_expire_with_their_step_and_go_with_the_sweep() {
    let world = World::new();
    let sessions = world.machine_with("one", |settings| settings.local_copy = holdall::LocalCopy::Keep);
    let (run, first) = (session("run"), step("1"));
    sessions.store(new(&run, &first, "a").expires(in_hours(1))).await.unwrap();
    world.down();
    assert_eq!(mark(&sessions, &run, &first).await.unwrap(), "a");
    let later = sessions.clone().with_clock(ahead(hours(2)));
    let unknown = later.describe(&run, &first).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::Unreachable, "others may have stored it since: {unknown}");
    world.up();
    assert_eq!(sweep(&sessions, hours(2)).await.len(), 1);
    world.down();
    assert_eq!(sessions.describe(&run, &first).await.unwrap_err().kind(), ErrorKind::Unreachable);
    let kept = walk(&world.dir.path().join("one/kept"));
    assert!(!kept.iter().any(|path| path.contains("/run/1/")), "{kept:?}");
}

/// The files below a folder.
fn walk(dir: &std::path::Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(walk(&path)),
            false => files.push(path.display().to_string()),
        }
    }
    files
}
