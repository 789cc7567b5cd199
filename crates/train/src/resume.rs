//! Whether a run that is to go on is the run that is asked for.

use std::path::Path;

use bitspike_data::TaskSpec;
use bitspike_run::origin::{Origin, Source};
use bitspike_run::progress::Level;
use bitspike_run::recipe::{Change, Recipe, changes};
use bitspike_run::run::{Counters, RunFolder};

use crate::digest::of_predecessor;
use crate::error::{Error, Result};
use crate::predecessor::Predecessor;
use crate::training::{LastEnd, last_end};

/// The task of the run in `folder`, once it is found to be the run that is asked for: of `recipe` and, where one is named, of
/// `task`. What asks for something else is refused rather than half obeyed. The settings of `run` (intervals of log, evaluations and
/// checkpoints) may change, and those of optimiser and loss after a divergence.
///
/// # Errors
/// If the run is of another recipe or task, or its files are damaged.
pub fn settle(folder: &RunFolder, recipe: &Recipe, task: Option<&TaskSpec>) -> Result<TaskSpec> {
    let diverged = last_end(&folder.metrics())?.is_some_and(|end| end.is_diverged());
    unchanged(folder.recipe()?.changes(recipe), diverged, folder.path())?;
    let own = folder.description()?.task;
    match task.is_none_or(|task| *task == own) {
        true => Ok(own),
        false => Err(Error::Mismatch(format!(
            "--resume goes on with task {}, and this command names another: {}",
            own.name,
            phrases(&changes(&own, task.unwrap_or(&own)))
        ))),
    }
}

/// Refuses to go on with other settings than the run in `folder` has; `diverged` says whether it ended so.
///
/// # Errors
/// If a setting differs that may not; the first few are named.
pub(crate) fn unchanged(mut changes: Vec<Change>, diverged: bool, folder: &Path) -> Result<()> {
    changes.retain(|change| !(change.is_of_the_run() || diverged && change.is_of_a_step()));
    if changes.is_empty() {
        return Ok(());
    }
    Err(Error::Mismatch(format!(
        "--resume goes on with the settings in {}, and this command asks for others: {}; leave that out, or start anew in \
         another --out",
        folder.display(),
        phrases(&changes)
    )))
}

/// The first few of some changes.
pub(crate) fn phrases(changes: &[Change]) -> String {
    let mut phrases: Vec<String> = changes.iter().take(4).map(ToString::to_string).collect();
    if changes.len() > phrases.len() {
        phrases.push(format!("and {} more", changes.len() - phrases.len()));
    }
    phrases.join(", ")
}

/// Refuses to go on with a run in `folder` from other weights or examples than it was begun with; what should be said otherwise.
///
/// # Errors
/// If something differs; it is named.
pub(crate) fn same_origin(folder: &Path, now: &Origin) -> Result<Option<(Level, String)>> {
    let Some(then) = Origin::read(folder)? else {
        let text = "this run was begun by a version that kept no digests of teacher and data: that they are the same is not checked";
        return Ok(Some((Level::Warn, text.into())));
    };
    let found = then.differences(now);
    if !found.is_empty() {
        return Err(Error::Mismatch(format!(
            "--resume goes on with what the run in {} was begun with, and that has changed: {}; give what it was, or start a new \
             run in another --out",
            folder.display(),
            found.join("; ")
        )));
    }
    let other = then.program != now.program;
    Ok(other.then(|| (Level::Info, format!("this run was begun by {} and goes on with {}", then.program, now.program))))
}

/// The student that `source` was read from, if it still is what it was.
///
/// # Errors
/// If it is gone or has changed.
pub(crate) fn again(source: &Source) -> Result<Predecessor> {
    let run = Predecessor::open(&source.path)?;
    match of_predecessor(&run)?.sha256 == source.sha256 {
        true => Ok(run),
        false => Err(Error::Mismatch(format!(
            "--resume goes on from {}, which this run was started from, and its student has changed; start a new run in another \
             --out",
            source.path.display()
        ))),
    }
}

/// Whether a run that diverged after `end` and goes on with `changes` would take the same step from the checkpoint of `counters`: its
/// loss and gradient are no numbers at any learning rate.
pub(crate) fn same_step(end: Option<&LastEnd>, counters: &Counters, changes: &[Change]) -> bool {
    let of_rates = |change: &Change| change.is_of_the_optimiser() || change.is_of_the_run();
    end.is_some_and(|end| end.is_diverged() && end.counters.step == counters.step)
        && changes.iter().any(Change::is_of_the_optimiser)
        && changes.iter().all(of_rates)
}
