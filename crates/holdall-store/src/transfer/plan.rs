//! How an object is divided into parts: a function from sizes to sizes.

use crate::backend::Limits;
use crate::error::{Error, ErrorKind, Result};
use std::ops::Range;

/// Parts of one size, the last of which may be smaller. Some services (R2) demand equal parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PartPlan {
    pub(crate) part_size: u64,
    pub(crate) size: u64,
}

const MIB: u64 = 1 << 20;

impl PartPlan {
    /// Divides an object: the part size that is set, grown in whole MiB until the parts suffice.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for an object that no parts can hold.
    pub(crate) fn new(size: u64, part_size: u64, limits: Limits) -> Result<Self> {
        let needed = size.div_ceil(u64::from(limits.max_parts));
        let grown = if needed > part_size { needed.div_ceil(MIB) * MIB } else { part_size };
        let part_size = grown.max(limits.min_part);
        if part_size > limits.max_part {
            return Err(Error::new(ErrorKind::InvalidInput, "object is too large for the store")
                .with_fact("bytes", size)
                .with_fact("limit", u128::from(limits.max_part) * u128::from(limits.max_parts)));
        }
        Ok(Self { part_size, size })
    }

    /// How many parts there are; an empty object has one.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.size.div_ceil(self.part_size)).unwrap_or(u32::MAX).max(1)
    }

    /// The bytes of a part, counted from 0.
    pub(crate) fn range(&self, index: u32) -> Range<u64> {
        let start = u64::from(index) * self.part_size;
        start..(start + self.part_size).min(self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S3: Limits = Limits {
        max_put: 5 << 30,
        max_copy: 5 << 30,
        min_part: 5 << 20,
        max_part: 5 << 30,
        max_parts: 10_000,
    };

    #[test]
    fn s3b_5_ten_megabytes_are_two_parts() {
        let plan = PartPlan::new(10 * MIB, 8 * MIB, S3).unwrap();
        assert_eq!((plan.count(), plan.range(0), plan.range(1)), (2, 0..8 * MIB, 8 * MIB..10 * MIB));
    }

    #[test]
    fn what_no_parts_hold_is_refused() {
        assert_eq!(PartPlan::new(60 << 40, 8 * MIB, S3).unwrap_err().kind(), ErrorKind::InvalidInput);
    }

    proptest! {
        #[test]
        fn parts_cover_the_object_within_the_limits(size in 0u64..(40 << 40), part in (5 * MIB)..(5 << 30)) {
            let plan = PartPlan::new(size, part, S3).unwrap();
            prop_assert!(plan.count() <= S3.max_parts);
            prop_assert!((S3.min_part..=S3.max_part).contains(&plan.part_size));
            prop_assert_eq!(plan.range(plan.count() - 1).end, size);
            if plan.count() > 1 {
                prop_assert_eq!(plan.range(0).end, plan.range(1).start);
                prop_assert!(!plan.range(plan.count() - 1).is_empty());
            }
        }
    }
}
