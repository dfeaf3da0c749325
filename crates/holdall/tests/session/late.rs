//! Steps that are stored in an outage, by processes that are killed, while others delete or sweep them: whoever sends what
//! waited, killed again and again, brings nothing back.

use crate::damage::verify;
use crate::killing::Place;
use crate::kills::{kills, look, nothing_stays};
use crate::world::{World, ahead, hours, in_hours, mark, new, session, step, sweep};
use holdall::session::{Fault, Sessions, StepsOptions};
use holdall_testing::random::{Random, seed_from_env};

const MACHINE: &str = "away";

/// A server that goes away, and how often something came after its step had gone.
struct Late<'a> {
    place: &'a Place,
    random: Random,
    came: u64,
}

impl Late<'_> {
    fn world(&self) -> &World {
        self.place.world()
    }

    /// While the server is away to all, a machine stores the step again and again and is killed.
    async fn outage(&mut self, deed: &str, round: u64) {
        self.world().down();
        let (waiting, child) = (self.random.number() % 4, self.place.spawn_on(MACHINE, deed, round * 1000));
        self.place.kill_when(waiting, child, &mut self.random).await;
        self.world().up();
    }

    /// Sends what waits by processes that are killed, and at last by one that is not.
    async fn send(&mut self) {
        for _ in 0..2 {
            let child = self.place.spawn_on(MACHINE, "drain", 0);
            self.place.kill(child, &mut self.random).await;
        }
        let sent = self.place.spawn_on(MACHINE, "drain", 0).wait().unwrap();
        assert!(sent.success(), "{sent}");
        self.came += u64::from(self.world().stored().iter().any(|key| key == "sessions/run/1/step.json"));
    }
}

async fn listed(sessions: &Sessions) -> usize {
    let options = StepsOptions { check: true, ..StepsOptions::default() };
    sessions.steps(&session("run"), &options).await.unwrap().steps.len()
}

async fn again_and_again(name: &str, round: impl AsyncFn(&mut Late<'_>, &Sessions, u64)) {
    let seed = seed_from_env("HOLDALL_TEST_SEED").unwrap();
    println!("HOLDALL_TEST_SEED={seed}");
    let place = Place::server();
    let sessions = place.open();
    let mut late = Late { place: &place, random: Random::named(seed, name), came: 0 };
    for n in 1..=kills() / 4 {
        round(&mut late, &sessions, n).await;
    }
    println!("{} of {} came late", late.came, kills() / 4);
    assert!(late.came > 0, "nothing ever came, which shows nothing");
    nothing_stays(&sessions).await;
}

/// SES-6, SES-7: what was stored in an outage before the step was deleted is not there when it comes, whoever is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_was_deleted_is_not_brought_back_by_what_an_outage_left() {
    again_and_again("late deletion", async |late, sessions, n| {
        let (run, one) = (session("run"), step("1"));
        sessions.store(new(&run, &one, "0")).await.unwrap();
        late.outage("store", n).await;
        sessions.delete(&run, &one).await.unwrap();
        late.send().await;
        assert_eq!((look(sessions).await, listed(sessions).await), (None, 0));
        assert_eq!(look(&late.place.open_on(MACHINE)).await, None);
        let found = verify(sessions, true).await;
        assert!(found.iter().all(|one| *one == (Fault::Late, true)), "{found:?}");
        assert!(!late.world().stored().iter().any(|key| key.ends_with("/step.json")));
        // What is stored after the deletion is there.
        sessions.store(new(&run, &one, "0")).await.unwrap();
        assert_eq!(mark(sessions, &run, &one).await.unwrap(), "0");
    })
    .await;
}

/// SES-6, SES-8: what was stored in an outage with a moment that passes before it comes is not there either, and the next
/// sweep takes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_was_swept_is_not_brought_back_by_what_an_outage_left() {
    again_and_again("late sweep", async |late, sessions, n| {
        let (run, one) = (session("run"), step("1"));
        sessions.store(new(&run, &one, "0").expires(in_hours(1))).await.unwrap();
        late.outage("store to expire", n).await;
        assert_eq!(sweep(sessions, hours(2)).await.len(), 1);
        late.send().await;
        let later = sessions.clone().with_clock(ahead(hours(2)));
        assert_eq!((look(&later).await, listed(&later).await), (None, 0));
        sweep(sessions, hours(2)).await;
        // By a clock that is right as well: it is gone.
        assert_eq!((look(sessions).await, listed(sessions).await), (None, 0));
        let left = late.world().stored();
        assert!(!left.iter().any(|key| key.ends_with("/step.json") || key.contains(".holdall-deleted/")));
    })
    .await;
}
