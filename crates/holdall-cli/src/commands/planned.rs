//! Steps of a plan, as `bucket setup` and `lifecycle push` print them and what came of them.

use super::Outcome;
use crate::app::App;
use crate::text::{count, escaped};
use holdall::bucket::{self, Verdict};

/// A verdict as JSON has it: its word, what there is, what there will be, and why not.
pub(super) type Parts<'a> = (&'static str, Option<&'a str>, Option<&'a str>, Option<&'a str>);

pub(super) fn parts(verdict: &Verdict) -> Parts<'_> {
    match verdict {
        Verdict::Same { is } => ("same", Some(is), None, None),
        Verdict::Change { from, to } => ("change", Some(from), Some(to), None),
        Verdict::Cannot { why, .. } => ("cannot", None, None, Some(why)),
    }
}

/// A verdict in words, and what came of it where something was tried.
pub(super) fn in_words(verdict: &Verdict, outcome: Option<&'static str>) -> String {
    let text = match verdict {
        Verdict::Same { is } => format!("already so: {is}"),
        Verdict::Change { from, to } => format!("{from} -> {to}"),
        Verdict::Cannot { why, .. } => format!("cannot: {why}"),
    };
    match outcome {
        Some(outcome @ ("done" | "failed")) => format!("{} [{outcome}]", escaped(&text)),
        _ => escaped(&text).into(),
    }
}

/// Says what came of each step: `of` answers that and the step's name, and `print` prints it.
pub(super) fn report<T>(
    all: &[T],
    of: fn(&T) -> (&bucket::Outcome, &'static str),
    print: impl Fn(&T, &'static str, &mut App) -> Outcome,
    app: &mut App,
) -> Outcome {
    let mut done = 0;
    for applied in all {
        let (outcome, name) = of(applied);
        let word = match outcome {
            bucket::Outcome::Unchanged => "unchanged",
            bucket::Outcome::Cannot => "cannot",
            bucket::Outcome::Failed(_) => "failed",
            bucket::Outcome::Done => {
                done += 1;
                "done"
            }
        };
        print(applied, word, app)?;
        if let bucket::Outcome::Failed(error) = outcome {
            app.report.error(error, Some(name));
        }
    }
    app.report.summary(&format!("{} made", count(done, "change")));
    Ok(())
}
