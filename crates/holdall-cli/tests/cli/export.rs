//! What `export` writes, and that others read it.

use crate::real::Bucket;
use crate::shell::{Shell, stdout};
use holdall_testing::fault::{Fault, Kind, Rule};
use holdall_testing::server::Server;
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

/// Names that are cells, lines and formulas to whoever reads them carelessly.
const NAMES: [&str; 8] = [
    "plain.txt",
    "a, b;c.txt",
    "\"quoted\".txt",
    "two\nlines.txt",
    "=cmd|' /C calc'!A0",
    "deep/-1+1",
    "deep/'single' \\ back",
    "\u{e9}\u{1f600}.png",
];

fn pushed(shell: &Shell) {
    for name in NAMES {
        shell.write(&format!("in/{name}"), format!("bytes of {name}"));
    }
    stdout(&shell.run(&["push", "in", "runs/7"]));
}

#[test]
fn rows_in_each_form() {
    let shell = Shell::new().with("HOLDALL_PUBLIC_BASE_URL", "https://cdn.example.com/bag");
    shell.write("in/a.txt", "a").write("in/b, c/d.mp4", "video").write("in/=1+1", "f");
    stdout(&shell.run(&["push", "in", "runs/7"]));
    shell.server().put_object("b", "runs/78", b"beside");
    shell.transcript(
        "export",
        &[
            "export runs/7",
            "export runs/7 --format json --digest",
            "export runs/7/ --format ndjson",
            "export runs/7/b --json",
            "export nothing --format json",
            "export nothing",
            "export runs/7 --output index.csv",
            "export runs/7 -o index.json --format json --json",
            "export runs/7 --quiet -o index.csv",
        ],
    );
    let text = String::from_utf8(shell.read("index.csv")).unwrap();
    assert!(text.starts_with("path,key,url,size,") && text.lines().count() == 4, "{text}");
}

#[test]
fn urls_that_expire_are_not_exported() {
    let shell = Shell::new();
    shell.server().put_object("b", "k", b"hello");
    let url = |options: &[&str]| {
        let words: Vec<&str> = ["export", "--json"].iter().chain(options).copied().collect();
        let row: Value = serde_json::from_str(&stdout(&shell.run(&words))).unwrap();
        row["url"].clone()
    };
    assert_eq!(url(&[]), Value::Null);
    let public = shell.command(&["export", "--json"]).env("HOLDALL_URL", "public").output().unwrap();
    let public: Value = serde_json::from_str(&stdout(&public)).unwrap();
    assert_eq!(public["url"], format!("{}/b/k", shell.server().endpoint()));
    let folder = format!("file://{}", shell.path("in").display());
    shell.write("in/x", "x");
    assert_eq!(url(&["--store", &folder]), Value::Null);
}

#[test]
fn what_it_refuses() {
    let shell = Shell::new();
    shell.write("file", "kept");
    shell.transcript(
        "export_errors",
        &[
            "export --format xml",
            "export --format csv --json",
            "export a/../b",
            "export --output none/at/all.csv",
            "export --output .",
            "export --store s3://missing -o file",
            "export a b",
        ],
    );
    assert_eq!(shell.read("file"), b"kept");
}

#[test]
fn a_listing_that_breaks_off_is_no_whole_export() {
    let shell =
        Shell::with_fault(Rule::new(Fault::internal_error()).on(Kind::List).query("continuation-token"));
    for n in 0..1200 {
        shell.server().put_object("b", &format!("p/{n:04}"), b"x");
    }
    shell.write("index.json", "kept");
    for digest in [&[][..], &["--digest"]] {
        for format in ["csv", "json", "ndjson"] {
            let run = |more: &[&str]| {
                let words = [&["export", "p", "--format", format], digest, more].concat();
                let output = shell.run(&words);
                assert_eq!(output.status.code(), Some(5), "{words:?} {output:?}");
                String::from_utf8(output.stdout).unwrap()
            };
            let said = run(&[]);
            assert!(said.contains("0999") && !said.contains("1000"), "{format}: what was listed is printed");
            assert!(serde_json::from_str::<Value>(&said).is_err(), "{format}: it looks whole");
            assert_eq!(run(&["--output", "index.json"]), "");
            run(&["--output", "new"]);
        }
    }
    assert_eq!(shell.read("index.json"), b"kept");
    assert_eq!(shell.files(), ["index.json"]);
}

#[test]
fn an_object_that_may_not_be_asked_for_ends_it() {
    let shell =
        Shell::with_fault(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::HeadObject).key("b"));
    for key in ["a", "b", "c"] {
        shell.server().put_object("b", key, b"x");
    }
    let output = shell.run(&["export", "--digest", "--format", "ndjson"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("\"a\"") && said.lines().count() == 1, "{said}");
    assert_eq!(stdout(&shell.run(&["export", "--format", "ndjson"])).lines().count(), 3);
}

#[test]
fn a_name_that_is_no_key_ends_it() {
    use std::os::unix::ffi::OsStrExt;
    let shell = Shell::bare();
    shell.write("store/a", "a");
    let odd = shell.path("store").join(std::ffi::OsStr::from_bytes(b"b\xff"));
    std::fs::write(odd, "b").unwrap();
    let url = format!("file://{}", shell.path("store").display());
    let output = shell.run(&["export", "--store", &url, "--output", "index.csv"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("UTF-8"), "{output:?}");
    assert!(!shell.path("index.csv").exists());
}

/// Reads the three forms and prints what each holds, as JSON.
const READER: &str = "
import csv, json, sys
with open('index.csv', newline='', encoding='utf-8') as file:
    rows = list(csv.DictReader(file, strict=True))
for row in rows:
    row['size'] = int(row['size'])
    row.update({name: None for name, value in row.items() if value == '' and name != 'path'})
with open('index.json', encoding='utf-8') as file:
    array = json.load(file)
with open('index.ndjson', encoding='utf-8', newline='\\n') as file:
    lines = [json.loads(line) for line in file]
assert rows == array == lines, (rows, array, lines)
json.dump(array, sys.stdout)
";

/// What Python reads of the exports of a store.
fn read_by_python(shell: &Shell) -> Vec<Value> {
    for format in ["csv", "json", "ndjson"] {
        let file = format!("index.{format}");
        stdout(&shell.run(&["export", "runs/7", "--digest", "--format", format, "--output", &file]));
        assert_eq!(
            shell.run(&["export", "runs/7", "--digest", "--format", format]).stdout,
            shell.read(&file),
            "{format}: both ways are the same"
        );
    }
    let python = std::env::var_os("HOLDALL_TEST_PYTHON").filter(|path| !path.is_empty());
    let mut python = Command::new(python.unwrap_or_else(|| "python3".into()));
    let output = python.args(["-c", READER]).current_dir(shell.path("")).output().unwrap();
    serde_json::from_str(&stdout(&output)).unwrap()
}

/// The SHA-256 of each path.
fn digests(rows: &[Value]) -> BTreeMap<&str, Option<&str>> {
    rows.iter().map(|row| (row["path"].as_str().unwrap(), row["sha256"].as_str())).collect()
}

#[test]
fn python_reads_what_is_exported() {
    let shell = Shell::new().with("HOLDALL_PUBLIC_BASE_URL", "https://cdn.example.com");
    pushed(&shell);
    shell.server().put_object("b", "runs/7/cr\rlf\r\n\tx", b"foreign");
    let rows = read_by_python(&shell);
    let found = digests(&rows);
    assert_eq!(found.len(), NAMES.len() + 1);
    assert_eq!(found["cr\rlf\r\n\tx"], None, "it was stored without one");
    for name in NAMES {
        let digest = holdall_s3::sha256(format!("bytes of {name}").as_bytes()).to_hex();
        assert_eq!(found[name], Some(&*digest), "{name:?}");
    }
    for row in &rows {
        let (path, key) = (row["path"].as_str().unwrap(), row["key"].as_str().unwrap());
        assert_eq!(key, format!("runs/7/{path}"));
        assert!(row["url"].as_str().unwrap().starts_with("https://cdn.example.com/runs/7/"), "{row}");
    }
}

#[test]
fn a_server_and_a_folder_export_the_same_rows() {
    let shell = Shell::bare();
    std::fs::create_dir(shell.path("store")).unwrap();
    let url = format!("file://{}", shell.path("store").display());
    let shell = shell.with("HOLDALL_STORE", &url);
    pushed(&shell);
    let folder = read_by_python(&shell);
    assert_eq!(folder.len(), NAMES.len());
    for server in Server::all_from_env().unwrap().into_iter().filter(|server| server.name == "ceph") {
        let bucket = Bucket::on(&server, "export");
        pushed(&bucket.shell);
        assert_eq!(digests(&read_by_python(&bucket.shell)), digests(&folder), "{}", server.name);
    }
}
