//! Input that is wrong.

use crate::world::{everywhere, keys, session, step};
use holdall::session::{Content, NewStep, PartName};
use holdall::{ErrorKind, SessionId, StepId};
use std::time::{Duration, UNIX_EPOCH};

/// SES-10
#[test]
fn names_that_can_be_no_segment_of_a_key_are_refused() {
    let long = "x".repeat(300);
    for name in ["", "a/b", "..", "a\\b", "a\u{1}", " a", ".holdall", ".holdall-index", &long] {
        assert_eq!(SessionId::parse(name).unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
        assert_eq!(StepId::parse(name).unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
        assert_eq!(PartName::parse(name).unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
    }
}

/// SES-10
#[tokio::test]
async fn what_is_no_step_is_refused_and_nothing_is_written() {
    everywhere(|sessions| async move {
        let (run, one) = (session("run"), step("1"));
        let bare = || NewStep::new(&run, &one);
        let named = |name: &str| PartName::parse(name).unwrap();
        let many = (0..300).fold(bare(), |new, n| new.part(named(&format!("p{n}")), "x"));
        let large = Content::stream(std::io::Cursor::new(vec![b' '; 17 << 20]), None);
        let cases = [
            ("empty", bare()),
            ("no json", bare().html("<p>").action("click")),
            ("not utf-8", bare().action(&b"\"\xff\""[..])),
            ("no action", bare().action("")),
            ("too large", bare().action(large)),
            ("the marker's file", bare().part(named("step.json"), "x")),
            ("one file", bare().html("x").part(named("page.html"), "y")),
            ("before 1970", bare().html("x").at(UNIX_EPOCH - Duration::from_secs(1))),
            ("beyond 9999", bare().html("x").at(UNIX_EPOCH + Duration::from_secs(300_000_000_000))),
            ("a folder", bare().html(Content::file("/"))),
            ("many", many),
        ];
        for (case, new) in cases {
            let error = sessions.store(new).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{case}: {error}");
        }
        let left = sessions.as_store().list("").unwrap().collect().await;
        assert!(left.is_err() || keys(sessions.as_store()).await.is_empty());
    })
    .await;
}
