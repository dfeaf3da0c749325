//! Listings of more than two pages.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::EncodingType;
use holdall_oracle::{Bench, payload};
use holdall_s3::{ListOptions, PutOptions, decode_key};
use tokio::task::JoinSet;

use crate::sdk;

/// Keys with sizes and ETags, then common prefixes.
type Listed = (Vec<(String, u64, Option<String>)>, Vec<String>);

pub(crate) async fn twenty_five_hundred_keys_are_listed_alike(bench: Bench) {
    put_many(&bench).await;
    let sdk = sdk::client(&bench);
    let slash = Some("/".to_owned());
    let table = [
        ListOptions::default(),
        ListOptions { delimiter: slash.clone(), ..ListOptions::default() },
        ListOptions { prefix: "d 07/".into(), delimiter: slash.clone(), ..ListOptions::default() },
        ListOptions { prefix: "d ".into(), ..ListOptions::default() },
        ListOptions {
            start_after: Some("d 11/k+0500".into()),
            page_size: Some(300),
            ..ListOptions::default()
        },
        ListOptions { page_size: Some(7), delimiter: slash.clone(), ..ListOptions::default() },
        ListOptions { delimiter: Some("+0".into()), ..ListOptions::default() },
        ListOptions { prefix: "nothing/".into(), delimiter: slash, ..ListOptions::default() },
    ];
    for options in table {
        let (ours, theirs) = (by_holdall(&bench, &options).await, by_sdk(&sdk, &bench, &options).await);
        assert_eq!(ours, theirs, "{options:?}");
    }
    let all = by_holdall(&bench, &ListOptions::default()).await;
    assert_eq!(all.0.len(), 2500);
}

async fn put_many(bench: &Bench) {
    let mut puts = JoinSet::new();
    for worker in 0..16 {
        let holdall = bench.holdall.clone();
        puts.spawn(async move {
            for n in (worker..2500).step_by(16) {
                let key = if n < 100 { format!("top &{n:04}") } else { format!("d {:02}/k+{n:04}", n % 25) };
                holdall.put(&key, payload(&key), &PutOptions::default()).await.unwrap();
            }
        });
    }
    puts.join_all().await;
}

async fn by_holdall(bench: &Bench, options: &ListOptions) -> Listed {
    let mut listed = Listed::default();
    let mut pages = bench.holdall.list(options.clone());
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        listed.0.extend(page.objects.into_iter().map(|object| (object.key, object.size, object.etag)));
        listed.1.extend(page.prefixes);
    }
    listed
}

async fn by_sdk(sdk: &Client, bench: &Bench, options: &ListOptions) -> Listed {
    let list = sdk.list_objects_v2().bucket(&bench.bucket).encoding_type(EncodingType::Url);
    let mut pages = list
        .prefix(&options.prefix)
        .set_delimiter(options.delimiter.clone())
        .set_start_after(options.start_after.clone())
        .set_max_keys(options.page_size.map(|size| i32::try_from(size).unwrap()))
        .into_paginator()
        .send();
    let mut listed = Listed::default();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        for object in page.contents() {
            let size = u64::try_from(object.size().unwrap()).unwrap();
            let key = decode_key(object.key().unwrap()).unwrap();
            listed.0.push((key, size, object.e_tag().map(str::to_owned)));
        }
        let prefixes = page.common_prefixes().iter();
        listed.1.extend(prefixes.map(|p| decode_key(p.prefix().unwrap()).unwrap()));
    }
    listed
}
