use super::*;
use crate::State;
use std::time::Duration;

fn moment(text: &str) -> SystemTime {
    text.parse::<jiff::Timestamp>().unwrap().into()
}

/// A report of a push that is done.
fn done(shard: &str) -> PushReport {
    let options = PushOptions { shard: Some(shard.parse().unwrap()), ..PushOptions::default() };
    let mut report = PushReport::begin(&Store::memory(), Path::new("topics"), "runs", &options);
    let (key, state, elapsed) = ("runs/a".to_owned(), State::Stored, Duration::ZERO);
    report.add(&TreeEvent::Unchanged { key, size: 5, state, elapsed });
    report.end(&Ok(report.totals));
    report.started = moment("2026-01-02T03:04:05Z");
    report.ended = Some(moment("2026-01-02T04:00:00Z"));
    report
}

fn failure(name: &str) -> TreeEvent {
    TreeEvent::failed(name, Error::new(ErrorKind::PermissionDenied, "the file cannot be opened"))
}

/// The form that other versions and other programs read.
const GOLDEN: &str = concat!(
    r#"{"schema":"holdall.report/1","source":"topics","destination":"memory://runs/","endpoint":null,"#,
    r#""shard":"2/3","dry_run":false,"state":"failed","started":"2026-01-02T03:04:05Z","#,
    r#""ended":"2026-01-02T04:00:00Z","totals":{"done":0,"bytes":0,"unchanged":1,"unchanged_bytes":5,"deleted":0,"#,
    r#""deleted_bytes":0,"skipped":0,"failed":1},"failures":[{"name":"topics/b","kind":"permission_denied","#,
    r#""message":"the file cannot be opened"}],"failures_left_out":0,"error":null}"#,
);

#[test]
fn a_report_is_written_as_it_always_was_and_read_again() {
    let mut report = done("2/3");
    report.add(&failure("topics/b"));
    report.end(&Ok(report.totals));
    report.ended = Some(moment("2026-01-02T04:00:00Z"));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("report.json");
    std::fs::write(&path, "what was there").unwrap();
    report.write(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{GOLDEN}\n"));
    assert_eq!(PushReport::read(&path).unwrap(), report);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    // A field that a later version adds is no fault.
    let more = GOLDEN.replacen('{', r#"{"more":[1],"#, 1);
    assert_eq!(PushReport::parse(&more).unwrap(), report);
}

#[test]
fn what_is_no_report_is_refused() {
    let other = GOLDEN.replace("report/1", "report/2");
    let torn = &GOLDEN[..GOLDEN.len() - 1];
    let shard = GOLDEN.replace("2/3", "4/3");
    for text in ["", "{}", "[]", r#"{"schema":"holdall.report/1"}"#, &other, torn, &shard] {
        assert_eq!(PushReport::parse(text).unwrap_err().kind(), ErrorKind::InvalidInput, "{text}");
    }
    let missing = PushReport::read(Path::new("/nowhere/at/all")).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing}");
}

#[test]
fn many_failures_are_counted_and_the_first_are_told() {
    let mut report = done("1/1");
    (0..1500).for_each(|n| report.add(&failure(&n.to_string())));
    assert_eq!((report.totals.failed, report.failures.len(), report.failures_left_out), (1500, 1000, 500));
    assert_eq!(report.failures[999].name.as_deref(), Some("999"));
}

#[test]
fn all_shards_together_are_complete_and_added_up() {
    let (mut first, mut last) = (done("1/3"), done("3/3"));
    first.started = moment("2026-01-01T00:00:00Z");
    last.ended = Some(moment("2026-01-03T00:00:00Z"));
    let merged = ShardsReport::merge([last, done("2/3"), first]).unwrap();
    assert!(merged.complete && merged.gaps().is_empty(), "{merged:?}");
    assert_eq!((merged.totals.unchanged, merged.totals.unchanged_bytes, merged.shards), (3, 15, 3));
    assert_eq!(merged.started, moment("2026-01-01T00:00:00Z"));
    assert_eq!(merged.ended, Some(moment("2026-01-03T00:00:00Z")));
    let order: Vec<String> = merged.reports.iter().map(|report| report.shard.to_string()).collect();
    assert_eq!(order, ["1/3", "2/3", "3/3"]);
}

#[test]
fn whatever_is_not_done_is_a_gap() {
    let mut begun = done("2/6");
    (begun.state, begun.ended) = (PushState::Begun, None);
    let mut given_up = done("3/6");
    given_up.end(&Err(Error::new(ErrorKind::BucketNotFound, "there is no such bucket")));
    let mut failed = done("4/6");
    failed.add(&failure("x"));
    failed.end(&Ok(failed.totals));
    let dry = PushReport { dry_run: true, ..done("6/6") };
    let merged = ShardsReport::merge([dry, failed, done("1/6"), given_up, begun]).unwrap();
    let said: Vec<String> = merged.gaps().iter().map(ToString::to_string).collect();
    let wanted = [
        "shard 2/6 has not ended: it is under way, or was killed",
        "shard 3/6 was given up: there is no such bucket",
        "shard 4/6 has 1 failure",
        "shard 5/6 has no report",
        "shard 6/6 was a dry run",
    ];
    assert_eq!(said, wanted);
    assert!(!merged.complete && merged.ended.is_none());
}

#[test]
fn reports_of_different_pushes_are_not_put_together() {
    let other = |change: fn(&mut PushReport)| {
        let mut report = done("2/2");
        change(&mut report);
        vec![done("1/2"), report]
    };
    let cases = [
        ("source", other(|report| report.source = "elsewhere".to_owned())),
        ("destination", other(|report| report.destination = "s3://b/".to_owned())),
        ("endpoint", other(|report| report.endpoint = Some("http://x".to_owned()))),
        ("number", other(|report| report.shard = Shard::WHOLE)),
        ("twice", vec![done("2/2"), done("2/2")]),
        ("none", Vec::new()),
    ];
    for (name, reports) in cases {
        let error = ShardsReport::merge(reports).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name}: {error}");
    }
}
