//! Steps and sessions that expire, and sweeps.

use crate::world::{World, ahead, everywhere, hours, in_hours, keys, mark, new, session, step, sweep};
use holdall::session::{
    Fault, Finding, NewStep, Sessions, SessionsOptions, StepEntry, StepsOptions, VerifyOptions,
};
use holdall::{ErrorKind, ReadFrom, SessionId, State, Store, SweepOptions, WriteMode};
use holdall_testing::fault::{Fault as Broken, Kind, Rule};
use std::time::{Duration, SystemTime};

const NEVER: Option<SystemTime> = None;

/// What is listed: by the index alone and with a look at each marker, which has to be the same.
async fn listed(sessions: &Sessions, run: &SessionId) -> Vec<StepEntry> {
    let options = StepsOptions::default();
    let bare = sessions.steps(run, &options).await.unwrap().steps;
    let checked = sessions.steps(run, &StepsOptions { check: true, ..options }).await.unwrap().steps;
    let names = |entries: &[StepEntry]| -> Vec<_> {
        entries.iter().map(|entry| (entry.step.clone(), entry.time, entry.expires)).collect()
    };
    assert_eq!(names(&bare), names(&checked));
    assert!(checked.iter().all(|entry| entry.marker.as_ref().unwrap().expires == entry.expires));
    bare
}

async fn names(sessions: &Sessions, run: &SessionId) -> Vec<String> {
    listed(sessions, run).await.into_iter().map(|entry| entry.step.as_str().to_owned()).collect()
}

async fn faults(sessions: &Sessions, mend: bool) -> Vec<(Fault, bool)> {
    let mut faults = Vec::new();
    let options = VerifyOptions { mend, ..VerifyOptions::default() };
    let told = |finding: Finding| faults.push((finding.fault, finding.mended));
    sessions.verify(&session("run"), &options, told).await.unwrap();
    faults
}

/// SES-8
#[tokio::test]
async fn a_step_is_not_there_from_its_moment_on_whoever_asks_how() {
    everywhere(|sessions| async move {
        let (run, one, two) = (session("run"), step("1"), step("2"));
        let stored = sessions.store(new(&run, &one, "a").expires(in_hours(1))).await.unwrap();
        sessions.store(new(&run, &two, "b")).await.unwrap();
        assert!(stored.step.expires.unwrap() > in_hours(0));
        assert_eq!(mark(&sessions, &run, &one).await.unwrap(), "a");
        assert_eq!(names(&sessions, &run).await.len(), 2);
        let later = sessions.clone().with_clock(ahead(hours(2)));
        for error in [
            later.describe(&run, &one).await.map(drop).unwrap_err(),
            mark(&later, &run, &one).await.map(drop).unwrap_err(),
            later.copy((&run, &one), (&run, &step("3"))).await.map(drop).unwrap_err(),
            later.set_expiration(&run, &one, NEVER).await.map(drop).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        }
        assert_eq!(names(&later, &run).await, ["2"]);
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(later.export_to_folder(&run, None, dir.path()).await.unwrap().steps, 1);
        assert_eq!(faults(&later, true).await, [], "a sweep is to come");
        // A session of which every step has expired is none.
        later.delete(&run, &two).await.unwrap();
        assert_eq!(later.list(&SessionsOptions::default()).await.unwrap().sessions, []);
        assert_eq!(sessions.list(&SessionsOptions::default()).await.unwrap().sessions, [run.clone()]);
        let gone = later.set_session_expiration(&run, NEVER).await.unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound);
        // By the system's clock it is there still.
        assert_eq!(mark(&sessions, &run, &one).await.unwrap(), "a");
    })
    .await;
}

/// SES-8
#[tokio::test]
async fn a_step_is_given_a_moment_another_one_and_none() {
    everywhere(|sessions| async move {
        let (run, one) = (session("run"), step("1"));
        let before = sessions.store(new(&run, &one, "a")).await.unwrap().step;
        for moment in [Some(in_hours(1)), Some(in_hours(1)), Some(in_hours(100)), NEVER, NEVER] {
            let receipt = sessions.set_expiration(&run, &one, moment).await.unwrap();
            assert_eq!((receipt.state, receipt.leftovers.len()), (State::Stored, 0));
            let now = sessions.describe(&run, &one).await.unwrap();
            assert!(now.expires >= moment && now.expires.is_some() == moment.is_some());
            assert_eq!((&now.parts, now.time, now.stored), (&before.parts, before.time, before.stored));
            assert_eq!(mark(&sessions, &run, &one).await.unwrap(), "a");
            let entries = listed(&sessions, &run).await;
            assert_eq!(entries.len(), 1);
            assert_eq!((entries[0].time, entries[0].expires), (before.time, now.expires));
            let index = keys(sessions.as_store()).await;
            let index = index.iter().filter(|key| key.contains(".holdall-index/")).count();
            assert_eq!((index, faults(&sessions, false).await), (1, vec![]));
        }
        // Nothing is due by what was given and taken back.
        assert!(sweep(&sessions, hours(500)).await.is_empty());
        assert_eq!(mark(&sessions, &run, &one).await.unwrap(), "a");
    })
    .await;
}

/// SES-8: what is stored again has the moment that it is given, or none; what is copied has its source's.
#[tokio::test]
async fn a_step_that_is_stored_again_has_a_new_moment_or_none_and_a_copy_has_its_sources() {
    everywhere(|sessions| async move {
        let (run, one, two) = (session("run"), step("1"), step("2"));
        sessions.store(new(&run, &one, "a").expires(in_hours(1))).await.unwrap();
        let copy = sessions.copy((&run, &one), (&run, &two)).await.unwrap().step;
        assert_eq!(copy.expires, sessions.describe(&run, &one).await.unwrap().expires);
        sessions.store(new(&run, &one, "b").expires(in_hours(9))).await.unwrap();
        assert!(sessions.describe(&run, &one).await.unwrap().expires > Some(in_hours(8)));
        sessions.store(new(&run, &one, "c")).await.unwrap();
        assert_eq!(sessions.describe(&run, &one).await.unwrap().expires, None);
        assert_eq!(sweep(&sessions, hours(20)).await, ["sessions/run/2/step.json"]);
        assert_eq!(names(&sessions, &run).await, ["1"]);
        // What had expired is stored anew as if it had never been there, and its old parts go in time.
        sessions.set_expiration(&run, &one, Some(in_hours(1))).await.unwrap();
        let later = sessions.clone().with_clock(ahead(hours(2)));
        let anew = later.store(new(&run, &one, "d")).await.unwrap().step;
        assert!(anew.time > in_hours(1));
        assert_eq!(mark(&later, &run, &one).await.unwrap(), "d");
        assert_eq!(names(&later, &run).await, ["1"]);
        let parts = keys(sessions.as_store()).await;
        assert_eq!(parts.iter().filter(|key| key.ends_with("page.html")).count(), 2, "{parts:?}");
    })
    .await;
}

/// SES-8
#[tokio::test]
async fn a_session_expires_with_every_step_that_is_there_and_what_comes_later_does_not() {
    everywhere(|sessions| async move {
        let run = session("run");
        for n in 0..40 {
            sessions.store(new(&run, &step(&n.to_string()), "x")).await.unwrap();
        }
        sessions.store(new(&session("run-2"), &step("1"), "x")).await.unwrap();
        let set = sessions.set_session_expiration(&run, Some(in_hours(1))).await.unwrap();
        assert_eq!((set.steps, set.failures.len(), set.left.len(), set.state), (40, 0, 0, State::Stored));
        sessions.store(new(&run, &step("later"), "y")).await.unwrap();
        let later = sessions.clone().with_clock(ahead(hours(2)));
        assert_eq!(names(&later, &run).await, ["later"]);
        assert_eq!(sweep(&sessions, hours(2)).await.len(), 40);
        assert_eq!(names(&sessions, &run).await, ["later"]);
        let left = keys(sessions.as_store()).await;
        assert_eq!(left.iter().filter(|key| key.ends_with("page.html")).count(), 2, "{left:?}");
        let none = sessions.set_session_expiration(&session("none"), NEVER).await.unwrap_err();
        assert_eq!(none.kind(), ErrorKind::NotFound);
    })
    .await;
}

/// SES-8, SES-10
#[tokio::test]
async fn a_moment_that_has_passed_or_never_comes_is_refused_and_changes_nothing() {
    everywhere(|sessions| async move {
        let (run, one) = (session("run"), step("1"));
        sessions.store(new(&run, &one, "a")).await.unwrap();
        let before = keys(sessions.as_store()).await;
        let late = SystemTime::UNIX_EPOCH + Duration::from_secs(300_000_000_000);
        for moment in [SystemTime::UNIX_EPOCH, SystemTime::now() - Duration::from_secs(1), late] {
            for error in [
                sessions.store(new(&run, &one, "b").expires(moment)).await.map(drop).unwrap_err(),
                sessions.set_expiration(&run, &one, Some(moment)).await.map(drop).unwrap_err(),
                sessions.set_session_expiration(&run, Some(moment)).await.map(drop).unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                let said = error.to_string();
                assert!(said.contains("expire") && said.contains("run"), "{said}");
            }
        }
        assert_eq!(keys(sessions.as_store()).await, before);
        assert_eq!(mark(&sessions, &run, &one).await.unwrap(), "a");
        let missing = sessions.set_expiration(&run, &step("2"), NEVER).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    })
    .await;
}

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
        sessions.set_expiration(&run, &step("cleared"), NEVER).await.unwrap();
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
        assert_eq!(faults(&sessions, true).await, [(Fault::NotListed, true)]);
        assert_eq!(faults(&sessions, true).await, []);
        forget().await;
        assert!(sweep(&sessions, hours(2)).await.is_empty());
        let later = sessions.clone().with_clock(ahead(hours(30)));
        assert_eq!(faults(&later, false).await, [(Fault::Expired, false)]);
        assert_eq!(faults(&later, true).await, [(Fault::Expired, true)]);
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

/// SES-8, SES-6: a moment does not wait for a store that is away, unless its step does.
#[tokio::test]
async fn a_moment_is_refused_while_the_store_is_away_and_waits_with_a_step_that_waits() {
    let world = World::new();
    let sessions = world.machine_with("one", |settings| settings.local_copy = holdall::LocalCopy::Keep);
    let (run, one, two) = (session("run"), step("1"), step("2"));
    sessions.store(new(&run, &one, "a")).await.unwrap();
    let before = world.stored();
    world.down();
    let refused = sessions.set_expiration(&run, &one, Some(in_hours(1))).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unreachable, "{refused}");
    let refused = sessions.set_session_expiration(&run, Some(in_hours(1))).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unreachable, "{refused}");
    sessions.store(new(&run, &two, "b")).await.unwrap();
    let receipt = sessions.set_expiration(&run, &two, Some(in_hours(1))).await.unwrap();
    assert_eq!(receipt.state, State::Queued);
    let described = sessions.describe(&run, &two).await.unwrap();
    assert_eq!((described.read_from, described.expires), (ReadFrom::Outbox, receipt.step.expires));
    world.up();
    assert_eq!(world.stored(), before);
    world.drain("one").await.unwrap();
    let other = world.machine("other");
    assert_eq!(other.describe(&run, &two).await.unwrap().expires, receipt.step.expires);
    assert_eq!(other.describe(&run, &one).await.unwrap().expires, None);
    assert_eq!(listed(&other, &run).await.len(), 2);
    assert_eq!(sweep(&other, hours(2)).await, ["sessions/run/2/step.json"]);
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
