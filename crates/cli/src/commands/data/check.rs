//! `bitspike data check`: what a folder of data holds, and the first line that cannot be used.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};
use bitspike_data::{SplitReport, TaskSpec, TextReport};
use serde_json::json;

use super::list;
use crate::args::TaskArgs;
use crate::output::{put, show};

/// Inspect a folder of data: counts, labels, lengths, the first bad line
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bitspike data check --task sst2 SST-2\n  \
                        bitspike data check --text review --label stars --regression my-reviews\n\n\
                        Exit code 1 if a split cannot be used.")]
pub(super) struct CheckArgs {
    /// Folder with train, dev (or validation) and test as .tsv, .csv, .jsonl, .json or .parquet, or with a folder for each
    #[arg(value_name = "DIR", requires = "TaskArgs")]
    folder: PathBuf,
    #[command(flatten)]
    task: TaskArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints a report on every split.
///
/// # Errors
/// After the report, if a split cannot be used; without one, if the folder holds none or the task is not known.
pub(super) fn run(args: &CheckArgs) -> Result<()> {
    let task = args.task.resolve(&args.folder)?;
    let reports = bitspike_data::check(&task, &args.folder)?;
    let bad: Vec<&str> =
        reports.iter().filter(|report| !report.is_usable()).map(|report| report.split.name()).collect();
    if args.json {
        let report = json!({ "task": task.name, "folder": args.folder, "usable": bad.is_empty(), "splits": reports });
        show(&report, true, |_, _| Ok(()))?;
    } else {
        let mut text = format!("task {} in {}\n", task.name, args.folder.display());
        for report in &reports {
            describe(&mut text, &task, report)?;
        }
        put(text.as_bytes())?;
    }
    match bad.as_slice() {
        [] => Ok(()),
        bad => bail!(
            "{}: {} of {} splits cannot be used: {}",
            args.folder.display(),
            bad.len(),
            reports.len(),
            bad.join(", ")
        ),
    }
}

fn describe(text: &mut String, task: &TaskSpec, report: &SplitReport) -> Result<()> {
    let files: Vec<String> = report.files.iter().map(|file| file.display().to_string()).collect();
    writeln!(text, "{}: {}", report.split, files.join(", "))?;
    write!(text, "  examples    {}, {} labelled", report.examples, report.labelled)?;
    if report.duplicates > 0 {
        write!(text, ", {} with the texts of an earlier one", report.duplicates)?;
    }
    if let Some(count) = report.in_train.filter(|&count| count > 0) {
        write!(text, ", {count} with the texts of one in train")?;
    }
    if report.skipped > 0 {
        write!(text, ", {} left out as GLUE does", report.skipped)?;
    }
    writeln!(text)?;
    if report.labelled > 0 && !report.labels.is_empty() {
        let share = |count: usize| 100.0 * count as f64 / report.labelled as f64;
        let labels: Vec<String> =
            report.labels.iter().map(|l| format!("{} {} ({:.1} %)", l.label, l.count, share(l.count))).collect();
        writeln!(text, "  {:<11} {}", task.label, labels.join(", "))?;
    }
    if let Some(scores) = &report.scores {
        writeln!(text, "  {:<11} {} to {}, mean {:.3}", task.label, scores.min, scores.max, scores.mean)?;
    }
    if report.examples > 0 {
        for (column, lengths) in
            list::columns(task).into_iter().zip(std::iter::once(&report.first).chain(&report.second))
        {
            writeln!(text, "  {column:<11} {}", describe_lengths(lengths))?;
        }
    }
    if let Some(ids) = &report.repeated_ids {
        writeln!(text, "  note        {}", crate::commands::repeated(ids))?;
    }
    for note in &report.notes {
        writeln!(text, "  note        {note}")?;
    }
    match &report.first_bad {
        Some(bad) => {
            let line = bad.line.map(|line| format!(", line {line}")).unwrap_or_default();
            writeln!(
                text,
                "  BAD         {}; the first: {}{line}: {}",
                report.bad_lines,
                bad.file.display(),
                bad.reason
            )?;
        }
        None if report.examples == 0 => {
            writeln!(text, "  BAD         no examples; expected a record a line below the header")?
        }
        None => {}
    }
    Ok(())
}

fn describe_lengths(report: &TextReport) -> String {
    let (words, characters) = (&report.words, &report.characters);
    let empty = if report.empty > 0 { format!("; {} EMPTY", report.empty) } else { String::new() };
    format!(
        "{} to {} words, mean {:.1}, 99 % up to {}; {} to {} characters{empty}",
        words.min, words.max, words.mean, words.p99, characters.min, characters.max
    )
}
