//! Where moments and unique names come from.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::SystemTime;

/// A clock: the system's, unless a test sets another.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    /// A clock that says what a function answers.
    ///
    /// ```
    /// use holdall::session::Clock;
    /// use std::time::UNIX_EPOCH;
    /// assert_eq!(Clock::new(|| UNIX_EPOCH).now(), UNIX_EPOCH);
    /// ```
    pub fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The moment it is.
    pub fn now(&self) -> SystemTime {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(SystemTime::now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Sixteen digits that no other attempt has; they keep no secret.
pub(super) fn unique() -> String {
    format!("{:016x}", RandomState::new().hash_one(0))
}
