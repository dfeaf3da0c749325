//! Makes trials of cases, one for every server that the environment names.

use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use holdall_testing::server::Server;
use libtest_mimic::{Arguments, Trial};

use crate::Bench;

type Run = fn(Bench) -> Pin<Box<dyn Future<Output = ()>>>;

/// A named comparison; it panics where the two differ.
#[derive(Clone, Copy)]
pub struct Case {
    name: &'static str,
    run: Run,
}

impl Case {
    /// Names a comparison; [`cases!`](crate::cases) does so by its path.
    pub const fn new(name: &'static str, run: Run) -> Self {
        Self { name, run }
    }
}

/// Names comparisons by their functions.
#[macro_export]
macro_rules! cases {
    ($($subject:ident::$case:ident),* $(,)?) => {
        [$($crate::Case::new(
            concat!(stringify!($subject), "::", stringify!($case)),
            |bench| Box::pin($subject::$case(bench)),
        )),*]
    };
}

/// Runs the cases of the servers that the environment names, and says so when there is none.
///
/// The table has a server's name, as in `HOLDALL_TEST_<NAME>`, and what is compared on it.
pub fn run(table: &[(&str, &[&[Case]])]) -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for (name, cases) in table {
        match Server::from_env(name) {
            Some(Ok(server)) => trials.extend(trials_of(&Arc::new(server), &cases.concat())),
            Some(Err(fault)) => {
                say(&fault);
                return ExitCode::FAILURE;
            }
            None => {}
        }
    }
    if trials.is_empty() && !table.is_empty() {
        let names: Vec<String> = table.iter().map(|(name, _)| variable(name)).collect();
        say(&format!("NOTHING IS COMPARED: no server is named; set {}", names.join(" or ")));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials_of(server: &Arc<Server>, cases: &[Case]) -> Vec<Trial> {
    let trial = |case: &Case| {
        let (server, run) = (server.clone(), case.run);
        let prefix = format!("holdall-oracle-{}", case.name.to_lowercase().replace([':', '_'], "-"));
        Trial::test(format!("{}::{}", server.name, case.name), move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let bench = Bench::open(server, &prefix).await;
                run(bench.clone()).await;
                bench.close().await;
            });
            Ok(())
        })
    };
    cases.iter().map(trial).collect()
}

fn variable(server: &str) -> String {
    format!("HOLDALL_TEST_{}", server.to_uppercase().replace('-', "_"))
}

/// Tells whoever runs the tests.
#[allow(clippy::print_stderr, reason = "the report of a test")]
pub fn say(text: &str) {
    eprintln!("{text}");
}
