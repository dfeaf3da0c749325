//! Settings that are missing, wrong or contradict each other, and which of them wins.

use crate::shell::{Shell, stdout};

#[test]
fn no_store_is_named() {
    Shell::bare().transcript("no_store", &["ls", "ls --json", "put f"]);
}

#[test]
fn stores_that_are_none() {
    Shell::bare().transcript(
        "stores_that_are_none",
        &[
            "ls --store b",
            "ls --store http://user:pass@host/",
            "ls --store s3://",
            "ls --store file://relative",
            "ls --store file:///proc/none",
            "ls ftp://x --store ftp://x",
        ],
    );
    Shell::bare().with("HOLDALL_STORE", "b").transcript("store_variable_that_is_none", &["ls"]);
}

#[test]
fn half_a_pair_of_keys() {
    let shell = Shell::bare().with("S3_BUCKET", "b").with("S3_SECRET_ACCESS_KEY", "canary-secret");
    shell.transcript("half_a_pair", &["ls", "ls s3://other/"]);
}

#[test]
fn two_variables_that_differ() {
    let shell = Shell::bare().with("S3_BUCKET", "a").with("S3_BUCKET_NAME", "b");
    shell.transcript("two_variables", &["ls", "ls --store memory://"]);
}

#[test]
fn options_are_named_as_they_were_given() {
    let shell = Shell::bare().with("HOLDALL_CONCURRENCY", "many");
    shell.write("f", "x");
    shell.transcript(
        "options_as_given",
        &[
            "ls --store memory://",
            "ls --store memory:// --concurrency 0",
            "ls --store memory:// --concurrency 1 --endpoint http://user:canary@host",
            "ls --store memory:// --concurrency 1 --path-style=perhaps",
            "put f --store memory:// --concurrency 1 --acl everybody",
            "put f --store memory:// --concurrency 1 --sse rot13",
            "ls --store memory:// --concurrency 1 --log loud",
        ],
    );
    Shell::bare().with("HOLDALL_LOG", "a=b=c").transcript("log_variable", &["ls --store memory://"]);
}

#[test]
fn an_endpoint_without_a_bucket_is_an_error_but_for_full_urls() {
    let shell = Shell::new();
    shell.server().put_object("other", "k", b"hello");
    let shell = shell.with("HOLDALL_STORE", "");
    shell.transcript("endpoint_without_bucket", &["cat k", "cat s3://other/k"]);
}

#[test]
fn the_option_wins_over_the_variables() {
    let shell = Shell::new();
    shell.server().put_object("other", "p/k", b"hello");
    assert_eq!(stdout(&shell.run(&["ls", "--store", "s3://other/p"])), "k\n");
    assert_eq!(stdout(&shell.run(&["cat", "--store", "s3://nowhere", "s3://other/p/k"])), "hello");
}

#[test]
fn logs_go_to_standard_error_when_asked_for() {
    let shell = Shell::new();
    let quiet = shell.run(&["ls"]);
    assert_eq!((stdout(&quiet).as_str(), quiet.stderr.len()), ("", 0));
    let loud = shell.run(&["ls", "--log", "trace"]);
    let text = String::from_utf8(loud.stderr).unwrap();
    assert!(text.contains("TRACE") || text.contains("DEBUG"), "{text}");
    assert!(!text.contains("canary-secret"), "{text}");
}

#[test]
fn doc_2_config_shows_values_sources_and_what_is_not_used() {
    let shell = Shell::bare()
        .with("HOME", "/home/u")
        .with("S3_BUCKET", "artifacts")
        .with("S3_ACCESS_KEY_ID", "canary-id")
        .with("S3_SECRET_ACCESS_KEY", "canary-secret")
        .with("AWS_ACCESS_KEY_ID", "canary-other")
        .with("AWS_SECRET_ACCESS_KEY", "canary-other-secret")
        .with("HTTPS_PROXY", "http://u:canary-password@proxy:3128")
        .with("HOLDALL_REGOIN", "x");
    shell.write(
        "c.toml",
        "attempts = 3\n[profile.staging]\nregion = 'eu-west-1'\nsecret_access_key = 'canary'\naccess_key_id = 'canary'\n",
    );
    shell.transcript(
        "config",
        &["config", "config --config c.toml --profile staging --region r attempts region"],
    );
    shell.transcript(
        "config_in_other_forms",
        &[
            "config store bucket --store memory://x",
            "config access_key_id region --json",
            "config regoin",
            "config --profile staging",
            "config --config c.toml --profile prod",
            "config --config c.toml --attempts 3",
        ],
    );
    shell.write("wrong.toml", "\nregoin = 'x'\n");
    shell.transcript("config_that_is_wrong", &["ls --config wrong.toml", "config --config none.toml --json"]);
    for arguments in
        [&["config"][..], &["config", "--json"], &["config", "--config", "c.toml", "--profile", "staging"]]
    {
        let output = shell.run(arguments);
        let said = [output.stdout, output.stderr].concat();
        assert!(!String::from_utf8(said).unwrap().contains("canary"), "{arguments:?}");
    }
}

#[test]
fn settings_that_are_wrong_do_not_keep_config_from_naming_them() {
    Shell::bare()
        .with("S3_BUCKET", "a")
        .with("S3_BUCKET_NAME", "b")
        .transcript("config_of_a_conflict", &["config", "config --json"]);
}

#[test]
fn logs_are_json_where_that_is_set() {
    let shell = Shell::new().with("HOLDALL_LOG_FORMAT", "json").with("HOLDALL_LOG", "trace");
    let output = shell.run(&["ls"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.lines().count() > 0);
    assert!(text.lines().all(|line| line.starts_with('{') && line.ends_with('}')), "{text}");
    assert!(!text.contains("canary-secret"), "{text}");
}

/// What the compose sample passes to a worker is what its `config` shows.
#[test]
fn env_1_the_workers_config_shows_what_the_compose_sample_passes() {
    let sample = include_str!("../../../../compose.yaml");
    let passed: Vec<&str> =
        sample.lines().filter_map(|line| line.trim().split_once(": ${")).map(|(name, _)| name).collect();
    let given = [
        ("S3_ENDPOINT_URL", "https://nyc3.digitaloceanspaces.com"),
        ("S3_BUCKET_NAME", "mybucket"),
        ("S3_BASE_PREFIX", "planning"),
        ("S3_ACCESS_KEY_ID", "canary-id"),
        ("S3_SECRET_ACCESS_KEY", "canary-secret"),
        ("HOLDALL_ACL", "public-read"),
    ];
    let mut shell = Shell::bare().with("HOME", "/var/lib/holdall");
    for name in &passed {
        let value = given.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value);
        shell = shell.with(name, value);
    }
    let text = stdout(&shell.run(&["config", "--json"]));
    for (name, _) in given {
        assert!(passed.contains(&name) && text.contains(&format!("\"source\":\"{name}\"")), "{name}: {text}");
    }
    assert!(text.contains("s3://mybucket/planning") && !text.contains("canary"), "{text}");
}
