//! What is computed of a model with its task's data.

use std::path::Path;

use bitspike::{Dynamics, Input, Model, Simulation};
use bitspike_data::{DevShare, Predictions, TaskSpec};
use serde::Serialize;

use super::answers::{Mistake, confusion, mistakes};
use super::charts::{energies, residuals};
use crate::chart::{Chart, Lines, Series};
use crate::cost::{self, Cost, CostOptions};
use crate::energy::Profile;
use crate::error::Result;
use crate::examples::EncodedSplit;
use crate::in_time::{self, InTimeOptions};
use crate::teacher::TeacherAnswers;
use crate::timing;
use crate::trace::{TraceOptions, trace};

/// Steps at which the dynamics are compared.
const STEPS: [u32; 6] = [1, 2, 4, 8, 16, 32];

/// What to compute.
#[derive(Debug, Clone, Copy)]
pub struct ReportOptions<'a> {
    /// Constants of the energy.
    pub profile: &'a Profile,
    /// The teacher, to stand beside the student.
    pub teacher: Option<&'a TeacherAnswers<'a>>,
    /// Examples that the three dynamics are compared on; 0 for no comparison.
    pub in_time: usize,
    /// The part of data without a dev split that is dev ([`dev_share`](crate::examples::dev_share)).
    pub dev: Option<DevShare>,
    /// Whether texts of the data may be shown.
    pub texts: bool,
}

/// What was computed.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct DevResults {
    pub task: TaskSpec,
    /// Operations and energies.
    pub cost: Cost,
    /// The task's metrics, by name, the primary one first.
    pub scores: Vec<(String, f64)>,
    /// Those of the teacher.
    pub teacher: Option<Vec<(String, f64)>>,
    /// Median milliseconds of a text on one thread.
    pub latency_ms: f64,
    /// Rows: the true class, columns: the answer. Empty for a score.
    pub confusion: Vec<Vec<u64>>,
    /// The worst; none where texts are not to be shown.
    pub mistakes: Option<Vec<Mistake>>,
    /// Energies, the three dynamics, residuals.
    #[serde(skip)]
    pub charts: Vec<Chart>,
}

/// Another model in the table.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Beside {
    pub name: String,
    pub scores: Vec<(String, f64)>,
    pub cost: Cost,
    pub latency_ms: f64,
}

/// A sentence in time.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct SentenceInTime {
    pub text: String,
    /// Whole SVG document.
    #[serde(skip)]
    pub svg: String,
    /// Rates at every step.
    #[serde(skip)]
    pub csv: String,
}

/// Computes all that `options` asks for of `model`, called `name`, on the dev set in `data`.
///
/// # Errors
/// If the data is missing, bad or without labels, or a current is not finite.
pub fn measure(
    model: &Model,
    name: &str,
    data: &Path,
    options: &ReportOptions<'_>,
    mut progress: impl FnMut(&str),
) -> Result<DevResults> {
    progress("counting operations on dev");
    let split = EncodedSplit::dev_share_of(model, data, options.dev)?;
    let (of_model, predictions) = beside_split(model, name, &split, options, true)?;
    let Beside { scores, cost, latency_ms, .. } = of_model;
    let mut charts = energies(&cost);
    if options.in_time > 0 {
        progress("running the three dynamics in time");
        charts.extend(dynamics(model, &split, &predictions, options.in_time)?);
    }
    if split.task.target.is_regression() {
        charts.extend(residuals(&predictions, &split.examples));
    }
    Ok(DevResults {
        cost,
        scores,
        teacher: options.teacher.map(|teacher| scored(&split, &teacher.predictions)).transpose()?,
        latency_ms,
        confusion: confusion(&split, &predictions),
        mistakes: options.texts.then(|| mistakes(&split, &predictions)),
        charts,
        task: split.task,
    })
}

/// A further model for the table.
///
/// # Errors
/// As [`measure`].
pub fn beside(model: &Model, name: &str, data: &Path, options: &ReportOptions<'_>) -> Result<Beside> {
    Ok(beside_split(model, name, &EncodedSplit::dev_share_of(model, data, options.dev)?, options, false)?.0)
}

fn beside_split(
    model: &Model,
    name: &str,
    split: &EncodedSplit,
    options: &ReportOptions<'_>,
    codes: bool,
) -> Result<(Beside, Predictions)> {
    let int8 = options.teacher.and_then(|teacher| teacher.int8);
    let teacher = options.teacher.map(TeacherAnswers::shape);
    let options = CostOptions { profile: options.profile, teacher, int8, codes };
    let (cost, predictions) = cost::measure(model, name, split, &options)?;
    let latency_ms = timing::texts(model, &split.dataset)?.median_ms;
    Ok((Beside { name: name.to_owned(), scores: scored(split, &predictions)?, cost, latency_ms }, predictions))
}

/// A sentence of one's own, in time.
///
/// # Errors
/// If the text does not suit the task, or a current is not finite.
pub fn sentence(model: &Model, name: &str, input: Input<'_>) -> Result<SentenceInTime> {
    let student = &model.header().student;
    let simulation = match student.code.is_unary() {
        true => Simulation::new(Dynamics::Accumulated, student.time_steps.max(32)),
        // Its spikes say something in a finished window alone.
        false => Simulation::of(student),
    };
    let traced = trace(model, name, input, &TraceOptions { simulation, ..TraceOptions::default() })?;
    Ok(SentenceInTime { svg: traced.picture(), csv: traced.rates_csv(), text: input.first.to_owned() })
}

fn scored(split: &EncodedSplit, predictions: &Predictions) -> Result<Vec<(String, f64)>> {
    let primary = split.task.primary().to_string();
    let mut scores: Vec<(String, f64)> = split.metrics(predictions)?.into_iter().collect();
    // The one that stands for all comes first.
    scores.sort_by_key(|(name, _)| *name != primary);
    Ok(scores)
}

/// The metric after so many steps of each dynamics, on the first `examples` of dev.
fn dynamics(model: &Model, split: &EncodedSplit, predictions: &Predictions, examples: usize) -> Result<Option<Chart>> {
    if !model.header().student.code.is_unary() {
        return Ok(None);
    }
    let mut split = split.clone();
    split.truncate(examples);
    let options = InTimeOptions { time_steps: STEPS.into(), ..InTimeOptions::new(Dynamics::ALL) };
    let scores = in_time::score(model, &split, predictions, &options, |_| ())?;
    let primary = split.task.primary().to_string();
    let series = Dynamics::ALL.iter().map(|&dynamics| {
        let of_it = scores.iter().filter(|score| score.dynamics == dynamics);
        let value = |metrics: &std::collections::BTreeMap<String, f64>| metrics.get(&primary).copied();
        let points = of_it.map(|score| (f64::from(score.time_steps), value(&score.metrics).unwrap_or(f64::NAN)));
        Series { name: dynamics.name().to_owned(), points: points.collect() }
    });
    let lines = Lines {
        title: format!("{primary} against T, first {} sentences of dev", split.examples.len()),
        x: "time steps T".into(),
        y: primary.clone(),
        series: series.collect(),
        log_x: true,
    };
    Ok(lines.draw())
}
