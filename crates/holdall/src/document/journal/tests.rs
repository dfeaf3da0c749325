use super::*;
use crate::document::file::Identity;
use crate::document::format::{Place, Upload};
use crate::document::record::Fault;
use crate::document::spec::Document;

const GOLDEN: &str = include_str!("../golden/job-1.jsonl");

fn header() -> Header {
    let place = Place {
        publishes: true,
        store: "s3://bucket".to_owned(),
        endpoint: Some("https://s3.example".to_owned()),
        root: "planning/".to_owned(),
    };
    let document = |path: &str| Document { path: path.into(), ..Document::default() };
    let first = Document {
        name: Some("Transport".to_owned()),
        description: Some("a statement".to_owned()),
        document_type: Some("report".to_owned()),
        source_url: Some("https://portal.example/1".to_owned()),
        ..document("/tmp/1.pdf")
    };
    let documents = vec![first, document("/tmp/2.pdf")];
    Header { schema: SCHEMA.to_owned(), reference: "25/00284/F".to_owned(), place, documents }
}

fn lines() -> Vec<Line> {
    let file = Identity { size: 5, modified_ns: 1_700_000_000_123_456_789, inode: 7 };
    let fault = |kind: &str| Fault {
        kind: kind.to_owned(),
        message: "away".to_owned(),
        cause: Some("refused".to_owned()),
        hint: None,
    };
    let key = || "planning/25_00284_F/001_Transport.pdf".to_owned();
    let upload = Upload {
        key: key(),
        url: Some("https://bucket.s3.example/planning/25_00284_F/001_Transport.pdf".to_owned()),
        size: 5,
        etag: Some("\"e\"".to_owned()),
        verified: "payload".to_owned(),
        file: Some(file),
    };
    let steps = [
        (1, Step::Staged { file }),
        (2, Step::UploadFailed { error: fault("unreachable") }),
        (1, Step::Queued { key: key(), file }),
        (1, Step::Uploaded(upload)),
        (2, Step::IngestionFailed { error: fault("ingestion") }),
        (1, Step::Ingested),
        (1, Step::Deleted),
    ];
    steps.into_iter().map(|(document, step)| Line { document, step }).collect()
}

async fn written(path: &Path) -> String {
    let (journal, none) = Journal::open(path, &header()).unwrap();
    assert_eq!(none, []);
    for line in lines() {
        journal.append(&[line]).await.unwrap();
    }
    std::fs::read_to_string(path).unwrap()
}

/// DOC-14
#[tokio::test]
async fn a_journal_is_written_as_its_page_says_and_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    assert_eq!(written(&path).await, GOLDEN);
    assert_eq!(Journal::open(&path, &header()).unwrap().1, lines());
    assert_eq!(read(&path).unwrap(), (header(), lines()));
    let with_more = GOLDEN.replace(r#""step""#, r#""later":[1],"step""#).replace("job/1", "job/1.9");
    std::fs::write(&path, &with_more).unwrap();
    assert_eq!(read(&path).unwrap().1, lines(), "fields and minor versions that are not known do not count");
}

/// A kill may cut a journal off at any byte: what was whole counts, and the job goes on.
#[tokio::test]
async fn a_cut_off_end_does_not_count() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    for end in (0..GOLDEN.len()).step_by(3) {
        std::fs::write(&path, &GOLDEN[..end]).unwrap();
        let whole = GOLDEN[..end].matches('\n').count().saturating_sub(1);
        let (journal, found) =
            Journal::open(&path, &header()).unwrap_or_else(|error| panic!("{end}: {error}"));
        assert_eq!(found, lines()[..whole], "{end}");
        journal.append(&lines()[..1]).await.unwrap();
        drop(journal);
        assert_eq!(read(&path).unwrap().1.len(), whole + 1, "{end}");
    }
}

#[test]
fn what_is_no_journal_of_the_job_is_refused_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let other = |from: &str, to: &str| GOLDEN.replacen(from, to, 1);
    for (text, kind, why) in [
        ("hello".to_owned(), ErrorKind::InvalidInput, "not a job's journal"),
        ("hello\n".to_owned(), ErrorKind::InvalidInput, "not a job's journal"),
        ("{}\n".to_owned(), ErrorKind::InvalidInput, "not a job's journal"),
        (other("job/1", "job/2"), ErrorKind::Unsupported, "later version"),
        (other("holdall.job", "holdall.step"), ErrorKind::InvalidInput, "schema"),
        (other("25/00284/F", "25_00284_F"), ErrorKind::Conflict, "reference"),
        (other("/tmp/2.pdf", "/tmp/3.pdf"), ErrorKind::Conflict, "documents"),
        (other("s3://bucket", "s3://other"), ErrorKind::Conflict, "where"),
        (other("https://s3.example", "https://s4.example"), ErrorKind::Conflict, "where"),
        (other("\"ingested\"", "\"translated\""), ErrorKind::Unsupported, "step of a later"),
        (other("\"document\":2", "\"document\":3"), ErrorKind::Integrity, "damaged"),
        (other("\"document\":2", "\"document\":0"), ErrorKind::Integrity, "damaged"),
        (other("{\"document\":1", "\"document\":1"), ErrorKind::Integrity, "damaged"),
    ] {
        std::fs::write(&path, &text).unwrap();
        let error = Journal::open(&path, &header()).unwrap_err();
        assert_eq!(error.kind(), kind, "{text}: {error}");
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

#[tokio::test]
async fn nobody_else_works_on_a_job_that_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let (journal, _) = Journal::open(&path, &header()).unwrap();
    assert_eq!(Journal::open(&path, &header()).unwrap_err().kind(), ErrorKind::Conflict);
    journal.append(&lines()[..1]).await.unwrap();
    assert_eq!(read(&path).unwrap().1.len(), 1, "it can be read");
    drop(journal);
    Journal::open(&path, &header()).unwrap();
}

#[tokio::test]
async fn steps_of_many_at_once_are_all_written_and_none_is_torn() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let (journal, _) = Journal::open(&path, &header()).unwrap();
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let journal = journal.clone();
            tokio::spawn(async move { journal.append(&lines()).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(read(&path).unwrap().1, (0..200).flat_map(|_| lines()).collect::<Vec<_>>());
}
