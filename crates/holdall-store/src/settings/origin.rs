//! Where a setting's value comes from.

use std::fmt;
use std::path::PathBuf;

/// Where a setting's value comes from. What comes first here wins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// An argument or option of the command or the call, as it is written there.
    Argument(String),
    /// A variable.
    Variable(Rank, String),
    /// The configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// The setting's key in it, with its profile.
        key: String,
    },
    /// A profile in AWS's configuration file.
    AwsFile {
        /// The file.
        path: PathBuf,
        /// The section and the key.
        key: String,
    },
    /// Nobody set it.
    Default,
}

/// The families of variables, the first wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// `HOLDALL_…`
    Holdall,
    /// `S3_…`
    S3,
    /// `AWS_…`, and those that all programs share, such as `HTTPS_PROXY`.
    Shared,
}

impl Origin {
    pub(super) fn variable(name: &str) -> Self {
        let rank = match name {
            _ if name.starts_with("HOLDALL_") => Rank::Holdall,
            _ if name.starts_with("S3_") => Rank::S3,
            _ => Rank::Shared,
        };
        Self::Variable(rank, name.to_owned())
    }

    /// Which of two wins, whatever their names; equal for variables of one family.
    pub(super) fn strength(&self) -> u8 {
        match self {
            Self::Argument(_) => 0,
            Self::Variable(Rank::Holdall, _) => 1,
            Self::Variable(Rank::S3, _) => 2,
            Self::Variable(Rank::Shared, _) => 3,
            Self::File { .. } => 4,
            Self::AwsFile { .. } => 5,
            Self::Default => 6,
        }
    }
}

/// As a user would look for it: `--region`, `S3_REGION`, `region in /home/u/.config/holdall/config.toml`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(name) | Self::Variable(_, name) => f.write_str(name),
            Self::File { path, key } | Self::AwsFile { path, key } => {
                write!(f, "{key} in {}", path.display())
            }
            Self::Default => f.write_str("default"),
        }
    }
}
