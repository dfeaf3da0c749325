//! Storing and reading steps.

use crate::world::{World, ahead, everywhere, keys, mark, new, session, step};
use futures_util::{StreamExt, TryStreamExt};
use holdall::session::{Content, Flag, NewStep, PartName, Sessions};
use holdall::{ErrorKind, Prefix, Range, Settings, Sources, State, Store, Variables};
use std::time::{Duration, UNIX_EPOCH};

fn is_send<T: Send>(_: T) {}

#[test]
fn ses_11_all_futures_may_cross_threads() {
    let sessions = Sessions::open(&Store::memory(), &Settings::default()).unwrap();
    let (a, b) = (session("a"), step("b"));
    is_send(sessions.store(new(&a, &b, "x")));
    is_send(sessions.retrieve(&a, &b));
    is_send(sessions.open_part(&a, &b, &PartName::html(), None));
    is_send(sessions.delete_session(&a));
    is_send(sessions.copy((&a, &b), (&a, &b)));
    is_send(sessions.verify(&a, &Default::default(), |_| ()));
    is_send(sessions.adopt_all(&Default::default(), |_| ()));
    is_send(sessions.export_to_zip(&a, None, std::path::Path::new("x")));
    is_send(sessions.export_to_folder(&a, None, std::path::Path::new("x")));
}

/// SES-2, SES-3
#[tokio::test]
async fn a_step_is_stored_whole_and_read_whole_or_by_its_parts() {
    everywhere(|sessions| async move {
        let (run, one) = (session("run 7"), step("0001"));
        let trace = PartName::parse("trace.txt").unwrap();
        let receipt = sessions.store(new(&run, &one, "a").part(trace.clone(), "abcdef")).await.unwrap();
        assert_eq!(receipt.state, State::Stored);
        assert_eq!(mark(&sessions, &run, &one).await.unwrap(), "a");
        let step_ = sessions.describe(&run, &one).await.unwrap();
        assert_eq!(step_, receipt.step);
        let types: Vec<&str> = step_.parts.values().map(|part| part.content_type.as_str()).collect();
        assert_eq!(
            types,
            ["application/json", "text/html; charset=utf-8", "image/png", "text/plain; charset=utf-8"]
        );
        let bytes = sessions.retrieve_part(&run, &one, &trace).await.unwrap();
        assert_eq!(bytes, "abcdef");
        let range = Some(Range::Bounded { start: 2, end: 4 });
        let part = sessions.open_part(&run, &one, &trace, range).await.unwrap();
        assert_eq!(part.range, 2..4);
        assert_eq!(part.stream.try_collect::<Vec<_>>().await.unwrap().concat(), b"cd");
        let past = sessions.open_part(&run, &one, &trace, Some(Range::From(6))).await;
        assert_eq!(past.unwrap_err().kind(), ErrorKind::InvalidInput);
        let other = sessions.retrieve_part(&run, &one, &PartName::parse("none").unwrap()).await;
        assert_eq!(other.unwrap_err().kind(), ErrorKind::NotFound);
        let head = sessions.as_store().head(step_.parts[&PartName::html()].key.as_str()).await.unwrap();
        assert_eq!(head.attributes.content_type.as_deref(), Some("text/html; charset=utf-8"));
    })
    .await;
}

/// SES-2
#[tokio::test]
async fn what_is_stored_again_is_all_of_the_new_and_its_parts_go_after_the_grace() {
    everywhere(|sessions| async move {
        let (run, one) = (session("run"), step("1"));
        let log = PartName::parse("log").unwrap();
        sessions.store(new(&run, &one, "a").part(log.clone(), "old")).await.unwrap();
        let first = sessions.describe(&run, &one).await.unwrap();
        sessions.store(new(&run, &one, "b")).await.unwrap();
        assert_eq!(mark(&sessions, &run, &one).await.unwrap(), "b");
        let second = sessions.describe(&run, &one).await.unwrap();
        assert!(!second.parts.contains_key(&log), "a part of the old one");
        assert_eq!(second.time, first.time, "its place is that of the first");
        // Who has the old marker still reads the old parts.
        let old = first.parts[&log].key.as_str();
        assert!(sessions.as_store().exists(old).await.unwrap());
        let later = sessions.clone().with_clock(ahead(Duration::from_secs(400)));
        let receipt = later.store(new(&run, &one, "c")).await.unwrap();
        assert!(receipt.leftovers.is_empty());
        assert!(!sessions.as_store().exists(old).await.unwrap());
        assert!(sessions.as_store().exists(second.parts[&PartName::html()].key.as_str()).await.unwrap());
        let much_later = sessions.clone().with_clock(ahead(Duration::from_secs(800)));
        much_later.store(new(&run, &one, "d")).await.unwrap();
        let last = sessions.describe(&run, &one).await.unwrap();
        assert_eq!(last.time, first.time);
        // The last two attempts with three parts each, a marker, an entry.
        assert_eq!(keys(sessions.as_store()).await.len(), 8);
    })
    .await;
}

/// SES-3
#[tokio::test]
async fn files_and_streams_pass_through_and_are_what_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let film: Vec<u8> = (0..9_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(dir.path().join("film"), &film).unwrap();
    everywhere(|sessions| {
        let (path, film) = (dir.path().join("film"), film.clone());
        async move {
            let (run, one) = (session("run"), step("1"));
            let page = format!("<p>{}</p>", "\u{e9}".repeat(2_000_000));
            let reader = std::io::Cursor::new(page.clone());
            let (film_part, small) =
                (PartName::parse("film.webm").unwrap(), PartName::parse("small").unwrap());
            let new = NewStep::new(&run, &one)
                .html(Content::stream(reader, None))
                .part(film_part.clone(), Content::file(&path))
                .part(small.clone(), Content::stream(&b"abc"[..], Some(3)));
            let receipt = sessions.store(new).await.unwrap();
            let html = &receipt.step.parts[&PartName::html()];
            assert_eq!(html.content_type, "text/html; charset=utf-8");
            assert!(html.flags.is_empty());
            let part = &receipt.step.parts[&film_part];
            assert_eq!((part.size, part.sha256), (film.len() as u64, holdall::sha256(&film)));
            let mut reading = sessions.open_part(&run, &one, &film_part, None).await.unwrap();
            let mut read = Vec::new();
            while let Some(piece) = reading.stream.next().await {
                read.extend_from_slice(&piece.unwrap());
            }
            assert!(read == film);
            assert_eq!(sessions.retrieve_part(&run, &one, &small).await.unwrap(), "abc");
        }
    })
    .await;
}

/// SES-2
#[tokio::test]
async fn what_is_odd_is_kept_and_flagged() {
    everywhere(|sessions| async move {
        let (run, one) = (session("run"), step("1"));
        let latin = b"<meta charset=latin1>\xe9".to_vec();
        sessions.store(NewStep::new(&run, &one).html(latin.clone()).screenshot("no image")).await.unwrap();
        let content = sessions.retrieve(&run, &one).await.unwrap();
        assert_eq!(content.html().unwrap(), &latin);
        let part = |name: &PartName| content.step.parts[name].clone();
        assert_eq!(part(&PartName::html()).charset.as_deref(), Some("latin1"));
        assert_eq!(part(&PartName::html()).flags, [Flag::NotUtf8]);
        assert_eq!(part(&PartName::screenshot()).flags, [Flag::NotAnImage]);
        assert_eq!(part(&PartName::screenshot()).file_name(), "screenshot.bin");
    })
    .await;
}

/// SES-5
#[tokio::test]
async fn of_many_steps_one_that_fails_does_not_keep_the_others() {
    everywhere(|sessions| async move {
        let run = session("run");
        let steps: Vec<NewStep> = (0..50)
            .map(|n| match n % 10 {
                3 => NewStep::new(&run, &step(&n.to_string())),
                7 => NewStep::new(&run, &step(&n.to_string())).action("no json"),
                _ => new(&run, &step(&n.to_string()), &n.to_string()),
            })
            .collect();
        let stored: Vec<_> = sessions.store_many(steps).collect().await;
        assert_eq!(stored.len(), 50);
        for one in stored {
            let number: u32 = one.step.as_str().parse().unwrap();
            let should_fail = [3, 7].contains(&(number % 10));
            assert_eq!(one.outcome.is_err(), should_fail, "{number}");
            match mark(&sessions, &run, &one.step).await {
                Ok(mark) => assert_eq!(mark, number.to_string()),
                Err(error) => assert!(should_fail && error.kind() == ErrorKind::NotFound, "{error}"),
            }
        }
    })
    .await;
}

/// SES-2
#[tokio::test]
async fn a_copy_is_whole_and_its_own() {
    everywhere(|sessions| async move {
        let (run, kept, one) = (session("run"), session("kept"), step("1"));
        sessions.store(new(&run, &one, "a")).await.unwrap();
        sessions.store(new(&kept, &one, "before")).await.unwrap();
        sessions.copy((&run, &one), (&kept, &one)).await.unwrap();
        sessions.delete(&run, &one).await.unwrap();
        assert_eq!(mark(&sessions, &kept, &one).await.unwrap(), "a");
        let missing = sessions.copy((&run, &one), (&kept, &one)).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        assert_eq!(mark(&sessions, &kept, &one).await.unwrap(), "a");
    })
    .await;
}

/// SES-2
#[tokio::test]
async fn a_step_that_fails_leaves_what_was_there_and_nothing_of_its_own() {
    everywhere(|sessions| async move {
        let (run, one) = (session("run"), step("1"));
        sessions.store(new(&run, &one, "a").at(UNIX_EPOCH)).await.unwrap();
        let before = keys(sessions.as_store()).await;
        let film = PartName::parse("film").unwrap();
        let short = Content::stream(std::io::Cursor::new(vec![1; 2 << 20]), Some(3 << 20));
        let failed = sessions.store(new(&run, &one, "b").part(film, short)).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Changed, "{failed}");
        assert_eq!(mark(&sessions, &run, &one).await.unwrap(), "a");
        assert_eq!(keys(sessions.as_store()).await, before);
        let none = new(&run, &one, "b").screenshot(Content::file("/none/at/all"));
        assert_eq!(sessions.store(none).await.unwrap_err().kind(), ErrorKind::Io);
        assert_eq!(keys(sessions.as_store()).await, before);
    })
    .await;
}

/// SES-1
#[tokio::test]
async fn sessions_are_opened_by_url_from_the_environment_or_by_argument() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("file://{}/store", dir.path().display());
    let world = World::new();
    let s3 = format!("s3://{}/", world.bucket);
    let by_variables = |store: &str, more: &[(&str, &str)]| {
        let pairs = [("HOLDALL_STORE", store)].into_iter().chain(more.iter().copied());
        Sources::new(Variables::from_pairs(pairs.map(|(name, value)| (name.to_owned(), value.to_owned()))))
    };
    let outbox = dir.path().join("outbox").display().to_string();
    let server = world.server.endpoint();
    let keys = [
        ("S3_ENDPOINT_URL", server.as_str()),
        ("S3_ACCESS_KEY_ID", "AKIDTEST"),
        ("S3_SECRET_ACCESS_KEY", "secret"),
        ("HOLDALL_OUTBOX_DIR", &outbox),
    ];
    let (run, one) = (session("run"), step("1"));
    let argument = Sources::new(Variables::default()).with_argument("store", "store", &*url);
    for (sources, is_remote) in
        [(by_variables(&s3, &keys), true), (by_variables(&url, &[]), false), (argument, false)]
    {
        let sessions = Sessions::from_sources(&sources).unwrap();
        assert_eq!(
            (sessions.as_store().is_remote(), sessions.as_store().outbox().is_some()),
            (is_remote, is_remote)
        );
        sessions.store(new(&run, &one, "a")).await.unwrap();
        assert_eq!(mark(&sessions, &run, &one).await.unwrap(), "a");
    }
    let homeless = Sessions::from_sources(&by_variables(&s3, &keys[..3])).unwrap_err();
    assert_eq!(homeless.kind(), ErrorKind::Config, "there is no place for an outbox");
    let raise = [("HOLDALL_ON_REMOTE_ERROR", "raise")];
    let sessions = Sessions::from_sources(&by_variables(&s3, &[&keys[..3], &raise].concat())).unwrap();
    assert!(sessions.as_store().outbox().is_none());
}

/// SES-1: sessions may have a store of their own.
#[tokio::test]
async fn a_root_may_be_empty() {
    let mut settings = Settings::default();
    settings.roots.insert("sessions".to_owned(), Prefix::default());
    let sessions = Sessions::open(&Store::memory(), &settings).unwrap();
    let (run, one) = (session("run"), step("1"));
    sessions.store(new(&run, &one, "a")).await.unwrap();
    assert!(sessions.as_store().exists("run/1/step.json").await.unwrap());
    assert_eq!(sessions.list(&Default::default()).await.unwrap().sessions, std::slice::from_ref(&run));
    sessions.delete_session(&run).await.unwrap();
    assert!(sessions.list(&Default::default()).await.unwrap().sessions.is_empty());
}
