//! A store in a bucket, from the way to it to what can be done there.

use super::asked::{Asked, Fault};
use super::examine::Options;
use super::finding::Finding;
use super::scene::Scene;
use super::{access, configured, endpoint, exposure, lifecycle, trial};
use holdall_s3::ObjectLock;

/// Checks a bucket, and hands on what each group of checks found.
pub(super) async fn examine(
    scene: &Scene<'_>,
    options: &Options,
    found: &mut (dyn FnMut(Vec<Finding>) + Send),
) {
    let first = scene.client().region();
    let hello = endpoint::hello(scene).await;
    found(hello.findings);
    if !hello.reached {
        return found(unasked("the endpoint cannot be used"));
    }
    let names = access::Names::of(scene);
    let asked = access::ask(scene).await;
    let host = scene.endpoint().to_string();
    let spoken = endpoint::spoken(hello.speaks, &asked, &names.endpoint, &host);
    let foreign = spoken.status != super::Status::Ok;
    found(vec![spoken]);
    if foreign {
        return found(unasked("the endpoint is no S3 service"));
    }
    found(access::judge(&asked, &names));
    if !access::goes_on(&asked) {
        return found(unasked("the bucket cannot be used"));
    }
    let (location, last) = (access::location(scene).await, scene.client().region());
    let regions = access::Regions {
        set: scene.settings().region.as_deref(),
        signed: (&first, &last),
        aws: scene.endpoint().is_aws(),
    };
    found(access::region(regions, location, &names));
    let lock: Asked<Option<ObjectLock>> = scene.client().object_lock().await.map_err(Fault::from);
    let kept = matches!(&lock, Ok(Some(ObjectLock { default: Some(_) })));
    found(configured::examine(scene, lock).await);
    found(lifecycle::examine(scene, options.older_than).await);
    let blocked = scene.client().public_access_block().await.map_err(Fault::from);
    let acls_blocked = exposure::in_force(&blocked).block_acls;
    found(exposure::examine(scene, blocked).await);
    found(match (options.read_only, kept) {
        (true, _) => trial::left_out("nothing is to be written"),
        (false, true) => trial::left_out("the bucket locks each new object, so that it could not be removed"),
        (false, false) => trial::examine(scene, acls_blocked).await,
    });
}

/// What is said of the rest where it cannot be looked at.
fn unasked(why: &str) -> Vec<Finding> {
    vec![Finding::unknown("bucket", format!("the rest was not looked at: {why}"))]
}
