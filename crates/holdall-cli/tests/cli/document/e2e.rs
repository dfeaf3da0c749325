//! A worker's process with the variables of a server that the environment describes, and without any.

use super::{JOB, json, write};
use crate::real::Bucket;
use crate::shell::Shell;
use holdall_testing::server::Server;
use std::process::Command;

/// E2E-1: the URLs of the result are the server's, and curl fetches them.
#[test]
fn documents_of_a_worker_can_be_fetched_by_anybody() {
    for server in Server::all_from_env().unwrap().into_iter().filter(|server| server.name == "ceph") {
        let bucket = Bucket::on(&server, "documents");
        let shell =
            bucket.shell.variant("HOLDALL_ACL", "public-read").with("HOLDALL_ROOTS", "documents=planning/");
        write(&shell);
        let ran = shell.run(&["document", "run", "job.json", "--exec", "/bin/true {}", "--json"]);
        assert!(ran.status.success(), "{ran:?}");
        for (record, expected) in json(&ran).iter().zip(["transport", "plan"]) {
            let url = record["url"].as_str().unwrap();
            assert!(
                url.starts_with(&server.endpoint) && url.contains("/below/planning/25_00284_F/00"),
                "{url}"
            );
            let fetched = Command::new("curl").args(["-sS", "--fail", url]).output().unwrap();
            assert_eq!(
                (fetched.status.success(), fetched.stdout),
                (true, expected.as_bytes().to_vec()),
                "{url}"
            );
            assert_eq!(record["state"], "deleted");
        }
    }
}

/// E2E-2: without variables the URLs are those of the source.
#[test]
fn documents_of_a_worker_without_a_store_keep_their_urls() {
    let shell = Shell::bare();
    let shell = {
        let home = shell.path("home").display().to_string();
        shell.with("HOME", &home)
    };
    write(&shell);
    let ran = shell.run(&["document", "run", "job.json", "--exec", "/bin/true {}", "--json"]);
    assert!(ran.status.success(), "{ran:?}");
    let job: serde_json::Value = serde_json::from_str(JOB).unwrap();
    for (record, document) in json(&ran).iter().zip(job["documents"].as_array().unwrap()) {
        assert_eq!(record["url"], document["source_url"]);
        assert_eq!(record["file"], "kept");
    }
    let files = shell.files();
    assert!(files.iter().all(|name| name.starts_with("in/") || name.starts_with("job.json")), "{files:?}");
}
