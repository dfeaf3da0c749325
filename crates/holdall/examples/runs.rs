//! Stores what a run left in a folder, with a manifest, proves it, and lists it.
//!
//! ```sh
//! HOLDALL_STORE=file:///tmp/bag cargo run -p holdall --example runs -- nightly-42 results/
//! ```

#![allow(clippy::print_stdout, reason = "a program that says what it did")]

use holdall::transfer::{PushOptions, VerifyOptions};
use holdall::{Collection, Root, Settings, Store};
use std::error::Error;
use std::path::Path;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [run, results] = &args[..] else { return Err("usage: runs RUN FOLDER".into()) };
    let results = Path::new(results);
    let settings = Settings::from_env()?;
    let store = Store::from_settings(&settings)?;
    let prefix = format!("{}/", Root::of(Collection::Runs, &settings)?.key(run)?);

    let options = PushOptions { manifest: true, ..PushOptions::default() };
    let pushed = store.push(results, &prefix, &options, &mut |_| ()).await?;
    println!("{} files, {} bytes, {} failed", pushed.done, pushed.bytes, pushed.failed);
    let verified = store.verify(&prefix, Some(results), &VerifyOptions::default(), &mut |_| ()).await?;
    println!("{} files proven, {} wrong", verified.files, verified.missing + verified.different);

    let mut list = store.list(&prefix)?;
    while let Some(object) = list.next().await {
        let object = object?;
        println!("{:>9} {}", object.size, object.key);
    }
    Ok(())
}
