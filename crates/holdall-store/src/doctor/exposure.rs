//! Who else gets at a bucket: by its policy, its grants, its block of public access, and the pages of other origins.

use super::asked::{Asked, Fault, Question};
use super::finding::Finding;
use super::mend;
use super::scene::Scene;
use crate::Acl;
use crate::settings::Settings;
use crate::url::UrlStrategy;
use holdall_s3::{CorsRule, ErrorKind, Grant, PublicAccessBlock};

const POLICY: Question =
    Question { check: "bucket.policy", about: "the bucket's policy", right: "s3:GetBucketPolicyStatus" };
const GRANTS: Question =
    Question { check: "bucket.acl", about: "the bucket's grants", right: "s3:GetBucketAcl" };
const BLOCK: Question = Question {
    check: "bucket.public_access",
    about: "the block of public access",
    right: "s3:GetBucketPublicAccessBlock",
};
const CORS: Question = Question { check: "bucket.cors", about: "CORS rules", right: "s3:GetBucketCORS" };

/// Asks for all of these, and judges each.
pub(super) async fn examine(scene: &Scene<'_>, blocked: Asked<Option<PublicAccessBlock>>) -> Vec<Finding> {
    let (client, bucket) = (scene.client(), scene.bucket);
    let meant = is_meant_public(scene.settings());
    let shut = in_force(&blocked);
    let blocking = mend::block_public(bucket, scene.endpoint().is_aws());
    let mut findings = policy(ask_policy(scene).await, meant, shut, &blocking);
    findings.extend(grants(client.bucket_grants().await.map_err(Fault::from), meant, shut, &blocking));
    findings.extend(block(blocked, meant, &blocking));
    findings.extend(cors(client.cors().await.map_err(Fault::from), bucket));
    findings
}

/// What is blocked, as far as it is known.
pub(super) fn in_force(blocked: &Asked<Option<PublicAccessBlock>>) -> PublicAccessBlock {
    blocked.as_ref().ok().copied().flatten().unwrap_or_default()
}

/// Whether the settings give objects to everybody.
pub(super) fn is_meant_public(settings: &Settings) -> bool {
    matches!(settings.acl, Some(Acl::PublicRead | Acl::PublicReadWrite))
        || settings.url == UrlStrategy::Public
}

/// Asks the server whether the policy is public; where it does not know the question, the policy itself.
///
/// Ceph calls a bucket public by its grants too, and has no policy then.
async fn ask_policy(scene: &Scene<'_>) -> Asked<Option<bool>> {
    match scene.client().is_policy_public().await.map_err(Fault::from) {
        Ok(Some(true)) => match scene.client().bucket_policy().await {
            Ok(None) => Ok(None),
            Ok(Some(_)) | Err(_) => Ok(Some(true)),
        },
        Err(fault) if fault.kind == ErrorKind::Unsupported => {
            let policy = scene.client().bucket_policy().await.map_err(Fault::from)?;
            Ok(policy.map(|policy| admits_everybody(&policy)))
        }
        other => other,
    }
}

/// Whether a statement allows something to everybody without a condition.
fn admits_everybody(policy: &str) -> bool {
    let Ok(policy) = serde_json::from_str::<serde_json::Value>(policy) else { return false };
    let statements = match &policy["Statement"] {
        serde_json::Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    };
    let anybody = |principal: &serde_json::Value| {
        let named = if principal.is_object() { &principal["AWS"] } else { principal };
        *named == "*" || named.as_array().is_some_and(|all| all.iter().any(|one| one == "*"))
    };
    statements.iter().any(|statement| {
        statement["Effect"] == "Allow" && anybody(&statement["Principal"]) && statement["Condition"].is_null()
    })
}

pub(super) fn policy(
    asked: Asked<Option<bool>>,
    meant: bool,
    shut: PublicAccessBlock,
    blocking: &str,
) -> Vec<Finding> {
    let check = POLICY.check;
    POLICY.judge(asked, |public| {
        vec![match (public, meant) {
            (Some(true), _) if shut.restrict_buckets => Finding::note(
                check,
                "the policy lets everybody in, and the block of public access keeps them out",
            )
            .means("strangers get in as soon as the block is lifted"),
            (Some(true), true) => Finding::note(check, "the policy lets everybody in")
                .means("the settings say that this is meant"),
            (Some(true), false) => Finding::problem(check, "the policy lets everybody in")
                .means("strangers get at what is stored, without credentials")
                .mend(blocking),
            (Some(false), _) => Finding::ok(check, "the policy lets no strangers in"),
            (None, _) => Finding::ok(check, "there is no policy"),
        }]
    })
}

pub(super) fn grants(
    asked: Asked<Vec<Grant>>,
    meant: bool,
    shut: PublicAccessBlock,
    blocking: &str,
) -> Vec<Finding> {
    let check = GRANTS.check;
    GRANTS.judge(asked, |grants| {
        let public: Vec<&str> =
            grants.iter().filter(|grant| grant.is_public()).map(|grant| grant.permission.as_str()).collect();
        let writes = public.iter().any(|permission| *permission != "READ");
        let what = format!("strangers have {} of the bucket", public.join(", "));
        vec![match (public.is_empty(), writes, meant) {
            (true, ..) => Finding::ok(check, "strangers have no grant"),
            _ if shut.ignore_acls => {
                Finding::note(check, format!("{what}, and the block of public access ignores it"))
                    .means("strangers get in as soon as the block is lifted")
            }
            (false, false, true) => {
                Finding::note(check, what).means("the settings say that objects are public")
            }
            (false, true, _) => Finding::problem(check, what)
                .means("strangers can list, fill or open the bucket")
                .mend(blocking),
            (false, false, false) => {
                Finding::problem(check, what).means("strangers can list what is stored").mend(blocking)
            }
        }]
    })
}

pub(super) fn block(asked: Asked<Option<PublicAccessBlock>>, meant: bool, blocking: &str) -> Vec<Finding> {
    let check = BLOCK.check;
    BLOCK.judge(asked, |block| {
        let block = block.unwrap_or_default();
        let note = |what: &str| {
            Finding::note(check, what)
                .means("a policy or a list of grants that opens the bucket by mistake takes effect")
                .mend(blocking)
        };
        vec![match (block == PublicAccessBlock::ALL, block == PublicAccessBlock::default(), meant) {
            (true, _, false) => Finding::ok(check, "public access is blocked"),
            (false, true, true) => {
                Finding::ok(check, "public access is not blocked, as the settings need it")
            }
            (_, _, true) => {
                Finding::warning(check, "public access is blocked, and the settings make objects public")
                    .means("public URLs and the setting acl do not work")
                    .mend("unset HOLDALL_ACL and use presigned URLs, or lift the block")
            }
            (false, true, false) => note("public access is not blocked"),
            (false, false, false) => note("public access is blocked in part"),
        }]
    })
}

pub(super) fn cors(asked: Asked<Vec<CorsRule>>, bucket: &str) -> Vec<Finding> {
    let check = CORS.check;
    CORS.judge(asked, |rules| {
        if rules.is_empty() {
            return vec![
                Finding::note(check, "there are no CORS rules")
                    .means("pages of other origins cannot read or upload by presigned URLs; without browsers none is needed")
                    .mend(mend::cors(bucket)),
            ];
        }
        let changes = |rule: &&CorsRule| {
            let writes = rule.methods.iter().any(|method| matches!(method.as_str(), "PUT" | "POST" | "DELETE"));
            writes && rule.origins.iter().any(|origin| origin == "*")
        };
        match rules.iter().find(changes) {
            Some(rule) => vec![
                Finding::warning(check, "pages of every origin may write")
                    .means("any page that gets hold of a presigned URL can use it from its visitors' browsers")
                    .mend(mend::narrow_cors(bucket))
                    .fact("methods", rule.methods.join(",")),
            ],
            None => vec![Finding::ok(check, "no page of just any origin may write")],
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::asked::tests::seen;
    use super::*;
    use crate::doctor::Status;
    use holdall_s3::Grantee;

    const BLOCKING: &str = "holdall bucket setup s3://b --block-public-access --apply";

    #[test]
    fn a_public_policy_is_a_problem_unless_it_is_meant() {
        let table = [
            (None, false, Status::Ok, ""),
            (Some(false), false, Status::Ok, ""),
            (Some(true), false, Status::Problem, BLOCKING),
            (Some(true), true, Status::Note, ""),
        ];
        for (public, meant, status, mend) in table {
            let found = policy(Ok(public), meant, PublicAccessBlock::default(), BLOCKING);
            assert_eq!((seen(&found).0, seen(&found).2), (status, mend), "{public:?} {meant}");
        }
        assert_eq!(seen(&policy(Ok(Some(true)), false, PublicAccessBlock::ALL, BLOCKING)).0, Status::Note);
    }

    #[test]
    fn a_policy_is_read_where_the_server_does_not_judge_it() {
        let statement = |principal: &str, more: &str| {
            format!(
                r#"{{"Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"s3:GetObject"{more}}}]}}"#
            )
        };
        for principal in [r#""*""#, r#"{"AWS":"*"}"#, r#"{"AWS":["arn:x","*"]}"#] {
            assert!(admits_everybody(&statement(principal, "")), "{principal}");
        }
        assert!(!admits_everybody(&statement(r#"{"AWS":"arn:x"}"#, "")));
        assert!(!admits_everybody(&statement(r#""*""#, r#","Condition":{"IpAddress":{}}"#)));
        assert!(!admits_everybody(&statement(r#""*""#, "").replace("Allow", "Deny")));
        assert!(admits_everybody(r#"{"Statement":{"Effect":"Allow","Principal":"*"}}"#));
    }

    #[test]
    fn grants_to_strangers_are_told_by_what_they_allow() {
        let grant = |grantee, permission: &str| Grant { grantee, permission: permission.to_owned() };
        let own = || grant(Grantee::Named("me".into()), "FULL_CONTROL");
        let table = [
            (vec![own()], false, Status::Ok),
            (vec![own(), grant(Grantee::Everybody, "READ")], false, Status::Problem),
            (vec![own(), grant(Grantee::Everybody, "READ")], true, Status::Note),
            (vec![own(), grant(Grantee::AnyUser, "WRITE")], true, Status::Problem),
        ];
        for (list, meant, status) in table {
            let found = grants(Ok(list.clone()), meant, PublicAccessBlock::default(), BLOCKING);
            assert_eq!(seen(&found).0, status, "{found:?}");
            assert_eq!(seen(&found).2 == BLOCKING, status == Status::Problem);
            let shut = grants(Ok(list), meant, PublicAccessBlock::ALL, BLOCKING);
            assert_ne!(seen(&shut).0, Status::Problem);
        }
    }

    #[test]
    fn blocked_access_and_public_objects_do_not_go_together() {
        let part = PublicAccessBlock { block_acls: true, ..PublicAccessBlock::default() };
        let table = [
            (None, false, Status::Note),
            (None, true, Status::Ok),
            (Some(part), false, Status::Note),
            (Some(part), true, Status::Warning),
            (Some(PublicAccessBlock::ALL), false, Status::Ok),
            (Some(PublicAccessBlock::ALL), true, Status::Warning),
        ];
        for (set, meant, status) in table {
            assert_eq!(seen(&block(Ok(set), meant, BLOCKING)).0, status, "{set:?} {meant}");
        }
    }

    #[test]
    fn only_writing_by_just_any_origin_is_a_warning() {
        let rule = |origin: &str, method: &str| CorsRule {
            origins: vec![origin.to_owned()],
            methods: vec![method.to_owned()],
            ..CorsRule::default()
        };
        let table = [
            (vec![], Status::Note),
            (vec![rule("*", "GET")], Status::Ok),
            (vec![rule("https://a.example", "PUT")], Status::Ok),
            (vec![rule("*", "GET"), rule("*", "PUT")], Status::Warning),
        ];
        for (rules, status) in table {
            let found = cors(Ok(rules), "b");
            assert_eq!(seen(&found).0, status, "{found:?}");
            let named = seen(&found).2.ends_with(
                "holdall bucket setup s3://b --cors https://app.example.com --cors-method GET,PUT --apply",
            );
            assert_eq!(named, status != Status::Ok);
        }
    }
}
