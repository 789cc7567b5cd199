//! Parts of the page: charts with their numbers, and tables.

use maud::{Markup, PreEscaped, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::dev::{Beside, DevResults, SentenceInTime};
use crate::chart::Chart;
use crate::cost::{Cost, NetworkCost};
use crate::number::megabytes;

pub(super) fn charts(charts: &[Chart]) -> Markup {
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
pub(super) fn download(title: &str, csv: &str) -> Markup {
    let name: String = title.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let data = format!("data:text/csv;charset=utf-8,{}", utf8_percent_encode(csv, NON_ALPHANUMERIC));
    html! { a.download href=(data) download=(format!("{name}.csv")) { "numbers as CSV" } }
}

/// Students and their baselines.
pub(super) fn table(measured: &DevResults, beside: &[Beside]) -> Markup {
    let cost = &measured.cost;
    let names: Vec<&str> = measured.scores.iter().map(|(name, _)| name.as_str()).collect();
    let value = |scores: &[(String, f64)], name: &str| {
        scores.iter().find(|(found, _)| found == name).map_or_else(|| "–".to_owned(), |(_, value)| score(*value))
    };
    let others: Vec<(&Beside, &NetworkCost)> =
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
            @if cost.is_silent() { "This student is silent: no neuron sent a spike, and its energy means nothing. " }
            "Normalised operations as SpikingBERT counts them: " (format!("{:.3}", cost.normalised_operations)) ". "
            @match &cost.measured {
                Some(joules) => { "The processor's counters say " (format!("{:.0}", joules.microjoules)) " uJ a sentence." }
                None => { "Joules were not measured: " (cost.not_measured.as_deref().unwrap_or("not asked for")) "." }
            }
        }
    }
}

fn line(name: &str, scores: &[String], row: &NetworkCost, latency: Option<f64>) -> Markup {
    let micro = |picojoules: f64| format!("{:.1}", picojoules * 1e-6);
    html! { tr {
        td { (name) }
        @for value in scores { td.number { (value) } }
        td.number { (megabytes(row.bytes)) }
        td.number { (micro(row.estimate.compute_picojoules)) }
        td.number { (micro(row.estimate.total_picojoules)) }
        td.number { (times(row.gain_compute)) }
        td.number { (latency.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.2}"))) }
    } }
}

/// Operations layer by layer.
pub(super) fn layers(cost: &Cost) -> Markup {
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

/// The same answers in every code; nothing where counts are not handed on.
pub(super) fn codes(cost: &Cost) -> Markup {
    let whole = |amount: f64| format!("{amount:.0}");
    let micro = |picojoules: f64| format!("{:.1}", picojoules * 1e-6);
    html! { @if !cost.codes.is_empty() {
        h3 { "The same answers in every code, a mean sentence" }
        div.wide { table {
            thead { tr { th { "code" } th.number { "steps" } th.number { "spikes" } th.number { "synaptic accumulates" }
                th.number { "a synapse" } th.number { "attention accumulates" } th.number { "operations, uJ" } th.number { "with memory, uJ" } } }
            tbody { @for code in &cost.codes { tr {
                td { (code.code.name()) }
                td.number { (code.steps) }
                td.number { (whole(code.spikes)) }
                td.number { (whole(code.synaptic_acs)) }
                td.number { (format!("{:.3}", code.accumulates_a_synapse)) }
                td.number { (whole(code.attention_acs)) }
                td.number { (micro(code.compute_picojoules)) }
                td.number { (micro(code.total_picojoules)) }
            } } }
        } }
        p.note { "How a count travels changes spikes and energy, and no answer: docs/codes.md." }
    } }
}

/// How many times as much; a dash where that is not defined.
pub(super) fn times(gain: Option<f64>) -> String {
    gain.map_or_else(|| "–".to_owned(), |gain| format!("{gain:.2}x"))
}

pub(super) fn in_time(sentence: &SentenceInTime) -> Markup {
    html! {
        h2 { "A sentence in time" }
        p { "“" (sentence.text) "”, accumulated: rates as they converge, membranes, and every spike." }
        figure {
            div.picture { (PreEscaped(&sentence.svg)) }
            figcaption { (download("rates in time", &sentence.csv)) }
        }
    }
}

pub(super) fn score(value: f64) -> String {
    format!("{value:.4}")
}

/// The first characters of a text, with a mark where there are more.
pub(super) fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
