//! What users call says what it does and how it fails.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::{Path, PathBuf};

/// A public function: where it is, what is said above it, and how it is called.
struct Call {
    name: String,
    docs: Vec<String>,
    signature: String,
}

impl Call {
    fn says(&self, text: &str) -> bool {
        self.docs.iter().any(|line| line.contains(text))
    }
}

/// SES-13: every public call on a store and its collections has its documentation, with its errors where it can fail; each
/// that works with a store's sessions has an example.
#[test]
fn ses_13_every_public_call_has_its_documentation() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folders = ["holdall/src", "holdall-store/src"].map(|folder| sources(&crates.join(folder)));
    let calls: Vec<Call> = folders.iter().flatten().flat_map(|path| calls(path)).collect();
    assert!(calls.len() > 300, "{} calls are not all", calls.len());
    let lacking = |lacks: &dyn Fn(&Call) -> bool| -> Vec<&str> {
        calls.iter().filter(|call| lacks(call)).map(|call| call.name.as_str()).collect()
    };
    assert_eq!(lacking(&|call| call.docs.is_empty()), [""; 0], "nothing is said");
    let may_fail = |call: &Call| call.signature.rsplit("-> ").next().unwrap().starts_with("Result<");
    assert!(calls.iter().filter(|call| may_fail(call)).count() > 150, "many calls may fail");
    assert_eq!(lacking(&|call| may_fail(call) && !call.says("# Errors")), [""; 0], "errors are not told");
    let of_sessions = |call: &Call| call.name.contains("/session/") && call.signature.contains("async fn");
    assert!(calls.iter().filter(|call| of_sessions(call)).count() > 10);
    assert_eq!(lacking(&|call| of_sessions(call) && !call.says("```")), [""; 0], "there is no example");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        match path.extension() {
            _ if path.is_dir() => found.extend(sources(&path)),
            Some(extension) if extension == "rs" => found.push(path),
            _ => {}
        }
    }
    found.sort();
    found
}

/// The public functions of a file, without its tests.
fn calls(path: &Path) -> Vec<Call> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<&str> =
        text.lines().take_while(|line| *line != "#[cfg(test)]").map(str::trim_start).collect();
    let starts = |line: &str| line.starts_with("pub fn ") || line.starts_with("pub async fn ");
    let places = (0..lines.len()).filter(|place| starts(lines[*place]));
    places
        .map(|place| {
            let above = lines[..place].iter().rev().take_while(|line| line.starts_with(['/', '#']));
            let to_body: String =
                lines[place..].iter().take_while(|line| !line.is_empty()).copied().collect();
            let signature = to_body.split('{').next().unwrap_or_default().to_owned();
            let name = signature.split('(').next().unwrap_or_default();
            Call {
                name: format!("{}: {name}", path.display()),
                docs: above.filter(|line| line.starts_with("///")).map(|line| (*line).to_owned()).collect(),
                signature,
            }
        })
        .collect()
}
