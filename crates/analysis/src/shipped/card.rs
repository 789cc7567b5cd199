//! The card of a model: `README.md` in its folder, every figure of it from `metrics.json`.

use bitspike::config::{LAYER_POPULATIONS, Pooling};

use super::metrics::{MeasuredModel, Metrics};
use super::origins::Origin;
use crate::number::{grouped, megabytes, metric as shown, microjoules};
use bitspike_hub::MODEL;

/// The card's text in Markdown.
pub fn card(metrics: &Metrics) -> String {
    let Metrics { name, measured, origins, .. } = metrics;
    let parts = [
        format!(
            "# {name}\n\n{}\n\nMade of `metrics.json` by `bitspike models add`; `bitspike verify` computes the figures again.",
            origins.about
        ),
        facts(metrics),
        "## Use".to_owned(),
        usage(metrics),
        "## Firing rates".to_owned(),
        rates(measured),
        "## How it was made".to_owned(),
        making(metrics),
        "## Origins and licences".to_owned(),
        sources(metrics),
        "## Limits".to_owned(),
        limits(metrics),
        "## Reproduce".to_owned(),
        reproduce(metrics),
    ];
    parts.join("\n\n") + "\n"
}

fn facts(metrics: &Metrics) -> String {
    let Metrics { measured, teacher, energy, latency, .. } = metrics;
    let MeasuredModel { model, data, scores, spikes, operations, files, .. } = measured;
    let mut rows = Vec::new();
    let mut row = |what: &str, value: String| rows.push(format!("| {what} | {value} |"));
    row("task", model.task.clone());
    for (metric, value) in scores {
        let of_teacher = teacher.as_ref().and_then(|teacher| teacher.scores.get(metric));
        let beside = of_teacher.map_or(String::new(), |value| format!(" (teacher {})", shown(metric, *value)));
        let examples = match model.embedding {
            None => format!("{} examples", grouped(data.examples)),
            Some(_) => format!("cosines of {} pairs", grouped(data.examples / 2)),
        };
        row(&format!("{metric}, {}", data.split), format!("{}{beside}, {examples}", shown(metric, *value)));
    }
    if let Some(seeds) = &metrics.made.seeds {
        row(
            &format!("the same recipe, {} seeds", seeds.seeds.len()),
            format!(
                "mean {}, standard deviation {}: {}",
                shown(&measured.primary, seeds.mean),
                deviation(&measured.primary, seeds.deviation),
                seeds.scores.iter().map(|score| shown(&measured.primary, *score)).collect::<Vec<_>>().join(", ")
            ),
        );
    }
    if let Some(pooling) = model.embedding {
        let pooling = match pooling {
            Pooling::Mean => "the mean of its tokens' vectors",
            Pooling::Cls => "the first token's vector",
            Pooling::Max => "the largest of its tokens' values in each place",
        };
        row("answer", format!("a vector of {} values, {pooling}", model.hidden));
    }
    let neurons = model.code.describe(model.signed, model.time_steps);
    row("student", format!("{} layers, width {}, {neurons}", model.layers, model.hidden));
    let steps = model.code.code().steps(model.time_steps);
    row("bits", format!("{} a weight, {} a value of the embedding tables", model.weight_bits, model.embedding_bits));
    let bytes = files.get(MODEL).map_or(0, |file| file.bytes);
    row(
        "size",
        format!("{} bytes, 1/{:.1} of the same student in f32", grouped(bytes), model.full_bytes as f64 / bytes as f64),
    );
    row("mean firing rate", format!("{:.4}", spikes.mean_rate));
    row(
        "spikes",
        format!(
            "{} a token in {} steps",
            grouped(spikes.per_token.round() as u64),
            if model.code.is_unary() { "T".to_owned() } else { steps.to_string() }
        ),
    );
    let of_what = if model.embedding.is_some() { "a text" } else { "an example" };
    let per_example = |count: u64| grouped(count.div_ceil(data.examples.max(1)));
    row(
        &format!("operations {of_what}"),
        format!(
            "{} additions, one a spike and a weight or attention that is not 0; an encoder of this size without spikes makes {} \
             multiply-adds",
            per_example(operations.effective_acs()),
            per_example(operations.synaptic_dense / u64::from(steps))
        ),
    );
    let estimates: Vec<String> =
        energy.rows.iter().map(|row| format!("{} {}", row.name, microjoules(row.picojoules))).collect();
    row(
        &format!("estimated energy {of_what}"),
        format!("{} (profile {}, docs/energy.md)", estimates.join("; "), energy.profile),
    );
    if let Some(latency) = latency {
        row(
            "text to answer",
            format!(
                "{:.2} ms (median of {} texts of {:.1} tokens on average; one thread, {} kernels, {})",
                latency.median_ms, latency.texts, latency.mean_tokens, latency.kernels, latency.machine
            ),
        );
    }
    format!("| | |\n|---|---|\n{}", rows.join("\n"))
}

/// A standard deviation in the units of its metric: points for shares.
fn deviation(metric: &str, value: f64) -> String {
    match metric {
        "accuracy" | "f1" => format!("{:.2} points", 100.0 * value),
        _ => format!("{value:.4}"),
    }
}

/// The command that answers for the example.
fn usage(metrics: &Metrics) -> String {
    let quoted = |text: &String| {
        let special = |c: char| "\"\\$`".contains(c);
        let escaped: String =
            text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain(std::iter::once(c))).collect();
        format!("\"{escaped}\"")
    };
    let texts: Vec<String> = metrics.origins.example.iter().map(quoted).collect();
    let command = if metrics.measured.model.embedding.is_some() { "embed" } else { "classify" };
    format!("    bitspike {command} --model {} {}", metrics.name, texts.join(" "))
}

/// Rates by layer and population.
fn rates(measured: &MeasuredModel) -> String {
    let populations = &measured.spikes.populations;
    let rate = |name: &str| {
        let found = populations.iter().find(|population| population.name == name);
        found.map_or(String::new(), |population| format!("{:.3}", population.rate))
    };
    let mut lines = vec![
        format!(
            "Spikes of either sign a neuron and step, over all tokens of dev; embedding population {}.",
            rate("embedding")
        ),
        String::new(),
        format!("| layer | {} |", LAYER_POPULATIONS.join(" | ").replace('_', "-")),
        format!("|---|{}", "---|".repeat(LAYER_POPULATIONS.len())),
    ];
    for layer in 0..measured.model.layers {
        let row: Vec<String> = LAYER_POPULATIONS.iter().map(|kind| rate(&format!("layer.{layer}.{kind}"))).collect();
        lines.push(format!("| {layer} | {} |", row.join(" | ")));
    }
    lines.join("\n")
}

fn making(metrics: &Metrics) -> String {
    let Metrics { made, measured, teacher, .. } = metrics;
    let state = match made.checkpoint.as_str() {
        "last" => "The student at the last step was packed, whatever it scored on dev.",
        _ => "The student that scored best on dev was packed, so that its dev figures flatter.",
    };
    let runs = match &made.seeds {
        Some(seeds) => {
            format!(" The recipe was run with {} seeds; the model is that of seed {}.", seeds.seeds.len(), made.seed)
        }
        None => " The figures are those of one run.".to_owned(),
    };
    let more = metrics.origins.made.as_ref().map_or(String::new(), |made| format!(" {made}"));
    let teacher = teacher.as_ref().map_or(String::new(), |teacher| {
        let (layers, hidden) = (teacher.layers, teacher.hidden);
        format!(" Its teacher has {layers} layers of width {hidden} and takes {} in f32.", megabytes(teacher.bytes))
    });
    format!(
        "Distilled by `recipe.toml` (seed {}) in {} steps over {} training examples, {:.0} minutes.{teacher} {state}{runs}{more} Measured by \
         bitspike {} as `phased` at T = {}.",
        made.seed,
        grouped(made.steps),
        grouped(made.examples),
        made.minutes,
        made.version,
        measured.model.time_steps
    )
}

fn sources(metrics: &Metrics) -> String {
    let origins = &metrics.origins;
    let line =
        |what: &str, origin: &Origin| format!("| {what} | {} | {} | {} |", origin.name, origin.origin, origin.licence);
    format!(
        "| | what | origin | licence |\n|---|---|---|---|\n{}\n{}",
        line("data", &origins.data),
        line("teacher", &origins.teacher)
    )
}

fn limits(metrics: &Metrics) -> String {
    let split = &metrics.measured.data.split;
    let hidden = bitspike_data::GlueTask::parse(&metrics.measured.model.task).is_ok();
    let hidden = if hidden { ", whose labels are not public" } else { "" };
    let mut limits = vec![format!("Scored on {split}, not on a test set{hidden}.")];
    limits.extend(metrics.origins.limits.iter().cloned());
    limits.iter().map(|limit| format!("- {limit}")).collect::<Vec<_>>().join("\n")
}

fn reproduce(metrics: &Metrics) -> String {
    let Metrics { name, measured, origins, .. } = metrics;
    let verify = format!("    bitspike verify {name} --data {}\n", folder(&measured.model.task));
    match &origins.reproduce {
        Some(command) => format!(
            "{verify}    {command}\n\nThe first computes the figures again and compares them exactly; the second trains teacher \
             and student anew."
        ),
        None => format!("{verify}\nThis computes the figures again and compares them exactly."),
    }
}

/// The folder of a task of GLUE as it is distributed.
fn folder(task: &str) -> &str {
    bitspike_data::GlueTask::parse(task).map_or("DIR", |task| task.folder())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// To renew the cards after a change that is meant: `BITSPIKE_RENEW=1 cargo test --workspace --release cards_are_those`.
    #[test]
    fn shipped_cards_are_those_of_their_figures() {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
        let mut wrong = Vec::new();
        for folder in models.read_dir().unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
            let metrics = Metrics::load(&folder.join("metrics.json")).unwrap().expect("figures");
            let (path, text) = (folder.join("README.md"), card(&metrics));
            if std::env::var_os("BITSPIKE_RENEW").is_some() {
                std::fs::write(&path, text).unwrap();
            } else if std::fs::read_to_string(&path).unwrap() != text {
                wrong.push(path);
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}: not what `metrics.json` gives");
    }
}
