//! `docs/CONFIG.md`, `.env.example` and `compose.yaml` are written from the table of settings. `HOLDALL_REWRITE=1` writes
//! them again.

#![allow(clippy::unwrap_used, reason = "a test")]

use holdall_store::{SETTINGS, Setting};
use std::fmt::Write as _;
use std::path::Path;

const INTRODUCTION: &str = "\
# Settings

This page is written from the table of settings in the code.

Every setting `x` is the variable `HOLDALL_X` and the key `x` of the configuration file; some have options of the
command and variables that other S3 tools read too. What comes first here wins:

1. an option or a URL on the command line, or an argument in code;
2. `HOLDALL_*`, then `S3_*`, then `AWS_*` and those that all programs share, in the order of the table;
3. the chosen profile of the configuration file, then what the file sets for all;
4. region and endpoint of the profile in AWS's configuration file (`AWS_CONFIG_FILE`, else `~/.aws/config`), for a bucket
   that has none from the above; of its `default` profile the region counts on AWS only;
5. the default.

Two variables of one rank (they share a line of their cell) that set one thing differently are an error that names both,
unless something before them decides. Keys come as a pair: half of one is an error, and a session token goes only with
its own. An endpoint or keys of S3's own without a bucket are an error, never a local folder. `holdall config` shows
every value, where it comes from, and what is not used because something else wins.

Sizes take `KiB`, `MiB`, `GiB`, `TiB`, `KB`, `MB`, `GB`, `TB`; times take `ms`, `s`, `m`, `h`, `d`, and bare numbers are
seconds. A variable that is set to nothing is not set.

## The configuration file

`--config FILE`, else `$HOLDALL_CONFIG`, else `$XDG_CONFIG_HOME/holdall/config.toml` (`~/.config` where that is not set).
One in the current folder is never read: a cloned repository must not redirect uploads. `--profile NAME` or
`$HOLDALL_PROFILE` chooses a section. A key that is no setting is an error.

```toml
attempts = 3

[profile.staging]
store = \"s3://staging-artifacts/runs\"
endpoint = \"https://minio.example.com\"
```

## All settings

";

const ENVIRONMENT: &str = "\
# Every setting of holdall as a variable, with its default. Uncomment what you change.
# docs/CONFIG.md says what each means, and which other variables set it.
";

fn config_page() -> String {
    let mut page = INTRODUCTION.to_owned();
    page += "| setting | other variables | default | |\n|---|---|---|---|\n";
    for setting in SETTINGS {
        let ranks: Vec<String> = setting
            .variables
            .iter()
            .map(|rank| rank.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" "))
            .collect();
        let Setting { name, default, about, .. } = setting;
        writeln!(page, "| `{name}` | {} | {default} | {about} |", ranks.join("<br>")).unwrap();
    }
    page
}

/// The default as a value, where it is one.
fn value_of(setting: &Setting) -> &'static str {
    let inner = setting.default.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
    inner.filter(|value| !value.contains('`')).unwrap_or_default()
}

fn environment() -> String {
    let mut text = ENVIRONMENT.to_owned();
    for setting in SETTINGS {
        let about = setting.about.replace('`', "");
        let (first, rest) = about.split_at(usize::from(!setting.about.starts_with('`')));
        write!(text, "\n# {}{rest}\n", first.to_uppercase()).unwrap();
        if value_of(setting).is_empty() && !setting.default.is_empty() {
            writeln!(text, "# Default: {}", setting.default.replace('`', "")).unwrap();
        }
        writeln!(text, "#{}={}", setting.variable(), value_of(setting)).unwrap();
    }
    text
}

const COMPOSE: &str = "\
# A worker that has holdall, with every variable that holdall reads passed on from the shell or from .env.
# Those that are not set arrive empty, which is the same as not set. `docker compose run --rm worker` shows what came of
# them; put your own image and command in its place.
services:
  worker:
    build:
      context: .
      dockerfile_inline: |
        FROM rust:1.95-slim AS build
        COPY . /src
        RUN cargo install --locked --path /src/crates/holdall-cli
        FROM debian:stable-slim
        RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
        COPY --from=build /usr/local/cargo/bin/holdall /usr/local/bin/
    command: [\"holdall\", \"config\"]
    # The default store and the configuration file are below HOME: on a volume, so that they outlive the container.
    volumes:
      - holdall:/var/lib/holdall
    environment:
      HOME: /var/lib/holdall
";

fn compose() -> String {
    let mut text = COMPOSE.to_owned();
    let mut pass = |name: &str| writeln!(text, "      {name}: ${{{name}:-}}").unwrap();
    pass("HOLDALL_PROFILE");
    for setting in SETTINGS {
        pass(&setting.variable());
        setting.variables.iter().copied().flatten().for_each(|name| pass(name));
    }
    text + "volumes:\n  holdall:\n"
}

fn golden(path: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var("HOLDALL_REWRITE").is_ok_and(|v| v == "1") {
        std::fs::write(&path, expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{} is not what the table says; HOLDALL_REWRITE=1 writes it", path.display());
}

#[test]
fn mig_4_the_page_of_settings_is_the_table() {
    golden("docs/CONFIG.md", &config_page());
}

#[test]
fn mig_4_the_sample_environment_is_the_table() {
    golden(".env.example", &environment());
}

#[test]
fn env_1_the_sample_for_containers_passes_every_variable() {
    golden("compose.yaml", &compose());
}

#[test]
fn defaults_of_the_table_are_those_of_the_code() {
    let resolved = holdall_store::Sources::new(holdall_store::Variables::default()).resolve().unwrap();
    for value in resolved.values {
        let said = value_of(value.setting);
        if !said.is_empty() && value.setting.name != "aws_profile" {
            assert_eq!(value.value.as_deref(), Some(said), "{}", value.setting.name);
        }
    }
}
