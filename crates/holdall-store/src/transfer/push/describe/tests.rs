use super::*;
use crate::transfer::VerifyOptions;
use bytes::Bytes;

async fn describe(store: &Store, dry_run: bool) -> Result<(DescribedPrefix, Vec<String>)> {
    let mut failed = Vec::new();
    let mut on_event = |event: TreeEvent| {
        if let TreeEvent::Failed { name, .. } = event {
            failed.push(name);
        }
    };
    let described = store.describe("p", DescribeOptions { dry_run }, &mut on_event).await?;
    Ok((described, failed))
}

async fn kind(store: &Store) -> ErrorKind {
    describe(store, false).await.unwrap_err().kind()
}

async fn names(store: &Store) -> Vec<String> {
    let all = store.list("").unwrap().collect().await.unwrap().objects;
    all.into_iter().map(|object| object.key.to_string()).collect()
}

#[tokio::test]
async fn objects_of_others_get_a_manifest_that_verifies_and_stay_as_they_are() {
    let store = Store::memory();
    for key in ["p/a b", "p/sub/\u{e9}", "p/x\ny", "q/other"] {
        store.put(key, key.to_owned()).await.unwrap();
    }
    store.put("p/sub/", Bytes::new()).await.unwrap();
    let before = store.head("p/a b").await.unwrap();
    let (planned, _) = describe(&store, true).await.unwrap();
    assert_eq!((planned.objects, planned.was_described), (3, false));
    assert!(!names(&store).await.contains(&"p/manifest.json".to_owned()));
    let (described, failed) = describe(&store, false).await.unwrap();
    assert_eq!((described.objects, described.failed, failed.len()), (3, 0, 0));
    assert!(before.is_same_object(&store.head("p/a b").await.unwrap()));
    let found = store.verify("p", None, &VerifyOptions::default(), &mut |_| ()).await.unwrap();
    assert_eq!((found.differences(), found.unproven), (0, 0));
    let (again, _) = describe(&store, false).await.unwrap();
    assert_eq!((again.was_described, again.objects), (true, 0));
}

#[tokio::test]
async fn a_run_that_was_killed_between_the_two_documents_is_made_up_for() {
    let store = Store::memory();
    store.put("p/a", "a").await.unwrap();
    describe(&store, false).await.unwrap();
    store.delete("p/manifest.json").await.unwrap();
    let (described, _) = describe(&store, false).await.unwrap();
    assert_eq!((described.was_described, described.objects), (false, 1));
    assert!(store.exists("p/manifest.json").await.unwrap());
}

#[tokio::test]
async fn objects_of_the_manifests_names_that_are_others_are_not_written_over() {
    let store = Store::memory();
    store.put("p/a", "a").await.unwrap();
    store.put("p/SHA256SUMS", "mine").await.unwrap();
    assert_eq!(kind(&store).await, ErrorKind::AlreadyExists);
    store.delete("p/SHA256SUMS").await.unwrap();
    store.put("p/manifest.json", "{\"name\":\"a site\"}").await.unwrap();
    assert_eq!(kind(&store).await, ErrorKind::AlreadyExists);
    store.put("p/manifest.json", "{\"schema\":\"holdall.manifest/9\",\"files\":[]}").await.unwrap();
    assert_eq!(kind(&store).await, ErrorKind::Unsupported);
    assert_eq!(names(&store).await, ["p/a", "p/manifest.json"]);
}

#[tokio::test]
async fn a_key_that_is_no_path_is_told_and_no_manifest_is_written() {
    let store = Store::memory();
    store.put("p/a", "a").await.unwrap();
    store.put("p/../up", "b").await.unwrap();
    let (described, failed) = describe(&store, false).await.unwrap();
    assert_eq!((described.objects, described.failed), (1, 1));
    assert_eq!(failed, ["p/../up"]);
    assert_eq!(names(&store).await, ["p/../up", "p/a"]);
}
