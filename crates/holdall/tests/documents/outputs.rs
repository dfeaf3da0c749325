//! What is made of documents.

use crate::world::{Ingester, REFERENCE, World, run};
use holdall::document::{Output, OutputKind, Reference};
use holdall_testing::fault::{Fault, Kind, Rule};

const KINDS: [(OutputKind, &str); 2] = [(OutputKind::Review, "review"), (OutputKind::Letter, "letter")];

fn output(kind: OutputKind) -> Output {
    Output::new(kind, "7").unwrap().json(r#"{"id": 7}"#).markdown("# Seven")
}

/// REV-1, LET-1, DOC-9
#[tokio::test]
async fn an_output_is_there_as_json_and_as_markdown() {
    for world in [World::s3(), World::memory()] {
        for (kind, name) in KINDS {
            let outputs =
                world.documents().put_output(&Reference::parse(REFERENCE).unwrap(), &output(kind)).await;
            assert_eq!((outputs.stored.len(), outputs.failed.len()), (2, 0));
            let at = format!("planning/25_00284_F/output/7_{name}");
            assert_eq!(world.text(&format!("{at}.json")).await, r#"{"id": 7}"#);
            assert_eq!(world.text(&format!("{at}.md")).await, "# Seven");
        }
    }
}

/// REV-2, LET-2, DOC-9
#[tokio::test]
async fn an_output_that_is_not_uploaded_fails_nothing() {
    for (kind, name) in KINDS {
        let world = World::s3();
        let mut job = world.job(&["a.pdf"]);
        let (report, _) = run(&mut job, &Ingester::default()).await;
        world.server().add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::Put).key(".json"));
        let outputs = world.documents().put_output(job.reference(), &output(kind)).await;
        assert_eq!((outputs.stored.len(), outputs.failed.len()), (1, 1), "the other form goes on");
        assert!(outputs.failed[0].0.as_str().ends_with(&format!("7_{name}.json")));
        assert!(!report.has_failures() && report.deleted == 1);
    }
}

/// REV-3, DOC-9
#[tokio::test]
async fn no_output_is_uploaded_where_the_store_is_a_folder() {
    let world = World::folder();
    for (kind, _) in KINDS {
        let outputs =
            world.documents().put_output(&Reference::parse(REFERENCE).unwrap(), &output(kind)).await;
        assert!(outputs.stored.is_empty() && outputs.failed.is_empty());
    }
    assert_eq!(world.keys().await, [""; 0]);
}

/// DOC-9
#[tokio::test]
async fn outputs_are_found_in_a_folder() {
    let world = World::memory();
    std::fs::create_dir(world.path("out")).unwrap();
    for name in ["1_review.json", "1_review.md", "2_letter.md", "notes.md", "3_review.pdf"] {
        std::fs::write(world.path("out").join(name), name).unwrap();
    }
    std::os::unix::fs::symlink("/etc/hostname", world.path("out/4_review.json")).unwrap();
    let mut failed = 0;
    for output in Output::in_folder(&world.path("out")).unwrap() {
        failed += world.documents().put_output(&Reference::parse("r").unwrap(), &output).await.failed.len();
    }
    assert_eq!(failed, 1, "a link is no output");
    let names = ["1_review.json", "1_review.md", "2_letter.md"];
    assert_eq!(world.keys().await, names.map(|name| format!("planning/r/output/{name}")));
}
