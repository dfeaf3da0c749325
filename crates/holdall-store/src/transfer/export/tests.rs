use super::*;
use crate::Attributes;
use proptest::prelude::*;
use std::time::{Duration, UNIX_EPOCH};

fn row(path: &str) -> ExportRow {
    let object = Metadata {
        key: Key::listed(&format!("runs/{path}")),
        size: 5,
        etag: Some("\"e\"".to_owned()),
        last_modified: Some(UNIX_EPOCH + Duration::from_millis(1_700_000_000_999)),
        version: None,
        attributes: Attributes::default(),
        sha256: Some(crate::sha256(b"hello")),
        nonce: None,
        read_from: crate::ReadFrom::Store,
        expires: None,
    };
    ExportRow { path: path.to_owned(), url: Some("https://cdn/x".to_owned()), object }
}

fn unknown(path: &str) -> ExportRow {
    let known = row(path);
    let object = Metadata { etag: None, last_modified: None, sha256: None, ..known.object };
    ExportRow { url: None, object, ..known }
}

fn text(format: ExportFormat, rows: &[ExportRow]) -> String {
    let mut text = ExportText::new(format);
    let mut lines = text.begin().to_owned();
    rows.iter().for_each(|row| lines += &text.row(row));
    lines + text.end()
}

const SHA256: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

#[test]
fn rows_are_written_as_they_always_were() {
    let rows = [row("a, \"b\"\n.txt"), unknown("=1+1")];
    let head = "path,key,url,size,sha256,last_modified,etag\r\n";
    let csv = format!(
        "{head}\"a, \"\"b\"\"\n.txt\",\"runs/a, \"\"b\"\"\n.txt\",https://cdn/x,5,{SHA256},2023-11-14T22:13:20Z,\
         \"\"\"e\"\"\"\r\n=1+1,runs/=1+1,,5,,,\r\n"
    );
    assert_eq!(text(ExportFormat::Csv, &rows), csv);
    let first = format!(
        "{{\"path\":\"a, \\\"b\\\"\\n.txt\",\"key\":\"runs/a, \\\"b\\\"\\n.txt\",\"url\":\"https://cdn/x\",\"size\":5,\
         \"sha256\":\"{SHA256}\",\"last_modified\":\"2023-11-14T22:13:20Z\",\"etag\":\"\\\"e\\\"\"}}\n"
    );
    let second = "{\"path\":\"=1+1\",\"key\":\"runs/=1+1\",\"url\":null,\"size\":5,\"sha256\":null,\
                  \"last_modified\":null,\"etag\":null}\n";
    assert_eq!(text(ExportFormat::Ndjson, &rows), format!("{first}{second}"));
    assert_eq!(text(ExportFormat::Json, &rows), format!("[\n{first},{second}]\n"));
    assert_eq!(text(ExportFormat::Json, &[]), "[\n]\n");
    assert_eq!(text(ExportFormat::Csv, &[]), head);
}

#[test]
fn what_a_spreadsheet_would_compute_is_told() {
    for path in ["=1+1", "+1", "-1", "@sum", "\tx", "\r=1"] {
        assert!(row(path).is_like_a_formula(), "{path:?}");
    }
    for path in ["a=1", "1", "_", "'=1"] {
        assert!(!row(path).is_like_a_formula(), "{path:?}");
    }
}

/// Reads CSV as RFC 4180 has it.
fn cells(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, quoted) {
            ('"', true) if rest.peek() == Some(&'"') => cell.extend(rest.next()),
            ('"', _) => quoted = !quoted,
            (',', false) => row.push(std::mem::take(&mut cell)),
            ('\r', false) if rest.peek() == Some(&'\n') => {
                rest.next();
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (c, _) => cell.push(c),
        }
    }
    rows
}

proptest! {
    #[test]
    fn any_path_is_read_again(paths in proptest::collection::vec("[a\",\r\n\t=;'\\\\ é]{0,6}", 0..5)) {
        let rows: Vec<ExportRow> = paths.iter().map(|path| row(path)).collect();
        let read = cells(&text(ExportFormat::Csv, &rows));
        prop_assert!(read.iter().all(|row| row.len() == 7));
        let found: Vec<&String> = read.iter().skip(1).map(|row| &row[0]).collect();
        prop_assert_eq!(found, paths.iter().collect::<Vec<_>>());
        let json: Vec<serde_json::Value> = serde_json::from_str(&text(ExportFormat::Json, &rows)).unwrap();
        let found: Vec<&str> = json.iter().map(|row| row["path"].as_str().unwrap()).collect();
        prop_assert_eq!(found, paths.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

async fn store(count: usize) -> Store {
    let store = Store::memory();
    for n in 0..count {
        store.put(&format!("p/{n:05}"), n.to_string()).await.unwrap();
    }
    store.put("p-", "beside").await.unwrap();
    store
}

async fn all(mut export: Export) -> Vec<ExportRow> {
    let mut rows = Vec::new();
    while let Some(row) = export.next().await {
        rows.push(row.unwrap());
    }
    rows
}

#[tokio::test]
async fn each_object_has_a_row_in_order_with_and_without_digests() {
    let store = store(1500).await;
    for (prefix, digest) in [("p", false), ("p/", true)] {
        let rows = all(store.export(prefix, &ExportOptions { digest }).unwrap()).await;
        assert_eq!(rows.len(), 1500);
        for (n, row) in rows.iter().enumerate() {
            assert_eq!(
                (row.path.clone(), row.object.key.as_str()),
                (format!("{n:05}"), &*format!("p/{n:05}"))
            );
            let wanted = digest.then(|| crate::sha256(n.to_string().as_bytes()));
            assert!(!digest || row.object.sha256 == wanted, "{row:?}");
        }
    }
    let whole = all(store.export("", &ExportOptions::default()).unwrap()).await;
    assert_eq!((whole.len(), whole[0].path.as_str()), (1501, "p-"));
}

#[tokio::test]
async fn objects_that_go_meanwhile_have_no_row_and_end_nothing() {
    let store = store(300).await;
    let mut export = store.export("p", &ExportOptions { digest: true }).unwrap();
    assert_eq!(export.next().await.unwrap().unwrap().path, "00000");
    // More than are asked for at once.
    for n in 100..299 {
        store.delete(&format!("p/{n:05}")).await.unwrap();
    }
    let rest: Vec<String> = all(export).await.into_iter().map(|row| row.path).collect();
    assert_eq!((rest.len(), rest[98].as_str(), rest[99].as_str()), (100, "00099", "00299"));
}

#[tokio::test]
async fn rows_are_a_stream_too() {
    let store = store(3).await;
    let stream = store.export("p", &ExportOptions::default()).unwrap().into_stream();
    let paths: Vec<String> = stream.map(|row| row.unwrap().path).collect().await;
    assert_eq!(paths, ["00000", "00001", "00002"]);
}
