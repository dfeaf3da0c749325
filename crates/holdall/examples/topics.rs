//! Stores what a pipeline rendered as a topic, proves it, and prints the URLs of its scenes.
//!
//! ```sh
//! HOLDALL_STORE=file:///tmp/bag HOLDALL_PUBLIC_BASE_URL=https://cdn.example \
//!     cargo run -p holdall --example topics -- "Euler's Formula" rendered/
//! ```

#![allow(clippy::print_stdout, reason = "a program that says what it did")]

use holdall::topic::{Roles, Topics};
use holdall::transfer::{PushOptions, VerifyOptions};
use holdall::{Settings, Store};
use std::error::Error;
use std::path::Path;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [title, rendered] = &args[..] else { return Err("usage: topics TITLE FOLDER".into()) };
    let rendered = Path::new(rendered);
    let settings = Settings::from_env()?;
    let topic = Topics::open(&Store::from_settings(&settings)?, &settings)?.topic(title)?;

    let pushed = topic.push(rendered, &PushOptions::default(), &mut |_| ()).await?;
    println!("{}: {} files, {} bytes", topic.prefix(), pushed.summary.done, pushed.summary.bytes);
    let verified = topic.verify(Some(rendered), &VerifyOptions::default(), &mut |_| ()).await?;
    println!("{} files proven, {} wrong", verified.files, verified.missing + verified.different);

    let index = topic.urls(&Roles::default(), None).await?;
    for artifact in &index.artifacts {
        println!("{}: {}", artifact.path, artifact.role);
    }
    for scene in &index.scenes {
        println!("scene {}: {}", scene.scene, scene.s3_url.as_deref().unwrap_or("without a lasting URL"));
    }
    Ok(())
}
