//! The page. Every text goes through `maud`, which escapes it; the only markup that is passed on are drawings of our own.

use std::path::Path;

use bitspike::config::Target;
use bitspike::format::Header;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;

use super::confusions::answers;
use super::dev::{Beside, DevResults, SentenceInTime};
use super::tables::{charts, clipped, codes, in_time, layers, score, table, times};
use super::training::Training;
use crate::error::Result;
use crate::number::{duration, megabytes};

/// What a page is made of.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// What is reported on: a folder, or a model's name.
    pub name: String,
    /// What the student is, as far as it is known.
    pub header: Option<Header>,
    /// How it was trained; none of a packed model.
    pub training: Option<Training>,
    /// What the task's data tells.
    pub results: Option<DevResults>,
    /// Others in the table of results.
    pub beside: Vec<Beside>,
    /// A sentence in time.
    pub sentence: Option<SentenceInTime>,
    /// What is not there, and why.
    pub missing: Vec<String>,
}

impl Report {
    /// Of the run in a folder, whole or not.
    ///
    /// # Errors
    /// If there is no such folder, or nothing in it is of a run.
    pub fn of_run(path: &Path) -> Result<Self> {
        let mut missing = Vec::new();
        let training = Training::read(path, &mut missing)?;
        let header = training.description.as_ref().map(|description| Header {
            student: description.student.clone(),
            task: description.task.for_model(),
            max_length: description.max_length,
        });
        Ok(Self { header, training: Some(training), missing, ..Self::empty(path.display().to_string()) })
    }

    /// Of a packed model, which does not tell how it was trained.
    pub fn of_model(name: &str, header: &Header) -> Self {
        let missing = "the training (losses, scores over time, weights before rounding, the recipe): a packed model does not \
                       hold it; give the folder of its run";
        Self { header: Some(header.clone()), missing: vec![missing.to_owned()], ..Self::empty(name.to_owned()) }
    }

    fn empty(name: String) -> Self {
        Self {
            name,
            header: None,
            training: None,
            results: None,
            beside: Vec::new(),
            sentence: None,
            missing: Vec::new(),
        }
    }

    /// All that is missing, with the option of `bitspike report` that brings it.
    fn absences(&self) -> Vec<String> {
        let mut missing = self.missing.clone();
        let mut note = |text: &str| missing.push(text.to_owned());
        match &self.results {
            None => note("score, operations, energy, mistakes, the dynamics in time: give --data DIR"),
            Some(results) if results.mistakes.is_none() => note("the worst mistakes: left out by --no-texts"),
            Some(_) => {}
        }
        if self.sentence.is_none() {
            note("spikes and rates of a sentence: give --sentence TEXT");
        }
        if self.results.as_ref().is_some_and(|results| results.teacher.is_none()) {
            note("the teacher's score: give --teacher DIR");
        }
        missing
    }

    /// The page; `program` says what made it, such as `bitspike 0.1.0`.
    pub fn page(&self, program: &str) -> String {
        let Self { name, header, training, results, beside, sentence, .. } = self;
        let title = title(header.as_ref());
        let missing = self.absences();
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
                            p.faint { (name) " · " (program) }
                            (figures(training.as_ref(), results.as_ref()))
                        }
                        @if !missing.is_empty() { (absent(&missing)) }
                        h2 { "What was distilled" }
                        (facts(header.as_ref(), training.as_ref()))
                        @if let Some(training) = training.as_ref().filter(|training| !training.charts.is_empty()) {
                            h2 { "Training" }
                            (charts(&training.charts))
                        }
                        @if let Some(results) = results {
                            h2 { "Result and cost" }
                            (table(results, beside))
                            (charts(&results.charts))
                            (layers(&results.cost))
                            (codes(&results.cost))
                            h2 { "Answers" }
                            (answers(results.task.labels(), &results.confusion, results.mistakes.as_deref()))
                        }
                        @if let Some(sentence) = sentence { (in_time(sentence)) }
                        @if let Some(recipe) = training.as_ref().and_then(|training| training.recipe.as_ref()) {
                            h2 { "Recipe" }
                            pre { (recipe.to_toml()) }
                        }
                    }
                }
            }
        };
        page.into_string()
    }
}

fn title(header: Option<&Header>) -> String {
    let Some(Header { student, task, .. }) = header else { return "A run of bitspike".to_owned() };
    let sign = if student.signed { "signed" } else { "unsigned" };
    format!(
        "{}: a spiking student of {} layers, {} bit, {sign}, T = {}",
        task.name, student.layers, student.weight_bits, student.time_steps
    )
}

/// The figures at the top.
fn figures(training: Option<&Training>, results: Option<&DevResults>) -> Markup {
    let log = training.map(|training| &training.log);
    let figure = |name: &str, value: String, detail: String| html! { div { dt { (name) } dd { (value) " " small { (detail) } } } };
    html! {
        dl.figures {
            @match (results, log.and_then(|log| Some((log, log.best()?)))) {
                (Some(results), _) => {
                    @for (name, value) in results.scores.iter().take(1) { (figure(&format!("{name}, dev"), score(*value), String::new())) }
                    (figure("weights, packed", megabytes(results.cost.neurobench.footprint), String::new()))
                    (figure("one sentence", format!("{:.2} ms", results.latency_ms), "one thread".into()))
                    (figure("spikes", format!("{:.0}", results.cost.total.spikes as f64 / results.cost.tokens.max(1) as f64), "a token".into()))
                    @if let Some(row) = results.cost.energy.first() {
                        (figure("energy, operations", times(row.gain_compute), format!("less than FP32, {}", results.cost.profile.name)))
                    }
                }
                (None, Some((log, (step, value)))) => {
                    (figure(&format!("best {}, dev", log.primary), score(value), format!("step {step}")))
                    @if let Some((_, value)) = log.evaluations.last() { (figure("last", score(*value), String::new())) }
                }
                (None, None) => {}
            }
            @if let Some(log) = log.filter(|log| log.steps > 0) {
                (figure("steps", log.steps.to_string(), format!("of {}", log.total_steps)))
                (figure("training", duration(log.elapsed_s), String::new()))
            }
        }
    }
}

/// The names of classes, the first of many.
fn classes(labels: &[String]) -> String {
    const SHOWN: usize = 40;
    let shown = labels.iter().take(SHOWN).map(|label| clipped(label, 60)).collect::<Vec<_>>().join(", ");
    match labels.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
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

fn facts(header: Option<&Header>, training: Option<&Training>) -> Markup {
    let row = |name: &str, value: String| html! { tr { th { (name) } td { (value) } } };
    html! {
        table.facts {
            @if let Some(Header { student, task, max_length }) = header {
                (row("task", format!("{}: {}", task.name, match &task.target {
                    Target::Regression { .. } => "a score".to_owned(),
                    Target::Embedding { .. } => format!("vectors of {} values", student.hidden),
                    Target::Classification { labels } => classes(labels),
                })))
                (row("student", format!("{} layers, D = {}, F = {}, {} heads", student.layers, student.hidden, student.intermediate, student.heads)))
                (row("weights", format!("{} bit, tables {} bit, one scale a {}", student.weight_bits, student.embedding_bits, student.granularity)))
                (row("neurons", student.code.describe(student.signed, student.time_steps)))
                (row("text", format!("at most {max_length} tokens")))
            }
            @if let Some(recipe) = training.and_then(|training| training.recipe.as_ref()) {
                @if !recipe.description.is_empty() { (row("recipe", recipe.description.clone())) }
                (row("seed", recipe.seed.to_string()))
                (row("stages", recipe.stage.iter().map(|stage| format!("{}, {} epochs, rate {}", stage.kind.name(), stage.epochs, stage.learning_rate)).collect::<Vec<_>>().join("; ")))
            }
            @if let Some(Training { log, .. }) = training {
                @if log.trainable > 0 { (row("trainable parameters", log.trainable.to_string())) }
                @if log.train_examples > 0 { (row("training examples", log.train_examples.to_string())) }
                @if let Some(end) = &log.end { (row("ended", end.clone())) }
                @for warning in &log.warnings { (row("warning", warning.clone())) }
            }
        }
    }
}
