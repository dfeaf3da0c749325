//! Which request meets which fault.

use super::Fault;
use super::request::{Kind, Request};

/// What a [`FaultServer`](super::FaultServer) starts with: rules, buckets and limits.
#[derive(Clone, Debug)]
pub struct Script {
    pub(super) rules: Vec<Rule>,
    pub(super) buckets: Vec<String>,
    pub(super) minimum_part: usize,
}

impl Default for Script {
    fn default() -> Script {
        Script { rules: Vec::new(), buckets: Vec::new(), minimum_part: 5 << 20 }
    }
}

impl Script {
    /// A server without a fault and without a bucket, whose parts are at least 5 MiB.
    pub fn new() -> Script {
        Script::default()
    }

    /// Adds a rule behind the others. The first rule that fires decides.
    pub fn rule(mut self, rule: Rule) -> Script {
        self.rules.push(rule);
        self
    }

    /// Has a bucket there from the start.
    pub fn bucket(mut self, name: &str) -> Script {
        self.buckets.push(name.to_owned());
        self
    }

    /// Lets parts other than the last be this small.
    pub fn minimum_part(mut self, bytes: usize) -> Script {
        self.minimum_part = bytes;
        self
    }
}

/// A fault, the requests that it is meant for, and which of those it hits.
#[derive(Clone, Debug)]
pub struct Rule {
    fault: Fault,
    kinds: Vec<Kind>,
    method: Option<String>,
    key: Option<String>,
    query: Option<String>,
    header: Option<String>,
    when: When,
}

#[derive(Clone, Copy, Debug)]
enum When {
    Between(u64, u64),
    Every(u64),
    Chance(f64),
}

impl Rule {
    /// A rule that hits every request until it is narrowed.
    pub fn new(fault: Fault) -> Rule {
        let when = When::Between(1, u64::MAX);
        Rule { fault, kinds: Vec::new(), method: None, key: None, query: None, header: None, when }
    }

    /// Only this operation; called again, that one too.
    pub fn on(mut self, kind: Kind) -> Rule {
        self.kinds.push(kind);
        self
    }

    /// Only this HTTP method.
    pub fn method(mut self, method: &str) -> Rule {
        self.method = Some(method.to_owned());
        self
    }

    /// Only keys that contain this (decoded).
    pub fn key(mut self, part: &str) -> Rule {
        self.key = Some(part.to_owned());
        self
    }

    /// Only requests whose raw query contains this.
    pub fn query(mut self, part: &str) -> Rule {
        self.query = Some(part.to_owned());
        self
    }

    /// Only requests that carry this header.
    pub fn header(mut self, name: &str) -> Rule {
        self.header = Some(name.to_ascii_lowercase());
        self
    }

    /// Only the first of the requests that match.
    pub fn once(self) -> Rule {
        self.first(1)
    }

    /// Only the n-th of the requests that match, from 1.
    pub fn nth(self, n: u64) -> Rule {
        Rule { when: When::Between(n, n), ..self }
    }

    /// The first `count` of the requests that match.
    pub fn first(self, count: u64) -> Rule {
        Rule { when: When::Between(1, count), ..self }
    }

    /// The n-th of the requests that match, and all after it.
    pub fn from(self, n: u64) -> Rule {
        Rule { when: When::Between(n, u64::MAX), ..self }
    }

    /// Every n-th of the requests that match.
    pub fn every(self, n: u64) -> Rule {
        Rule { when: When::Every(n.max(1)), ..self }
    }

    /// Each of the requests that match with this probability. The seed and the request's place among them decide,
    /// so that a run can be had again whatever the threads do.
    pub fn chance(self, probability: f64) -> Rule {
        Rule { when: When::Chance(probability), ..self }
    }

    fn matches(&self, request: &Request) -> bool {
        let Rule { kinds, method, key, query, header, .. } = self;
        (kinds.is_empty() || kinds.contains(&request.kind))
            && method.as_ref().is_none_or(|method| *method == request.method)
            && key.as_ref().is_none_or(|key| request.key.contains(key.as_str()))
            && query.as_ref().is_none_or(|query| request.raw_query.contains(query.as_str()))
            && header.as_ref().is_none_or(|name| request.header(name).is_some())
    }
}

/// The rules with how often each has matched.
pub(super) struct Engine {
    rules: Vec<(Rule, u64)>,
    seed: u64,
}

impl Engine {
    pub(super) fn new(rules: Vec<Rule>, seed: u64) -> Engine {
        Engine { rules: rules.into_iter().map(|rule| (rule, 0)).collect(), seed }
    }

    pub(super) fn add(&mut self, rule: Rule) {
        self.rules.push((rule, 0));
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The fault of the first rule that fires. Rules behind it do not count the request.
    pub(super) fn decide(&mut self, request: &Request) -> Option<Fault> {
        let seed = self.seed;
        for (place, (rule, count)) in self.rules.iter_mut().enumerate() {
            if !rule.matches(request) {
                continue;
            }
            *count += 1;
            let fires = match rule.when {
                When::Between(first, last) => (first..=last).contains(count),
                When::Every(n) => count.is_multiple_of(n),
                When::Chance(probability) => dice(seed, place as u64, *count) < probability,
            };
            if fires {
                return Some(rule.fault.clone());
            }
        }
        None
    }
}

/// A number in `0.0..1.0` from three others.
fn dice(seed: u64, place: u64, count: u64) -> f64 {
    let mut z = seed ^ place.rotate_left(48) ^ count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(rule: Rule, seed: u64) -> Vec<u64> {
        let request = Request::of("PUT", "/b/some/key?x=1", Vec::new());
        let mut engine = Engine::new(vec![rule], seed);
        (1..=1000).filter(|_| engine.decide(&request).is_some()).collect()
    }

    #[test]
    fn rules_hit_the_requests_that_they_count_to() {
        let rule = || Rule::new(Fault::Stall).on(Kind::Put).key("me/k").query("x=");
        assert_eq!(hits(rule().nth(3), 1), [3]);
        assert_eq!(hits(rule().first(2), 1), [1, 2]);
        assert_eq!(hits(rule().from(999), 1), [999, 1000]);
        assert_eq!(hits(rule().every(400), 1), [400, 800]);
        assert_eq!(hits(rule().on(Kind::Get), 1).len(), 1000);
        for none in [rule().key("other"), rule().method("GET"), rule().header("range"), rule().query("y=")] {
            assert_eq!(hits(none, 1), [0; 0]);
        }
    }

    #[test]
    fn chance_follows_the_seed() {
        let rule = || Rule::new(Fault::Stall).chance(0.25);
        assert_eq!(hits(rule(), 7), hits(rule(), 7));
        assert_ne!(hits(rule(), 7), hits(rule(), 8));
        assert!((200..300).contains(&hits(rule(), 7).len()));
    }

    #[test]
    fn a_rule_behind_the_one_that_fires_does_not_count() {
        let request = Request::of("PUT", "/b/k", Vec::new());
        let rules = vec![Rule::new(Fault::Stall).once(), Rule::new(Fault::Reset).once()];
        let mut engine = Engine::new(rules, 1);
        let faults = [(); 3].map(|()| engine.decide(&request));
        assert_eq!(faults, [Some(Fault::Stall), Some(Fault::Reset), None]);
    }
}
