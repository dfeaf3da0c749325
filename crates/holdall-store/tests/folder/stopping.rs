//! A process that is stopped while it holds a lock.

use crate::Case;
use crate::deeds::perform;
use crate::ground::{Ground, Ran, head_note, kind, noted, read, run};
use crate::servant::Servant;
use crate::tracing::Watch;
use crate::worker::this_program;
use holdall_store::{ErrorKind, Key};
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;

pub(crate) const CASES: &[Case] = &[
    ("stopping::who_is_stopped_holds_up_only_his_key", only_his_key),
    ("stopping::who_is_killed_holds_up_nobody", killed),
    ("stopping::who_is_stopped_for_long_is_waited_for_in_vain", in_vain),
];

/// The key that the stopped process replaces.
const KEY: &str = "d/light";

/// A process that was stopped in the middle of naming an object, with the lock of its key.
struct Stopped {
    servant: Servant,
    watch: Option<Watch>,
}

impl Stopped {
    fn at(ground: &Ground) -> Result<Self, crate::ground::Skip> {
        run(async { crate::deeds::prepare("replace", &ground.store()).await.unwrap() });
        let mut servant = Servant::start(&mut this_program())?;
        // The object is written and has a name in `.holdall/tmp/`; what is left is to put it in the place of the old one.
        let watch = Watch::start(&servant, "linkat", &["linkat:signal=SIGSTOP:when=1".to_owned()])?;
        servant.ask("replace", &ground.root());
        // The other thread is not watched: it stops only when all do.
        while !servant.main_status("State").starts_with('T') {
            std::thread::yield_now();
        }
        Ok(Self { servant, watch: Some(watch) })
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(i32::try_from(self.servant.id()).unwrap()).unwrap(), signal).unwrap();
    }
}

/// Uses everything but the key that somebody holds.
async fn use_others(ground: &Ground) {
    let store = ground.store();
    assert_eq!(head_note(&store, KEY).await.as_deref(), Some("old"), "readers wait for nobody");
    assert_eq!(crate::ground::keys(&store, "").await.len(), 3);
    for deed in ["replace heavy", "replace odd heavy", "put new"] {
        perform(deed, &store).await.unwrap();
    }
}

fn only_his_key() -> Ran {
    let ground = Ground::new();
    let mut stopped = Stopped::at(&ground)?;
    run(async {
        use_others(&ground).await;
        let store = ground.store();
        let waiting = tokio::spawn(async move { store.put_with(KEY, "later", &noted("later")).await });
        assert_eq!(head_note(&ground.store(), KEY).await.as_deref(), Some("old"));
        assert!(!waiting.is_finished());
        stopped.watch = None;
        stopped.signal(Signal::CONT);
        assert!(stopped.servant.answer().is_ok());
        waiting.await.unwrap().unwrap();
        assert_eq!(head_note(&ground.store(), KEY).await.as_deref(), Some("later"));
    });
    Ok(())
}

fn killed() -> Ran {
    let ground = Ground::new();
    let stopped = Stopped::at(&ground)?;
    run(use_others(&ground));
    drop(stopped);
    run(async {
        let store = ground.store();
        assert_eq!(read(&store, KEY).await.unwrap(), b"old light", "what was not done was not done");
        store.put_with(KEY, "later", &noted("later")).await.unwrap();
        assert_eq!(head_note(&store, KEY).await.as_deref(), Some("later"));
        assert_eq!(crate::ground::keys(&store, "").await.len(), 4, "nothing else can be seen");
        let left = std::fs::read_dir(ground.path(".holdall/tmp")).unwrap().count();
        assert_eq!(left, 1, "what the dead one was about to name");
    });
    Ok(())
}

fn in_vain() -> Ran {
    if !crate::is_long() {
        return Err(crate::ground::Skip("it takes a minute: HOLDALL_TEST_LONG=1".into()));
    }
    let ground = Ground::new();
    let mut stopped = Stopped::at(&ground)?;
    run(async {
        let store = ground.store();
        // Each waits for a minute; they do not wait for each other.
        let in_time = Duration::from_secs(180);
        let puts = (0..6).map(|_| store.put(KEY, "never"));
        let (puts, deleted) = tokio::time::timeout(in_time, async {
            tokio::join!(futures_util::future::join_all(puts), store.delete_many([Key::parse(KEY).unwrap()]))
        })
        .await
        .expect("nobody waits for ever");
        assert!(puts.iter().all(|put| kind(put) == Some(ErrorKind::Timeout)));
        assert_eq!(deleted[0].error.kind(), ErrorKind::Timeout);
        assert_eq!(read(&store, KEY).await.unwrap(), b"old light");
        stopped.watch = None;
        stopped.signal(Signal::CONT);
        assert!(stopped.servant.answer().is_ok());
        assert_eq!(head_note(&store, KEY).await.as_deref(), Some("new"));
        store.put_with(KEY, "later", &noted("later")).await.unwrap();
    });
    Ok(())
}
