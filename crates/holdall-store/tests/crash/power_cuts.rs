//! Records what the store does to the disk, and cuts the power at every moment of it.

use crate::child::{Said, Work};
use crate::disk::{Event, Recorder, explore};
use crate::promise::OfStore;
use crate::run::seed;
use crate::scene::Scene;
use crate::trace::trace;

/// What a process did in a scene, and where its play began.
pub(crate) struct Recording {
    pub(crate) events: Vec<Event>,
    pub(crate) from: usize,
}

/// Plays a scene on an empty folder.
///
/// # Errors
///
/// Says what kept it from being played to the end.
pub(crate) fn record(scene: &'static Scene) -> Result<Recording, String> {
    let base = tempfile::tempdir().unwrap();
    let calls = trace(&Work::Whole(scene), &base.path().join(scene.place), None)?;
    let mut recorder = Recorder::new(base.path());
    recorder.follow(&calls)?;
    let events = recorder.events().to_vec();
    let first = Event::Said(Said::Begin(scene.prepared() as u64));
    let from = events.iter().position(|event| *event == first).ok_or("the play does not begin")?;
    let ended = events.iter().filter(|event| matches!(event, Event::Said(Said::End(..)))).count();
    match scene.whole().len() {
        all if all == ended => Ok(Recording { events, from }),
        all => Err(format!("{ended} of {all} operations ended")),
    }
}

/// Nothing that was acknowledged is lost, whenever the power is cut.
pub(crate) fn run(scene: &'static Scene) -> Result<(), String> {
    let Recording { events, from } = record(scene)?;
    let cuts = explore(&mut OfStore::new(scene), &events, |index, _| index >= from, seed())?;
    println!("power cuts, {}: {cuts:?} of {} events", scene.name, events.len());
    if cuts.opened == 0 { Err("nothing was tried".to_owned()) } else { Ok(()) }
}
