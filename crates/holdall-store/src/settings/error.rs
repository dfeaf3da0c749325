//! Why settings cannot be used.

use std::path::PathBuf;

/// Why settings cannot be used. Names where they come from, never their values where these may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// Two variables of one rank set one thing differently.
    #[error("{first} and {second} set {setting} differently; unset one")]
    Conflict {
        /// The setting.
        setting: &'static str,
        /// One variable.
        first: String,
        /// The other.
        second: String,
    },
    /// Two settings that cannot both be.
    #[error("{first} and {second} contradict each other: {reason}")]
    Contradiction {
        /// Where one comes from.
        first: String,
        /// Where the other comes from.
        second: String,
        /// Why not both.
        reason: &'static str,
    },
    /// A value that cannot be read.
    #[error("{variable} is not valid: {reason}")]
    Invalid {
        /// The variable, the option, or the key and its file.
        variable: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Half of a pair of keys.
    #[error("{missing} is not set although {present} is")]
    HalfPair {
        /// What is set.
        present: String,
        /// What is not.
        missing: String,
    },
    /// A setting that another one needs.
    #[error("{present} is set but no bucket: set {missing} or HOLDALL_STORE")]
    NoBucket {
        /// What is set.
        present: String,
        /// The variable that is not.
        missing: &'static str,
    },
    /// A value that means nothing without another setting.
    #[error("{present} needs {missing}, which is not set")]
    Missing {
        /// What is set, and to what.
        present: String,
        /// The variable that is not.
        missing: &'static str,
    },
    /// A configuration file that cannot be read or understood.
    #[error("{} cannot be used: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A profile that the configuration file does not have.
    #[error("there is no profile {profile:?} {known}")]
    NoProfile {
        /// The profile that was chosen.
        profile: String,
        /// Where it was looked for, and what there is instead.
        known: String,
    },
}
