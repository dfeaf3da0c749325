//! From text to [`Server`]: pure, so that tests need no environment of their own.

use super::Server;

pub(super) const ENV: &str = "env";

type Lookup<'a> = &'a dyn Fn(&str) -> Result<Option<String>, String>;

pub(super) fn named(name: &str, lookup: Lookup<'_>) -> Option<Result<Server, String>> {
    let variable = format!("HOLDALL_TEST_{}", name.to_uppercase().replace('-', "_"));
    let text = match lookup(&variable) {
        Ok(text) => text?,
        Err(error) => return Some(Err(error)),
    };
    let server = if name == ENV { usual(lookup) } else { fields(name, &text) };
    Some(server.map_err(|error| format!("{variable}: {error}")))
}

/// Reads `NAME='…'`, as a start script prints it.
pub(super) fn line(name: &str, line: &str) -> Result<Server, String> {
    let value = line.trim().split_once('=').map(|(_, value)| value.trim_matches('\''));
    fields(name, value.ok_or("the start script printed no variable")?)
}

pub(super) fn fields(name: &str, text: &str) -> Result<Server, String> {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for pair in text.split_whitespace() {
        let (field, value) = pair.split_once('=').ok_or("a field is not name=value")?;
        if !["endpoint", "region", "access_key", "secret_key", "kms_key"].contains(&field) {
            return Err(format!("unknown field {field}"));
        }
        if seen.iter().any(|(earlier, _)| *earlier == field) {
            return Err(format!("{field} is given twice"));
        }
        seen.push((field, value));
    }
    let take = |field| {
        seen.iter()
            .find(|(name, value)| *name == field && !value.is_empty())
            .map(|(_, value)| value.to_string())
    };
    let need = |field| take(field).ok_or_else(|| format!("{field} is missing"));
    Ok(Server {
        name: name.to_owned(),
        endpoint: endpoint(&need("endpoint")?)?,
        region: need("region")?,
        access_key: need("access_key")?,
        secret_key: need("secret_key")?,
        kms_key: take("kms_key"),
        process: None,
    })
}

fn usual(lookup: Lookup<'_>) -> Result<Server, String> {
    let first = |names: &[&str]| names.iter().find_map(|name| lookup(name).transpose()).transpose();
    let need = |names: &[&str]| first(names)?.ok_or_else(|| format!("{} is not set", names.join(" or ")));
    if lookup("AWS_SESSION_TOKEN")?.is_some() {
        return Err("AWS_SESSION_TOKEN is set, but tests take lasting keys only".to_owned());
    }
    let keys = match lookup("S3_ACCESS_KEY_ID")? {
        Some(_) => ["S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"],
        None => ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
    };
    Ok(Server {
        name: ENV.to_owned(),
        endpoint: endpoint(&need(&["S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])?)?,
        region: first(&["AWS_REGION", "AWS_DEFAULT_REGION", "S3_REGION"])?
            .unwrap_or_else(|| "us-east-1".to_owned()),
        access_key: need(&keys[..1])?,
        secret_key: need(&keys[1..])?,
        kms_key: lookup("S3_KMS_KEY_ID")?,
        process: None,
    })
}

fn endpoint(url: &str) -> Result<String, String> {
    let url = url.trim_end_matches('/');
    let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    match host {
        Some(host) if !host.is_empty() => Ok(url.to_owned()),
        _ => Err("the endpoint needs http:// or https:// and a host".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CEPH: &str =
        "endpoint=http://127.0.0.1:7480 region=default access_key=AK secret_key=S=/+ kms_key=k";

    fn named_in(name: &str, variables: &[(&str, &str)]) -> Option<Result<Server, String>> {
        let find = |name: &str| variables.iter().find(|(variable, _)| *variable == name);
        named(name, &|name| Ok(find(name).map(|(_, value)| value.to_string())))
    }

    fn error(text: &str) -> String {
        fields("x", text).unwrap_err()
    }

    #[test]
    fn every_field_is_taken() {
        let server = named_in("ceph", &[("HOLDALL_TEST_CEPH", CEPH)]).unwrap().unwrap();
        assert_eq!(server.name, "ceph");
        assert_eq!(server.endpoint, "http://127.0.0.1:7480");
        assert_eq!(server.region, "default");
        assert_eq!(server.access_key, "AK");
        assert_eq!(server.secret_key, "S=/+");
        assert_eq!(server.kms_key.as_deref(), Some("k"));
    }

    #[test]
    fn a_dash_in_the_name_is_an_underscore_in_the_variable() {
        let text = "endpoint=http://h region=r access_key=a secret_key=s";
        let server = named_in("s3s-fs", &[("HOLDALL_TEST_S3S_FS", text)]).unwrap().unwrap();
        assert_eq!((server.name.as_str(), server.kms_key), ("s3s-fs", None));
    }

    #[test]
    fn an_unset_variable_is_no_server() {
        assert!(named_in("moto", &[("HOLDALL_TEST_CEPH", CEPH)]).is_none());
    }

    #[test]
    fn an_unreadable_variable_is_an_error() {
        let lookup = |name: &str| Err(format!("{name} is not UTF-8"));
        assert_eq!(named("ceph", &lookup).unwrap().unwrap_err(), "HOLDALL_TEST_CEPH is not UTF-8");
    }

    #[test]
    fn faults_are_named_without_their_values() {
        let rest = "region=r access_key=a secret_key=TOPSECRET";
        assert_eq!(error(rest), "endpoint is missing");
        assert_eq!(
            error(&format!("endpoint=http://h {rest} secret_key=TOPSECRET")),
            "secret_key is given twice"
        );
        assert_eq!(error(&format!("endpoint=http://h {rest} bucket=b")), "unknown field bucket");
        assert_eq!(error("TOPSECRET"), "a field is not name=value");
        assert_eq!(error("endpoint=http://h region= access_key=a secret_key=s"), "region is missing");
        assert_eq!(
            error(&format!("endpoint=h:9000 {rest}")),
            "the endpoint needs http:// or https:// and a host"
        );
        let named = named_in("ceph", &[("HOLDALL_TEST_CEPH", rest)]).unwrap();
        assert_eq!(named.unwrap_err(), "HOLDALL_TEST_CEPH: endpoint is missing");
    }

    #[test]
    fn a_printed_line_is_read_back() {
        let server = line("ceph", &format!("HOLDALL_TEST_CEPH='{CEPH}'\n")).unwrap();
        assert_eq!(
            (server.endpoint.as_str(), server.kms_key.as_deref()),
            ("http://127.0.0.1:7480", Some("k"))
        );
        assert!(line("ceph", "").is_err());
    }

    #[test]
    fn env_takes_the_usual_variables() {
        let variables = [
            ("HOLDALL_TEST_ENV", "1"),
            ("S3_ENDPOINT_URL", "https://s3.example.org/"),
            ("AWS_ENDPOINT_URL", "https://not.example.org"),
            ("AWS_DEFAULT_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AK"),
            ("AWS_SECRET_ACCESS_KEY", "SK"),
            ("S3_KMS_KEY_ID", "k"),
        ];
        let server = named_in("env", &variables).unwrap().unwrap();
        assert_eq!(server.endpoint, "https://s3.example.org");
        assert_eq!((server.region.as_str(), server.access_key.as_str()), ("eu-central-1", "AK"));
        assert_eq!((server.secret_key.as_str(), server.kms_key.as_deref()), ("SK", Some("k")));
        assert!(named_in("env", &variables[1..]).is_none());
    }

    #[test]
    fn env_never_mixes_two_pairs_of_keys() {
        let variables = [
            ("HOLDALL_TEST_ENV", "1"),
            ("AWS_ENDPOINT_URL", "http://h"),
            ("S3_ACCESS_KEY_ID", "AK"),
            ("AWS_SECRET_ACCESS_KEY", "SK"),
        ];
        let error = named_in("env", &variables).unwrap().unwrap_err();
        assert_eq!(error, "HOLDALL_TEST_ENV: S3_SECRET_ACCESS_KEY is not set");
    }

    #[test]
    fn env_refuses_temporary_keys() {
        let error = named_in("env", &[("HOLDALL_TEST_ENV", "1"), ("AWS_SESSION_TOKEN", "t")]);
        assert!(error.unwrap().unwrap_err().contains("AWS_SESSION_TOKEN"));
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", fields("ceph", &CEPH.replace("S=/+", "TOPSECRET")).unwrap());
        assert!(shown.contains("http://127.0.0.1:7480") && !shown.contains("TOPSECRET"), "{shown}");
    }
}
