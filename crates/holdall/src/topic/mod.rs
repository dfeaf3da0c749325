//! Topics: output folders of pipelines, each with a title, mirrored below a slug made of it.
//!
//! A topic's files lie below `topics/{slug}/` at exactly the paths that they have in its folder, with `manifest.json`
//! and `SHA256SUMS`, which are written last. Beside them, at `topics/{slug}.topic.json`, lies the topic's record, which
//! says whose title has the slug; no slug has a dot, so it is in no topic's way. `docs/TOPICS.md` is the page of it.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use holdall::topic::{Roles, Topics};
//! use holdall::transfer::PushOptions;
//! use holdall::{Settings, Store};
//!
//! let dir = std::env::temp_dir().join(format!("holdall-topic-{}", std::process::id()));
//! std::fs::create_dir_all(dir.join("scene1"))?;
//! std::fs::write(dir.join("scene1/Scene1.mp4"), "moving pictures")?;
//!
//! let store = Store::memory();
//! let topic = Topics::open(&store, &Settings::default())?.topic("Euler's Formula")?;
//! let pushed = topic.push(&dir, &PushOptions::default(), &mut |_| ()).await?;
//! assert_eq!((pushed.summary.done, pushed.summary.failed), (1, 0));
//! assert!(store.exists("topics/eulers-formula/scene1/Scene1.mp4").await?);
//!
//! let index = topic.urls(&Roles::default(), None).await?;
//! assert_eq!(index.scenes[0].scene, 1);
//! # std::fs::remove_dir_all(&dir)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adopt;
mod backfill;
mod claim;
mod index;
mod list;
mod one;
mod record;
mod roles;
mod slug;
mod text;
mod topics;
mod writing;

pub use adopt::{AdoptOptions, Adopted};
pub use backfill::{BackfillOptions, Backfilled, Outcome};
pub use claim::Claim;
pub use index::{Artifact, Scene, UrlIndex};
pub use list::{Listed, TopicList};
pub use one::{Pushed, Topic};
pub use roles::{Role, Roles};
pub use slug::{Slug, Title};
pub use text::{IndexFormat, IndexText};
pub use topics::Topics;
pub use writing::{Finished, Writing, Wrote};
