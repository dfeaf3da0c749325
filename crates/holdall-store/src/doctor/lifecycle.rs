//! What ages in a bucket: rules that delete, and uploads that nobody finishes.

use super::asked::{Asked, Fault, Question};
use super::finding::Finding;
use super::mend;
use super::scene::Scene;
use holdall_s3::{LifecycleRule, ListedUpload};
use std::time::{Duration, SystemTime};

const LIFECYCLE: Question =
    Question { check: "bucket.lifecycle", about: "lifecycle rules", right: "s3:GetLifecycleConfiguration" };
const UPLOADS: Question =
    Question { check: "bucket.uploads", about: "incomplete uploads", right: "s3:ListBucketMultipartUploads" };

/// Asks for both, and judges them.
pub(super) async fn examine(scene: &Scene<'_>, older_than: Duration) -> Vec<Finding> {
    let client = scene.client();
    let rules = client.lifecycle().await.map(|lifecycle| lifecycle.rules).map_err(Fault::from);
    let mut findings = lifecycle(rules, &scene.root, scene.bucket);
    findings.extend(uploads(stale(scene, older_than).await, older_than));
    findings
}

/// Judges rules by what they do to keys that begin with `root`.
pub(super) fn lifecycle(asked: Asked<Vec<LifecycleRule>>, root: &str, bucket: &str) -> Vec<Finding> {
    let check = LIFECYCLE.check;
    LIFECYCLE.judge(asked, |rules| {
        let on: Vec<&LifecycleRule> = rules.iter().filter(|rule| rule.is_enabled()).collect();
        if on.is_empty() {
            return vec![
                Finding::note(check, "there are no lifecycle rules")
                    .means(
                        "parts of uploads that are never completed stay and are paid for until `holdall gc`",
                    )
                    .mend(mend::abort_incomplete(bucket)),
            ];
        }
        let mut findings: Vec<Finding> = on.iter().filter_map(|rule| deleting(rule, root, bucket)).collect();
        if !on.iter().any(|rule| rule.abort_uploads_days().is_some() && covers(rule, root)) {
            findings.push(
                Finding::warning(check, "no rule aborts incomplete uploads")
                    .means("their parts stay and are paid for until `holdall gc`")
                    .mend(mend::abort_incomplete(bucket)),
            );
        }
        match findings.is_empty() {
            true => vec![Finding::ok(
                check,
                "incomplete uploads are aborted, and no rule deletes objects of the store",
            )],
            false => findings,
        }
    })
}

/// Whether a rule holds for every key of the store.
fn covers(rule: &LifecycleRule, root: &str) -> bool {
    let filter = rule.filter();
    filter.tags.is_empty() && root.starts_with(&filter.prefix)
}

/// What is said of a rule that deletes objects of the store.
fn deleting(rule: &LifecycleRule, root: &str, bucket: &str) -> Option<Finding> {
    let days = rule.expire_days()?;
    let filter = rule.filter();
    let hits = root.starts_with(&filter.prefix) || filter.prefix.starts_with(root);
    if !hits {
        return None;
    }
    let tagged = if filter.tags.is_empty() { "" } else { " that have its tags" };
    let what = format!("rule {:?} deletes objects of the store{tagged} after {days} days", rule.id());
    let finding =
        Finding::warning(LIFECYCLE.check, what).means("what is stored is gone then, whoever still needs it");
    let finding = finding.fact("rule", rule.id()).fact("prefix", filter.prefix).fact("days", days);
    Some(
        finding.mend(format!(
            "holdall bucket info s3://{bucket} shows the rule; remove it if this is not meant"
        )),
    )
}

/// What was found of uploads that nobody finishes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stale {
    pub(super) uploads: usize,
    pub(super) oldest: Duration,
    /// Of so many the server does not say when they were begun.
    pub(super) ageless: usize,
}

async fn stale(scene: &Scene<'_>, older_than: Duration) -> Asked<Stale> {
    let mut found = Stale::default();
    let mut after = None;
    loop {
        let page = scene.client().list_uploads(&scene.root, after.as_ref()).await?;
        page.uploads.iter().for_each(|upload| found.count(upload, SystemTime::now(), older_than));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(found),
        }
    }
}

impl Stale {
    fn count(&mut self, upload: &ListedUpload, now: SystemTime, older_than: Duration) {
        let Some(begun) = upload.initiated else {
            self.ageless += 1;
            return;
        };
        let age = now.duration_since(begun).unwrap_or_default();
        if age >= older_than {
            self.uploads += 1;
            self.oldest = self.oldest.max(age);
        }
    }
}

/// Judges what is left of uploads.
pub(super) fn uploads(asked: Asked<Stale>, older_than: Duration) -> Vec<Finding> {
    let check = UPLOADS.check;
    UPLOADS.judge(asked, |stale| {
        vec![match stale {
            Stale { uploads: 0, ageless: 0, .. } => Finding::ok(check, "no upload was left incomplete"),
            Stale { uploads: 0, ageless, .. } => {
                Finding::note(check, format!("{ageless} incomplete, and the server does not say how old"))
                    .means("gc leaves them alone, and they are paid for")
            }
            Stale { uploads, oldest, .. } => {
                Finding::warning(check, format!("{uploads} left incomplete long ago"))
                    .means("their parts cannot be seen in listings and are paid for")
                    .mend(mend::gc(older_than))
                    .fact("uploads", uploads)
                    .fact("oldest_seconds", oldest.as_secs())
            }
        }]
    })
}

#[cfg(test)]
mod tests {
    use super::super::asked::tests::seen;
    use super::*;
    use crate::doctor::Status;
    use holdall_s3::LifecycleFilter;

    fn rule(id: &str, prefix: &str) -> LifecycleRule {
        LifecycleRule::new(id, &LifecycleFilter::prefix(prefix))
    }

    fn abort(prefix: &str) -> LifecycleRule {
        rule("abort", prefix).abort_uploads(7)
    }

    #[test]
    fn rules_are_judged_by_what_they_do_to_the_store() {
        let abort_mend = "holdall bucket setup s3://b --abort-uploads 7 --apply";
        let info = "holdall bucket info s3://b";
        let table: [(&str, Vec<LifecycleRule>, &str, Status, &str); 10] = [
            ("none", vec![], "", Status::Note, abort_mend),
            ("whole bucket", vec![abort("")], "p/", Status::Ok, ""),
            ("the prefix", vec![abort("p/")], "p/", Status::Ok, ""),
            ("another prefix", vec![abort("q/")], "p/", Status::Warning, abort_mend),
            ("a part of it", vec![abort("p/q/")], "p/", Status::Warning, abort_mend),
            ("expires all", vec![abort(""), rule("x", "").expire(1)], "p/", Status::Warning, info),
            ("expires it", vec![abort(""), rule("x", "p/").expire(1)], "p/", Status::Warning, info),
            ("expires a part", vec![abort(""), rule("x", "p/q/").expire(1)], "p/", Status::Warning, info),
            ("expires others", vec![abort(""), rule("x", "q/").expire(1)], "p/", Status::Ok, ""),
            ("old versions", vec![abort("").expire_noncurrent(30)], "", Status::Ok, ""),
        ];
        for (name, rules, root, status, mend) in table {
            let found = lifecycle(Ok(rules), root, "b");
            assert_eq!((seen(&found).0, found.len()), (status, 1), "{name}: {found:?}");
            assert!(seen(&found).2.starts_with(mend), "{name}: {found:?}");
        }
    }

    #[test]
    fn both_faults_of_one_set_of_rules_are_told() {
        let found = lifecycle(Ok(vec![rule("x", "").expire(30)]), "", "b");
        assert_eq!(found.len(), 2);
        assert!(found[0].what.contains("after 30 days") && found[1].what.contains("aborts"), "{found:?}");
    }

    #[test]
    fn uploads_count_by_their_age() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let upload = |initiated| ListedUpload { key: "k".into(), id: "i".into(), initiated };
        let mut stale = Stale::default();
        for begun in [Some(900), Some(100), Some(1100), None] {
            let begun = begun.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
            stale.count(&upload(begun), now, Duration::from_secs(100));
        }
        assert_eq!(stale, Stale { uploads: 2, oldest: Duration::from_secs(900), ageless: 1 });
        let week = Duration::from_secs(604_800);
        assert_eq!(
            seen(&uploads(Ok(stale), week)),
            (Status::Warning, "2 left incomplete long ago", "holdall gc")
        );
        let hour = Duration::from_secs(3600);
        assert_eq!(seen(&uploads(Ok(stale), hour)).2, "holdall gc --older-than 3600s");
        assert_eq!(seen(&uploads(Ok(Stale { uploads: 0, ..stale }), week)).0, Status::Note);
        assert_eq!(seen(&uploads(Ok(Stale::default()), week)).0, Status::Ok);
    }
}
