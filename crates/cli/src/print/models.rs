//! All models side by side: for people, and as the table of `docs/results.md`.

use std::io::Write;

use anyhow::Result;
use bitspike_analysis::number::{grouped, megabytes, metric as shown, microjoules};
use bitspike_analysis::shipped::{Listed, Metrics};
use bitspike_hub::MODEL;

fn cells(listed: &Listed) -> [String; 8] {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let number = |value: Option<f64>, digits| value.map_or_else(String::new, |value| format!("{value:.digits$}"));
    let score = match (&listed.metric, listed.score) {
        (Some(metric), Some(score)) => format!("{metric} {}", shown(metric, score)),
        _ => String::new(),
    };
    let bits = match (&listed.weight_bits, &listed.embedding_bits) {
        (Some(weights), Some(tables)) => format!("{weights} / {tables}"),
        _ => String::new(),
    };
    [
        listed.name.clone(),
        text(&listed.task),
        score,
        listed.layers.map_or_else(String::new, |layers| layers.to_string()),
        bits,
        listed.bytes.map_or_else(String::new, megabytes),
        number(listed.mean_rate, 3),
        number(listed.latency_ms, 2),
    ]
}

const HEAD: [&str; 8] = ["model", "task", "dev score", "layers", "bits w / emb", "size", "rate", "ms"];

/// One line a model.
pub(crate) fn print(rows: &[Listed], out: &mut dyn Write) -> Result<()> {
    let lines: Vec<[String; 8]> = std::iter::once(HEAD.map(str::to_owned)).chain(rows.iter().map(cells)).collect();
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
pub(crate) fn markdown(rows: &[Listed], out: &mut dyn Write) -> Result<()> {
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
        let bytes = measured.files.get(MODEL).map_or(0, |file| file.bytes);
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
