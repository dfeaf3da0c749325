//! The behaviour suite on a store wherever temporary files are.

use holdall_store::{ErrorKind, Settings, Versioning};
use holdall_testing::random::seed_from_env;
use holdall_testing::suite::{Capability, Place, Profile, Subject, cases};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Asks this program for the suite alone.
pub(crate) const SUITE: &str = "HOLDALL_TEST_FOLDER_SUITE";

/// No case needs nearly as long.
const LONGEST: Duration = Duration::from_secs(100);

/// Runs the suite, if this process was started for it; prints what failed.
pub(crate) fn run_if_asked() -> Option<ExitCode> {
    std::env::var_os(SUITE)?;
    let seed = seed_from_env("HOLDALL_TEST_SEED").unwrap();
    println!("HOLDALL_TEST_SEED={seed:#x}");
    let place = Arc::new(Place::folder(Settings::default()).unwrap());
    let profile = Profile::of("folder");
    let mut failed = 0;
    let links = has_hard_links();
    if !links {
        let subject = Subject::new(&place, profile, seed, "versions/without-hard-links").unwrap();
        let told =
            crate::ground::run(async { subject.store().bucket().set_versioning(Versioning::Enabled).await });
        assert_eq!(told.unwrap_err().kind(), ErrorKind::Unsupported);
    }
    for case in cases().into_iter().filter(|case| case.unsupported(profile, &place).is_none()) {
        if !links && case.needs.contains(&Capability::Versions) {
            println!("{}: not here, versions need hard links", case.name);
            continue;
        }
        let subject = Subject::new(&place, profile, seed, case.name).unwrap();
        let outcome = crate::ground::run(async { tokio::time::timeout(LONGEST, (case.run)(subject)).await });
        let failure = match outcome {
            Ok(Ok(())) => continue,
            Ok(Err(failure)) => failure.to_string(),
            Err(_) => "it does not end".to_owned(),
        };
        println!("{}: {failure}", case.name);
        failed += 1;
    }
    Some(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether a file can have two names where temporary files are.
fn has_hard_links() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one");
    std::fs::write(&file, "").unwrap();
    std::fs::hard_link(&file, folder.path().join("two")).is_ok()
}
