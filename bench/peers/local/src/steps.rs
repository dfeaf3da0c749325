//! Steps of a session by the library, in the store that the environment names.

use futures_util::StreamExt;
use holdall::session::{Content, NewStep, Sessions};
use holdall::{SessionId, State, StepId};
use std::path::{Path, PathBuf};

fn step(session: &SessionId, folder: &Path) -> NewStep {
    let name = folder.file_name().and_then(|name| name.to_str()).expect("a step has a name");
    NewStep::new(session, &StepId::parse(name).expect("it can be that of a step"))
        .html(Content::file(folder.join("page.html")))
        .screenshot(Content::file(folder.join("screenshot.png")))
        .action(Content::file(folder.join("action.json")))
}

/// Stores each folder below a folder as a step, as many at once as the settings say.
pub async fn store(folder: PathBuf, session: String) {
    let sessions = Sessions::from_env().expect("the settings are whole");
    let session = SessionId::parse(&session).expect("a session can have this name");
    let folders = std::fs::read_dir(folder).expect("the folder can be read");
    let steps = folders.map(|entry| step(&session, &entry.expect("it can be listed").path()));
    let mut stored = std::pin::pin!(sessions.store_many(steps));
    while let Some(stored) = stored.next().await {
        assert_eq!(stored.outcome.expect("the step is stored").state, State::Stored);
    }
}
