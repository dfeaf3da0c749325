//! Policies: what is due by them, and what a sweep does.

use super::capability::Capability::{ListUploads, Multipart, StorageClass, Tags, UploadAges, Versions};
use super::case::Case;
use super::failure::{Outcome, ensure, equal, fails, same_bytes};
use super::subject::Subject;
use holdall_store::retention::{LifecycleEvent, LifecycleOptions, LifecycleSummary, Policy};
use holdall_store::{ErrorKind, ListOptions, PutOptions, Versioning};
use std::time::{Duration, SystemTime};

pub(super) fn cases() -> Vec<Case> {
    let case = |name, promise, run| Case::new(name, promise, run).serves(&["SES-8", "TOP-12"]);
    vec![
        case("lifecycle/plan", "What a plan names, a sweep by its moment deletes, and nothing else.", |s| {
            Box::pin(plan_is_effect(s))
        }),
        case("lifecycle/nested", "A glob says what no prefix of S3 can: folders of a name, wherever.", |s| {
            Box::pin(nested(s))
        }),
        case("lifecycle/everything", "A policy that takes every object is refused before the first.", |s| {
            Box::pin(everything(s))
        }),
        case("lifecycle/last", "The newest children of a prefix stay whole, and all else goes.", |s| {
            Box::pin(last(s))
        }),
        case("lifecycle/own", "What is holdall's own is taken by no rule.", |s| Box::pin(own(s))),
        case("lifecycle/input", "Nothing is swept by a moment to come.", |s| Box::pin(input(s))),
        case("lifecycle/tags", "A rule with tags takes what has them all.", |s| Box::pin(tags(s)))
            .needs(&[Tags]),
        case("lifecycle/versions", "Old versions go, the newest of them and what is current stay.", |s| {
            Box::pin(versions(s))
        })
        .needs(&[Versions]),
        case("lifecycle/versioned", "Where versions are kept, what a rule deletes leaves one.", |s| {
            Box::pin(versioned(s))
        })
        .needs(&[Versions]),
        case("lifecycle/uploads", "Uploads that nobody finishes are aborted, by prefix.", |s| {
            Box::pin(uploads(s))
        })
        .needs(&[Multipart, ListUploads, UploadAges]),
        case("lifecycle/class", "An object moves to a storage class of a service, whole, once.", |s| {
            Box::pin(class(s))
        })
        .needs(&[StorageClass]),
    ]
}

/// Waits until what was written is a second old: stores tell times by the second.
async fn until_old() {
    tokio::time::sleep(Duration::from_millis(2100)).await;
}

fn policy(rules: &[&str]) -> Outcome<Policy> {
    let rule = |(n, fields): (usize, &&str)| format!("[[rule]]\nname = \"r{n}\"\n{fields}\n");
    Ok(Policy::parse(&rules.iter().enumerate().map(rule).collect::<String>())?)
}

fn at_once() -> LifecycleOptions {
    LifecycleOptions { grace: Duration::ZERO, now: Some(SystemTime::now()), ..LifecycleOptions::default() }
}

/// What was told, as action and key.
type Told = Vec<String>;

fn word(event: LifecycleEvent) -> String {
    match event {
        LifecycleEvent::Done(due) => format!("{} {} {}", due.action.as_str(), due.rule, due.key),
        LifecycleEvent::Failed { due, error } => format!("failed {}: {error}", due.key),
        other => format!("{other:?}"),
    }
}

async fn plan(s: &Subject, policy: &Policy, options: &LifecycleOptions) -> Outcome<(LifecycleSummary, Told)> {
    let mut told = Vec::new();
    let summary = s.store().plan_lifecycle(policy, options, &mut |event| told.push(word(event))).await?;
    Ok((summary, told))
}

/// Plans, sweeps by the plan's moment, and answers what both said, which is the same.
async fn sweep(s: &Subject, policy: &Policy) -> Outcome<(LifecycleSummary, Told)> {
    let options = at_once();
    let mut planned = plan(s, policy, &options).await?;
    // Only a plan says it.
    planned.0.everything = false;
    let mut told = Vec::new();
    let swept = s.store().sweep_lifecycle(policy, &options, &mut |event| told.push(word(event))).await?;
    equal("what was told", &told, &planned.1)?;
    equal("the sums", planned.0, swept)?;
    Ok((swept, told))
}

async fn names(s: &Subject) -> Outcome<Vec<String>> {
    Ok(s.list("", ListOptions::default()).await?.names)
}

async fn plan_is_effect(s: Subject) -> Outcome {
    let s = s.alone().await?;
    for name in ["log/1", "log/2", "logs", "tmp/deep/1", "tmp/1"] {
        s.put(name, "bytes").await?;
    }
    until_old().await;
    let rules = [
        "prefix = \"log/\"\nexpire_after = \"1s\"",
        "prefix = \"tmp/\"\nexpire_after = \"1h\"",
        "prefix = \"tmp/deep/\"\nexpire_after = \"1s\"",
    ];
    let policy = policy(&rules)?;
    let (summary, told) = sweep(&s, &policy).await?;
    equal("what was told", told, ["expire r0 log/1", "expire r0 log/2", "expire r2 tmp/deep/1"])?;
    equal("sums", (summary.looked, summary.deleted.objects, summary.deleted.bytes), (4, 3, 15))?;
    equal("what is left", names(&s).await?, ["logs", "tmp/1"])?;
    for name in ["logs", "tmp/1"] {
        same_bytes(name, &s.read(name).await?, b"bytes")?;
    }
    equal("again", sweep(&s, &policy).await?.1, [""; 0])?;
    let in_a_day = Some(SystemTime::now() + Duration::from_secs(86_400));
    let later = plan(&s, &policy, &LifecycleOptions { now: in_a_day, ..at_once() }).await?;
    equal("what would go in a day", later.1, ["expire r1 tmp/1"])?;
    ensure(!later.0.everything, "it is not everything")
}

async fn nested(s: Subject) -> Outcome {
    let s = s.alone().await?;
    let frames = ["m/a/partial_movie_files/1", "m/a/b/partial_movie_files/c/2", "m/partial_movie_files/3"];
    for name in frames.into_iter().chain(["m/a/film.mp4", "n/partial_movie_files/4"]) {
        s.put(name, "bytes").await?;
    }
    until_old().await;
    let policy = policy(&["prefix = \"m/\"\nglob = \"**/partial_movie_files/**\"\nexpire_after = \"1s\""])?;
    let (summary, _) = sweep(&s, &policy).await?;
    equal("sums", (summary.looked, summary.deleted.objects), (4, 3))?;
    equal("what is left", names(&s).await?, ["m/a/film.mp4", "n/partial_movie_files/4"])
}

async fn everything(s: Subject) -> Outcome {
    let s = s.alone().await?;
    let policy = policy(&["prefix = \"\"\nexpire_after = \"1s\""])?;
    equal("an empty store", sweep(&s, &policy).await?.0.deleted.objects, 0)?;
    s.put("a", "bytes").await?;
    s.put("b", "bytes").await?;
    until_old().await;
    ensure(plan(&s, &policy, &at_once()).await?.0.everything, "the plan says it")?;
    let refused = s.store().sweep_lifecycle(&policy, &at_once(), &mut |_| ()).await;
    fails("a sweep", refused, ErrorKind::Precondition)?;
    equal("what is left", names(&s).await?, ["a", "b"])?;
    let allowed = LifecycleOptions { allow_everything: true, ..at_once() };
    s.store().sweep_lifecycle(&policy, &allowed, &mut |_| ()).await?;
    equal("what is left", names(&s).await?, [""; 0])
}

async fn last(s: Subject) -> Outcome {
    let s = s.alone().await?;
    for name in ["runs/1/a", "runs/2/a", "runs/3/a", "runs/3/b", "runs/loose"] {
        s.put(name, "bytes").await?;
    }
    until_old().await;
    // What is written last makes its folder the newest, with all that is in it.
    s.put("runs/2/b", "bytes").await?;
    s.put("else", "bytes").await?;
    let policy = policy(&["prefix = \"runs/\"\nkeep_last = 1"])?;
    let (summary, _) = sweep(&s, &policy).await?;
    equal("sums", (summary.looked, summary.deleted.objects), (6, 4))?;
    equal("what is left", names(&s).await?, ["else", "runs/2/a", "runs/2/b"])?;
    equal("again", sweep(&s, &policy).await?.1, [""; 0])
}

async fn own(s: Subject) -> Outcome {
    let s = s.alone().await?;
    let soon = SystemTime::now() + Duration::from_secs(7200);
    let expiring = PutOptions { expires: Some(soon), ..PutOptions::default() };
    s.store().put_with("a", "bytes", &expiring).await?;
    s.put("runs/.holdall-deleted/7.json", "{}").await?;
    until_old().await;
    let policy = policy(&["prefix = \"\"\nexpire_after = \"1s\""])?;
    let (summary, told) = plan(&s, &policy, &at_once()).await?;
    equal("what would go", told, ["expire r0 a"])?;
    equal("sums", (summary.looked, summary.everything), (1, true))
}

async fn input(s: Subject) -> Outcome {
    let s = s.alone().await?;
    s.put("a", "bytes").await?;
    let policy = policy(&["prefix = \"\"\nexpire_after = \"1h\""])?;
    let in_a_day = Some(SystemTime::now() + Duration::from_secs(86_400));
    let options = LifecycleOptions { now: in_a_day, allow_everything: true, ..at_once() };
    let swept = s.store().sweep_lifecycle(&policy, &options, &mut |_| ()).await;
    fails("a sweep", swept, ErrorKind::InvalidInput)?;
    same_bytes("the bytes", &s.read("a").await?, b"bytes")
}

async fn tags(s: Subject) -> Outcome {
    let s = s.alone().await?;
    let tag = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for (name, tags) in [
        ("both", vec![tag("kind", "frame"), tag("keep", "no")]),
        ("more", vec![tag("keep", "no"), tag("kind", "frame"), tag("x", "y")]),
        ("one", vec![tag("kind", "frame")]),
        ("other", vec![tag("kind", "frame"), tag("keep", "yes")]),
        ("none", vec![]),
    ] {
        let options = PutOptions { tags, ..PutOptions::default() };
        s.store().put_with(&s.key(name), "bytes", &options).await?;
    }
    until_old().await;
    let rule = "prefix = \"\"\nexpire_after = \"1s\"\ntags = { kind = \"frame\", keep = \"no\" }";
    let (summary, told) = sweep(&s, &policy(&[rule])?).await?;
    equal("what went", told, ["expire r0 both", "expire r0 more"])?;
    equal("objects that were looked at", summary.looked, 5)?;
    equal("what is left", names(&s).await?, ["none", "one", "other"])
}

/// The versions of the store as key, and whether one is the latest and a mark.
async fn left(s: &Subject) -> Outcome<Vec<(String, bool, bool)>> {
    let left = s.store().versions("")?.collect().await?;
    Ok(left.into_iter().map(|v| (v.key.to_string(), v.is_latest, v.is_marker)).collect())
}

async fn versions(s: Subject) -> Outcome {
    let s = s.alone().await?;
    s.store().bucket().set_versioning(Versioning::Enabled).await?;
    for bytes in ["1", "2", "3", "4"] {
        s.put("a", bytes).await?;
        s.put("other", bytes).await?;
    }
    s.put("gone", "1").await?;
    s.store().delete(&s.key("gone")).await?;
    until_old().await;
    let rule =
        |prefix: &str, keep: &str| format!("prefix = \"{prefix}\"\nexpire_noncurrent_after = \"1s\"\n{keep}");
    let rules = [rule("a", "keep_noncurrent = 1"), rule("gone", "")];
    let policy = policy(&[&rules[0], &rules[1]])?;
    let (summary, _) = sweep(&s, &policy).await?;
    equal("sums", (summary.versions.objects, summary.versions.bytes), (3, 3))?;
    same_bytes("what is current", &s.read("a").await?, b"4")?;
    let row = |key: &str, latest, mark| (key.to_owned(), latest, mark);
    let others = [true, false, false, false].map(|latest| row("other", latest, false));
    let mut wanted = vec![row("a", true, false), row("a", false, false), row("gone", true, true)];
    wanted.extend(others.clone());
    equal("what is left", left(&s).await?, wanted)?;
    // The mark that is all its key has goes the next time.
    equal("again", sweep(&s, &policy).await?.0.versions.objects, 1)?;
    equal("what is left", left(&s).await?.len(), 6)?;
    equal("a third time", sweep(&s, &policy).await?.0.versions.objects, 0)
}

async fn versioned(s: Subject) -> Outcome {
    let s = s.alone().await?;
    s.store().bucket().set_versioning(Versioning::Enabled).await?;
    s.put("a", "bytes").await?;
    s.put("b", "bytes").await?;
    until_old().await;
    let (summary, _) = sweep(&s, &policy(&["prefix = \"a\"\nexpire_after = \"1s\""])?).await?;
    equal("what went", summary.deleted.objects, 1)?;
    equal("what is found", names(&s).await?, ["b"])?;
    let row = |key: &str, latest, mark| (key.to_owned(), latest, mark);
    let wanted = [row("a", true, true), row("a", false, false), row("b", true, false)];
    equal("what is left", left(&s).await?, wanted)
}

async fn uploads(s: Subject) -> Outcome {
    let s = s.alone().await?;
    for name in ["tmp/a", "tmp/b", "kept"] {
        let upload = s.backend().begin_upload(&s.parsed(name)?, &PutOptions::default()).await?;
        upload.put_part(1, s.random(name).bytes(5 << 20).into()).await?;
    }
    s.put("tmp/object", "bytes").await?;
    until_old().await;
    let rules =
        ["prefix = \"tmp/\"\nabort_uploads_after = \"1s\"", "prefix = \"\"\nabort_uploads_after = \"1h\""];
    let (summary, told) = sweep(&s, &policy(&rules)?).await?;
    equal("what went", told, ["abort_upload r0 tmp/a", "abort_upload r0 tmp/b"])?;
    equal("sums", (summary.uploads, summary.looked), (2, 0))?;
    let left = s.backend().uploads(&holdall_store::Prefix::default(), None).await?.uploads;
    equal("what is left", left.iter().map(|upload| upload.key.as_str()).collect::<Vec<_>>(), ["kept"])?;
    equal("objects", names(&s).await?, ["tmp/object"])
}

async fn class(s: Subject) -> Outcome {
    let s = s.alone().await?;
    s.put("a", "bytes").await?;
    s.put("b", "bytes").await?;
    until_old().await;
    let policy = policy(&["prefix = \"a\"\ntransition_after = \"1s\"\nstorage_class = \"STANDARD_IA\""])?;
    if s.backend().wire().is_none() {
        let refused = s.store().sweep_lifecycle(&policy, &at_once(), &mut |_| ()).await;
        return fails("where there is no service", refused, ErrorKind::Unsupported).map(drop);
    }
    let (summary, told) = sweep(&s, &policy).await?;
    equal("what moved", told, ["transition r0 a"])?;
    equal("sums", (summary.moved.objects, summary.moved.bytes), (1, 5))?;
    let class = s.head("a").await?.attributes.storage_class;
    equal("its class", class.as_deref(), Some("STANDARD_IA"))?;
    same_bytes("the bytes", &s.read("a").await?, b"bytes")?;
    until_old().await;
    ensure(sweep(&s, &policy).await?.1.is_empty(), "it moves once")
}
