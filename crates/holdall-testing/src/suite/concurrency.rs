//! Many tasks at once.

use super::capability::Capability::AtomicPut;
use super::case::Case;
use super::failure::{Failure, Outcome, equal, same_bytes};
use super::secrets::heard;
use super::subject::Subject;
use holdall_store::ListOptions;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "concurrency/never-a-mix",
            "Readers during overwrites see one object, whole, never a mix.",
            |s| Box::pin(never_a_mix(s)),
        )
        .serves(&["SES-2", "SES-11"])
        .needs(&[AtomicPut]),
        Case::new("concurrency/own-writes", "What a task wrote it reads at once, and lists.", |s| {
            Box::pin(own_writes(s))
        })
        .serves(&["SES-11"]),
        Case::new("concurrency/last-put-stays", "Of puts at once one whole object stays.", |s| {
            Box::pin(last_put_stays(s))
        })
        .serves(&["SES-11"])
        .needs(&[AtomicPut]),
        Case::new("concurrency/put-and-delete", "Beside deletes a read has the whole object or none.", |s| {
            Box::pin(put_and_delete(s))
        })
        .serves(&["SES-11", "SES-7"])
        .needs(&[AtomicPut]),
    ]
}

const ROUNDS: usize = 12;

/// Bytes of one value, of a length that this value has alone.
fn uniform(value: u8) -> Vec<u8> {
    vec![value; 20_000 + usize::from(value) * 997]
}

/// Whether these bytes are one of the objects that `uniform` makes.
fn is_whole(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|&value| bytes == uniform(value))
}

async fn joined(mut tasks: JoinSet<Outcome>) -> Outcome {
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

async fn never_a_mix(s: Subject) -> Outcome {
    s.put("o", uniform(0)).await?;
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for _ in 0..16 {
        let (s, done) = (s.clone(), done.clone());
        readers.spawn(async move {
            while !done.load(Ordering::Relaxed) {
                read_whole(&s).await?;
                // Memory answers without waiting: the writers need their turn.
                tokio::task::yield_now().await;
            }
            Ok(())
        });
    }
    let mut writers = JoinSet::new();
    for writer in 0..2 {
        let s = s.clone();
        writers.spawn(async move {
            for round in 0..ROUNDS {
                s.put("o", uniform((round * 2 + writer) as u8)).await?;
            }
            Ok(())
        });
    }
    let written = joined(writers).await;
    done.store(true, Ordering::Relaxed);
    joined(readers).await?;
    written
}

/// Reads once: the bytes must be whole, and the size and ETag told must be theirs.
async fn read_whole(s: &Subject) -> Outcome {
    let object = s.store().get(&s.key("o")).await?;
    let metadata = object.metadata.clone();
    let bytes = object.bytes().await?;
    if !is_whole(&bytes) {
        return Err(Failure::new(format!("a read of {} bytes is of no one object", bytes.len())));
    }
    equal("the size told with it", metadata.size, bytes.len() as u64)?;
    let digest = holdall_store::sha256(&bytes);
    if metadata.sha256.is_some_and(|told| told != digest) {
        return Err(Failure::new("the SHA-256 told is of another object"));
    }
    Ok(())
}

async fn own_writes(s: Subject) -> Outcome {
    let mut tasks = JoinSet::new();
    for task in 0..16 {
        let s = s.clone();
        tasks.spawn(async move {
            for round in 0..4 {
                let name = format!("t{task}/{round}");
                s.put(&name, name.clone()).await?;
                same_bytes(&name, &s.read(&name).await?, name.as_bytes())?;
                let listed = s.list(&format!("t{task}/"), ListOptions::default()).await?.names;
                equal(format!("the names of task {task}"), listed.len(), round + 1)?;
            }
            Ok(())
        });
    }
    joined(tasks).await?;
    equal("the names in all", s.names().await?.len(), 64)
}

async fn last_put_stays(s: Subject) -> Outcome {
    let mut tasks = JoinSet::new();
    for value in 0..16 {
        let s = s.clone();
        tasks.spawn(async move { s.put("o", uniform(value)).await.map(drop) });
    }
    joined(tasks).await?;
    read_whole(&s).await?;
    let (first, second) = (s.read("o").await?, s.read("o").await?);
    same_bytes("a second read", &second, &first)?;
    equal("the size by head", s.head("o").await?.size, first.len() as u64)
}

async fn put_and_delete(s: Subject) -> Outcome {
    let mut tasks = JoinSet::new();
    for worker in 0..8_u8 {
        let s = s.clone();
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                match worker % 4 {
                    0 => s.put("o", uniform(worker)).await.map(drop)?,
                    1 if round % 2 == 0 => s.store().delete(&s.key("o")).await.map(drop)?,
                    _ if s.store().exists(&s.key("o")).await? => read_or_gone(&s).await?,
                    _ => {}
                }
            }
            Ok(())
        });
    }
    joined(tasks).await
}

async fn read_or_gone(s: &Subject) -> Outcome {
    let bytes = match heard(s.store().get(&s.key("o")).await) {
        Err(error) if error.kind() == holdall_store::ErrorKind::NotFound => return Ok(()),
        object => object?.bytes().await?,
    };
    if is_whole(&bytes) {
        Ok(())
    } else {
        Err(Failure::new(format!("{} bytes of no one object", bytes.len())))
    }
}
