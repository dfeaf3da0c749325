//! The plan: pure, from what is wanted and what there is to steps.

use super::super::{Bucket, Configuration};
use super::{Setup, cors, lifecycle, policy};
use crate::error::{Error, ErrorKind, Result};
use holdall_s3::{BucketEncryption, CorsRule, Lifecycle, PublicAccessBlock, Versioning};

/// What a step is about, in the order of execution: what protects comes before what opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// The bucket itself.
    Bucket,
    /// Whether versions are kept.
    Versioning,
    /// Encryption by default.
    Encryption,
    /// Public access that is blocked.
    PublicAccess,
    /// What becomes of objects as they age.
    Lifecycle,
    /// The bucket's policy.
    Policy,
    /// What pages of other origins may do.
    Cors,
}

impl Subject {
    /// Its name: `bucket`, `versioning`, `encryption`, `public_access`, `lifecycle`, `policy`, `cors`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bucket => "bucket",
            Self::Versioning => "versioning",
            Self::Encryption => "encryption",
            Self::PublicAccess => "public_access",
            Self::Lifecycle => "lifecycle",
            Self::Policy => "policy",
            Self::Cors => "cors",
        }
    }
}

/// What a step comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is so already.
    Same {
        /// What there is, in words.
        is: String,
    },
    /// It will be changed.
    Change {
        /// What there is, in words.
        from: String,
        /// What there will be.
        to: String,
    },
    /// It cannot be.
    Cannot {
        /// `Unsupported` where the server does not have it, `PermissionDenied` where it may not be asked.
        kind: ErrorKind,
        /// Why, in words.
        why: String,
    },
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is about.
    pub subject: Subject,
    /// What it comes to.
    pub verdict: Verdict,
    pub(super) change: Option<Change>,
}

/// What is sent to make a step's change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Create,
    Versioning,
    Encryption(BucketEncryption),
    Access(PublicAccessBlock),
    Lifecycle(Lifecycle),
    Policy(String),
    Cors(Vec<CorsRule>),
}

/// The steps from what there is to what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What is wanted.
    pub wanted: Setup,
    /// The steps, in the order of execution.
    pub steps: Vec<Step>,
}

impl Plan {
    pub(in super::super) async fn make(bucket: &Bucket, wanted: &Setup) -> Result<Self> {
        let ground = Ground::of(bucket)?;
        let steps = match bucket.configuration().await {
            Ok(present) => steps(wanted, &present, &ground)?,
            Err(error) if error.kind() == ErrorKind::BucketNotFound => steps_to_missing(wanted, &ground)?,
            Err(error) => return Err(error),
        };
        Ok(Self { wanted: wanted.clone(), steps })
    }

    /// Whether nothing needs to be done and nothing is amiss.
    pub fn is_done(&self) -> bool {
        self.steps.iter().all(|step| matches!(step.verdict, Verdict::Same { .. }))
    }

    /// How many steps change something.
    pub fn changes(&self) -> usize {
        self.steps.iter().filter(|step| step.change.is_some()).count()
    }

    /// How many steps cannot be.
    pub fn blocked(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.verdict, Verdict::Cannot { .. })).count()
    }
}

/// What decisions need to know besides the bucket's configuration.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    pub(super) bucket: String,
    pub(super) region: String,
    /// Whether this client itself comes by TLS.
    pub(super) tls: bool,
}

impl Ground {
    pub(super) fn of(bucket: &Bucket) -> Result<Self> {
        let Some(wire) = bucket.wire() else {
            return Err(Error::new(ErrorKind::Unsupported, "only buckets of a service can be set up")
                .with_fact("store", bucket.location()));
        };
        Ok(Self {
            bucket: wire.bucket().to_owned(),
            region: wire.region(),
            tls: wire.base_url().starts_with("https:"),
        })
    }
}

/// A bucket that has nothing: what one is that is yet to be made, as far as is known.
fn steps_to_missing(wanted: &Setup, ground: &Ground) -> Result<Vec<Step>> {
    let create = change("missing", "created", Change::Create);
    let mut all = vec![Step { subject: Subject::Bucket, verdict: create.0, change: create.1 }];
    all.extend(steps(wanted, &bare(), ground)?);
    Ok(all)
}

fn bare() -> Configuration {
    Configuration {
        region: Ok(String::new()),
        versioning: Ok(Versioning::Off),
        lifecycle: Ok(Lifecycle::default()),
        cors: Ok(Vec::new()),
        encryption: Ok(None),
        policy: Ok(None),
        policy_public: Ok(None),
        access: Ok(None),
        grants: Ok(Vec::new()),
        logging: Ok(None),
        replication: Ok(Vec::new()),
        object_lock: Ok(None),
    }
}

pub(super) type Decision = (Verdict, Option<Change>);

/// Decides every step that is wanted.
pub(super) fn steps(wanted: &Setup, present: &Configuration, ground: &Ground) -> Result<Vec<Step>> {
    check(wanted)?;
    let encryption = wanted.encryption.as_ref();
    let decisions = [
        (Subject::Versioning, wanted.versioning.then(|| given(&present.versioning, versioning))),
        (
            Subject::Encryption,
            encryption
                .map(|wanted| given(&present.encryption, |present| encrypted(wanted, present.as_ref()))),
        ),
        (Subject::PublicAccess, wanted.block_public_access.then(|| given(&present.access, blocked))),
        (
            Subject::Lifecycle,
            lifecycle::is_wanted(wanted)
                .then(|| given(&present.lifecycle, |present| lifecycle::decide(wanted, present))),
        ),
        (
            Subject::Policy,
            policy::is_wanted(wanted).then(|| {
                given(&present.policy, |present| policy::decide(wanted, present.as_deref(), ground))
            }),
        ),
        (
            Subject::Cors,
            wanted.cors.as_ref().map(|wanted| given(&present.cors, |present| cors::decide(wanted, present))),
        ),
    ];
    let step = |(subject, decision): (Subject, Option<Decision>)| {
        decision.map(|(verdict, change)| Step { subject, verdict, change })
    };
    Ok(decisions.into_iter().filter_map(step).collect())
}

fn check(wanted: &Setup) -> Result<()> {
    let days = wanted.expire.iter().map(|(_, days)| *days);
    if days.chain(wanted.abort_uploads).chain(wanted.expire_noncurrent).any(|days| days == 0) {
        return Err(Error::new(ErrorKind::InvalidInput, "a lifecycle rule needs at least one day"));
    }
    if wanted.cors.as_ref().is_some_and(|cors| cors.origins.is_empty() || cors.methods.is_empty()) {
        return Err(Error::new(ErrorKind::InvalidInput, "CORS needs an origin and a method"));
    }
    if let Some(text) = &wanted.policy {
        policy::parse(text)?;
    }
    Ok(())
}

/// Decides on what the server told, or says why it cannot be.
fn given<T>(told: &Result<T>, decide: impl FnOnce(&T) -> Decision) -> Decision {
    match told {
        Ok(present) => decide(present),
        Err(error) => {
            let why = match error.kind() {
                ErrorKind::Unsupported => "the server does not have it".to_owned(),
                ErrorKind::PermissionDenied => "these credentials may not ask for it".to_owned(),
                _ => error.to_string(),
            };
            cannot(error.kind(), why)
        }
    }
}

pub(super) fn same(is: impl Into<String>) -> Decision {
    (Verdict::Same { is: is.into() }, None)
}

pub(super) fn change(from: impl Into<String>, to: impl Into<String>, change: Change) -> Decision {
    (Verdict::Change { from: from.into(), to: to.into() }, Some(change))
}

pub(super) fn cannot(kind: ErrorKind, why: impl Into<String>) -> Decision {
    (Verdict::Cannot { kind, why: why.into() }, None)
}

fn versioning(present: &Versioning) -> Decision {
    match present {
        Versioning::Enabled => same("enabled"),
        Versioning::Suspended => change("suspended", "enabled", Change::Versioning),
        Versioning::Off => change("off", "enabled", Change::Versioning),
    }
}

fn encrypted(wanted: &BucketEncryption, present: Option<&BucketEncryption>) -> Decision {
    let words = |encryption: Option<&BucketEncryption>| match encryption {
        None => "none".to_owned(),
        Some(BucketEncryption::S3) => "AES256".to_owned(),
        Some(BucketEncryption::Kms { key: None, .. }) => "aws:kms".to_owned(),
        Some(BucketEncryption::Kms { key: Some(key), .. }) => format!("aws:kms {key}"),
        Some(BucketEncryption::Other(name)) => name.clone(),
    };
    match (wanted, present) {
        // A key of the bucket's own only saves questions; it is the owner's affair.
        (BucketEncryption::Kms { key, .. }, Some(BucketEncryption::Kms { key: present_key, .. }))
            if key == present_key =>
        {
            same(words(present))
        }
        (wanted, Some(present)) if wanted == present => same(words(Some(present))),
        _ => change(words(present), words(Some(wanted)), Change::Encryption(wanted.clone())),
    }
}

fn blocked(present: &Option<PublicAccessBlock>) -> Decision {
    let all = PublicAccessBlock::ALL;
    match present {
        Some(present) if *present == all => same("blocked"),
        Some(present) if *present != PublicAccessBlock::default() => {
            change("blocked in part", "blocked", Change::Access(all))
        }
        _ => change("not blocked", "blocked", Change::Access(all)),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) const GROUND: fn() -> Ground =
        || Ground { bucket: "b".to_owned(), region: "us-east-1".to_owned(), tls: true };

    fn everything() -> Setup {
        Setup {
            versioning: true,
            abort_uploads: Some(7),
            cors: Some(super::super::CorsAccess { origins: vec!["*".into()], methods: vec!["GET".into()] }),
            encryption: Some(BucketEncryption::S3),
            block_public_access: true,
            deny_plain_http: true,
            ..Setup::default()
        }
    }

    fn verdicts(steps: &[Step]) -> Vec<(&'static str, &'static str)> {
        let verdict = |step: &Step| match &step.verdict {
            Verdict::Same { .. } => "same",
            Verdict::Change { .. } => "change",
            Verdict::Cannot { .. } => "cannot",
        };
        steps.iter().map(|step| (step.subject.as_str(), verdict(step))).collect()
    }

    #[test]
    fn mig_3_a_missing_bucket_is_made_first_and_opened_last() {
        let steps = steps_to_missing(&everything(), &GROUND()).unwrap();
        let subjects: Vec<_> = steps.iter().map(|step| step.subject).collect();
        let mut sorted = subjects.clone();
        sorted.sort();
        assert_eq!(subjects, sorted);
        assert_eq!(subjects.len(), 7);
        assert!(steps.iter().all(|step| step.change.is_some()));
    }

    #[test]
    fn mig_3_what_is_not_wanted_is_no_step() {
        assert_eq!(steps(&Setup::default(), &bare(), &GROUND()).unwrap(), []);
    }

    #[test]
    fn mig_3_what_is_so_already_is_not_done_again() {
        let mut present = bare();
        present.versioning = Ok(Versioning::Enabled);
        present.encryption = Ok(Some(BucketEncryption::S3));
        present.access = Ok(Some(PublicAccessBlock::ALL));
        for step in steps(&everything(), &bare(), &GROUND()).unwrap() {
            match step.change.unwrap() {
                Change::Lifecycle(lifecycle) => present.lifecycle = Ok(lifecycle),
                Change::Policy(policy) => present.policy = Ok(Some(policy)),
                Change::Cors(cors) => present.cors = Ok(cors),
                _ => {}
            }
        }
        let again = steps(&everything(), &present, &GROUND()).unwrap();
        assert!(again.iter().all(|step| matches!(step.verdict, Verdict::Same { .. })), "{again:?}");
    }

    #[test]
    fn mig_3_what_the_server_does_not_have_or_tell_cannot_be() {
        let mut present = bare();
        present.encryption = Err(Error::new(ErrorKind::Unsupported, "no"));
        present.versioning = Err(Error::new(ErrorKind::PermissionDenied, "no"));
        let wanted = Setup {
            versioning: true,
            encryption: Some(BucketEncryption::S3),
            block_public_access: true,
            ..Setup::default()
        };
        let steps = steps(&wanted, &present, &GROUND()).unwrap();
        assert_eq!(
            verdicts(&steps),
            [("versioning", "cannot"), ("encryption", "cannot"), ("public_access", "change")]
        );
    }

    #[test]
    fn mig_3_another_kms_key_is_a_change_and_a_bucket_key_is_none() {
        let kms = |key: &str, bucket_key| BucketEncryption::Kms { key: Some(key.to_owned()), bucket_key };
        assert!(encrypted(&kms("a", false), Some(&kms("a", true))).1.is_none());
        for other in [Some(kms("b", false)), Some(BucketEncryption::S3), None] {
            assert!(encrypted(&kms("a", false), other.as_ref()).1.is_some(), "{other:?}");
        }
    }

    #[test]
    fn wishes_that_cannot_be_are_refused() {
        let wrong = [
            Setup { abort_uploads: Some(0), ..Setup::default() },
            Setup { expire: vec![("x/".to_owned(), 0)], ..Setup::default() },
            Setup { policy: Some("[]".to_owned()), ..Setup::default() },
        ];
        for wanted in wrong {
            let refused = steps(&wanted, &bare(), &GROUND()).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{wanted:?}");
        }
    }
}
