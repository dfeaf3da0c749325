//! What a case is, and all of them.

use super::capability::Capability;
use super::failure::Outcome;
use super::place::Place;
use super::profile::Profile;
use super::subject::Subject;
use holdall_store::BoxFuture;

/// Where a case means anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere.
    Everywhere,
    /// Only in memory.
    Memory,
    /// Only where there is a service to be asked.
    Service,
}

/// One promise and how it is proved.
#[derive(Clone, Copy)]
pub struct Case {
    /// `subject/name`, unique.
    pub name: &'static str,
    /// The needs that it serves, by their identifiers.
    pub ids: &'static [&'static str],
    /// The promise in plain words.
    pub promise: &'static str,
    /// What a server must be able to do for the case to mean anything.
    pub needs: &'static [Capability],
    /// Where it means anything.
    pub scope: Scope,
    /// Proves it.
    pub run: fn(Subject) -> BoxFuture<'static, Outcome>,
}

impl Case {
    pub(super) const fn new(
        name: &'static str,
        promise: &'static str,
        run: fn(Subject) -> BoxFuture<'static, Outcome>,
    ) -> Self {
        Self { name, ids: &[], promise, needs: &[], scope: Scope::Everywhere, run }
    }

    pub(super) const fn serves(self, ids: &'static [&'static str]) -> Self {
        Self { ids, ..self }
    }

    pub(super) const fn needs(self, needs: &'static [Capability]) -> Self {
        Self { needs, ..self }
    }

    pub(super) const fn only(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// Why the case means nothing here; none where it does.
    pub fn unsupported(&self, profile: Profile, place: &Place) -> Option<String> {
        match self.scope {
            Scope::Memory if place.memory_backend().is_none() => Some("it is about memory".to_owned()),
            Scope::Service if place.service().is_none() => Some("it is about services".to_owned()),
            _ if self
                .needs
                .iter()
                .any(|need| matches!(need, Capability::EncryptionKms | Capability::PostEncryption))
                && place.service().is_some_and(|service| !service.has_kms_key()) =>
            {
                Some("the environment names no KMS key".to_owned())
            }
            _ if self.needs.contains(&Capability::ObjectLock)
                && place.service().is_some_and(|service| !service.makes_buckets()) =>
            {
                Some("no bucket is made in an environment".to_owned())
            }
            _ if self.needs.contains(&Capability::Versions) && place.writes_behind() => {
                Some("what waits in an outbox is no version yet".to_owned())
            }
            _ => profile.lacks(self.needs),
        }
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Every case of the suite.
pub fn cases() -> Vec<Case> {
    [
        super::objects::cases(),
        super::metadata::cases(),
        super::ranges::cases(),
        super::conditions::cases(),
        super::keys::cases(),
        super::listing::cases(),
        super::paging::cases(),
        super::copy::cases(),
        super::rename::cases(),
        super::delete::cases(),
        super::versions::cases(),
        super::tags::cases(),
        super::lock::cases(),
        super::expiry::cases(),
        super::lifecycle::cases(),
        super::upload::cases(),
        super::parts::cases(),
        super::completion::cases(),
        super::presign::cases(),
        super::forms::cases(),
        super::errors::cases(),
        super::concurrency::cases(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_promises_are_sentences() {
        let all = cases();
        let names: BTreeSet<_> = all.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), all.len());
        for case in &all {
            assert!(case.promise.ends_with('.') && case.promise.contains(' '), "{}", case.name);
            assert!(case.name.contains('/'), "{}", case.name);
        }
    }
}
