//! `holdall bucket`, a file for each of its commands.

mod create;
mod delete;
mod info;
mod setup;
mod versioning;

use super::Outcome;
use crate::app::App;
use clap::{Args, Subcommand};
use holdall::{Error, ErrorKind, Location, Prefix};

const AFTER: &str = "\
Examples:
  holdall bucket create results
  holdall bucket info s3://results
  holdall bucket setup results --versioning --abort-uploads 7 --apply";

/// Makes, describes, sets up and deletes buckets
#[derive(Debug, Args)]
#[command(after_help = AFTER, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Bucket {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(create::Create),
    Delete(delete::Delete),
    Info(info::Info),
    Setup(setup::SetUp),
    Versioning(versioning::KeepVersions),
}

impl Bucket {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        match self.command {
            Command::Create(command) => command.run(app).await,
            Command::Delete(command) => command.run(app).await,
            Command::Info(command) => command.run(app).await,
            Command::Setup(command) => command.run(app).await,
            Command::Versioning(command) => command.run(app).await,
        }
    }
}

/// Which bucket.
#[derive(Debug, Args)]
struct Which {
    /// A bucket's name, or a URL: s3://bucket, file:///dir [default: the current store's]
    #[arg(value_name = "BUCKET")]
    bucket: Option<String>,
}

impl Which {
    fn open(&self, app: &mut App) -> Result<holdall::bucket::Bucket, Error> {
        let location = self.bucket.as_deref().map(place).transpose()?;
        Ok(app.store_at(location.as_ref())?.bucket())
    }
}

/// Reads a bucket's name or a URL.
fn place(text: &str) -> Result<Location, Error> {
    if text.contains("://") {
        return Location::parse(text);
    }
    if text.is_empty() || text.contains('/') {
        return Err(Error::new(ErrorKind::InvalidInput, "not a bucket's name")
            .with_fact("bucket", text)
            .with_hint("give a name such as results, or a URL such as s3://results"));
    }
    Ok(Location::S3 { bucket: text.to_owned(), prefix: Prefix::parse("")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_bucket_and_a_url_is_what_it_says() {
        for (text, expected) in
            [("b", "s3://b"), ("s3://b", "s3://b"), ("s3://b/p", "s3://b/p"), ("file:///d", "file:///d")]
        {
            assert_eq!(place(text).unwrap().to_string(), expected);
        }
        for text in ["", "a/b", "./dir", "https://b"] {
            assert_eq!(place(text).unwrap_err().kind(), ErrorKind::InvalidInput, "{text}");
        }
    }
}
