//! All models side by side: for people, and as the table of `docs/results.md`.

use std::io::{self, Write};

use serde::Serialize;

use super::card::{megabytes, microjoules, shown};
use super::find::Found;
use super::metrics::Metrics;
use crate::number::grouped;

/// A line of the table.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    name: String,
    /// The packed file; none for the model that is compiled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight_bits: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding_bits: Option<String>,
    /// The primary metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<String>,
    /// Its value on dev.
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<f64>,
    /// Why the model or its figures cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(skip)]
    metrics: Option<Metrics>,
}

impl Row {
    /// What is known of a model: of one without `metrics.json`, what the file says of itself.
    pub(crate) fn new(found: &Found) -> Self {
        let mut row = Self {
            name: found.name().to_owned(),
            path: found.path().map(|path| path.display().to_string()),
            task: None,
            bytes: None,
            layers: None,
            weight_bits: None,
            embedding_bits: None,
            metric: None,
            score: None,
            mean_rate: None,
            latency_ms: None,
            error: None,
            metrics: None,
        };
        match found.open() {
            Ok(packed) => {
                let header = packed.header();
                row.bytes = Some(packed.file_bytes().len() as u64);
                row.task = Some(header.task.name.clone());
                row.layers = Some(header.student.layers);
                row.weight_bits = Some(header.student.weight_bits.to_string());
                row.embedding_bits = Some(header.student.embedding_bits.to_string());
            }
            Err(error) => row.error = Some(format!("{error:#}")),
        }
        match found.metrics() {
            Ok(Some(metrics)) => {
                row.metric = Some(metrics.measured.primary.clone());
                row.score = Some(metrics.score());
                row.mean_rate = Some(metrics.measured.spikes.mean_rate);
                row.latency_ms = metrics.latency.as_ref().map(|latency| latency.median_ms);
                row.metrics = Some(metrics);
            }
            Ok(None) => {}
            Err(error) => row.error = row.error.or(Some(format!("{error:#}"))),
        }
        row
    }

    fn cells(&self) -> [String; 8] {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let number = |value: Option<f64>, digits| value.map_or_else(String::new, |value| format!("{value:.digits$}"));
        let score = match (&self.metric, self.score) {
            (Some(metric), Some(score)) => format!("{metric} {}", shown(metric, score)),
            _ => String::new(),
        };
        let bits = match (&self.weight_bits, &self.embedding_bits) {
            (Some(weights), Some(tables)) => format!("{weights} / {tables}"),
            _ => String::new(),
        };
        [
            self.name.clone(),
            text(&self.task),
            score,
            self.layers.map_or_else(String::new, |layers| layers.to_string()),
            bits,
            self.bytes.map_or_else(String::new, megabytes),
            number(self.mean_rate, 3),
            number(self.latency_ms, 2),
        ]
    }
}

const HEAD: [&str; 8] = ["model", "task", "dev score", "layers", "bits w / emb", "size", "rate", "ms"];

/// One line a model.
pub(crate) fn print(rows: &[Row], out: &mut impl Write) -> io::Result<()> {
    let lines: Vec<[String; 8]> = std::iter::once(HEAD.map(str::to_owned)).chain(rows.iter().map(Row::cells)).collect();
    let widths: [usize; 8] =
        std::array::from_fn(|i| lines.iter().map(|line| line[i].chars().count()).max().unwrap_or(0));
    for line in &lines {
        let cells: Vec<String> = line
            .iter()
            .zip(widths)
            .enumerate()
            .map(|(i, (cell, width))| if i < 3 { format!("{cell:<width$}") } else { format!("{cell:>width$}") })
            .collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

/// What others report on dev of SST-2, in percent, by their own papers.
const PUBLISHED: [(&str, &str); 4] = [
    ("SpikingBERT_4, full-precision weights (arXiv 2308.10873)", "88.2"),
    ("SpikeLM (arXiv 2406.03287)", "86.5"),
    ("Sorbet (arXiv 2409.15298)", "90.4"),
    ("BERT-base, not spiking", "93.2 to 93.3"),
];

/// The models that have figures as Markdown, each beside its teacher, and what others report.
pub(crate) fn markdown(rows: &[Row], out: &mut impl Write) -> io::Result<()> {
    let measured: Vec<&Metrics> = rows.iter().filter_map(|row| row.metrics.as_ref()).collect();
    writeln!(
        out,
        "| model | dev | other metrics | seeds, mean (deviation) | teacher, dev | bits w / emb | bytes | of teacher's f32 | rate | energy, student / teacher FP32 / INT8 | ms |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|---|---|---|")?;
    for metrics in &measured {
        let Metrics { name, measured, made, teacher, energy, latency, .. } = metrics;
        let primary = &measured.primary;
        let others: Vec<String> = measured
            .scores
            .iter()
            .filter(|(metric, _)| *metric != primary)
            .map(|(metric, value)| format!("{metric} {}", shown(metric, *value)))
            .collect();
        let seeds = made.seeds.as_ref().map_or("one run".to_owned(), |seeds| {
            let count = seeds.seeds.len();
            format!("{count}: {} ({})", shown(primary, seeds.mean), shown(primary, seeds.deviation))
        });
        let of_teacher = teacher.as_ref().and_then(|teacher| teacher.scores.get(primary));
        let bytes = measured.files.get(super::MODEL).map_or(0, |file| file.bytes);
        let smaller = teacher.as_ref().map_or(String::new(), |t| format!("1/{:.1}", t.bytes as f64 / bytes as f64));
        writeln!(
            out,
            "| `{name}` | {primary} {} | {} | {seeds} | {} | {} / {} | {} | {smaller} | {:.4} | {} | {} |",
            shown(primary, metrics.score()),
            others.join(", "),
            of_teacher.map_or_else(String::new, |value| shown(primary, *value)),
            measured.model.weight_bits,
            measured.model.embedding_bits,
            grouped(bytes),
            measured.spikes.mean_rate,
            ["student, phased", "teacher, FP32", "teacher, INT8"]
                .map(|name| energy.of(name).map_or("-".to_owned(), microjoules))
                .join(" / "),
            latency.as_ref().map_or_else(String::new, |latency| format!("{:.2}", latency.median_ms)),
        )?;
    }
    let machines: Vec<&str> = measured.iter().filter_map(|m| m.latency.as_ref()).map(|l| l.machine.as_str()).collect();
    if let Some(machine) = machines.first() {
        writeln!(out, "\nms: text to answer, median over dev texts, one thread ({machine}).")?;
    }
    let profiles: Vec<&str> = measured.iter().map(|metrics| metrics.energy.profile.as_str()).collect();
    if let Some(profile) = profiles.first() {
        writeln!(
            out,
            "\nEnergy: of a mean dev example, compute and memory, estimated from counted operations with the constants of the profile \
             {profile} (docs/energy.md)."
        )?;
    }
    if measured.iter().any(|metrics| metrics.measured.model.task == "sst2") {
        writeln!(out, "\nOthers on SST-2, as their papers say:\n\n| | accuracy, % |\n|---|---|")?;
        for (name, value) in PUBLISHED {
            writeln!(out, "| {name} | {value} |")?;
        }
        writeln!(
            out,
            "\nOurs are distilled from a 6-layer encoder of width 384, a smaller start than BERT-base with 12 layers of width 768: the \
             figures do not rank methods."
        )?;
    }
    Ok(())
}
