//! The aws command.

use holdall_oracle::{Bench, odd_keys, payload, read};
use holdall_s3::{GetOptions, PutOptions};

use crate::python::python;

async fn aws(bench: &Bench, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let arguments: Vec<&str> = ["-m", "awscli", "s3"].into_iter().chain(arguments.iter().copied()).collect();
    python(bench, &arguments, input).await
}

pub(crate) async fn aws_s3_ls_lists_what_holdall_wrote(bench: Bench) {
    // A line cannot show a key that has more than one.
    let mut keys: Vec<String> = odd_keys().into_iter().filter(|key| !key.contains(['\n', '\r'])).collect();
    keys.sort_unstable();
    for key in &keys {
        bench.holdall.put(key, payload(key), &PutOptions::default()).await.unwrap();
    }
    let said = aws(&bench, &["ls", "--recursive", &format!("s3://{}", bench.bucket)], b"").await;
    let said = String::from_utf8(said).unwrap();
    let shown: Vec<(String, usize)> = said
        .split_terminator('\n')
        .map(|line| {
            // Date, time, the size in ten columns, and the key as it is.
            let (size, key) = line["2026-01-01 00:00:00 ".len()..].trim_start().split_once(' ').unwrap();
            (key.to_owned(), size.parse().unwrap())
        })
        .collect();
    let wanted: Vec<_> = keys.into_iter().map(|key| (key.clone(), key.len())).collect();
    assert_eq!(shown, wanted);
}

pub(crate) async fn aws_s3_cp_goes_both_ways(bench: Bench) {
    let url = format!("s3://{}/a key+%/caf\u{e9}", bench.bucket);
    aws(&bench, &["cp", "-", &url], b"theirs").await;
    assert_eq!(read(&bench.holdall, "a key+%/caf\u{e9}", &GetOptions::default()).await, b"theirs");
    bench.holdall.put("a key+%/caf\u{e9}", payload("ours"), &PutOptions::default()).await.unwrap();
    assert_eq!(aws(&bench, &["cp", &url, "-"], b"").await, b"ours");
}
