//! Which task a command works on: one of GLUE's by name, or a user's own by its columns.

use std::path::Path;

use anyhow::{Context, Result};
use bitspike_data::{ClassMap, CustomTarget, CustomTask, GlueTask, StatedClasses, TaskSpec, split_names};
use bitspike_hub::Subject;

use super::{usage, wrong_value};
use crate::output::say;

/// The flags that name a task; every command that reads data flattens them.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct TaskArgs {
    /// A task of GLUE (see `bitspike data list`), or `embed` for vectors; with --text, the name of a task of your own
    #[arg(long, help_heading = "Task", value_name = "NAME")]
    pub(crate) task: Option<String>,
    /// Your own task: column of the text
    #[arg(long, help_heading = "Task", value_name = "COLUMN", requires = "label")]
    pub(crate) text: Option<String>,
    /// Your own task: column of the second text, for pairs
    #[arg(long, help_heading = "Task", value_name = "COLUMN", requires = "text")]
    pub(crate) text2: Option<String>,
    /// Your own task: column of the label or score
    #[arg(long, help_heading = "Task", value_name = "COLUMN", requires = "text")]
    pub(crate) label: Option<String>,
    /// Your own task: its classes in order, one that holds a comma in double quotes (`'"so, so",good'`); unless given, those that the
    /// training split holds
    #[arg(
        long,
        help_heading = "Task",
        value_name = "A,B,..",
        value_parser = names,
        allow_hyphen_values = true,
        requires = "text",
        conflicts_with = "regression"
    )]
    pub(crate) labels: Option<Names>,
    /// Your own task: the label is a score, not a class
    #[arg(long, help_heading = "Task", requires = "text")]
    pub(crate) regression: bool,
}

/// Names in a row.
#[derive(Debug, Clone)]
pub(crate) struct Names(Vec<String>);

fn names(text: &str) -> Result<Names, bitspike_data::Error> {
    split_names(text).map(Names)
}

/// The flag that says which output of a model is which class.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ClassArgs {
    /// Which output of the model is which class of the task, where their names do not say so: OUTPUT=CLASS,.. with names, or numbers
    /// from 0, such as `positive=1,negative=0`
    #[arg(long, help_heading = "Task", value_name = "OUTPUT=CLASS,..")]
    pub(crate) map: Option<StatedClasses>,
}

impl ClassArgs {
    /// Which output of `model`, which was made for `own`, is which class of `task`.
    ///
    /// # Errors
    /// If nothing says so.
    pub(crate) fn of(&self, model: &Subject, own: &TaskSpec, task: &TaskSpec) -> Result<ClassMap> {
        ClassMap::between(own, task, self.map.as_ref()).with_context(|| model.to_string())
    }

    /// The same, with what should be known of it said.
    ///
    /// # Errors
    /// As [`ClassArgs::of`].
    pub(crate) fn said_of(&self, model: &Subject, own: &TaskSpec, task: &TaskSpec) -> Result<ClassMap> {
        let map = self.of(model, own, task)?;
        map.note().iter().for_each(|note| say(format_args!("{model}: {note}")));
        Ok(map)
    }
}

impl TaskArgs {
    /// Whether any task was named; where a run remembers its own, it need not be.
    pub(crate) fn is_given(&self) -> bool {
        self.task.is_some() || self.text.is_some()
    }

    /// The task. For one of the user's own whose classes or range are not stated, the training split of `data` (a folder, or
    /// that file) is read for them.
    ///
    /// # Errors
    /// If no task is named, GLUE has none of that name, a user's own takes the name of one of GLUE's, or its training split
    /// is missing or bad.
    pub(crate) fn resolve(&self, data: &Path) -> Result<TaskSpec> {
        let (Some(first), Some(label)) = (&self.text, &self.label) else {
            let Some(name) = &self.task else {
                return Err(usage(
                    "no task is named: give --task NAME (see `bitspike data list`), or --text COLUMN and --label COLUMN",
                ));
            };
            if name == "embed" {
                return Ok(TaskSpec::embedding(true, Vec::new())?);
            }
            return TaskSpec::glue(name).map_err(|error| wrong_value("--task", &error));
        };
        let name = self.task.as_deref().unwrap_or("custom");
        if let Ok(glue) = GlueTask::parse(name) {
            return Err(usage(format!(
                "--task {name} is GLUE's, whose columns and labels are known: leave out --text and --label, or call your own \
                 task something other than {}",
                glue.name()
            )));
        }
        let target = match (self.regression, &self.labels) {
            (true, _) => CustomTarget::DiscoverScores,
            (false, None) => CustomTarget::DiscoverClasses,
            (false, Some(Names(labels))) => CustomTarget::Classes(labels.clone()),
        };
        let task = CustomTask {
            name: name.to_owned(),
            first: first.clone(),
            second: self.text2.clone(),
            label: label.clone(),
            target,
            metrics: Vec::new(),
        };
        Ok(task.resolve(data)?)
    }
}

#[cfg(test)]
mod tests;
