//! Takes in what others put below the root of topics, and changes none of it.

use super::{Claim, Listed, Slug, Title, Topics};
use holdall_store::transfer::{DescribeOptions, TreeEvent};
use holdall_store::{Error, ErrorKind, Result};

/// How topics are adopted.
#[derive(Debug, Clone, Default)]
pub struct AdoptOptions {
    /// The title of the one that is adopted. Without it a topic has none until it is pushed under one.
    pub title: Option<Title>,
    /// Say what would be done and do nothing.
    pub dry_run: bool,
}

/// What became of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Adopted {
    /// How it came by its record.
    pub claim: Claim,
    /// Whether it had a manifest already, which is left as it is.
    pub was_described: bool,
    /// Objects that its new manifest describes (or would).
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Of them those that were read, since no digest was recorded with them.
    pub read: u64,
}

impl Topics {
    /// Gives a folder below the root its record and its manifest. No other object is written, and none is deleted.
    ///
    /// After a kill, adopt it again.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall::topic::{AdoptOptions, Topics};
    /// use holdall::{Settings, Store};
    /// let store = Store::memory();
    /// store.put("topics/sets/a.mp4", "x").await?;
    /// let topics = Topics::open(&store, &Settings::default())?;
    /// let adopted = topics.adopt("sets", &AdoptOptions::default(), &mut |_| ()).await?;
    /// assert_eq!((adopted.objects, adopted.was_described), (1, false));
    /// assert!(topics.find("sets").await?.title().is_none());
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a name that is no slug, or a title that makes another one; `NotFound` for a folder without
    /// objects; `Conflict` when another title has it; `AlreadyExists` where objects of the manifest's names are none;
    /// `Incomplete` when some object could not be described, after an event for each.
    pub async fn adopt(
        &self,
        name: &str,
        options: &AdoptOptions,
        on_event: &mut (dyn FnMut(TreeEvent) + Send),
    ) -> Result<Adopted> {
        let slug = Slug::parse(name)
            .map_err(|e| e.with_hint("move it by mv to the slug of its title, then adopt that"))?;
        self.check_title(&slug, options.title.as_ref())?;
        let topic = self.at(slug, options.title.clone())?;
        let seen = topic.claiming().look().await?;
        let describe = DescribeOptions { dry_run: options.dry_run };
        let described = Box::pin(self.store.describe(topic.prefix(), describe, on_event)).await?;
        if described.failed > 0 {
            return Err(Error::new(ErrorKind::Incomplete, "not all of the topic could be described")
                .with_key(topic.prefix())
                .with_fact("failed", described.failed)
                .with_hint("mend what failed, and adopt it again"));
        }
        if described.objects == 0 && !described.was_described {
            return Err(
                Error::new(ErrorKind::NotFound, "there are no objects to adopt").with_key(topic.prefix())
            );
        }
        let claim = if options.dry_run { seen } else { topic.claim().await? };
        let (objects, bytes, read) = (described.objects, described.bytes, described.read);
        Ok(Adopted { claim, was_described: described.was_described, objects, bytes, read })
    }

    fn check_title(&self, slug: &Slug, title: Option<&Title>) -> Result<()> {
        let Some(title) = title else { return Ok(()) };
        let made = Slug::of(title)?;
        if made == *slug {
            return Ok(());
        }
        Err(Error::new(ErrorKind::InvalidInput, "the title makes another slug")
            .with_fact("title", format_args!("{:?}", title.as_str()))
            .with_fact("makes", &made)
            .with_fact("slug", slug))
    }
}

impl Listed {
    /// Whether there is something to adopt that has no record yet.
    pub fn is_unadopted(&self) -> bool {
        self.has_files && !self.has_record
    }
}
