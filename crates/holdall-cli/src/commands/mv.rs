//! `holdall mv`

use super::Outcome;
use super::cp::HowArgs;
use super::route::Route;
use crate::app::App;
use crate::progress::{Showing, What};
use crate::record::ReceiptRecord;
use crate::text;
use clap::Args;
use holdall::transfer::Moved;
use holdall::{Error, ErrorKind, MoveOptions, Result, telemetry};
use serde::Serialize;

const AFTER: &str = "\
A folder gives the object its new name. Elsewhere it is copied, and the source is deleted when
the copy was looked at and is whole, and only while it is still what was copied. A store that
cannot decide that and delete in one step is asked once more right before, which is said.
Content headers, user metadata and tags go along; where tags cannot be read or kept, that is
said. In a bucket with versions the source's versions stay.

Examples:
  holdall mv runs/7/draft.pdf runs/7/report.pdf
  holdall mv inbox/a.bin s3://archive/2024/ --create-only";

/// Moves an object
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Mv {
    /// The key to move
    source: String,
    /// The new key, or PREFIX/ to which the last name is appended
    #[arg(value_name = "KEY|PREFIX/")]
    destination: String,
    #[command(flatten)]
    how: HowArgs,
}

/// An object that was moved.
#[derive(Serialize)]
struct MovedRecord<'a> {
    source: &'a str,
    #[serde(flatten)]
    copy: ReceiptRecord<'a>,
    /// The source was deleted under the condition that it is still what was copied.
    atomic: bool,
    tags_kept: bool,
}

impl Mv {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let route = Route::parse(&self.source, &self.destination, app)?;
        if self.how.dry_run {
            refuse_onto_itself(&route)?;
            let seen = route.from.store.head(&route.from.key).await?;
            return Ok(route.print_plan(&seen, "move", app)?);
        }
        let showing = Showing::start(&app.globals, What::One(self.source));
        let options = MoveOptions {
            condition: self.how.condition(),
            progress: showing.progress(),
            ..MoveOptions::default()
        };
        let Route { from, to } = &route;
        let moved = from.store.move_to(&from.key, &to.store, &to.key, &options).await?;
        drop(showing);
        print(&route, &moved, app)
    }
}

/// What the move itself would say.
fn refuse_onto_itself(Route { from, to }: &Route) -> Result<()> {
    match from.store.is_same_place(&to.store) && from.key == to.key {
        true => Err(Error::new(ErrorKind::InvalidInput, "source and destination are the same object")
            .with_key(&from.key)),
        false => Ok(()),
    }
}

fn print(route: &Route, moved: &Moved, app: &mut App) -> Outcome {
    let &Moved { ref receipt, atomic, tags_kept, .. } = moved;
    if app.globals.json {
        let copy = ReceiptRecord::new(receipt, telemetry::Outcome::Moved);
        return Ok(app.out.json(&MovedRecord { source: &route.from.key, copy, atomic, tags_kept })?);
    }
    app.out.name(&route.to.key)?;
    app.report.summary(&format!("moved {}", text::bytes(receipt.size)));
    if !tags_kept {
        app.report.summary("note: tags, if the source had any, did not go along");
    }
    if !atomic {
        app.report.summary(
            "note: not atomic: this store cannot delete under a condition, so the source was looked at right before",
        );
    }
    Ok(())
}
