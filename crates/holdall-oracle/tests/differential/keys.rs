//! Keys that clients like to change on the way.

use holdall_oracle::{Bench, odd_keys, payload, read};
use holdall_s3::{DeleteOptions, GetOptions, ListOptions, PutOptions};

use crate::sdk;

/// Keys that no XML 1.0 document can hold.
pub(crate) fn without_xml() -> Vec<String> {
    ["a\u{1}b", "a\u{1f}b", "a\u{7f}b", "a\u{8}"].map(str::to_owned).to_vec()
}

pub(crate) fn all() -> Vec<String> {
    odd_keys().into_iter().chain(without_xml()).collect()
}

pub(crate) async fn every_odd_key_goes_both_ways(bench: Bench) {
    let sdk = sdk::client(&bench);
    for key in all() {
        let (ours, theirs) = (format!("ours {key:?}"), format!("theirs {key:?}"));
        bench.holdall.put(&key, payload(&ours), &PutOptions::default()).await.unwrap();
        let got = sdk::bytes(sdk::get(&sdk, &bench, &key).await).await;
        assert_eq!(String::from_utf8(got).unwrap(), ours, "{key:?}");
        sdk::put(&sdk, &bench, &key, &theirs).await;
        let got = read(&bench.holdall, &key, &GetOptions::default()).await;
        assert_eq!(String::from_utf8(got).unwrap(), theirs, "{key:?}");
    }
    assert_eq!(listed_by_holdall(&bench).await, sorted(all()));
    for key in all() {
        bench.holdall.delete(&key, &DeleteOptions::default()).await.unwrap();
        let gone = sdk.head_object().bucket(&bench.bucket).key(&key).send().await.unwrap_err();
        assert!(gone.into_service_error().is_not_found(), "{key:?}");
    }
}

fn sorted(mut keys: Vec<String>) -> Vec<String> {
    keys.sort_unstable();
    keys
}

async fn listed_by_holdall(bench: &Bench) -> Vec<String> {
    let mut pages = bench.holdall.list(ListOptions::default());
    let mut keys = Vec::new();
    while let Some(page) = pages.next().await {
        keys.extend(page.unwrap().objects.into_iter().map(|object| object.key));
    }
    keys
}
