//! The same commands print the same JSON wherever objects are: on a folder, in memory, and on the servers that the
//! environment describes.

use crate::real::Bucket;
use crate::shell::Shell;
use holdall_testing::server::Server;
use serde_json::Value;

/// What differs from place to place, or from moment to moment: names of states, times, and how bytes were verified.
const OWN: [&str; 8] =
    ["etag", "version", "last_modified", "seconds", "verified", "attempts", "atomic", "tags_kept"];

/// What a command printed, as far as it must be the same everywhere.
#[derive(Debug, PartialEq)]
struct Said {
    command: String,
    status: Option<i32>,
    lines: Vec<Value>,
}

fn say(shell: &Shell, line: &str) -> Said {
    let words: Vec<&str> = line.split(' ').chain(["--json"]).collect();
    let output = shell.run(&words);
    let read = |bytes: &[u8]| -> Vec<Value> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.lines()
            .filter(|line| line.starts_with('{'))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let mut lines = read(&output.stdout);
    lines.extend(read(&output.stderr));
    lines.iter_mut().for_each(strip);
    // Files of a folder are moved at once and come in no order.
    lines.sort_by_key(Value::to_string);
    Said { command: line.to_owned(), status: output.status.code(), lines }
}

fn strip(value: &mut Value) {
    let Value::Object(fields) = value else { return };
    fields.retain(|name, _| !OWN.contains(&name.as_str()));
    if let Some(Value::Object(error)) = fields.get_mut("error") {
        // The words are of the file system or of the service.
        error.retain(|name, _| ["kind", "key", "name"].contains(&name.as_str()));
    }
    fields.values_mut().for_each(strip);
}

fn files(shell: &Shell) {
    let big: Vec<u8> = (0..9_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    shell.write("in/page.html", "<p>hello</p>").write("in/deep/\u{e9}+%.bin", [0, 255]).write("in/big", big);
    shell.write("in/empty", "").write("in/a-b", "1").write("in/a/b", "2");
}

/// Each on a store that has nothing yet: memory begins anew with every command.
const FIRST: [&str; 11] = [
    "put in/page.html page --content-type text/html --cache-control no-cache --meta run=7 --meta note=\u{e9}",
    "put in/big big",
    "push in out",
    "ls",
    "stat missing",
    "get missing",
    "du",
    "mv missing moved",
    "mv same same",
    "put in/page.html page --if-match \"none\"",
    "topic push in --title Sets --dry-run",
];

const STORY: [&str; 40] = [
    "put in/page.html page --content-type text/html --cache-control no-cache --meta run=7 --meta note=\u{e9}",
    "stat page",
    "put in/empty page --create-only",
    "put in/empty page --if-match \"other\"",
    "put in/page.html a//b",
    "put in/empty dir/",
    "put in/page.html ../up",
    "put in/page.html .holdall/own",
    "push in out",
    "push in out --include **/*.bin --dry-run",
    "ls",
    "ls -r",
    "ls out/",
    "ls out/a",
    "stat out/big",
    "cp page copy",
    "stat copy",
    "cp out/missing copy",
    "get copy got",
    "cat out/big --range 100..50",
    "pull out back",
    "pull nothing nowhere",
    "du",
    "du out/ --depth 2",
    "du nothing/ -s",
    "mv copy moved --dry-run",
    "mv copy moved --create-only",
    "stat moved",
    "mv moved page --create-only",
    "mv page page",
    "mv out/missing moved",
    "mv moved copy",
    "rm copy",
    "rm copy never-there",
    "rm -r out",
    "ls -r",
    "topic push in --title Sets --dry-run",
    "topic push in --title !",
    "topic show sets",
    "topic ls",
];

#[test]
fn a_folder_memory_and_servers_print_the_same_json() {
    let first = |shell: &Shell, store: &dyn Fn(usize) -> String| -> Vec<Said> {
        let one = |(n, line): (usize, &&str)| say(shell, &format!("{line} --store {}", store(n)));
        FIRST.iter().enumerate().map(one).map(|said| Said { command: String::new(), ..said }).collect()
    };
    let shell = Shell::bare();
    files(&shell);
    let folder = first(&shell, &|n| {
        let path = shell.path(&format!("store-{n}"));
        std::fs::create_dir(&path).unwrap();
        format!("file://{}", path.display())
    });
    let memory = first(&shell, &|_| "memory://".to_owned());
    for (n, (folder, memory)) in folder.iter().zip(&memory).enumerate() {
        assert_eq!(folder, memory, "{}", FIRST[n]);
    }
    let story = |shell: &Shell| -> Vec<Said> {
        files(shell);
        STORY.iter().map(|line| say(shell, line)).collect()
    };
    let shell = Shell::bare();
    std::fs::create_dir(shell.path("store")).unwrap();
    let url = format!("file://{}", shell.path("store").display());
    let folder = story(&shell.with("HOLDALL_STORE", &url));
    assert!(folder.iter().all(|said| said.status.is_some()));
    for server in Server::all_from_env().unwrap().iter().filter(|server| server.name == "ceph") {
        let bucket = Bucket::on(server, "parity");
        for (folder, server) in folder.iter().zip(story(&bucket.shell)) {
            assert_eq!(*folder, server);
        }
    }
}
