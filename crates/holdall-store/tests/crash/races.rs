//! Processes at the same time, each stopped where it hurts most, and then the power is cut.

use crate::child::Work;
use crate::disk::{Cuts, Event, Recorder, explore};
use crate::promise::OfStore;
use crate::run::seed;
use crate::scene::Scene;
use crate::stopped::Stopped;
use crate::trace::{Point, trace};

const DELETES_Y: u64 = 3;
const DELETES_X: u64 = 4;
const PUTS: u64 = 5;

/// The folder of a deleted object is removed by another process, which fsynced it before the deletion and not after.
pub(crate) fn folder_removed() -> Result<(), String> {
    told("folder removed", delete_in_a_folder_that_goes(false)?)
}

/// The same, and a third process makes the folder again and is killed before it has fsynced that.
pub(crate) fn folder_removed_and_made() -> Result<(), String> {
    told("folder removed and made", delete_in_a_folder_that_goes(true)?)
}

fn told(name: &str, cuts: Cuts) -> Result<(), String> {
    println!("races, {name}: {cuts:?}");
    if cuts.opened == 0 { Err("nothing was tried".to_owned()) } else { Ok(()) }
}

fn point(call: &str, nth: usize) -> Point {
    Point { call: call.to_owned(), nth }
}

fn delete_in_a_folder_that_goes(made_again: bool) -> Result<Cuts, String> {
    let scene = Scene::named("race");
    let base = tempfile::tempdir().unwrap();
    let store = base.path().join(scene.place);
    let mut recorder = Recorder::new(base.path());
    for id in 0..DELETES_Y {
        recorder.follow(&trace(&Work::One(scene, id), &store, None)?)?;
    }
    let remover = Stopped::after(&Work::One(scene, DELETES_Y), &store, &point("fsync", 1))?;
    recorder.follow_part(1, &remover.calls()?)?;
    let deleter = Stopped::after(&Work::One(scene, DELETES_X), &store, &point("unlinkat", 1))?;
    recorder.follow_part(2, &deleter.calls()?)?;
    recorder.follow_part(1, &remover.go_on()?)?;
    if store.join("d").exists() {
        return Err("the folder was not removed: the race is another one".to_owned());
    }
    if made_again {
        recorder.follow_part(3, &trace(&Work::One(scene, PUTS), &store, Some(&point("fsync", 2)))?)?;
        if !store.join("d").exists() {
            return Err("the folder was not made again: the race is another one".to_owned());
        }
    }
    let from = recorder.events().len();
    recorder.follow_part(2, &deleter.go_on()?)?;
    let is_end = |event: &Event| matches!(event, Event::Said(said) if said.is_end());
    explore(
        &mut OfStore::new(scene),
        recorder.events(),
        |index, event| index >= from && is_end(event),
        seed(),
    )
}
