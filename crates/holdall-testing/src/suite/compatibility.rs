//! The table of servers as a page.

use super::capability::Capability;
use super::profile::{Cell, Profile, Value};
use std::fmt::Write;

const HEAD: &str = "\
# Compatibility

What the servers that holdall is tested on do with what it needs. The table is written by the behaviour suite, which
proves every cell: cases run where a thing works, and where it does not, the suite shows that it really fails.

What a server ignores or breaks, holdall does not do there: conditional writes, ACLs, tags, encryption and metadata names
with `_` end in the error `Unsupported` instead of a success that means nothing.

";

/// The page `docs/COMPATIBILITY.md`.
pub fn compatibility_markdown() -> String {
    let profiles = Profile::all();
    let mut page = HEAD.to_owned();
    let names: Vec<&str> = profiles.iter().map(Profile::server).collect();
    let _ = writeln!(page, "| | {} |\n|{}", names.join(" | "), "---|".repeat(names.len() + 1));
    for capability in Capability::ALL {
        let cells: Vec<String> = profiles.iter().map(|profile| cell(profile.cell(capability))).collect();
        let _ = writeln!(page, "| {} | {} |", capability.label(), cells.join(" | "));
    }
    page
}

fn cell(cell: Cell) -> String {
    match cell.value {
        Value::Works => "yes".to_owned(),
        value => format!("{}: {}", value.as_str(), cell.note),
    }
}
