//! Processes that are killed amid what they do, and where they do it: in a folder, or on a server.

use crate::world::{World, hours, in_hours, new, session, step, sweep};
use holdall::outbox::Pauses;
use holdall::session::Sessions;
use holdall::{Settings, Store, Variables};
use holdall_testing::plain_http;
use holdall_testing::proxy::{Proxy, Way};
use holdall_testing::random::Random;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, SystemTime};

/// The child's settings, `NAME=value` a line, so that nothing of the environment is mixed with them.
const VARIABLES: &str = "HOLDALL_KILLS_VARIABLES";
const DEED: &str = "HOLDALL_KILLS_DEED";
const NUMBER: &str = "HOLDALL_KILLS_NUMBER";

/// So much is sent in a few rounds of a deed: kills fall on each of its requests.
const REACH: u64 = 40_000;

type Pairs = Vec<(&'static str, String)>;

/// Where a step is that processes are killed over.
pub(crate) enum Place {
    Folder(tempfile::TempDir),
    /// Who is killed comes through a proxy: when that has no connection any more, nothing of theirs is under way.
    Server(Box<World>, Proxy),
}

impl Place {
    pub(crate) fn folder() -> Self {
        Self::Folder(tempfile::tempdir().unwrap())
    }

    pub(crate) fn server() -> Self {
        let world = World::new();
        let proxy = Proxy::before(&world.server.endpoint()).unwrap();
        Self::Server(Box::new(world), proxy)
    }

    pub(crate) fn world(&self) -> &World {
        match self {
            Self::Server(world, _) => world,
            Self::Folder(_) => panic!("a folder has no server"),
        }
    }

    /// Sessions of somebody whom nobody kills.
    pub(crate) fn open(&self) -> Sessions {
        match self {
            Self::Folder(_) => open(&self.variables()),
            Self::Server(world, _) => open(&world.pairs(&world.server.endpoint(), None)),
        }
    }

    fn variables(&self) -> Pairs {
        match self {
            Self::Folder(dir) => {
                vec![("HOLDALL_STORE", format!("file://{}", dir.path().join("store").display()))]
            }
            Self::Server(world, proxy) => world.pairs(&proxy.endpoint(), None),
        }
    }

    pub(crate) fn spawn(&self, deed: &str, number: u64) -> Child {
        spawn(&self.variables(), deed, number)
    }

    /// A process whose writes wait in the outbox of a machine of this name while the server is away.
    pub(crate) fn spawn_on(&self, machine: &str, deed: &str, number: u64) -> Child {
        spawn(&self.on(machine), deed, number)
    }

    /// Sessions of a machine that has an outbox.
    pub(crate) fn open_on(&self, machine: &str) -> Sessions {
        open(&self.on(machine))
    }

    fn on(&self, machine: &str) -> Pairs {
        let Self::Server(world, proxy) = self else { panic!("a folder is never away") };
        world.pairs(&proxy.endpoint(), Some(machine))
    }

    /// Kills a process at a random moment once it has begun; answers what it said last.
    pub(crate) async fn kill(&self, mut child: Child, random: &mut Random) -> Option<(String, u64)> {
        let out = begun(&mut child).await;
        match self {
            Self::Server(_, proxy) => {
                // By what it has sent, since that tells how far it is on a machine of any speed.
                let due = proxy.bytes(Way::Up) + random.number() % REACH;
                while proxy.bytes(Way::Up) < due && child.try_wait().unwrap().is_none() {
                    tokio::time::sleep(Duration::from_micros(200)).await;
                }
                tokio::time::sleep(Duration::from_micros(random.number() % 1000)).await;
            }
            Self::Folder(_) => tokio::time::sleep(Duration::from_micros(random.number() % 60_000)).await,
        }
        self.end(child, out).await
    }

    /// Kills a process that stores while the server is away, once so many steps wait and a random moment later.
    pub(crate) async fn kill_when(&self, waiting: u64, mut child: Child, random: &mut Random) {
        let out = BufReader::new(child.stdout.take().unwrap());
        let out = heard(out, "stored ", waiting).await;
        tokio::time::sleep(Duration::from_micros(random.number() % 5_000)).await;
        self.end(child, out).await;
    }

    async fn end(&self, mut child: Child, out: BufReader<ChildStdout>) -> Option<(String, u64)> {
        child.kill().unwrap();
        child.wait().unwrap();
        self.settle().await;
        last_said(out)
    }

    /// Waits until nothing is under way of processes that have ended.
    async fn settle(&self) {
        let Self::Server(_, proxy) = self else { return };
        // Connections are taken in their order: once this one was, none of theirs waits to be.
        let url = format!("{}/", proxy.endpoint());
        let asked = tokio::task::spawn_blocking(move || plain_http::send("GET", &url, &[], b""));
        // A server that is down answers by closing, which does as well.
        drop(asked.await.unwrap());
        while proxy.open() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

fn settings(pairs: &Pairs) -> Settings {
    Settings::from_variables(&Variables::from_pairs(pairs.iter().cloned())).unwrap()
}

fn open(pairs: &Pairs) -> Sessions {
    let settings = settings(pairs);
    Sessions::open(&Store::from_settings(&settings).unwrap(), &settings).unwrap()
}

/// The moment that a step is given as the nth: every third is none.
pub(crate) fn moment(n: u64) -> Option<SystemTime> {
    (!n.is_multiple_of(3)).then(|| SystemTime::UNIX_EPOCH + hours(1_000_000 + n))
}

/// What the killed process does: it stores one step for ever, or stores and deletes it, or lets it expire, and sweeps it;
/// or it sends what waits.
#[tokio::test]
#[ignore = "the other tests start it"]
async fn child() {
    let Ok(variables) = std::env::var(VARIABLES) else { return };
    let variables = Variables::from_pairs(variables.lines().map(|line| line.split_once('=').unwrap()));
    let settings = Settings::from_variables(&variables).unwrap();
    let store = Store::from_settings(&settings).unwrap();
    let sessions = Sessions::open(&store, &settings).unwrap();
    let first: u64 = std::env::var(NUMBER).unwrap().parse().unwrap();
    match std::env::var(DEED).unwrap().as_str() {
        "drain" => {
            println!("\nbegin {first}");
            let drainer = store.outbox().unwrap().drainer().await.unwrap();
            let drained = drainer.drain(Pauses::Ended, |_, _| ()).await.unwrap();
            assert_eq!((drained.later, drained.parked), (0, 0), "{drained:?}");
        }
        deed => {
            if store.outbox().is_none() {
                warm(&sessions).await;
            }
            for n in first.. {
                again(&sessions, deed, n).await;
            }
        }
    }
}

/// Does all once that a server is tried for, to another step: what was found out of a server on this machine is not
/// remembered, and kills are to fall on what comes after it.
async fn warm(sessions: &Sessions) {
    let (run, one) = (session("warm"), step("1"));
    sessions.store(new(&run, &one, "0")).await.unwrap();
    sessions.set_expiration(&run, &one, Some(in_hours(1))).await.unwrap();
    assert_eq!(sweep(sessions, hours(2)).await.len(), 1);
}

async fn again(sessions: &Sessions, deed: &str, n: u64) {
    let (run, one) = (session("run"), step("1"));
    println!("\nbegin {n}");
    let step = new(&run, &one, &n.to_string());
    match deed {
        "expire" => drop(sessions.set_expiration(&run, &one, moment(n)).await.unwrap()),
        "sweep" | "store to expire" => {
            drop(sessions.store(step.expires(in_hours(1))).await.unwrap());
        }
        _ => drop(sessions.store(step).await.unwrap()),
    }
    println!("\nstored {n}");
    match deed {
        "delete" => drop(sessions.delete(&run, &one).await.unwrap()),
        "sweep" => drop(sweep(sessions, hours(2)).await),
        _ => return,
    }
    println!("\ndeleted {n}");
}

fn spawn(pairs: &Pairs, deed: &str, number: u64) -> Child {
    let lines: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Command::new(std::env::current_exe().unwrap())
        .args(["killing::child", "--exact", "--ignored", "--nocapture"])
        .env(VARIABLES, lines.join("\n"))
        .env(DEED, deed)
        .env(NUMBER, number.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until a process has said that it begins.
async fn begun(child: &mut Child) -> BufReader<ChildStdout> {
    heard(BufReader::new(child.stdout.take().unwrap()), "begin ", 1).await
}

/// Waits until a process has said something so often.
async fn heard(mut out: BufReader<ChildStdout>, what: &'static str, times: u64) -> BufReader<ChildStdout> {
    let read = move || {
        let (mut line, mut heard) = (String::new(), 0);
        while heard < times {
            line.clear();
            assert!(out.read_line(&mut line).unwrap() > 0, "it ended after it had said {what}{heard} times");
            heard += u64::from(line.starts_with(what));
        }
        out
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

/// What a process that was killed said last, behind its first word: a word and a number.
fn last_said(out: BufReader<ChildStdout>) -> Option<(String, u64)> {
    let lines = out.lines().map_while(Result::ok);
    let said = lines.filter_map(|line| {
        let (word, number) = line.split_once(' ')?;
        ["begin", "stored", "deleted"].contains(&word).then_some((word.to_owned(), number.parse().ok()?))
    });
    said.last()
}
