//! Where credentials come from: every source, found by a process of its own.
//!
//! What is found is seen by what it signs. Services are on loopback, and so is the proxy for everything else: nothing
//! leaves the machine, and the tests know what would have.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod finder;
mod service;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::ExitCode;

use finder::{CHILD, Finder, find, signed_with};
use holdall_s3::Credentials;
use libtest_mimic::{Arguments, Trial};
use service::Service;
use tempfile::TempDir;

fn main() -> ExitCode {
    if std::env::var_os(CHILD).is_some() {
        println!("{}", find());
        return ExitCode::SUCCESS;
    }
    let trials: [(&str, fn()); 10] = [
        ("keys_in_the_environment_come_first", keys_in_the_environment_come_first),
        ("the_credentials_file_is_read", the_credentials_file_is_read),
        ("the_configuration_file_is_read", the_configuration_file_is_read),
        ("evi_7_a_profile_by_name_beats_the_environments", evi_7_a_profile_by_name_beats_the_environments),
        ("a_process_is_run", a_process_is_run),
        ("evi_7_a_container_is_asked_with_its_token", evi_7_a_container_is_asked_with_its_token),
        ("a_process_that_fails_is_not_passed_over", a_process_that_fails_is_not_passed_over),
        ("a_container_that_fails_is_an_error", a_container_that_fails_is_an_error),
        ("evi_7_a_web_identity_goes_to_the_token_service", evi_7_a_web_identity_goes_to_the_token_service),
        ("nothing_to_be_found_is_said", nothing_to_be_found_is_said),
    ];
    let trials = trials.map(|(name, test)| {
        Trial::test(name, move || {
            let _: () = test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

/// A home without anything in it, and a proxy that refuses.
struct Place {
    home: TempDir,
    world: Service,
}

impl Place {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), world: Service::start(502, "") }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A script that prints this and leaves a file `ran` behind.
    fn script(&self, text: &str) -> PathBuf {
        let ran = self.home.path().join("ran");
        let path = self.write("script", &format!("#!/bin/sh\n: > '{}'\n{text}\n", ran.display()));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        path
    }

    fn process(&self, text: &str) {
        let script = self.script(text);
        self.write(".aws/config", &format!("[default]\ncredential_process = {} --flag\n", script.display()));
    }

    fn script_ran(&self) -> bool {
        self.home.path().join("ran").exists()
    }

    fn finder(&self) -> Finder {
        Finder::new(self.home.path(), self.world.port)
    }

    /// Runs, and checks that nothing went beyond this machine.
    fn find(&self, finder: Finder) -> String {
        let found = finder.run();
        assert_eq!(self.world.asked(), [""; 0]);
        found
    }
}

fn section(name: &str, id: &str) -> String {
    format!("[{name}]\naws_access_key_id = {id}\naws_secret_access_key = secret/{id}\n")
}

fn lasting(id: &str) -> String {
    signed_with(Credentials::new(id, format!("secret/{id}")))
}

fn temporary(id: &str) -> String {
    signed_with(Credentials::new(id, format!("secret/{id}")).with_session_token("token+/="))
}

const CONTAINER: &str = r#"{"AccessKeyId":"IDC","SecretAccessKey":"secret/IDC","Token":"token+/=",
    "Expiration":"2099-01-01T00:00:00Z"}"#;

fn ask_container(finder: Finder, service: &Service) -> Finder {
    finder.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("http://127.0.0.1:{}/creds?a=b", service.port))
}

fn keys_in_the_environment_come_first() {
    let place = Place::new();
    place.process("exit 1");
    place.write(".aws/credentials", &section("default", "IDF"));
    let container = Service::start(200, CONTAINER);
    let finder = ask_container(place.finder(), &container)
        .env("AWS_ACCESS_KEY_ID", "IDE")
        .env("AWS_SECRET_ACCESS_KEY", "secret/IDE");
    assert_eq!(place.find(finder), lasting("IDE"));
    let finder = place
        .finder()
        .env("AWS_ACCESS_KEY_ID", "IDE")
        .env("AWS_SECRET_ACCESS_KEY", "secret/IDE")
        .env("AWS_SESSION_TOKEN", "token+/=");
    assert_eq!(place.find(finder), temporary("IDE"));
    assert!(container.asked().is_empty() && !place.script_ran());
}

fn the_credentials_file_is_read() {
    let place = Place::new();
    let token = "aws_session_token = token+/=\n";
    let text = format!("{}{}{token}", section("default", "IDF"), section("other", "IDO"));
    place.write(".aws/credentials", &text);
    assert_eq!(place.find(place.finder()), lasting("IDF"));
    assert_eq!(place.find(place.finder().env("AWS_PROFILE", "other")), temporary("IDO"));
    let elsewhere = place.write("elsewhere", &section("default", "IDW"));
    assert_eq!(place.find(place.finder().env("AWS_SHARED_CREDENTIALS_FILE", elsewhere)), lasting("IDW"));
}

fn the_configuration_file_is_read() {
    let place = Place::new();
    let elsewhere = place.write("elsewhere", &section("profile other", "IDO"));
    let finder = place.finder().env("AWS_CONFIG_FILE", elsewhere).env("AWS_PROFILE", "other");
    assert_eq!(place.find(finder), lasting("IDO"));
}

fn evi_7_a_profile_by_name_beats_the_environments() {
    let place = Place::new();
    place.write(".aws/credentials", &(section("one", "ID1") + &section("two", "ID2")));
    assert_eq!(place.find(place.finder().env("AWS_PROFILE", "one").profile("two")), lasting("ID2"));
}

fn a_process_is_run() {
    let place = Place::new();
    let answer = r#"{"Version":1,"AccessKeyId":"IDP","SecretAccessKey":"secret/IDP","SessionToken":"token+/=",
        "Expiration":"2099-01-01T00:00:00Z"}"#;
    place.process(&format!("[ \"$1\" = --flag ] && cat <<'END'\n{answer}\nEND"));
    assert_eq!(place.find(place.finder()), temporary("IDP"));
}

fn evi_7_a_container_is_asked_with_its_token() {
    let place = Place::new();
    let container = Service::start(200, CONTAINER);
    let finder = ask_container(place.finder(), &container);
    assert_eq!(place.find(finder.env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic abc")), temporary("IDC"));
    let file = place.write("token", "Bearer def\n");
    let finder = ask_container(place.finder(), &container);
    assert_eq!(place.find(finder.env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file)), temporary("IDC"));
    let asked = container.asked();
    assert!(asked.iter().all(|head| head.starts_with("get /creds?a=b http/1.1\r\n")), "{asked:?}");
    assert!(asked[0].contains("authorization: basic abc\r\n"), "{asked:?}");
    assert!(asked[1].contains("authorization: bearer def\r\n"), "{asked:?}");
}

fn a_process_that_fails_is_not_passed_over() {
    let place = Place::new();
    place.process("echo the vault is sealed >&2\nexit 3");
    let container = Service::start(200, CONTAINER);
    let found = place.find(ask_container(place.finder(), &container));
    assert!(found.starts_with("Credentials: a configured source of credentials failed: "), "{found}");
    assert!(found.contains("the vault is sealed"), "{found}");
    assert!(place.script_ran() && container.asked().is_empty());
}

fn a_container_that_fails_is_an_error() {
    let place = Place::new();
    let container = Service::start(403, "no role");
    let found = place.find(ask_container(place.finder(), &container));
    assert!(found.starts_with("Credentials: a configured source of credentials failed: "), "{found}");
    assert!(found.contains("no role"), "{found}");
}

fn evi_7_a_web_identity_goes_to_the_token_service() {
    let place = Place::new();
    let token = place.write("token", "a.web.token");
    let container = Service::start(200, CONTAINER);
    let found = ask_container(place.finder(), &container)
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/a-role")
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", token)
        .env("AWS_REGION", "eu-central-1")
        .run();
    // The proxy refuses, which must not make somebody else of us.
    assert!(found.starts_with("Credentials: a configured source of credentials failed: "), "{found}");
    assert!(container.asked().is_empty());
    let asked = place.world.asked();
    assert!(asked.iter().all(|head| head.starts_with("connect sts.")), "{asked:?}");
    assert!(!asked.is_empty() && asked.iter().all(|head| head.contains("amazonaws.com:443 ")), "{asked:?}");
}

fn nothing_to_be_found_is_said() {
    let place = Place::new();
    let begun = std::time::Instant::now();
    let found = place.find(place.finder());
    assert!(found.starts_with("Credentials: no credentials found"), "{found}");
    assert!(begun.elapsed().as_secs() < 5);
    let named = place.find(place.finder().profile("absent"));
    assert!(named.starts_with("Credentials: "), "{named}");
}
