//! `bitspike data list`: the tasks that are known by name.

use std::fmt::Write;

use anyhow::Result;
use bitspike_data::{GlueTask, Target, TaskSpec};
use serde_json::{Value, json};

use crate::output::{put, show};

/// List the tasks that are known by name
#[derive(Debug, clap::Args)]
#[command(after_help = "Your own data needs no name: --text COLUMN [--text2 COLUMN] --label COLUMN [--regression].")]
pub(super) struct ListArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints every built-in task.
pub(super) fn run(args: &ListArgs) -> Result<()> {
    if args.json {
        let tasks: Vec<Value> = GlueTask::ALL.iter().copied().map(object).collect();
        return show(&tasks, true, |_, _| Ok(()));
    }
    let mut text = String::new();
    for &task in GlueTask::ALL {
        let spec = task.spec();
        writeln!(text, "{:<5} {}: {}", task.name(), kind(&spec), task.about())?;
        writeln!(
            text,
            "      texts: {}; {}; metrics: {}",
            columns(&spec).join(", "),
            meaning(&spec),
            metrics(&spec).join(", ")
        )?;
    }
    Ok(put(text.as_bytes())?)
}

fn object(task: GlueTask) -> Value {
    let spec = task.spec();
    json!({
        "name": task.name(),
        "folder": task.folder(),
        "about": task.about(),
        "kind": kind(&spec),
        "texts": columns(&spec),
        "label": spec.label,
        "labels": spec.labels(),
        "range": match spec.target {
            Target::Regression { min, max } => json!([min, max]),
            Target::Classification { .. } | Target::Embedding { .. } => Value::Null,
        },
        "metrics": metrics(&spec),
    })
}

fn kind(spec: &TaskSpec) -> &'static str {
    match spec.target {
        Target::Classification { .. } => "classification",
        Target::Regression { .. } => "regression",
        Target::Embedding { .. } => "embedding",
    }
}

/// The text columns.
pub(super) fn columns(spec: &TaskSpec) -> Vec<&str> {
    std::iter::once(spec.first.as_str()).chain(spec.second.as_deref()).collect()
}

fn metrics(spec: &TaskSpec) -> Vec<&'static str> {
    spec.metrics.iter().map(|metric| metric.name()).collect()
}

fn meaning(spec: &TaskSpec) -> String {
    match &spec.target {
        Target::Classification { labels } => format!("{}: {}", spec.label, labels.join(", ")),
        Target::Regression { min, max } => format!("{}: a score from {min} to {max}", spec.label),
        Target::Embedding { .. } => "a vector".to_owned(),
    }
}
