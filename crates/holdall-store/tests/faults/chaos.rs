//! Random operations under random faults, compared with a model: what was acknowledged is there with the right bytes,
//! what was refused is not, and no answer is wrong. Runs with a bug on purpose show that such a bug is found.

use std::time::Duration;

use holdall_store::{CopyOptions, ErrorKind, Key, PutOptions, WriteCondition};
use holdall_testing::fault::{Fault, Kind, Rule};

use crate::model::Model;
use crate::support::{MIB, World, bytes, in_time};

const STEPS: usize = 120;

/// A small generator of its own, so that a seed means the same for ever.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn key(&mut self) -> String {
        format!("k/{}", self.below(8))
    }

    /// Bytes that no other call gives.
    fn body(&mut self) -> Vec<u8> {
        let (size, mark) = (self.below(3000) as usize + 16, self.below(u64::from(u32::MAX)));
        let mut body = bytes(size);
        body[..8].copy_from_slice(&mark.to_le_bytes());
        body
    }
}

/// What goes wrong, each with this probability.
fn faults(probability: f64) -> Vec<Rule> {
    let anywhere = [
        Fault::Reset,
        Fault::ResetUnread,
        Fault::AnswerLost,
        Fault::AnswerLost,
        Fault::slow_down(None),
        Fault::internal_error(),
        Fault::refuse(502, ""),
        Fault::CloseAfter,
        Fault::CloseOnReuse,
        Fault::Garbage(b"\xff\xff\r\n\r\n".to_vec()),
        Fault::Delay(Duration::from_millis(5)),
        Fault::ResetMidBody { after: 10 },
        Fault::ShortBody { missing: 3 },
        Fault::UnexpectedContinue { times: 2 },
        Fault::refuse(403, "AccessDenied"),
    ];
    let mut rules: Vec<Rule> = anywhere.into_iter().map(Rule::new).collect();
    for fault in [Fault::NoToken, Fault::Unordered, Fault::DuplicateKeys, Fault::garbage_xml()] {
        rules.push(Rule::new(fault).on(Kind::ListObjects));
    }
    for kind in [Kind::PutObject, Kind::CopyObject, Kind::CompleteMultipartUpload, Kind::DeleteObject] {
        rules.push(Rule::new(Fault::ErrorBody { code: "InternalError".into() }).on(kind));
    }
    // Only small objects have a digest that tells of damage.
    for fault in [Fault::FlipByte { at: 5 }, Fault::CutBody { to: 12 }, Fault::WrongLength { by: -2 }] {
        rules.push(Rule::new(fault).on(Kind::GetObject).key("k/"));
    }
    rules.push(Rule::new(Fault::missing_etag()).on(Kind::PutObject));
    rules.push(Rule::new(Fault::RefuseKeys { containing: "3".into(), code: "AccessDenied".into() }));
    rules.push(Rule::new(Fault::OmitKeys { containing: "5".into() }));
    let early = Fault::RefuseEarly { status: 503, code: "SlowDown".into(), after: 5 };
    rules.push(Rule::new(early).on(Kind::PutObject));
    rules.into_iter().map(|rule| rule.chance(probability)).collect()
}

struct Run {
    world: World,
    model: Model,
    random: Random,
}

impl Run {
    /// Does random things under rules, and says what was wrong.
    async fn go(seed: u64, rules: Vec<Rule>) -> Result<(), String> {
        eprintln!("seed {seed}");
        let world = World::seeded(seed);
        // What the server can do is found out while it is good.
        let condition = PutOptions { condition: WriteCondition::Absent, ..PutOptions::default() };
        world.store.put_with("first", "x", &condition).await.map_err(|e| e.to_string())?;
        world.store.delete("first").await.map_err(|e| e.to_string())?;
        rules.into_iter().for_each(|rule| world.server.add_rule(rule));
        let mut run = Self { world, model: Model::default(), random: Random(seed) };
        for step in 0..STEPS {
            run.step().await.map_err(|wrong| format!("seed {seed}, step {step}: {wrong}"))?;
        }
        run.world.server.clear_rules();
        run.compare().map_err(|wrong| format!("seed {seed}, at the end: {wrong}"))
    }

    async fn step(&mut self) -> Result<(), String> {
        match self.random.below(20) {
            0..=5 => self.put().await,
            6..=10 => self.get().await,
            11..=12 => self.create().await,
            13..=14 => self.delete().await,
            15 => self.delete_many().await,
            16..=17 => self.copy().await,
            18 => self.list().await,
            _ => self.put_in_parts().await,
        }
    }

    async fn put(&mut self) -> Result<(), String> {
        let (key, body) = (self.random.key(), self.random.body());
        match self.world.store.put(&key, body.clone()).await {
            Ok(_) => self.model.done(&key, vec![Some(body)]),
            Err(error) => self.model.failed(&key, vec![Some(body)], &error),
        }
        Ok(())
    }

    async fn create(&mut self) -> Result<(), String> {
        let (key, body) = (self.random.key(), self.random.body());
        let options = PutOptions { condition: WriteCondition::Absent, ..PutOptions::default() };
        let possible = self.model.possible(&key);
        match self.world.store.put_with(&key, body.clone(), &options).await {
            Ok(_) if !possible.contains(&None) => Err(format!("{key} was made although it was there")),
            Ok(_) => {
                self.model.done(&key, vec![Some(body)]);
                Ok(())
            }
            Err(e) if e.kind() == ErrorKind::Precondition && possible.iter().all(Option::is_none) => {
                Err(format!("{key} was refused although it was not there: {e}"))
            }
            Err(error) => {
                self.model.failed(&key, vec![Some(body)], &error);
                Ok(())
            }
        }
    }

    async fn put_in_parts(&mut self) -> Result<(), String> {
        let (key, mut body) = (format!("big/{}", self.random.below(2)), bytes(5 * MIB + 100));
        body[..8].copy_from_slice(&self.random.below(u64::from(u32::MAX)).to_le_bytes());
        match self.world.store.put(&key, body.clone()).await {
            Ok(_) => self.model.done(&key, vec![Some(body)]),
            Err(error) => self.model.failed(&key, vec![Some(body)], &error),
        }
        Ok(())
    }

    async fn get(&mut self) -> Result<(), String> {
        let key = if self.random.below(12) == 0 {
            format!("big/{}", self.random.below(2))
        } else {
            self.random.key()
        };
        match self.world.get(&key).await {
            Ok(body) => self.model.check(&key, Some(&body), "get"),
            Err(ErrorKind::NotFound) => self.model.check(&key, None, "get"),
            Err(_) => Ok(()),
        }
    }

    async fn delete(&mut self) -> Result<(), String> {
        let key = self.random.key();
        match self.world.store.delete(&key).await {
            Ok(_) => self.model.done(&key, vec![None]),
            Err(error) => self.model.failed(&key, vec![None], &error),
        }
        Ok(())
    }

    async fn delete_many(&mut self) -> Result<(), String> {
        let mut keys: Vec<String> = (0..3).map(|_| self.random.key()).collect();
        keys.sort();
        keys.dedup();
        let parsed: Vec<Key> = keys.iter().map(|key| Key::parse(key).unwrap()).collect();
        let failures = self.world.store.delete_many(parsed).await;
        for key in keys {
            match failures.iter().find(|failure| failure.key.as_str() == key) {
                Some(failure) => self.model.failed(&key, vec![None], &failure.error),
                None => self.model.done(&key, vec![None]),
            }
        }
        Ok(())
    }

    async fn copy(&mut self) -> Result<(), String> {
        let (from, to) = (self.random.key(), self.random.key());
        if from == to {
            return Ok(());
        }
        let there: Vec<_> = self.model.possible(&from).into_iter().filter(Option::is_some).collect();
        match self.world.store.copy(&from, &to, &CopyOptions::default()).await {
            Ok(_) if there.is_empty() => return Err(format!("{from} was copied and is not there")),
            Ok(_) => self.model.done(&to, there),
            Err(error) => self.model.failed(&to, there, &error),
        }
        Ok(())
    }

    async fn list(&mut self) -> Result<(), String> {
        let options = holdall_store::ListOptions { page_size: Some(3), ..Default::default() };
        let mut list = self.world.store.list_with(options).map_err(|e| e.to_string())?;
        let mut seen = std::collections::BTreeMap::new();
        while let Some(page) = list.next_page().await {
            let Ok(page) = page else { return Ok(()) };
            seen.extend(page.objects.into_iter().map(|object| (object.key.to_string(), object.size)));
        }
        for key in self.model.keys() {
            let size = seen.remove(key);
            let possible = self.model.possible(key);
            if !possible.iter().any(|one| one.as_ref().map(|body| body.len() as u64) == size) {
                return Err(format!("the listing has {key} with {size:?} bytes"));
            }
        }
        if seen.is_empty() { Ok(()) } else { Err(format!("the listing has what nobody wrote: {seen:?}")) }
    }

    /// Compares the server itself with the model.
    fn compare(&self) -> Result<(), String> {
        for key in self.world.keys() {
            if !self.model.keys().any(|known| *known == key) {
                return Err(format!("{key} is there and nobody wrote it"));
            }
        }
        for key in self.model.keys() {
            self.model.check(key, self.world.stored(key).as_deref(), "stored")?;
        }
        Ok(())
    }
}

async fn chaos(seed: u64, rules: Vec<Rule>) -> Result<(), String> {
    in_time(Run::go(seed, rules)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn random_operations_without_a_fault_agree_with_the_model() {
    chaos(1, Vec::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn random_operations_under_random_faults_agree_with_the_model() {
    let runs =
        (1..=8).map(|seed| tokio::spawn(chaos(seed, faults(if seed % 2 == 0 { 0.01 } else { 0.004 }))));
    for run in futures_util::future::join_all(runs).await {
        run.unwrap().unwrap();
    }
}

/// Each of these is a server or a client that lies; a harness that lets one pass proves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_bug_put_in_on_purpose_is_found() {
    let done = |status: u16| Fault::Refuse {
        status,
        code: String::new(),
        headers: vec![("etag".into(), "\"fake\"".into()), ("content-length".into(), "0".into())],
    };
    let stale = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>".to_vec();
    let bugs = [
        ("a put is acknowledged and not done", Rule::new(done(200)).on(Kind::PutObject).key("k/").every(3)),
        (
            "a delete is acknowledged and not done",
            Rule::new(done(204)).on(Kind::DeleteObject).key("k/").every(2),
        ),
        (
            "a write is stored with another last byte",
            Rule::new(Fault::CorruptWrite).on(Kind::PutObject).every(5),
        ),
        (
            "an object that is there is not found",
            Rule::new(Fault::refuse(404, "NoSuchKey")).on(Kind::GetObject).every(4),
        ),
        ("a listing leaves all out", Rule::new(Fault::ReplaceBody(stale)).on(Kind::ListObjects)),
        ("a read of parts is of other bytes", {
            let other = bytes(5 * MIB + 100);
            Rule::new(Fault::ReplaceBody(other)).on(Kind::GetObject).key("big/")
        }),
        (
            "create-only replaces what is there",
            // The condition is answered as if it had held.
            Rule::new(done(200)).on(Kind::PutObject).key("k/").header("if-none-match"),
        ),
    ];
    for (bug, rule) in bugs {
        let mut found = Vec::new();
        for seed in 1..=6 {
            found.extend(chaos(seed, vec![rule.clone()]).await.err());
            if !found.is_empty() {
                break;
            }
        }
        assert!(!found.is_empty(), "not found: {bug}");
        eprintln!("{bug}: {}", found[0]);
    }
}
