//! `bitspike verify`

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use bitspike::model::{Model, Options};
use bitspike::format::Packed;
use bitspike::tokenizer::Tokenizer;
use serde::Serialize;

use super::threads::Threads;
use crate::models::{Difference, METRICS, MODEL, Measured, Subject, TOKENIZER, difference, find, measure, sha256};

/// Compute a shipped model's figures again and compare them with its `metrics.json`.
///
/// Hashes, scores, firing rates and every count of spikes and operations must be the same; what differs is listed, and the exit code
/// is then 1. The data may be in another form than the one that was measured, as long as it holds the same examples.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bitspike verify sst2-tiny --data SST-2\n  \
    bitspike verify models/sst2-ternary --data SST-2 --json")]
pub(crate) struct VerifyArgs {
    /// The model: a name, its folder or its file
    model: PathBuf,
    /// Folder (or file) with the task's data
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    threads: Threads,
}

/// What was found, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Report {
    model: String,
    /// Values compared.
    compared: usize,
    differences: Vec<Difference>,
    measured: Measured,
}

/// Differences printed at most; the rest is counted.
const SHOWN: usize = 20;

pub(crate) fn run(args: VerifyArgs) -> Result<()> {
    args.threads.start()?;
    let found = find(&args.model)?;
    let Some(metrics) = found.metrics()? else {
        bail!("{found}: no {METRICS} beside it, so there is nothing to compare with; `bitspike models add` writes one");
    };
    let [file, tokenizer] = found.bytes()?;
    // A damaged file may not even open, and its hash says why.
    let mut damaged = Vec::new();
    for (name, bytes) in [(MODEL, &file), (TOKENIZER, &tokenizer)] {
        let (recorded, found) = (metrics.measured.files.get(name), sha256(bytes));
        if recorded.is_none_or(|recorded| recorded.sha256 != found) {
            damaged.push(format!(
                "{name}: expected SHA-256 {}, found {found}",
                recorded.map_or("none", |recorded| recorded.sha256.as_str())
            ));
        }
    }
    let opened = || -> Result<Model> {
        let packed = Packed::from_bytes(file.clone())?;
        Ok(Model::of(packed, Tokenizer::from_json(&tokenizer)?, &Options::default())?)
    };
    let model = opened().with_context(|| {
        let hashes = if damaged.is_empty() {
            "its files have the hashes of metrics.json".to_owned()
        } else {
            damaged.join("; ")
        };
        format!("{found}: {hashes}")
    })?;
    let (measured, _) = measure(&Subject { model: &model, file: &file, tokenizer: &tokenizer }, &args.data)?;
    let other_data = measured.data.examples_sha256 != metrics.measured.data.examples_sha256;
    let mut recorded = metrics.measured;
    if !other_data {
        // The same examples in another form, such as the hub's Parquet for GLUE's TSV.
        recorded.data.files.clone_from(&measured.data.files);
    }
    let (compared, differences) = difference(&recorded, &measured)?;
    let report = Report { model: found.to_string(), compared, differences, measured };
    print(&report, args.json)?;
    if report.differences.is_empty() {
        return Ok(());
    }
    let count = report.differences.len();
    let mut reasons = damaged;
    if other_data {
        reasons.push(format!("{} does not hold the examples that {METRICS} was measured on", args.data.display()));
    }
    let reasons = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) };
    bail!("{found}: {count} of {compared} values are not those of {METRICS}{reasons}")
}

fn print(report: &Report, json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(report)?)?;
        return Ok(out.flush()?);
    }
    let Report { model, compared, differences, measured } = report;
    let Measured { data, scores, spikes, .. } = measured;
    writeln!(
        out,
        "{model}: {} {}, {} examples, {} tokens",
        measured.model.task, data.split, data.examples, data.tokens
    )?;
    for (metric, value) in scores {
        writeln!(out, "  {metric:<12} {value:.4}")?;
    }
    writeln!(out, "  {:<12} {:.4}", "firing rate", spikes.mean_rate)?;
    writeln!(out, "  {:<12} {}", "spikes", spikes.total)?;
    if differences.is_empty() {
        writeln!(out, "exact: all {compared} values are those of {METRICS}")?;
    }
    for Difference { what, recorded, found } in differences.iter().take(SHOWN) {
        let shown =
            |value: &Option<serde_json::Value>| value.as_ref().map_or("nothing".to_owned(), ToString::to_string);
        writeln!(out, "  {what}: recorded {}, found {}", shown(recorded), shown(found))?;
    }
    if differences.len() > SHOWN {
        writeln!(out, "  and {} more", differences.len() - SHOWN)?;
    }
    Ok(out.flush()?)
}
