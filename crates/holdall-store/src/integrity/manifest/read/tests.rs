use super::*;
use crate::integrity::manifest::{Entry, ManifestWriter};
use crate::{Sha256, sha256};
use proptest::prelude::*;

/// Writes a manifest of files with these paths and bytes.
fn written(files: &[(&str, &[u8])]) -> String {
    let mut writer = ManifestWriter::begin(Vec::new()).unwrap();
    let mut sums = Sums::new(io::sink());
    for (path, bytes) in files {
        let (key, sha256) = (format!("runs/7/{path}"), sha256(bytes));
        sums.add(path, sha256).unwrap();
        let url = (*path == "a.txt").then_some("https://files.example.com/runs/7/a.txt");
        let (content_type, size) = ("text/plain; charset=utf-8", bytes.len() as u64);
        writer
            .entry(&Entry { path, key: &key, size, sha256, content_type, url, etag: Some("\"e\"") })
            .unwrap();
    }
    let (_, size, sha256) = sums.end().unwrap();
    let sums = Expected { path: SUMS.to_owned(), size, sha256, etag: None };
    String::from_utf8(writer.end(sums).unwrap()).unwrap()
}

fn all(text: &str) -> Result<(Vec<Expected>, Outcome)> {
    let mut files = Vec::new();
    let outcome = read(text.as_bytes(), &mut |file| {
        files.push(file);
        Ok(())
    })?;
    Ok((files, outcome))
}

const FILES: [(&str, &[u8]); 3] = [("a.txt", b"a"), ("img/\u{e9}\\\n.png", b"bb"), ("z", b"")];

#[test]
fn the_form_stays() {
    assert_eq!(written(&FILES), include_str!("../testdata/manifest.json"));
}

#[test]
fn what_is_written_is_read() {
    for files in [&FILES[..], &[]] {
        let (read, outcome) = all(&written(files)).unwrap();
        let wanted: Vec<_> =
            files.iter().map(|(path, bytes)| (*path, bytes.len() as u64, sha256(bytes))).collect();
        let found: Vec<_> = read.iter().map(|file| (file.path.as_str(), file.size, file.sha256)).collect();
        assert_eq!(found, wanted);
        assert!(matches!(outcome, Outcome::Whole(trailer) if trailer.count == files.len() as u64));
    }
}

#[test]
fn another_layout_and_more_fields_are_the_same_manifest() {
    let value: serde_json::Value = serde_json::from_str(&written(&FILES)).unwrap();
    let files = serde_json::to_string_pretty(&value["files"]).unwrap();
    let text = format!(
        "{{ \"schema\" : \"{SCHEMA}\", \"note\":[1,{{}}], \"sums\":{}, \"count\":3,\"bytes\":3,\n\"files\": {files} }}\n\n",
        value["sums"]
    );
    assert_eq!(all(&text).unwrap().0, all(&written(&FILES)).unwrap().0);
}

#[test]
fn a_layout_that_changes_in_the_middle_is_read_to_its_end() {
    let good = written(&FILES);
    let layouts = [
        good.replacen("},\n{", "}\n,{", 1),
        good.replacen("},\n{", "},{", 1),
        good.replacen("},\n{", "},\n\n  {", 1),
        good.replacen(",\n", ", \n", 1),
        good.replace("\n]", "]"),
        good.replace("\n]", "\n  ]"),
    ];
    for text in layouts {
        assert_eq!(all(&text).unwrap().0, all(&good).unwrap().0, "{text}");
    }
    let broken = [
        good.replacen("},\n{", "}\n{", 1),
        good.replacen("}\n]", "},\n]", 1),
        good.replacen("},\n{", "},\n,{", 1),
        good.replacen("[\n{", "[\n,{", 1),
    ];
    for text in broken {
        assert_eq!(all(&text).unwrap_err().kind(), ErrorKind::Integrity, "{text}");
    }
}

#[test]
fn what_is_no_whole_manifest_is_refused_by_kind() {
    let good = written(&FILES);
    let digest = sha256(b"a").to_hex();
    let other = sha256(b"b").to_hex();
    let cases = [
        ("empty", String::new(), ErrorKind::Integrity),
        ("other JSON", "[]".to_owned(), ErrorKind::Integrity),
        ("no files", format!("{{\"schema\":\"{SCHEMA}\"}}"), ErrorKind::Integrity),
        ("another version", good.replace("manifest/1", "manifest/2"), ErrorKind::Unsupported),
        ("another's", good.replace("holdall.manifest/1", "npm/1"), ErrorKind::Integrity),
        ("a flipped digest", good.replacen(&digest, &other, 1), ErrorKind::Integrity),
        ("a renamed file", good.replacen("\"a.txt\"", "\"A.txt\"", 1), ErrorKind::Integrity),
        ("a file less", written(&FILES[1..]).replace("\"count\":2", "\"count\":3"), ErrorKind::Integrity),
        ("a size that is another", good.replacen("\"size\":1,", "\"size\":2,", 1), ErrorKind::Integrity),
        ("out of order", written(&[FILES[1], FILES[0]]), ErrorKind::Integrity),
        ("twice the same", written(&[FILES[0], FILES[0]]), ErrorKind::Integrity),
        ("something behind", format!("{good}{{}}"), ErrorKind::Integrity),
        ("no sums", good.replace("\"sums\"", "\"others\""), ErrorKind::Integrity),
        ("a digest that is none", good.replacen(&digest, "xyz", 1), ErrorKind::Integrity),
    ];
    for (name, text, kind) in cases {
        assert_eq!(all(&text).unwrap_err().kind(), kind, "{name}");
    }
}

#[test]
fn a_manifest_cut_off_anywhere_is_damaged() {
    let good = written(&[("a", b"a"), ("b", b"")]);
    let body = good.trim_end();
    for cut in 0..body.len() {
        assert_eq!(all(&body[..cut]).unwrap_err().kind(), ErrorKind::Integrity, "{cut}");
    }
}

#[test]
fn an_endless_file_is_not_held() {
    let begin = format!("{{\"schema\":\"{SCHEMA}\",\"files\":[{{\"path\":\"");
    let endless = begin.as_bytes().chain(io::repeat(b'x'));
    let error = read(endless, &mut |_| Ok(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Integrity, "{error:?}");
}

#[test]
fn whoever_wants_no_more_ends_the_reading() {
    let mut seen = 0;
    let outcome = read(written(&FILES).as_bytes(), &mut |_| {
        seen += 1;
        Err(Stopped)
    });
    assert_eq!((outcome.unwrap(), seen), (Outcome::Stopped, 1));
}

proptest! {
    #[test]
    fn one_byte_that_is_another_changes_no_path_and_no_digest(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let good = written(&FILES);
        let (files, _) = all(&good).unwrap();
        let mut bytes = good.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let mut read_files = Vec::new();
        let outcome = read(&bytes[..], &mut |file| {
            read_files.push((file.path, file.size, file.sha256));
            Ok(())
        });
        if outcome.is_ok() {
            let files: Vec<_> = files.into_iter().map(|file| (file.path, file.size, file.sha256)).collect();
            prop_assert_eq!(read_files, files);
        }
    }

    #[test]
    fn any_paths_come_back(paths in prop::collection::btree_set("\\PC{1,12}|[\\\\\n\r\"/]{1,4}", 0..20)) {
        let files: Vec<(&str, &[u8])> = paths.iter().map(|path| (path.as_str(), path.as_bytes())).collect();
        let (read, _) = all(&written(&files)).unwrap();
        let read: Vec<(String, Sha256)> = read.into_iter().map(|file| (file.path, file.sha256)).collect();
        let wanted: Vec<(String, Sha256)> = files.iter().map(|(path, bytes)| ((*path).to_owned(), sha256(bytes))).collect();
        prop_assert_eq!(read, wanted);
    }
}
