//! Where a process can be killed: before every call by which it changes the disk or says that it did.

use crate::disk::{Event, Recorder, place_of};
use crate::scene::Scene;
use crate::trace::{Call, Point};

/// A point, and words for what the call is there for.
#[derive(Debug, Clone)]
pub(crate) struct Labelled {
    pub(crate) point: Point,
    pub(crate) label: String,
}

/// All points of a scene's play.
pub(crate) fn points(scene: &Scene, recorder: &Recorder, calls: &[Call]) -> Vec<Labelled> {
    let events = recorder.events();
    let begun = |event: &Event| matches!(event, Event::Said(said) if said.begins(scene.prepared() as u64));
    let from = events.iter().position(begun).unwrap_or(events.len());
    let later = recorder.changing().iter().filter(|(_, event)| *event > from);
    later.map(|(call, event)| labelled(scene, calls, *call, events, *event)).collect()
}

fn labelled(scene: &Scene, calls: &[Call], index: usize, events: &[Event], event: usize) -> Labelled {
    let call = &calls[index];
    let same = |other: &&Call| other.name == call.name && other.thread == call.thread;
    let nth = calls[..=index].iter().filter(same).count();
    let label = match &events[event] {
        Event::Said(said) if said.is_end() => "before it is acknowledged".to_owned(),
        Event::Said(_) => "before the next one begins".to_owned(),
        changing => format!("{} {}", call.name, place_of(events, changing, scene.place)),
    };
    Labelled { point: Point { call: call.name.clone(), nth }, label }
}
