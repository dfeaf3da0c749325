use super::*;
use crate::Attributes;
use std::time::UNIX_EPOCH;

const DAY: Duration = Duration::from_secs(86_400);

fn at(day: u32) -> SystemTime {
    UNIX_EPOCH + DAY * day
}

fn policy(rules: &[&str]) -> Policy {
    let rule =
        |(n, fields): (usize, &&str)| format!("[[rule]]\nname = \"r{n}\"\nprefix = \"p/\"\n{fields}\n");
    Policy::parse(&rules.iter().enumerate().map(rule).collect::<String>()).unwrap()
}

/// An object that was written on day 100.
fn object(key: &str, class: Option<&str>) -> Metadata {
    let attributes = Attributes { storage_class: class.map(str::to_owned), ..Attributes::default() };
    Metadata { last_modified: Some(at(100)), attributes, ..Metadata::bare(Key::listed(key)) }
}

fn chosen(rules: &[&str], object: &Metadata, day: u32, tags: Option<&[(String, String)]>) -> String {
    let policy = policy(rules);
    match choose(fits(&policy, &Kept::default(), object, at(day)), tags, object) {
        Choice::Stays => "stays".to_owned(),
        Choice::AskTags(_) => "tags".to_owned(),
        Choice::Act(fit) => format!("{} {}", fit.rule.name, fit.action.as_str()),
    }
}

#[test]
fn top_12_an_object_goes_when_it_is_old_enough_and_not_before() {
    let rules = ["expire_after = \"30d\""];
    for (day, wanted) in [(100, "stays"), (129, "stays"), (130, "r0 expire"), (999, "r0 expire")] {
        assert_eq!(chosen(&rules, &object("p/a", None), day, None), wanted, "{day}");
    }
    assert_eq!(chosen(&rules, &object("q/a", None), 999, None), "stays");
    let dateless = Metadata { last_modified: None, ..object("p/a", None) };
    assert_eq!(chosen(&rules, &dateless, 999, None), "stays");
}

#[test]
fn top_12_what_is_holdalls_own_is_never_taken() {
    let all = "[[rule]]\nname = \"all\"\nprefix = \"\"\nexpire_after = \"1d\"\n";
    let policy = Policy::parse(all).unwrap();
    for (key, own) in [
        (".holdall/due/2026-01-02/0", true),
        ("runs/.holdall-deleted/7/1.json", true),
        ("runs/7/.holdall-index/0", true),
        ("runs/.holdallx/a", false),
        ("runs/7/a", false),
    ] {
        assert_eq!(is_own(key), own, "{key}");
        let fits = fits(&policy, &Kept::default(), &object(key, None), at(999));
        assert_eq!(fits.is_empty(), own, "{key}");
    }
}

#[test]
fn top_12_the_earliest_deletion_wins_and_a_deletion_wins_over_a_move() {
    let there = object("p/a", None);
    let moved = "transition_after = \"1d\"\nstorage_class = \"COLD\"";
    let table: [(&[&str], &str); 4] = [
        (&["expire_after = \"9d\"", "expire_after = \"3d\""], "r1 expire"),
        (&[moved, "expire_after = \"9d\""], "r1 expire"),
        (&[moved, "expire_after = \"999d\""], "r0 transition"),
        (&["keep_last = 1", "expire_after = \"9d\""], "r0 keep_last"),
    ];
    for (rules, wanted) in table {
        assert_eq!(chosen(rules, &there, 200, None), wanted, "{rules:?}");
    }
}

#[test]
fn an_object_is_in_the_class_of_its_age_and_moves_once() {
    let rules = [
        "transition_after = \"90d\"\nstorage_class = \"COLD\"",
        "transition_after = \"30d\"\nstorage_class = \"COOL\"",
    ];
    let table = [
        (None, 120, "stays"),
        (None, 140, "r1 transition"),
        (None, 200, "r0 transition"),
        (Some("STANDARD"), 200, "r0 transition"),
        (Some("COOL"), 140, "stays"),
        (Some("COOL"), 200, "r0 transition"),
        (Some("COLD"), 200, "stays"),
    ];
    for (class, day, wanted) in table {
        assert_eq!(chosen(&rules, &object("p/a", class), day, None), wanted, "{class:?} {day}");
    }
    let standard = ["transition_after = \"1d\"\nstorage_class = \"STANDARD\""];
    assert_eq!(chosen(&standard, &object("p/a", None), 200, None), "stays");
}

#[test]
fn top_12_tags_are_asked_for_only_where_they_decide() {
    let tagged = "expire_after = \"3d\"\ntags = { kind = \"frame\", keep = \"no\" }";
    let tags = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let there = object("p/a", None);
    let asked = |day, tags: Option<&[(String, String)]>| chosen(&[tagged], &there, day, tags);
    assert_eq!(asked(101, None), "stays");
    assert_eq!(asked(200, None), "tags");
    let all = tags(&[("keep", "no"), ("more", "x"), ("kind", "frame")]);
    assert_eq!(asked(200, Some(&all)), "r0 expire");
    for other in [tags(&[]), tags(&[("kind", "frame")]), tags(&[("kind", "frame"), ("keep", "yes")])] {
        assert_eq!(asked(200, Some(&other)), "stays", "{other:?}");
    }
    // Without tags a rule that was due later is the one, and one that was due before makes them needless.
    let later = [tagged, "expire_after = \"9d\""];
    assert_eq!(chosen(&later, &there, 200, Some(&[])), "r1 expire");
    let before = [tagged, "expire_after = \"1d\""];
    assert_eq!(chosen(&before, &there, 200, None), "r1 expire");
}
