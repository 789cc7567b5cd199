//! The page. Every text goes through `maud`, which escapes it; the only markup that is passed on are drawings of our own.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Besides, Folder, Measured, Report, Sentence};
use crate::chart::Chart;
use crate::cost::{Cost, Row};

/// The page of `report`.
pub(crate) fn page(report: &Report) -> String {
    let Report { folder, measured, beside, sentence, missing } = report;
    let title = title(folder);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                // No request ever leaves the page, not even for an icon.
                link rel="icon" href="data:,";
                style { (PreEscaped(include_str!("page.css"))) }
            }
            body {
                main {
                    header {
                        h1 { (title) }
                        p.faint {
                            (folder.path) " · bitspike " (env!("CARGO_PKG_VERSION"))
                            @if !env!("BITSPIKE_COMMIT").is_empty() { ", commit " (env!("BITSPIKE_COMMIT")) }
                        }
                        (figures(folder, measured.as_ref()))
                    }
                    @if !missing.is_empty() { (absent(missing)) }
                    h2 { "What was distilled" }
                    (facts(folder))
                    @if !folder.charts.is_empty() {
                        h2 { "Training" }
                        (charts(&folder.charts))
                    }
                    @if let Some(measured) = measured {
                        h2 { "Result and cost" }
                        (table(measured, beside))
                        (charts(&measured.charts))
                        (layers(&measured.cost))
                        h2 { "Answers" }
                        (answers(measured))
                    }
                    @if let Some(sentence) = sentence { (in_time(sentence)) }
                    @if let Some(recipe) = &folder.recipe {
                        h2 { "Recipe" }
                        pre { (toml(recipe)) }
                    }
                }
            }
        }
    };
    page.into_string()
}

fn title(folder: &Folder) -> String {
    match &folder.description {
        Some(description) => {
            let student = &description.student;
            let sign = if student.signed { "signed" } else { "unsigned" };
            format!(
                "{}: a spiking student of {} layers, {} bit, {sign}, T = {}",
                description.task.name, student.layers, student.weight_bits, student.time_steps
            )
        }
        None => "A run of bitspike".to_owned(),
    }
}

/// The figures at the top.
fn figures(folder: &Folder, measured: Option<&Measured>) -> Markup {
    let log = &folder.log;
    let figure = |name: &str, value: String, detail: String| html! { div { dt { (name) } dd { (value) " " small { (detail) } } } };
    html! {
        dl.figures {
            @match (measured, log.best()) {
                (Some(measured), _) => {
                    @for (name, value) in measured.scores.iter().take(1) { (figure(&format!("{name}, dev"), score(*value), String::new())) }
                    (figure("packed file", bytes(measured.cost.neurobench.footprint), String::new()))
                    (figure("one sentence", format!("{:.2} ms", measured.latency_ms), "one thread".into()))
                    (figure("spikes", format!("{:.0}", measured.cost.total.spikes as f64 / measured.cost.tokens.max(1) as f64), "a token".into()))
                    @if let Some(row) = measured.cost.energy.first() {
                        (figure("energy, operations", format!("{:.2}x", row.gain_compute), format!("less than FP32, {}", measured.cost.profile.name)))
                    }
                }
                (None, Some((step, value))) => {
                    (figure(&format!("best {}, dev", log.primary), score(value), format!("step {step}")))
                    @if let Some((_, value)) = log.evaluations.last() { (figure("last", score(*value), String::new())) }
                }
                (None, None) => {}
            }
            @if log.steps > 0 {
                (figure("steps", log.steps.to_string(), format!("of {}", log.total_steps)))
                (figure("training", duration(log.elapsed_s), String::new()))
            }
        }
    }
}

fn absent(missing: &[String]) -> Markup {
    html! {
        section.missing {
            strong { "Not on this page" }
            ul { @for text in missing { li { (text) } } }
        }
    }
}

fn facts(folder: &Folder) -> Markup {
    let log = &folder.log;
    let row = |name: &str, value: String| html! { tr { th { (name) } td { (value) } } };
    html! {
        table.facts {
            @if let Some(description) = &folder.description {
                @let student = &description.student;
                (row("task", format!("{}: {}", description.task.name, match description.task.labels() {
                    [] => "a score".to_owned(),
                    labels => labels.join(", "),
                })))
                (row("student", format!("{} layers, D = {}, F = {}, {} heads", student.layers, student.hidden, student.intermediate, student.heads)))
                (row("weights", format!("{} bit, tables {} bit, one scale a {}", student.weight_bits, student.embedding_bits, student.granularity)))
                (row("neurons", format!("{}, T = {}", if student.signed { "signed" } else { "unsigned" }, student.time_steps)))
                (row("text", format!("at most {} tokens", description.max_length)))
            }
            @if let Some(recipe) = &folder.recipe {
                @if !recipe.description.is_empty() { (row("recipe", recipe.description.clone())) }
                (row("seed", recipe.seed.to_string()))
                (row("stages", recipe.stage.iter().map(|stage| format!("{}, {} epochs, rate {}", stage.kind.name(), stage.epochs, stage.learning_rate)).collect::<Vec<_>>().join("; ")))
            }
            @if log.trainable > 0 { (row("trainable parameters", log.trainable.to_string())) }
            @if log.train_examples > 0 { (row("training examples", log.train_examples.to_string())) }
            @if let Some(end) = &log.end { (row("ended", end.clone())) }
            @for warning in &log.warnings { (row("warning", warning.clone())) }
        }
    }
}

fn charts(charts: &[Chart]) -> Markup {
    html! { div.charts { @for chart in charts { (figure(chart)) } } }
}

fn figure(chart: &Chart) -> Markup {
    html! {
        figure {
            h3 { (chart.title) }
            (PreEscaped(&chart.svg))
            figcaption { (download(&chart.title, &chart.csv)) }
        }
    }
}

/// A link that saves `csv`, which it holds itself.
fn download(title: &str, csv: &str) -> Markup {
    let name: String = title.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let data = format!("data:text/csv;charset=utf-8,{}", utf8_percent_encode(csv, NON_ALPHANUMERIC));
    html! { a.download href=(data) download=(format!("{name}.csv")) { "numbers as CSV" } }
}

/// Students and their baselines.
fn table(measured: &Measured, beside: &[Besides]) -> Markup {
    let cost = &measured.cost;
    let names: Vec<&str> = measured.scores.iter().map(|(name, _)| name.as_str()).collect();
    let value = |scores: &[(String, f64)], name: &str| {
        scores.iter().find(|(found, _)| found == name).map_or_else(|| "–".to_owned(), |(_, value)| score(*value))
    };
    let others: Vec<(&Besides, &Row)> =
        beside.iter().filter_map(|other| Some((other, other.cost.energy.first()?))).collect();
    html! {
        div.wide { table {
            thead { tr {
                th { "network" }
                @for name in &names { th.number { (name) } }
                th.number { "weights" } th.number { "operations, uJ" } th.number { "with memory, uJ" } th.number { "against FP32" } th.number { "ms a sentence" }
            } }
            tbody {
                @for (i, row) in cost.energy.iter().enumerate() {
                    @let scores = match i { 0 => Some(&measured.scores), 1 => measured.teacher.as_ref(), _ => None };
                    (line(&row.estimate.name, &names.iter().map(|name| scores.map_or_else(|| "–".to_owned(), |scores| value(scores, name))).collect::<Vec<_>>(), row, (i == 0).then_some(measured.latency_ms)))
                    @if i == 0 {
                        @for (other, row) in &others {
                            (line(&other.name, &names.iter().map(|name| value(&other.scores, name)).collect::<Vec<_>>(), row, Some(other.latency_ms)))
                        }
                    }
                }
            }
        } }
        p.note {
            "Energies are counts times the constants of profile " (cost.profile.name) " (" (cost.profile.description) "), of a mean sentence of "
            (cost.examples) ". Definitions and sources: docs/energy.md. "
            @if let Some(even) = &cost.break_even {
                "A synapse sees " (format!("{:.2}", even.found)) " spikes a window; accumulates cost what they replace at "
                (format!("{:.2}", even.against_fp32)) " (FP32), " (format!("{:.2}", even.against_int8)) " (INT8) and "
                (format!("{:.2}", even.against_quantised)) " (quantised network): beyond that, spikes lose. "
            }
            "Normalised operations as SpikingBERT counts them: " (format!("{:.3}", cost.normalised_operations)) ". "
            @match &cost.measured {
                Some(joules) => { "The processor's counters say " (format!("{:.0}", joules.microjoules)) " uJ a sentence." }
                None => { "Joules were not measured: " (cost.not_measured.as_deref().unwrap_or("not asked for")) "." }
            }
        }
    }
}

fn line(name: &str, scores: &[String], row: &Row, latency: Option<f64>) -> Markup {
    let micro = |picojoules: f64| format!("{:.1}", picojoules * 1e-6);
    html! { tr {
        td { (name) }
        @for value in scores { td.number { (value) } }
        td.number { (bytes(row.bytes)) }
        td.number { (micro(row.estimate.compute_picojoules)) }
        td.number { (micro(row.estimate.total_picojoules)) }
        td.number { (format!("{:.2}x", row.gain_compute)) }
        td.number { (latency.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.2}"))) }
    } }
}

/// Operations layer by layer.
fn layers(cost: &Cost) -> Markup {
    let mean = |amount: u64| format!("{:.0}", amount as f64 / cost.examples.max(1) as f64);
    html! {
        h3 { "Operations of a mean sentence, layer by layer" }
        div.wide { table {
            thead { tr { th { "layer" } th.number { "spikes" } th.number { "synaptic accumulates" } th.number { "attention accumulates" }
                th.number { "membrane updates" } th.number { "GELU" } th.number { "exponentials" } } }
            tbody { @for (i, layer) in cost.layers.iter().enumerate() { tr {
                td { @if i == 0 { "embedding, classifier" } @else { (i - 1) } }
                @for amount in [layer.spikes, layer.synaptic_acs, layer.attention_acs, layer.membrane_updates, layer.gelus, layer.exponentials] {
                    td.number { (mean(amount)) }
                }
            } } }
        } }
    }
}

fn answers(measured: &Measured) -> Markup {
    let labels = measured.task.labels();
    html! {
        @if !measured.confusion.is_empty() {
            div.charts {
                figure {
                    h3 { "True class against answer" }
                    table.confusion {
                        thead { tr { th { "true \\ answer" } @for label in labels { th { (label) } } } }
                        tbody { @for (label, row) in labels.iter().zip(&measured.confusion) {
                            @let all = row.iter().sum::<u64>().max(1);
                            tr { th { (label) } @for count in row {
                                td style=(format!("background: color-mix(in srgb, var(--s0) {}%, var(--card))", 70 * count / all)) { (count) }
                            } }
                        } }
                    }
                    figcaption { (download("confusion", &confusion_csv(labels, &measured.confusion))) }
                }
            }
        }
        @if !measured.mistakes.is_empty() { (mistakes(measured)) }
    }
}

fn mistakes(measured: &Measured) -> Markup {
    let labels = measured.task.labels();
    html! {
        h3 { "Worst mistakes" }
        div.wide { table {
            thead { tr { th { "text" } th { "true" } th { "answer" } th.number { @if labels.is_empty() { "off by" } @else { "probability" } } } }
            tbody { @for mistake in &measured.mistakes { tr {
                td.text { (mistake.text) } td.word { (mistake.expected) } td.word { (mistake.answer) } td.number { (format!("{:.3}", mistake.size)) }
            } } }
        } }
    }
}

fn confusion_csv(labels: &[String], rows: &[Vec<u64>]) -> String {
    let quoted: Vec<String> = labels.iter().map(|label| format!("\"{}\"", label.replace('"', "\"\""))).collect();
    let mut csv = format!("true,{}\n", quoted.join(","));
    for (label, row) in quoted.iter().zip(rows) {
        let counts: Vec<String> = row.iter().map(u64::to_string).collect();
        csv += &format!("{label},{}\n", counts.join(","));
    }
    csv
}

fn in_time(sentence: &Sentence) -> Markup {
    html! {
        h2 { "A sentence in time" }
        p { "“" (sentence.text) "”, accumulated: rates as they converge, membranes, and every spike." }
        figure {
            div.picture { (PreEscaped(&sentence.svg)) }
            figcaption { (download("rates in time", &sentence.csv)) }
        }
    }
}

fn toml(recipe: &bitspike_run::recipe::Recipe) -> String {
    recipe.to_toml()
}

fn score(value: f64) -> String {
    format!("{value:.4}")
}

fn bytes(count: u64) -> String {
    format!("{:.2} MB", count as f64 / 1e6)
}

fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}
