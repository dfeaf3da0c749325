use super::*;
use crate::Root;
use std::time::{Duration, UNIX_EPOCH};

const GOLDEN: &str = include_str!("../golden/step-1.json");

fn ids() -> (SessionId, StepId) {
    (SessionId::parse("run-7").unwrap(), StepId::parse("0003").unwrap())
}

fn layout() -> Layout {
    Layout(Root::parse("sessions").unwrap())
}

fn parsed(text: &str) -> Result<Step> {
    let (session, step) = ids();
    read(text.as_bytes(), (&session, &step), &layout(), ReadFrom::Store)
}

fn step() -> Step {
    let (session, step) = ids();
    let at = |millis| UNIX_EPOCH + Duration::from_millis(millis);
    let page = StepPart {
        key: layout().key(&session, "0003/20250102T030405678Z-00000000000000aa/page.html").unwrap(),
        size: 4,
        sha256: holdall_store::sha256(b"caf\xe9"),
        content_type: "text/html; charset=iso-8859-1".to_owned(),
        charset: Some("iso-8859-1".to_owned()),
        flags: vec![Flag::NotUtf8],
    };
    Step {
        session,
        step,
        time: at(1_735_787_045_678),
        stored: at(1_735_787_046_000),
        expires: None,
        generation: "20250102T030405678Z-00000000000000aa".to_owned(),
        parts: BTreeMap::from([(PartName::html(), page)]),
        read_from: ReadFrom::Store,
        waited: true,
        superseded: vec![Superseded {
            at: at(1_735_787_046_000),
            keys: vec!["0003/old/page.html".to_owned()],
        }],
    }
}

#[test]
fn the_marker_of_version_1_is_written_and_read_as_it_ever_was() {
    assert_eq!(String::from_utf8(write(&step(), &layout())).unwrap(), GOLDEN);
    assert_eq!(parsed(GOLDEN).unwrap(), step());
}

#[test]
fn a_marker_says_when_its_step_expires() {
    let expires = "\"expires\": \"2025-02-01T00:00:00.000Z\",\n  \"generation\"";
    let text = GOLDEN.replace("\"generation\"", expires);
    let expiring = Step { expires: Some(UNIX_EPOCH + Duration::from_secs(1_738_368_000)), ..step() };
    assert_eq!(String::from_utf8(write(&expiring, &layout())).unwrap(), text);
    assert_eq!(parsed(&text).unwrap(), expiring);
    let damaged = parsed(&text.replace("2025-02-01T", "soon"));
    assert_eq!(damaged.unwrap_err().kind(), ErrorKind::Integrity);
}

#[test]
fn fields_and_flags_of_later_minor_versions_are_read_over() {
    let later = GOLDEN
        .replace("holdall.step/1", "holdall.step/1.7")
        .replace("\"time\"", "\"shown\": {\"at\": 1},\n  \"time\"")
        .replace("\"not_utf8\"", "\"not_utf8\", \"shiny\"");
    assert_eq!(parsed(&later).unwrap(), step());
}

#[test]
fn a_marker_from_the_future_is_unsupported_and_what_is_none_is_damage() {
    for schema in ["holdall.step/2", "holdall.step/10", "holdall.step/"] {
        let kind = parsed(&GOLDEN.replace("holdall.step/1", schema)).unwrap_err().kind();
        assert_eq!(kind, ErrorKind::Unsupported, "{schema}");
    }
    for (from, to) in [
        ("{", "["),
        ("holdall.step/1", "holdall.object/1"),
        ("run-7", "run-8"),
        ("\"0003\"", "\"0004\""),
        ("0003/20250102", "0004/20250102"),
        ("0003/20250102T030405678Z-00000000000000aa/page.html", "0003/step.json"),
        ("0003/old", "../old"),
        ("2025-01-02T03:04:05.678Z", "now"),
        ("\"size\": 4", "\"size\": -4"),
        ("\"sha256\": \"", "\"sha256\": \"0"),
        ("\"html\"", "\"a/b\""),
    ] {
        let damaged = GOLDEN.replacen(from, to, 1);
        assert_ne!(damaged, GOLDEN, "{from}");
        assert_eq!(parsed(&damaged).unwrap_err().kind(), ErrorKind::Integrity, "{from} {to}");
    }
    for n in 0..GOLDEN.len() - 2 {
        assert_eq!(parsed(&GOLDEN[..n]).unwrap_err().kind(), ErrorKind::Integrity, "cut at {n}");
    }
}
