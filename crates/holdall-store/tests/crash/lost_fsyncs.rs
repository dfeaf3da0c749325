//! The model of a disk is shown to find faults: it is told to ignore one kind of fsync after the other.

use crate::disk::{Class, Event, classes, explore};
use crate::power_cuts::{Recording, record};
use crate::promise::OfStore;
use crate::run::{records_overflow, seed};
use crate::scene::{SCENES, Scene};
use std::collections::BTreeMap;

/// Kinds whose loss must be found.
const NEEDED: [Class; 9] = [
    Class::Object,
    Class::ObjectName,
    Class::Removal,
    Class::Folder,
    Class::StoreFolder,
    Class::Sidecar,
    Class::SidecarName,
    Class::SidecarFolder,
    Class::Format,
];

/// Those that there are only where attributes are small.
const OF_SIDECARS: [Class; 3] = [Class::Sidecar, Class::SidecarName, Class::SidecarFolder];

/// Kinds whose loss is no loss, and why.
const NEEDLESS: [(Class, &str); 2] = [
    (Class::FormatName, "a store without the text is taken for one of the first version"),
    (Class::Nothing, "there was nothing to be fsynced"),
];

/// Scenes in which every kind occurs; big ones are not needed.
const PLAYED: [&str; 6] = ["first_put", "put_deep", "replace", "delete", "heavy", "heavy_again"];

pub(crate) fn run() -> Result<(), String> {
    let mut recordings = Vec::new();
    for scene in SCENES.iter().filter(|scene| PLAYED.contains(&scene.name)) {
        recordings.push((scene, record(scene)?));
    }
    let met = |class: &Class| records_overflow() || !OF_SIDECARS.contains(class);
    for class in NEEDED.into_iter().filter(met) {
        let (lost, found) = first_fault(&recordings, class);
        println!("lost fsyncs, {class:?}: {lost} in all, {}", found.as_deref().unwrap_or("no fault"));
        if lost == 0 || found.is_none() {
            return Err(format!("the loss of {lost} fsyncs of kind {class:?} is not found"));
        }
    }
    for (class, why) in NEEDLESS {
        let (lost, found) = first_fault(&recordings, class);
        println!("lost fsyncs, {class:?}: {lost} in all, no fault, since {why}");
        if let Some(found) = found {
            return Err(format!("the loss of fsyncs of kind {class:?} should be none: {found}"));
        }
    }
    Ok(())
}

/// How many fsyncs are of a kind, and the first scene and fault that their loss leads to.
fn first_fault(recordings: &[(&'static Scene, Recording)], class: Class) -> (usize, Option<String>) {
    let mut lost = 0;
    let mut found = None;
    for (scene, recording) in recordings {
        let classes = classes(&recording.events, scene.place);
        let (events, from) = without(recording, &classes, class);
        lost += recording.events.len() - events.len();
        if events.len() < recording.events.len() && found.is_none() {
            let told = explore(&mut OfStore::new(scene), &events, |index, _| index >= from, seed()).err();
            found =
                told.map(|why| format!("{}: {}", scene.name, why.lines().nth(1).unwrap_or_default().trim()));
        }
    }
    (lost, found)
}

fn without(recording: &Recording, classes: &BTreeMap<usize, Class>, class: Class) -> (Vec<Event>, usize) {
    let stays = |index: &usize| classes.get(index) != Some(&class);
    let events = recording.events.iter().enumerate().filter(|(index, _)| stays(index));
    (events.map(|(_, event)| event.clone()).collect(), (0..recording.from).filter(stays).count())
}
