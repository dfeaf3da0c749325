//! Kills a process at a call that changes the disk, has another one do the same work again, and then cuts the power.

use crate::check::{check, goes_on};
use crate::child::Work;
use crate::disk::{Cuts, Event, Recorder, explore};
use crate::history::History;
use crate::points::{Labelled, points};
use crate::promise::OfStore;
use crate::run::{is_long, runtime, seed};
use crate::scene::Scene;
use crate::trace::{Call, trace};
use holdall_store::Fsync;
use holdall_testing::random::Random;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

/// How often a process was killed at each kind of point, in all scenes.
static KILLED: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

/// Kills at every point of a scene; in the short run at one of each kind, and at some others.
pub(crate) fn run(scene: &'static Scene) -> Result<(), String> {
    let base = tempfile::tempdir().unwrap();
    let calls = trace(&Work::Whole(scene), &base.path().join(scene.place), None)?;
    let mut recorder = Recorder::new(base.path());
    recorder.follow(&calls)?;
    let all = points(scene, &recorder, &calls);
    let chosen = choose(&all, &mut Random::named(seed(), scene.name));
    let mut cuts = Cuts::default();
    for (Labelled { point, label }, index) in &chosen {
        let tried =
            one(scene, &all[*index]).map_err(|why| format!("killed at {label} ({point:?}): {why}"))?;
        cuts.add(tried);
        *KILLED.lock().unwrap().entry(label.clone()).or_default() += 1;
    }
    println!("boundaries, {}: killed at {} of {} points, then {cuts:?}", scene.name, chosen.len(), all.len());
    if chosen.is_empty() { Err("there is no point to kill at".to_owned()) } else { Ok(()) }
}

/// Prints where processes were killed.
pub(crate) fn report() {
    let killed = KILLED.lock().unwrap();
    if killed.is_empty() {
        return;
    }
    println!("killed before a call, by what it is there for:");
    killed.iter().for_each(|(label, count)| println!("  {count:5} {label}"));
    println!("  {:5} in all", killed.values().sum::<usize>());
}

fn choose(all: &[Labelled], random: &mut Random) -> Vec<(Labelled, usize)> {
    let mut kinds = BTreeSet::new();
    let mut wanted = |point: &Labelled| {
        kinds.insert(point.label.clone()) || is_long() || random.number().is_multiple_of(16)
    };
    all.iter()
        .enumerate()
        .filter(|(_, point)| wanted(point))
        .map(|(index, point)| (point.clone(), index))
        .collect()
}

fn one(scene: &'static Scene, Labelled { point, .. }: &Labelled) -> Result<Cuts, String> {
    let base = tempfile::tempdir().unwrap();
    let store = base.path().join(scene.place);
    let killed = trace(&Work::Whole(scene), &store, Some(point))?;
    demand_hit(&killed, point)?;
    let mut recorder = Recorder::new(base.path());
    recorder.follow(&killed)?;
    let after_kill = recorder.events().len();
    look(scene, &store, recorder.events(), false)?;
    recorder.follow(&trace(&Work::Again(scene), &store, None)?)?;
    look(scene, &store, recorder.events(), true)?;
    // Whatever the first process left half done, the second one acknowledges nothing that the disk may lose.
    let is_end = |event: &Event| matches!(event, Event::Said(said) if said.is_end());
    explore(
        &mut OfStore::new(scene),
        recorder.events(),
        |index, event| index >= after_kill && is_end(event),
        seed(),
    )
    .map_err(|why| format!("and the play was played again: {why}"))
}

/// The process was killed at the call that was named, and nowhere else.
fn demand_hit(calls: &[Call], point: &crate::trace::Point) -> Result<(), String> {
    let hit = |call: &Call| {
        let before = calls.iter().filter(|c| c.thread == call.thread && c.name == call.name).count();
        call.answer.is_none() && call.name == point.call && before == point.nth
    };
    if calls.iter().any(hit) { Ok(()) } else { Err("the kill went elsewhere".to_owned()) }
}

/// Looks at what is really there, and at the end also whether it can be written to.
fn look(scene: &Scene, store: &Path, events: &[Event], last: bool) -> Result<(), String> {
    let mut history = History::default();
    for event in events {
        if let Event::Said(said) = event {
            history.hear(said, |id| scene.operation(id));
        }
    }
    runtime().block_on(async {
        check(store, &history).await?;
        if last { goes_on(store, history.keys(), Fsync::None).await } else { Ok(()) }
    })
}
