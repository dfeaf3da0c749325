//! The integration suite of the crate `object_store`, whole in memory and in a folder, and on Ceph but for what it is
//! declared not to do; and keys that no `Path` can hold.
//!
//! `HOLDALL_TEST_CEPH` names the server; without it its test fails and says so.
#![cfg(feature = "object-store")]
#![allow(clippy::unwrap_used, clippy::large_futures, clippy::print_stderr, reason = "a test")]

use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use holdall_store::object_store::ObjectStoreAdapter;
use holdall_store::{Location, Settings, Store, Variables};
use holdall_testing::server::Server;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode,
    PutMultipartOptions, PutOptions, TagSet, integration,
};
use std::panic::AssertUnwindSafe;

type Run = for<'a> fn(&'a ObjectStoreAdapter) -> LocalBoxFuture<'a, ()>;

/// Every function of the suite that is no helper.
const SUITE: [(&str, Run); 18] = [
    ("put_get_delete_list", |s| integration::put_get_delete_list(s).boxed_local()),
    ("put_get_attributes", |s| integration::put_get_attributes(s).boxed_local()),
    ("get_opts", |s| integration::get_opts(s).boxed_local()),
    ("put_opts", |s| integration::put_opts(s, true).boxed_local()),
    ("stream_get", |s| {
        async move {
            clear(s).await;
            integration::stream_get(s).await;
        }
        .boxed_local()
    }),
    ("list_uses_directories_correctly", |s| integration::list_uses_directories_correctly(s).boxed_local()),
    ("list_with_delimiter", |s| integration::list_with_delimiter(s).boxed_local()),
    ("get_nonexistent_object", |s| {
        async move {
            let error = integration::get_nonexistent_object(s, None).await.unwrap_err();
            assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
        }
        .boxed_local()
    }),
    ("rename_and_copy", |s| integration::rename_and_copy(s).boxed_local()),
    ("copy_if_not_exists", |s| integration::copy_if_not_exists(s).boxed_local()),
    ("copy_rename_nonexistent_object", |s| integration::copy_rename_nonexistent_object(s).boxed_local()),
    ("multipart", |s| integration::multipart(s, s).boxed_local()),
    ("multipart_with_opts", |s| integration::multipart_with_opts(s, s).boxed_local()),
    ("multipart_put_part_out_of_order", |s| integration::multipart_put_part_out_of_order(s, s).boxed_local()),
    ("multipart_race_condition", |s| integration::multipart_race_condition(s, true).boxed_local()),
    ("multipart_out_of_order", |s| integration::multipart_out_of_order(s).boxed_local()),
    ("list_paginated", |s| integration::list_paginated(s, s).boxed_local()),
    ("list_with_offset_exclusivity", |s| integration::list_with_offset_exclusivity(s).boxed_local()),
];

/// What fails on Ceph, and why.
const NOT_ON_CEPH: [(&str, &str); 2] = [
    (
        "put_get_attributes",
        "it makes a dash of an underscore in metadata names, which is refused as NotSupported",
    ),
    ("multipart_with_opts", "the same"),
];

async fn clear(store: &ObjectStoreAdapter) {
    let all = store.list(None).map_ok(|meta| meta.location).boxed();
    store.delete_stream(all).try_collect::<Vec<_>>().await.unwrap();
}

async fn run_all(store: &ObjectStoreAdapter, left_out: &[(&str, &str)]) {
    for (name, run) in SUITE {
        eprintln!("{name} on {store}");
        let outcome = AssertUnwindSafe(run(store)).catch_unwind().await;
        match left_out.iter().find(|(left_out, _)| *left_out == name) {
            None => assert!(outcome.is_ok(), "{name} fails on {store}"),
            Some((_, why)) => assert!(outcome.is_err(), "{name} does work on {store}, though {why}"),
        }
        clear(store).await;
    }
    let known = |name: &str| SUITE.iter().any(|(known, _)| *known == name);
    assert!(left_out.iter().all(|(name, _)| known(name)), "{left_out:?}");
}

fn folder(dir: &tempfile::TempDir) -> ObjectStoreAdapter {
    let location = Location::Folder(dir.path().to_owned());
    Store::open_location(&location, &Settings::default()).unwrap().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_suite_in_memory() {
    run_all(&Store::memory().into(), &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_suite_in_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    run_all(&folder(&dir), &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_on_ceph() {
    let server = Server::from_env("CEPH").expect("no server is named: set HOLDALL_TEST_CEPH").unwrap();
    let store = ceph(&server);
    store.bucket().create().await.unwrap();
    run_all(&store.clone().into(), &NOT_ON_CEPH).await;
    store.bucket().delete().await.unwrap();
}

fn ceph(server: &Server) -> Store {
    let mut variables = Variables::default();
    variables.set("HOLDALL_STORE", format!("s3://holdall-object-store-{}", std::process::id()));
    variables.set("HOLDALL_ENDPOINT", &server.endpoint);
    variables.set("HOLDALL_REGION", &server.region);
    variables.set("HOLDALL_ACCESS_KEY_ID", &server.access_key);
    variables.set("HOLDALL_SECRET_ACCESS_KEY", &server.secret_key);
    Store::from_settings(&Settings::from_variables(&variables).unwrap()).unwrap()
}

/// A store by each backend that needs no server.
fn local(dir: &tempfile::TempDir) -> [ObjectStoreAdapter; 2] {
    [Store::memory().into(), folder(dir)]
}

#[tokio::test]
async fn a_key_that_no_path_holds_is_an_error_item_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    for store in local(&dir) {
        let odd = ["a//b", "a/./c", "dir/", "/lead", "../x"];
        for key in odd.into_iter().chain(["a/b", "z"]) {
            store.store().put(key, "x").await.unwrap();
        }
        let items: Vec<_> = store.list(None).collect().await;
        let (paths, errors): (Vec<_>, Vec<_>) = items.into_iter().partition(Result::is_ok);
        let paths: Vec<String> = paths.into_iter().map(|meta| meta.unwrap().location.into()).collect();
        assert_eq!(paths, ["a/b", "z"], "{store}");
        let mut named: Vec<String> = errors.into_iter().map(|error| said(error.unwrap_err()).0).collect();
        named.sort();
        let mut expected = odd.map(str::to_owned);
        expected.sort();
        assert_eq!(named, expected, "{store}");

        let (key, hint) = said(store.list_with_delimiter(Some(&Path::from("a"))).await.unwrap_err());
        assert!(key.starts_with("a/") && hint.contains("Store::list"), "{store}: {key} {hint}");
        assert!(store.get(&Path::from("a/b")).await.is_ok(), "{store}");
    }
}

/// The key and the hint of the store's error behind one of the trait's.
fn said(error: Error) -> (String, String) {
    let Error::NotSupported { source } = &error else { panic!("{error:?}") };
    let own = source.downcast_ref::<holdall_store::Error>().unwrap();
    (own.key().unwrap().to_owned(), own.hint().unwrap().to_owned())
}

#[tokio::test]
async fn a_copy_or_rename_onto_itself_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for store in local(&dir) {
        let (path, none) = (Path::from("a"), Path::from("none"));
        store.put(&path, "precious".into()).await.unwrap();
        store.rename(&path, &path).await.unwrap();
        store.copy(&path, &path).await.unwrap();
        for refused in
            [store.rename_if_not_exists(&path, &path).await, store.copy_if_not_exists(&path, &path).await]
        {
            assert!(matches!(refused, Err(Error::AlreadyExists { .. })), "{store}: {refused:?}");
        }
        assert!(matches!(store.rename(&none, &none).await, Err(Error::NotFound { .. })), "{store}");
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "precious");
    }
}

#[tokio::test]
async fn tags_and_attributes_are_kept_by_puts_uploads_and_renames() {
    let dir = tempfile::tempdir().unwrap();
    for store in local(&dir) {
        let attributes = Attributes::from_iter([
            (Attribute::CacheControl, "no-store"),
            (Attribute::ContentType, "text/x-moved"),
            (Attribute::Metadata("run".into()), "7"),
        ]);
        let mut tags = TagSet::default();
        tags.push("kind", "2 + 3");
        let put = PutOptions { attributes: attributes.clone(), tags: tags.clone(), ..PutOptions::default() };
        store.put_opts(&Path::from("put"), "x".into(), put).await.unwrap();
        let options = PutMultipartOptions { attributes: attributes.clone(), tags, ..Default::default() };
        let mut upload = store.put_multipart_opts(&Path::from("upload"), options).await.unwrap();
        upload.put_part("x".into()).await.unwrap();
        upload.complete().await.unwrap();
        for from in ["put", "upload"] {
            let to = Path::from("moved");
            store.rename(&Path::from(from), &to).await.unwrap();
            assert_eq!(store.get(&to).await.unwrap().attributes, attributes, "{store} {from}");
            let tags = store.store().tags("moved").await.unwrap();
            assert_eq!(tags, [("kind".to_owned(), "2 + 3".to_owned())], "{store} {from}");
        }
    }
}

#[tokio::test]
async fn ranges_and_conditions_are_told_as_the_trait_has_them() {
    let dir = tempfile::tempdir().unwrap();
    for store in local(&dir) {
        let path = Path::from("a");
        let put = store.put(&path, "0123456789".into()).await.unwrap();
        let etag = put.e_tag.unwrap();
        let table = [
            (GetRange::Suffix(3), 7..10),
            (GetRange::Offset(8), 8..10),
            (GetRange::Bounded(4..100), 4..10),
            (GetRange::Suffix(100), 0..10),
        ];
        for (range, expected) in table {
            for head in [false, true] {
                let options = GetOptions { range: Some(range.clone()), head, ..GetOptions::default() };
                let read = store.get_opts(&path, options).await.unwrap();
                assert_eq!((read.range.clone(), read.meta.size), (expected.clone(), 10), "{store} {range:?}");
                let length = if head { 0 } else { expected.end - expected.start };
                assert_eq!(read.bytes().await.unwrap().len() as u64, length, "{store} {range:?} {head}");
            }
        }
        let listed = |etags: String| GetOptions { if_match: Some(etags), ..GetOptions::default() };
        assert!(store.get_opts(&path, listed(format!("\"x\", {etag}"))).await.is_ok(), "{store}");
        let other = store.get_opts(&path, listed("\"x\", \"y\"".to_owned())).await;
        assert!(matches!(other, Err(Error::Precondition { .. })), "{store}: {other:?}");
        let both =
            GetOptions { if_match: Some(etag.clone()), if_none_match: Some(etag), ..GetOptions::default() };
        let unchanged = store.get_opts(&path, both).await;
        assert!(matches!(unchanged, Err(Error::NotModified { .. })), "{store}: {unchanged:?}");
        let blind = PutMode::Update(object_store::UpdateVersion { e_tag: None, version: None });
        let update = store.put_opts(&path, "x".into(), blind.into()).await;
        assert!(matches!(update, Err(Error::Generic { .. })), "{store}: {update:?}");
    }
}

#[tokio::test]
async fn an_upload_with_a_part_that_was_not_sent_is_no_object() {
    let dir = tempfile::tempdir().unwrap();
    for store in local(&dir) {
        let path = Path::from("a");
        let mut upload = store.put_multipart(&path).await.unwrap();
        let first = upload.put_part("x".into());
        drop(first);
        let error = upload.complete().await.unwrap_err();
        assert!(matches!(error, Error::Generic { .. }), "{store}: {error:?}");
        assert!(matches!(store.head(&path).await, Err(Error::NotFound { .. })), "{store}");
        upload.abort().await.unwrap();
    }
}
