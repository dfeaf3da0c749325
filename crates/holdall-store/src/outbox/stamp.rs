//! When the folder of segments last changed: while it did not, it need not be listed again.

use super::ground::Ground;
use crate::disk::fault;
use crate::error::Result;
use std::os::fd::OwnedFd;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A file's time is that of the kernel's last tick, at most 10 ms ago (`CONFIG_HZ` is 100 at least): two changes within
/// that may leave the same time.
const TICK: Duration = Duration::from_millis(20);
/// The same where whole seconds are counted, as ext4 does with inodes of 128 bytes.
const SECONDS: Duration = Duration::from_secs(3);

/// File systems of this machine, whose folders have a new time after each change: ext2 to ext4, XFS, btrfs, tmpfs,
/// overlayfs, F2FS and ZFS. Magic numbers are those of `statfs(2)`. What a server or another process keeps may be told late.
const KNOWN: [u64; 7] =
    [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0xf2f5_2010, 0x2fc1_2fc1];

/// Whether the time of a folder can be relied on.
#[allow(clippy::unnecessary_cast, reason = "the field's type differs between architectures")]
pub(super) fn tells_times(folder: &OwnedFd) -> Result<bool> {
    let stat = rustix::fs::fstatfs(folder).map_err(|e| fault("the outbox cannot be looked at", e))?;
    Ok(KNOWN.contains(&(stat.f_type as u64 & 0xffff_ffff)))
}

/// The time of a folder's last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(Duration);

impl Stamp {
    /// The folder's time now; none on a file system whose times say nothing.
    pub(super) fn of(ground: &Ground) -> Result<Option<Self>> {
        if !ground.tells_times {
            return Ok(None);
        }
        let stat =
            rustix::fs::fstat(&ground.queue).map_err(|e| fault("the outbox cannot be looked at", e))?;
        let (seconds, nanos) = (u64::try_from(stat.st_ctime).ok(), u32::try_from(stat.st_ctime_nsec).ok());
        Ok(seconds.zip(nanos).map(|(seconds, nanos)| Self(Duration::new(seconds, nanos))))
    }

    /// Whether another change, from now on, is sure to have another time.
    pub(super) fn is_past(self) -> bool {
        let least = if self.0.subsec_nanos() == 0 { SECONDS } else { TICK };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        now.checked_sub(self.0).is_some_and(|age| age > least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ago(age: Duration) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap() - age
    }

    #[test]
    fn a_time_counts_once_no_other_change_can_have_the_same() {
        assert!(!Stamp(ago(Duration::ZERO)).is_past());
        assert!(Stamp(ago(Duration::from_millis(500))).is_past());
        let whole = |age| Duration::from_secs(ago(age).as_secs());
        assert!(!Stamp(whole(Duration::from_secs(1))).is_past());
        assert!(Stamp(whole(Duration::from_secs(9))).is_past());
        // A clock that was set back.
        assert!(!Stamp(ago(Duration::ZERO) + Duration::from_secs(60)).is_past());
    }
}
