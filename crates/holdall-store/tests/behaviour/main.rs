//! Runs the behaviour suite: a trial per server and case.
//!
//! Memory and a folder always take part; servers do when the environment describes them (`HOLDALL_TEST_CEPH`,
//! `HOLDALL_TEST_S3S_FS`, `HOLDALL_TEST_MOTO`; `HOLDALL_TEST_ENV` stands for the usual variables). The seed of keys and
//! bytes is printed; `HOLDALL_TEST_SEED` sets it.
//!
//! All that is logged meanwhile, at the most talkative level, and every error that a case meets is searched for secrets.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a program whose output is its result")]

mod canaries;

use canaries::Canaries;
use holdall_store::{Settings, WriteMode};
use holdall_testing::random::seed_from_env;
use holdall_testing::server::Server;
use holdall_testing::suite::{Capability, Case, Outcome, Place, Profile, Subject, cases, disprove};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// No case needs nearly as long, on any server.
const LONGEST: Duration = Duration::from_secs(300);

/// A server of this run, and how to run something on it.
#[derive(Clone)]
struct Bench {
    name: String,
    profile: Profile,
    place: Arc<Place>,
    runtime: Arc<Runtime>,
    seed: u64,
}

fn main() -> ExitCode {
    let args = Arguments::from_args();
    match run(&args) {
        Ok(code) => code,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Arguments) -> Result<ExitCode, String> {
    let seed = seed_from_env("HOLDALL_TEST_SEED")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = Arc::new(runtime.map_err(|e| format!("no runtime: {e}"))?);
    let servers = Server::all_from_env()?;
    let canaries = if args.list { None } else { Some(Canaries::listen(&servers, &runtime)?) };
    let with_servers = !servers.is_empty();
    let benches = benches(servers, &runtime, seed, args.list)?;
    if !args.list {
        println!("HOLDALL_TEST_SEED={seed:#x}");
    }
    let conclusion = libtest_mimic::run(args, benches.iter().flat_map(Bench::trials).collect());
    let Some(canaries) = canaries else { return Ok(ExitCode::SUCCESS) };
    let mut failed = conclusion.has_failed();
    for bench in &benches {
        bench.report();
        if let Err(failure) = runtime.block_on(bench.place.close()) {
            eprintln!("{}: what the run made stays behind: {failure}", bench.name);
            failed = true;
        }
    }
    let everything = args.filter.is_none() && args.skip.is_empty();
    match canaries.verdict(everything && with_servers) {
        Ok(heard) => println!("{heard}"),
        Err(told) => {
            eprintln!("{told}");
            failed = true;
        }
    }
    Ok(if failed { ExitCode::from(101) } else { ExitCode::SUCCESS })
}

/// Every server of this run. For a list of names nothing is made on them.
fn benches(
    servers: Vec<Server>,
    runtime: &Arc<Runtime>,
    seed: u64,
    only_names: bool,
) -> Result<Vec<Bench>, String> {
    let bench = |name: &str, profile: Profile, place: Place| Bench {
        name: name.to_owned(),
        profile,
        place: Arc::new(place),
        runtime: runtime.clone(),
        seed,
    };
    let queued = |write| Place::queued(write).map_err(|failure| format!("outbox: {failure}"));
    let folder = Place::folder(Settings::default()).map_err(|failure| format!("folder: {failure}"))?;
    let mut benches = vec![
        bench("memory", Profile::of("memory"), Place::memory()),
        bench("folder", Profile::of("folder"), folder),
        bench("outbox", Profile::of("memory"), queued(WriteMode::Direct)?),
        bench("behind", Profile::of("memory"), queued(WriteMode::Behind)?),
    ];
    for server in servers {
        let place = match server.name.as_str() {
            _ if only_names => Ok(Place::memory()),
            "env" => {
                let prefix = format!("holdall-suite-{seed:016x}");
                runtime.block_on(Place::environment(&server, &prefix))
            }
            _ => runtime.block_on(Place::server(&server)),
        };
        let place = place.map_err(|failure| format!("{}: {failure}", server.name))?;
        benches.push(bench(&server.name, profile_of(&server), place));
    }
    Ok(benches)
}

/// The profile by the server's name. That of `env` is what the variable names, or what the server's answers look like;
/// a server that nothing is known of is held to everything but what the store itself says it cannot do.
fn profile_of(server: &Server) -> Profile {
    if server.name != "env" {
        return Profile::of(&server.name);
    }
    let named = Profile::of(&std::env::var("HOLDALL_TEST_ENV").unwrap_or_default());
    if named.is_unknown() { Profile::detect(&server.endpoint) } else { named }
}

impl Bench {
    fn trials(&self) -> Vec<Trial> {
        let supported = cases().into_iter().map(|case| self.trial(case));
        // What a remote cannot do is found out when it is asked, and what waits has not asked it yet.
        let absent = if self.place.is_behind() { Vec::new() } else { self.profile.absent() };
        let absent = absent.into_iter().map(|capability| self.counter_trial(capability));
        supported.chain(absent).collect()
    }

    fn trial(&self, case: Case) -> Trial {
        let bench = self.clone();
        Trial::ignorable_test(format!("{}::{}", self.name, case.name), move || {
            if let Some(why) = case.unsupported(bench.profile, &bench.place) {
                return Ok(Completion::ignored_with(format!("unsupported: {why}")));
            }
            let outcome = bench.subject(case.name).and_then(|s| bench.in_time((case.run)(s)));
            match outcome {
                Err(failure) if bench.profile.is_unknown() && failure.is_unsupported() => {
                    Ok(Completion::ignored_with(format!("unsupported, says the store: {failure}")))
                }
                outcome => judged(outcome, case.promise, case.ids).map(|()| Completion::Completed),
            }
        })
    }

    /// Shows that what the profile calls absent is absent.
    fn counter_trial(&self, capability: Capability) -> Trial {
        let bench = self.clone();
        let name = format!("absent/{capability:?}");
        Trial::test(format!("{}::{name}", self.name), move || {
            let subject = bench.subject(&name);
            let outcome = subject.and_then(|s| bench.in_time(disprove(capability, &s)));
            judged(outcome, "What the table of servers calls absent is absent.", &[])
        })
    }

    /// Runs to the end, or gives up: a case that hangs is a case that fails.
    fn in_time(&self, run: impl Future<Output = Outcome>) -> Outcome {
        self.runtime.block_on(async { tokio::time::timeout(LONGEST, run).await? })
    }

    fn subject(&self, name: &str) -> Outcome<Subject> {
        Subject::new(&self.place, self.profile, self.seed, name)
    }

    /// Says how many cases mean nothing on this server, and why.
    fn report(&self) {
        let all = cases();
        let mut reasons: Vec<(String, usize)> = Vec::new();
        for why in all.iter().filter_map(|case| case.unsupported(self.profile, &self.place)) {
            match reasons.iter_mut().find(|(known, _)| *known == why) {
                Some((_, count)) => *count += 1,
                None => reasons.push((why, 1)),
            }
        }
        let unsupported: usize = reasons.iter().map(|(_, count)| count).sum();
        let (name, profile) = (&self.name, self.profile.server());
        println!("{name} (as {profile}): {unsupported} of {} cases unsupported", all.len());
        for (why, count) in reasons {
            println!("  {count} x {why}");
        }
    }
}

fn judged(outcome: Outcome, promise: &str, ids: &[&str]) -> Result<(), Failed> {
    outcome.map_err(|failure| format!("{failure}\n  promise: {promise} {}", ids.join(" ")).into())
}
