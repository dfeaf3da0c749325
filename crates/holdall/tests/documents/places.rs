//! Where documents go by the environment, and where they are staged.

use crate::world::{REFERENCE, World};
use holdall::document::{Document, Documents, Reference};
use holdall::{ErrorKind, Settings, Store, Variables};

fn settings(pairs: &[(&str, &str)]) -> holdall::Result<Settings> {
    let home = [("HOME", "/home/worker")];
    Ok(Settings::from_variables(&Variables::from_pairs(home.into_iter().chain(pairs.iter().copied())))?)
}

const SPACES: [(&str, &str); 5] = [
    ("S3_ENDPOINT_URL", "nyc3.digitaloceanspaces.com"),
    ("S3_BUCKET", "mybucket"),
    ("S3_ACCESS_KEY_ID", "AKID"),
    ("S3_SECRET_ACCESS_KEY", "secret"),
    ("HOLDALL_ACL", "public-read"),
];

fn url(more: &[(&str, &str)]) -> String {
    let settings = settings(&[&SPACES, more].concat()).unwrap();
    let documents = Documents::open(&Store::from_settings(&settings).unwrap(), &settings).unwrap();
    let document = Document { path: "/tmp/Transport.pdf".into(), ..Document::default() };
    let key = documents.key(&Reference::parse(REFERENCE).unwrap(), 1, &document).unwrap();
    documents.url(&key).unwrap().unwrap()
}

/// S3B-2, S3B-9, S3B-10, DOC-3, DOC-4
#[tokio::test]
async fn the_public_url_has_the_bucket_the_prefix_and_the_reference() {
    let planning = ("HOLDALL_ROOTS", "documents=planning/");
    let own = ("HOLDALL_ROOTS", "documents=");
    let rest = "25_00284_F/001_Transport.pdf";
    for (more, path) in [
        (&[planning][..], "planning/"),
        (&[own, ("S3_KEY_PREFIX", "planning")], "planning/"),
        (&[own, ("S3_KEY_PREFIX", "bbug-prod")], "bbug-prod/"),
        (&[planning, ("S3_KEY_PREFIX", "bbug-prod")], "bbug-prod/planning/"),
        (&[], "documents/"),
    ] {
        assert_eq!(url(more), format!("https://mybucket.nyc3.digitaloceanspaces.com/{path}{rest}"));
    }
}

/// FAC-1, FAC-2, DOC-1
#[tokio::test]
async fn the_environment_says_whether_documents_are_published() {
    let publishes = |pairs: &[(&str, &str)]| {
        let settings = settings(pairs).unwrap();
        let store = Store::from_settings(&settings).unwrap();
        (store.is_remote(), Documents::open(&store, &settings).unwrap().publishes())
    };
    assert_eq!(publishes(&SPACES), (true, true));
    assert_eq!(publishes(&[]), (false, false));
    assert_eq!(publishes(&[("HOLDALL_STORE", "file:///srv/documents")]), (false, false));
}

/// FAC-3, S3B-6, DOC-2
#[tokio::test]
async fn a_variable_that_is_missing_or_contradicts_another_is_named() {
    for (pairs, named) in [
        (&[("S3_ENDPOINT_URL", "https://s3.example")][..], "S3_BUCKET"),
        (&[("S3_BUCKET", "b"), ("S3_ACCESS_KEY_ID", "AKID")], "S3_SECRET_ACCESS_KEY"),
        (&[("S3_BUCKET", "b"), ("S3_BUCKET_NAME", "c")], "S3_BUCKET_NAME"),
    ] {
        let error = settings(pairs).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{pairs:?}");
        let said = format!("{error} {}", error.hint().unwrap_or_default());
        assert!(said.contains(named), "{said}");
    }
    let overlapping = settings(&[("HOLDALL_ROOTS", "documents=sessions/x")]).unwrap();
    let error = Documents::open(&Store::memory(), &overlapping).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let no_base = Settings { url: holdall::UrlStrategy::Cdn, ..settings(&SPACES).unwrap() };
    let store = Store::from_settings(&no_base).unwrap();
    assert_eq!(Documents::open(&store, &no_base).unwrap_err().kind(), ErrorKind::Config);
}

/// S3B-7, DOC-2: the fault of the connection is behind the error.
#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_fails_at_the_start() {
    let world = World::s3_with(&[("S3_MAX_RETRIES", "1"), ("S3_ENDPOINT_URL", "http://127.0.0.1:1")]);
    let error = Store::connect(&world.settings).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    let mut causes = Vec::new();
    let mut next = std::error::Error::source(&error);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    assert!(format!("{error} {causes:?}").contains("refused"), "{error} {causes:?}");
}

/// STG-1, STG-2, DOC-6
#[tokio::test]
async fn documents_are_staged_in_one_folder_or_in_the_other() {
    let reference = Reference::parse(REFERENCE).unwrap();
    for (world, folder, is_local) in [
        (World::s3(), "staging", false),
        (World::memory(), "staging", false),
        (World::folder(), "local", true),
    ] {
        let staging = world.documents().stage(&reference, 1).unwrap();
        assert_eq!(staging.folder, world.path(folder).join("25_00284_F"));
        assert_eq!(staging.is_local, is_local);
        assert!(staging.folder.is_dir());
        assert_eq!(world.documents().stage(&reference, 1).unwrap(), staging, "again it is the same");
    }
}

/// DOC-6: what has room nowhere is an error before anything is fetched.
#[tokio::test]
async fn too_little_room_is_found_out_before_documents_are_fetched() {
    let reference = Reference::parse(REFERENCE).unwrap();
    for world in [World::s3(), World::folder()] {
        assert_eq!(world.documents().stage(&reference, u64::MAX).unwrap_err().kind(), ErrorKind::Full);
    }
}

/// DOC-12, DOC-13, MEM-1, MEM-2
#[tokio::test]
async fn memory_has_urls_that_can_be_foretold_and_a_folder_has_none() {
    let key = holdall::Key::parse("planning/25_00284_F/001_a b.pdf").unwrap();
    let url = |world: World| world.documents().url(&key).unwrap();
    let foretold = "https://test-bucket.example.com/planning/25_00284_F/001_a%20b.pdf";
    assert_eq!(url(World::memory()).as_deref(), Some(foretold));
    assert_eq!(url(World::folder()), None);
}

/// DOC-6: a file system without room (`/proc` has none) is passed over for `local_dir`.
#[tokio::test]
async fn where_staging_has_too_little_room_documents_go_to_the_local_folder() {
    let world = World::memory();
    let settings = Settings { staging_dir: Some("/proc".into()), ..world.settings.clone() };
    let documents = Documents::open(&world.store, &settings).unwrap();
    let staging = documents.stage(&Reference::parse(REFERENCE).unwrap(), 1).unwrap();
    assert_eq!((staging.folder, staging.is_local), (world.path("local/25_00284_F"), true));
}
