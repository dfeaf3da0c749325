//! Checks of the settings themselves, before anything is connected.

use super::finding::Finding;
use crate::error::Error;
use crate::settings::{Origin, Resolved, SettingsError, Value};
use holdall_s3::{Endpoint, EndpointError};
use std::path::Path;

const RESOLVE: &str = "settings.resolve";
const UNKNOWN: &str = "settings.unknown";
const UNUSED: &str = "settings.unused";
const FILE: &str = "settings.file";
const TRANSPORT: &str = "settings.transport";

/// What is found where the settings make no store, such as for a `--store` that is none.
pub fn unresolved(error: &Error) -> Finding {
    let finding = Finding::problem(RESOLVE, error.to_string()).means("no command works with these settings");
    match error.hint() {
        Some(hint) => finding.mend(hint),
        None => finding.mend("correct the setting that is named"),
    }
}

/// What is found where they contradict each other, or cannot be read.
pub(super) fn refused(error: &SettingsError) -> Finding {
    Finding::problem(RESOLVE, error.to_string())
        .means("no command works with these settings")
        .mend(mending(error))
}

fn mending(error: &SettingsError) -> String {
    match error {
        SettingsError::Conflict { first, second, .. }
        | SettingsError::Contradiction { first, second, .. } => {
            format!("unset {first} or {second}")
        }
        SettingsError::Invalid { variable, reason } if *reason == EndpointError::Credentials.to_string() => {
            format!(
                "take the keys out of the URL of {variable} and renew them; they belong in S3_ACCESS_KEY_ID and \
                 S3_SECRET_ACCESS_KEY"
            )
        }
        SettingsError::Invalid { variable, .. } => format!("correct {variable}"),
        SettingsError::HalfPair { present, missing } => format!("set {missing}, or unset {present}"),
        SettingsError::NoBucket { missing, .. } => format!("set {missing} or HOLDALL_STORE"),
        SettingsError::Missing { missing, .. } => format!("set {missing}"),
        SettingsError::File { path, .. } => format!("correct {}", path.display()),
        SettingsError::NoProfile { .. } => {
            "choose another profile by --profile or HOLDALL_PROFILE".to_owned()
        }
    }
}

/// Who may read the configuration file, by the bits of its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    Owner,
    Group,
    Everybody,
}

impl Readers {
    fn of_mode(mode: u32) -> Self {
        match (mode & 0o004 != 0, mode & 0o040 != 0) {
            (true, _) => Self::Everybody,
            (false, true) => Self::Group,
            (false, false) => Self::Owner,
        }
    }
}

/// Judges settings that can be used.
pub(super) fn judge(resolved: &Resolved) -> Vec<Finding> {
    let store = resolved.values.iter().find(|value| value.setting.name == "store");
    let ok = Finding::ok(RESOLVE, "the settings can be used");
    let mut findings = vec![match store.and_then(|value| value.value.as_deref()) {
        Some(store) => ok.fact("store", store),
        None => ok,
    }];
    findings.extend(unknown(&resolved.unknown));
    findings.push(unused(&resolved.values));
    findings.extend(resolved.config_file.as_deref().map(look_at_file));
    findings.extend(transport(resolved));
    findings
}

fn unknown(names: &[(String, Option<String>)]) -> Vec<Finding> {
    if names.is_empty() {
        return vec![Finding::ok(UNKNOWN, "every HOLDALL_ variable sets something")];
    }
    let finding = |(name, meant): &(String, Option<String>)| {
        let finding = Finding::warning(UNKNOWN, format!("{name} sets nothing"))
            .means("what it was meant to set has another value");
        match meant {
            Some(meant) => finding.mend(format!("rename {name} to {meant}")),
            None => finding.mend(format!("unset {name}; `holdall config` lists all settings")),
        }
    };
    names.iter().map(finding).collect()
}

fn unused(values: &[Value]) -> Finding {
    let mut names: Vec<String> = Vec::new();
    for origin in values.iter().flat_map(|value| &value.unused) {
        let name = origin.to_string();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return Finding::ok(UNUSED, "nothing is set in vain");
    }
    Finding::note(UNUSED, format!("not used: {}", names.join(", ")))
        .means("another source of the same setting wins; `holdall config` shows which")
        .mend(format!("unset {}", names.join(", ")))
}

fn look_at_file(path: &Path) -> Finding {
    use std::os::unix::fs::PermissionsExt;
    let looked = std::fs::metadata(path).and_then(|stat| {
        let text = std::fs::read_to_string(path)?;
        Ok((Readers::of_mode(stat.permissions().mode()), holds_keys(&text)))
    });
    match looked {
        Ok((readers, keys)) => file(path, readers, keys),
        Err(error) => Finding::unknown(FILE, format!("{} cannot be looked at: {error}", path.display())),
    }
}

/// Keys of any profile count, chosen or not.
fn holds_keys(text: &str) -> bool {
    let sets = |line: &str| {
        let name = line.trim_start().split(['=', ' ', '\t']).next().unwrap_or_default();
        matches!(name.trim_matches(['"', '\'']), "secret_access_key" | "session_token")
    };
    text.lines().any(sets)
}

pub(super) fn file(path: &Path, readers: Readers, keys: bool) -> Finding {
    let path = path.display();
    let what = |who: &str| format!("{path} holds keys and is readable by {who}");
    let finding = match (keys, readers) {
        (false, _) => return Finding::ok(FILE, format!("{path} holds no keys")),
        (true, Readers::Owner) => return Finding::ok(FILE, format!("{path} is read by its owner alone")),
        (true, Readers::Group) => Finding::warning(FILE, what("its group")),
        (true, Readers::Everybody) => Finding::problem(FILE, what("everybody on this machine")),
    };
    finding
        .means("whoever reads it can read, change and delete what is stored")
        .mend(format!("chmod 600 {path}"))
}

fn transport(resolved: &Resolved) -> Vec<Finding> {
    let settings = &resolved.settings;
    let ends = [("endpoint", &settings.endpoint), ("public_endpoint", &settings.public_endpoint)];
    let is_remote = matches!(settings.store, Some(crate::Location::S3 { .. }));
    let given = ends.into_iter().filter(|_| is_remote);
    given.filter_map(|(name, endpoint)| Some(plain(&source(resolved, name), endpoint.as_ref()?))).collect()
}

fn plain(source: &str, endpoint: &Endpoint) -> Finding {
    if endpoint.is_tls() {
        return Finding::ok(TRANSPORT, format!("{endpoint} is spoken to over TLS"));
    }
    if endpoint.is_loopback() {
        return Finding::ok(TRANSPORT, format!("{endpoint} is on this machine"));
    }
    Finding::warning(TRANSPORT, format!("{endpoint} is plain http and not on this machine"))
        .means("whoever sits in between reads what is stored, and may use presigned URLs and session tokens")
        .mend(format!("set https:// in {source}"))
}

/// Where a setting comes from as a user would look for it; the variable to set where nobody set it.
pub(super) fn source(resolved: &Resolved, setting: &str) -> String {
    let value = resolved.values.iter().find(|value| value.setting.name == setting);
    match value {
        Some(value) if value.origin != Origin::Default => value.origin.to_string(),
        _ => format!("HOLDALL_{}", setting.to_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::asked::tests::seen;
    use super::*;
    use crate::doctor::Status;
    use crate::settings::{Sources, Variables};

    type Set<'a> = &'a [(&'a str, &'a str)];

    #[test]
    fn each_refusal_names_what_mends_it() {
        let table: [(&str, Set<'_>, &str); 8] = [
            ("conflict", &[("S3_BUCKET", "a"), ("S3_BUCKET_NAME", "b")], "unset S3_BUCKET or S3_BUCKET_NAME"),
            ("half", &[("S3_SECRET_ACCESS_KEY", "x")], "set S3_ACCESS_KEY_ID, or unset S3_SECRET_ACCESS_KEY"),
            ("no bucket", &[("S3_ENDPOINT_URL", "http://h")], "set S3_BUCKET or HOLDALL_STORE"),
            ("value", &[("HOLDALL_CONCURRENCY", "many")], "correct HOLDALL_CONCURRENCY"),
            ("missing", &[("HOLDALL_URL", "cdn")], "set HOLDALL_PUBLIC_BASE_URL"),
            (
                "contradiction",
                &[("HOLDALL_SSE", "AES256"), ("HOLDALL_KMS_KEY_ID", "k")],
                "unset HOLDALL_SSE or HOLDALL_KMS_KEY_ID",
            ),
            (
                "keys in a URL",
                &[("S3_BUCKET", "b"), ("S3_ENDPOINT_URL", "https://id:canary@h")],
                "take the keys out of the URL of S3_ENDPOINT_URL and renew them; they belong in S3_ACCESS_KEY_ID \
                 and S3_SECRET_ACCESS_KEY",
            ),
            (
                "profile",
                &[("HOLDALL_PROFILE", "x")],
                "choose another profile by --profile or HOLDALL_PROFILE",
            ),
        ];
        for (name, variables, wanted) in table {
            let variables = Variables::from_pairs(variables.iter().copied());
            let error = Sources::new(variables).resolve().unwrap_err();
            let finding = refused(&error);
            assert_eq!((finding.status, finding.mend.as_deref()), (Status::Problem, Some(wanted)), "{name}");
            assert!(!format!("{finding:?}").contains("canary"), "{finding:?}");
        }
    }

    fn of(variables: &[(&str, &str)]) -> Vec<Finding> {
        let resolved = Sources::new(Variables::from_pairs(variables.iter().copied())).resolve().unwrap();
        judge(&resolved)
    }

    fn only<'a>(findings: &'a [Finding], check: &str) -> (Status, &'a str) {
        let mut found = findings.iter().filter(|finding| finding.check == check);
        let one = found.next().unwrap();
        assert!(found.next().is_none(), "{findings:?}");
        (one.status, one.mend.as_deref().unwrap_or(""))
    }

    #[test]
    fn what_sets_nothing_is_named_with_what_was_meant() {
        let found = of(&[("HOLDALL_REGOIN", "x")]);
        assert_eq!(only(&found, UNKNOWN), (Status::Warning, "rename HOLDALL_REGOIN to HOLDALL_REGION"));
        let found = of(&[("HOLDALL_ZZZZZZ", "x")]);
        assert_eq!(
            only(&found, UNKNOWN),
            (Status::Warning, "unset HOLDALL_ZZZZZZ; `holdall config` lists all settings")
        );
        assert_eq!(only(&of(&[]), UNKNOWN).0, Status::Ok);
    }

    #[test]
    fn what_another_source_wins_over_is_a_note() {
        let found = of(&[("S3_REGION", "a"), ("AWS_REGION", "b")]);
        let (status, mend) = only(&found, UNUSED);
        assert_eq!(status, Status::Note);
        assert!(mend.starts_with("unset ") && !mend.contains("HOLDALL"), "{mend}");
        assert_eq!(only(&of(&[("S3_REGION", "a")]), UNUSED).0, Status::Ok);
    }

    #[test]
    fn plain_http_matters_beyond_this_machine() {
        let status = |url: &str| {
            let found = of(&[("S3_BUCKET", "b"), ("S3_ENDPOINT_URL", url)]);
            let (status, mend) = only(&found, TRANSPORT);
            (status, mend.to_owned())
        };
        for url in ["https://h.example", "http://127.0.0.1:9000", "http://localhost", "http://[::1]:1"] {
            assert_eq!(status(url).0, Status::Ok, "{url}");
        }
        let wanted = (Status::Warning, "set https:// in S3_ENDPOINT_URL".to_owned());
        assert_eq!(status("http://h.example:9000"), wanted);
    }

    #[test]
    fn keys_are_for_the_owner_of_their_file() {
        let table = [
            (0o600, true, Status::Ok),
            (0o640, true, Status::Warning),
            (0o644, true, Status::Problem),
            (0o604, true, Status::Problem),
            (0o644, false, Status::Ok),
        ];
        for (mode, keys, wanted) in table {
            let found = [file(Path::new("/c.toml"), Readers::of_mode(mode), keys)];
            assert_eq!(seen(&found).0, wanted, "{mode:o} {keys}");
            if wanted != Status::Ok {
                assert_eq!(seen(&found).2, "chmod 600 /c.toml");
            }
        }
        for text in ["secret_access_key = 'x'", "[profile.a]\n  \"session_token\"='y'"] {
            assert!(holds_keys(text), "{text}");
        }
        for text in ["# secret_access_key = 'x'", "access_key_id = 'x'", "region = 'secret_access_key'"] {
            assert!(!holds_keys(text), "{text}");
        }
    }
}
