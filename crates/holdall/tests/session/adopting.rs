//! Steps of files that were there before.

use crate::world::{PNG, everywhere, keys, session, step};
use holdall::ErrorKind;
use holdall::session::{AdoptOptions, Adopted, PartName, Sessions, StepsOptions};
use std::collections::BTreeMap;

async fn adopt(sessions: &Sessions, dry_run: bool) -> BTreeMap<String, String> {
    let mut told = BTreeMap::new();
    let options = AdoptOptions { dry_run };
    let add = |adopted: holdall::session::AdoptedStep| {
        let what = match adopted.outcome {
            Ok(Adopted::Done(step)) => format!("done {}", step.parts.len()),
            Ok(Adopted::Would(step)) => format!("would {}", step.parts.len()),
            Ok(_) => "already".to_owned(),
            Err(error) => error.kind().to_string(),
        };
        assert!(told.insert(format!("{}/{}", adopted.session, adopted.name), what).is_none());
    };
    sessions.adopt_all(&options, add).await.unwrap();
    told
}

/// MIG-1
#[tokio::test]
async fn files_become_steps_no_payload_is_changed_and_it_goes_on_where_it_was() {
    everywhere(|sessions| async move {
        let store = sessions.as_store();
        let payloads: Vec<(&str, Vec<u8>)> = vec![
            ("a/1/index.html", b"<p>1</p>".to_vec()),
            ("a/1/shot.png", PNG.to_vec()),
            ("a/1/action.json", b"{}".to_vec()),
            ("a/1/extra.json", b"not looked at".to_vec()),
            ("a/1/trace.har", b"x".to_vec()),
            ("a/2.html", b"caf\xe9".to_vec()),
            ("a/2.json", b"[1]".to_vec()),
            ("a/2.b.html", b"of another".to_vec()),
            ("a/3/deep/page.html", b"left alone".to_vec()),
            ("b/1/page.html", b"<p>b</p>".to_vec()),
            ("b/bad/action.json", b"no json".to_vec()),
        ];
        for (key, bytes) in &payloads {
            store.put(&format!("sessions/{key}"), bytes.clone()).await.unwrap();
        }
        let before = keys(store).await;
        let wanted = |word: &str| {
            let told = [("a/1", 5), ("a/2", 2), ("a/2.b", 1), ("b/1", 1)];
            let mut told: BTreeMap<String, String> =
                told.iter().map(|(name, parts)| ((*name).to_owned(), format!("{word} {parts}"))).collect();
            told.insert("b/bad".to_owned(), "invalid_input".to_owned());
            told
        };
        assert_eq!(adopt(&sessions, true).await, wanted("would"));
        assert_eq!(keys(store).await, before, "a dry run writes nothing");
        assert_eq!(adopt(&sessions, false).await, wanted("done"));
        store.put("sessions/b/4/page.html", "late").await.unwrap();
        let again = adopt(&sessions, false).await;
        assert_eq!((again["a/1"].as_str(), again["b/4"].as_str()), ("already", "done 1"));
        for (key, bytes) in &payloads {
            assert_eq!(store.get(&format!("sessions/{key}")).await.unwrap().bytes().await.unwrap(), bytes);
        }
        let content = sessions.retrieve(&session("a"), &step("1")).await.unwrap();
        let part = |name: &str| content.parts[&PartName::parse(name).unwrap()].clone();
        assert_eq!(part("html"), "<p>1</p>");
        assert_eq!(part("action"), "{}");
        assert_eq!(part("extra.json"), "not looked at");
        let second = sessions.describe(&session("a"), &step("2")).await.unwrap();
        assert_eq!(second.parts[&PartName::html()].flags.len(), 1);
        let steps =
            sessions.steps(&session("a"), &StepsOptions { check: true, ..Default::default() }).await.unwrap();
        assert_eq!(steps.steps.len(), 3);
        // What was adopted goes as any step does, and what is beside it stays.
        sessions.delete(&session("a"), &step("2")).await.unwrap();
        assert!(!store.exists("sessions/a/2.html").await.unwrap());
        assert!(store.exists("sessions/a/2.b.html").await.unwrap());
        let gone = sessions.describe(&session("a"), &step("2")).await.unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound);
    })
    .await;
}
