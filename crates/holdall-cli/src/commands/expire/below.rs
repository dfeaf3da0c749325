//! Giving all objects below a prefix a moment, or none.

use super::Outcome;
use crate::app::App;
use crate::failure::Failure;
use crate::target::Target;
use crate::text::count;
use holdall::ExpirationEvent;
use serde::Serialize;
use std::time::SystemTime;

#[derive(Serialize)]
struct SetRecord<'a> {
    key: &'a str,
}

pub(super) async fn run(target: &Target, expires: Option<SystemTime>, app: &mut App) -> Outcome {
    let store = app.store(target)?;
    let mut printed = Ok(());
    let mut tell = |event| {
        if printed.is_ok() {
            printed = print(&event, app);
        }
    };
    let set = Box::pin(store.set_expiration_below(&target.key, expires, &mut tell)).await;
    printed?;
    let set = set?;
    let mut text = count(set.set, "object");
    for (n, what) in [(set.unchanged, "as they were"), (set.failed, "failed")] {
        if n > 0 {
            text += &format!(", {n} {what}");
        }
    }
    let verb = if expires.is_some() { "set" } else { "cleared" };
    app.report.summary(&format!("{verb} {text}"));
    if set.failed > 0 { Err(Failure::Reported) } else { Ok(()) }
}

fn print(event: &ExpirationEvent, app: &mut App) -> Outcome {
    match event {
        ExpirationEvent::Set { key } if app.globals.json => app.out.json(&SetRecord { key: key.as_str() })?,
        ExpirationEvent::Set { key } => app.out.name(key.as_str())?,
        ExpirationEvent::Failed { key, error } => app.report.error(error, Some(key.as_str())),
        _ => {}
    }
    Ok(())
}
