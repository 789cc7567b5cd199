//! What is computed of a run with its task's data.

use std::path::Path;

use anyhow::{Context, Result, bail};
use bitspike::forward::{Dynamics, Wanted, Simulation};
use bitspike_analysis::energy::Profile;
use bitspike::model::{Model, Options};
use bitspike::format::{Packed, Packing};
use bitspike_data::{self, Dataset, Split, TaskSpec};
use bitspike::neuron::Reset;
use bitspike_data::{Encoded, encode};
use bitspike_train::evaluate::{Predictions, predict_teacher};
use bitspike_run::run::{Checkpoint, RunFolder};
use bitspike_train::simulation::simulate_examples;
use bitspike_train::teacher::Teacher;
use burn::tensor::Device;

use crate::chart::{Bars, Chart, Lines, Series, bars, lines};
use crate::commands::cost::shape;
use crate::commands::trace::trace_text;
use crate::cost::{self, Cost};
use crate::models::measure_latency;
use crate::packed::FromRun;
use crate::trace::picture;

/// Steps at which the dynamics are compared.
const STEPS: [u32; 6] = [1, 2, 4, 8, 16, 32];

/// Mistakes that are shown.
const MISTAKES: usize = 12;

/// What to compute, and on what.
pub(crate) struct Settings<'a> {
    pub(crate) data: &'a Path,
    pub(crate) teacher: Option<&'a Path>,
    pub(crate) profile: &'a Profile,
    /// Examples that the three dynamics are compared on; 0 for no comparison.
    pub(crate) in_time: usize,
    /// Whether texts of the data may be shown.
    pub(crate) texts: bool,
}

/// What was computed.
pub(crate) struct Measured {
    pub(crate) task: TaskSpec,
    pub(crate) cost: Cost,
    /// The task's metrics, by name.
    pub(crate) scores: Vec<(String, f64)>,
    /// Those of the teacher.
    pub(crate) teacher: Option<Vec<(String, f64)>>,
    /// Median milliseconds of a sentence on one thread.
    pub(crate) latency_ms: f64,
    /// Rows: the true class, columns: the answer. Empty for a score.
    pub(crate) confusion: Vec<Vec<u64>>,
    pub(crate) mistakes: Vec<Mistake>,
    pub(crate) charts: Vec<Chart>,
}

/// An example that was answered wrongly.
pub(crate) struct Mistake {
    pub(crate) text: String,
    pub(crate) expected: String,
    pub(crate) answer: String,
    /// Probability of the answer, or distance of the score.
    pub(crate) size: f64,
}

/// Another run in the table.
pub(crate) struct Besides {
    pub(crate) name: String,
    pub(crate) scores: Vec<(String, f64)>,
    pub(crate) cost: Cost,
    pub(crate) latency_ms: f64,
}

/// A sentence in time.
pub(crate) struct Sentence {
    /// Whole SVG document.
    pub(crate) svg: String,
    pub(crate) csv: String,
    pub(crate) text: String,
}

struct Loaded {
    model: Model,
    task: TaskSpec,
    dataset: Dataset,
    examples: Vec<Encoded>,
}

fn load(folder: &RunFolder, data: &Path) -> Result<Loaded> {
    let FromRun { file, tokenizer, header, .. } = FromRun::pack(folder, Checkpoint::Best, Packing::default())?;
    let model = Model::of(Packed::from_bytes(file)?, tokenizer, &Options::default())?;
    let dataset = bitspike_data::load(&header.task, data, Split::Dev)?;
    if !dataset.is_labelled() {
        bail!("{}: the dev set has no labels; nothing can be scored", data.display());
    }
    let examples = encode(&dataset, model.tokenizer(), header.max_length);
    Ok(Loaded { model, task: header.task, dataset, examples })
}

/// Cost, answers and speed of the run's best student.
fn costs(loaded: &Loaded, name: &str, settings: &Settings<'_>) -> Result<(Cost, Predictions, f64)> {
    let Loaded { model, dataset, examples, .. } = loaded;
    let teacher = settings.teacher.map(shape).transpose()?;
    let request = cost::Request { model, name, examples, profile: settings.profile, teacher };
    let (cost, predictions) = cost::measure(&request)?;
    Ok((cost, predictions, measure_latency(model, dataset)?.median_ms))
}

/// Computes all that `settings` asks for of the run in `path`.
///
/// # Errors
/// If the run cannot be packed, or the data is missing or bad.
pub(crate) fn measure(path: &Path, settings: &Settings<'_>, progress: impl Fn(&str)) -> Result<Measured> {
    let folder = RunFolder::open(path)?;
    progress("counting operations on dev");
    let loaded = load(&folder, settings.data)?;
    let (cost, predictions, latency_ms) = costs(&loaded, &path.display().to_string(), settings)?;
    let Loaded { task, dataset, examples, .. } = &loaded;
    let scores = scored(&predictions, task, examples)?;
    let device = Device::flex();
    let teacher = settings.teacher.map(|teacher| -> Result<_> {
        progress("scoring the teacher");
        let teacher = Teacher::load(teacher, &device)?;
        scored(&predict_teacher(&teacher, examples, &device)?, task, examples)
    });
    let mut charts = vec![];
    charts.extend(energies(&cost)?);
    if settings.in_time > 0 {
        progress("running the three dynamics in time");
        charts.extend(in_time(&folder, task, &examples[..examples.len().min(settings.in_time)], &device)?);
    }
    if task.labels().is_empty() {
        charts.extend(residuals(&predictions, examples)?);
    }
    Ok(Measured {
        scores,
        teacher: teacher.transpose()?,
        latency_ms,
        confusion: confusion(task, &predictions, examples),
        mistakes: if settings.texts { mistakes(task, &predictions, dataset) } else { Vec::new() },
        charts,
        cost,
        task: task.clone(),
    })
}

/// A further run for the table.
///
/// # Errors
/// As [`measure`].
pub(crate) fn beside(path: &Path, settings: &Settings<'_>) -> Result<Besides> {
    let loaded = load(&RunFolder::open(path)?, settings.data)?;
    let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    let (cost, predictions, latency_ms) = costs(&loaded, &name, settings)?;
    Ok(Besides { name, scores: scored(&predictions, &loaded.task, &loaded.examples)?, cost, latency_ms })
}

/// A sentence of one's own, in time.
///
/// # Errors
/// If the run cannot be simulated, or the text does not suit the task.
pub(crate) fn sentence(path: &Path, text: &str, second: Option<&str>) -> Result<Sentence> {
    let folder = RunFolder::open(path)?;
    let steps = folder.description()?.student.time_steps.max(32);
    let simulation = Simulation { reset: Reset::Soft, ..Simulation::new(Dynamics::Accumulated, steps) };
    let report = trace_text(&folder, (text, second), &simulation, &[])?;
    let mut csv = String::from("population,step,mean_rate,mean_absolute_rate,rms_distance,max_distance\n");
    for (population, rates) in report.trace.populations.iter().zip(&report.rates) {
        for (step, at) in rates.iter().enumerate() {
            csv += &format!(
                "{},{},{},{},{},{}\n",
                population.name,
                step + 1,
                at.mean,
                at.mean_absolute,
                at.rms_distance,
                at.max_distance
            );
        }
    }
    Ok(Sentence { svg: picture::draw(&report)?, csv, text: text.to_owned() })
}

fn scored(predictions: &Predictions, task: &TaskSpec, examples: &[Encoded]) -> Result<Vec<(String, f64)>> {
    let values = predictions.score(task, examples)?;
    let primary = task.primary().to_string();
    let mut scores: Vec<(String, f64)> = values.into_iter().collect();
    // The one that stands for all comes first.
    scores.sort_by_key(|(name, _)| *name != primary);
    Ok(scores)
}

fn energies(cost: &Cost) -> Result<Vec<Chart>> {
    let micro = |picojoules: f64| picojoules * 1e-6;
    let row = |row: &cost::Row| {
        let estimate = &row.estimate;
        let memory = estimate.total_picojoules - estimate.compute_picojoules;
        (estimate.name.clone(), vec![micro(estimate.compute_picojoules), micro(memory)])
    };
    let rows = bars(&Bars {
        title: format!("Energy of a mean sentence, profile {}", cost.profile.name),
        unit: "microjoules".into(),
        parts: vec!["operations".into(), "memory".into()],
        rows: cost.energy.iter().map(row).collect(),
    })?;
    let Some(student) = cost.energy.first() else { return Ok(rows.into_iter().collect()) };
    let mut terms: Vec<_> = student.estimate.compute.iter().chain(&student.estimate.memory).collect();
    terms.sort_by(|a, b| b.picojoules.total_cmp(&a.picojoules));
    let terms = bars(&Bars {
        title: "Where the student's energy goes".into(),
        unit: "microjoules".into(),
        parts: vec!["energy".into()],
        rows: terms.iter().take(12).map(|term| (term.name.clone(), vec![micro(term.picojoules)])).collect(),
    })?;
    Ok(rows.into_iter().chain(terms).collect())
}

/// The metric after so many steps of each dynamics.
fn in_time(folder: &RunFolder, task: &TaskSpec, examples: &[Encoded], device: &Device) -> Result<Option<Chart>> {
    let (student, _) = folder.student(device)?;
    let primary = task.primary().to_string();
    let classes = student.config.num_labels;
    let metric = |logits: Vec<Vec<f32>>| -> Result<f64> {
        let predictions = Predictions { logits, rates: Default::default(), feedback: None };
        Ok(predictions.score(task, examples)?.get(&primary).copied().unwrap_or(f64::NAN))
    };
    let simulate = |dynamics, time_steps, last_only| {
        let options = Wanted { last_only, ..Wanted::default() };
        simulate_examples(&student, examples, &Simulation::new(dynamics, time_steps), options, device, |_| ())
            .context("simulate")
    };
    let mut series = Vec::new();
    for &dynamics in Dynamics::ALL {
        let mut points = Vec::new();
        if dynamics == Dynamics::Phased {
            for steps in STEPS {
                let logits = simulate(dynamics, steps, true)?.into_iter().map(|run| run.logits).collect();
                points.push((f64::from(steps), metric(logits)?));
            }
        } else {
            let runs = simulate(dynamics, STEPS[STEPS.len() - 1], false)?;
            for steps in STEPS {
                let end = steps as usize * classes;
                points.push((
                    f64::from(steps),
                    metric(runs.iter().map(|run| run.logits[end - classes..end].to_vec()).collect())?,
                ));
            }
        }
        series.push(Series { name: dynamics.name().to_owned(), points });
    }
    lines(&Lines {
        title: format!("{primary} against T, first {} sentences of dev", examples.len()),
        x: "time steps T".into(),
        y: primary,
        series,
        log_x: true,
    })
}

fn confusion(task: &TaskSpec, predictions: &Predictions, examples: &[Encoded]) -> Vec<Vec<u64>> {
    let classes = task.labels().len();
    let mut table = vec![vec![0; classes]; classes];
    for (answer, example) in predictions.answers(task).into_iter().zip(examples) {
        let cell = example.target.and_then(|target| table.get_mut(target as usize));
        if let Some(count) = cell.and_then(|row| row.get_mut(answer as usize)) {
            *count += 1;
        }
    }
    table
}

/// Those that were answered wrongly with the greatest confidence, or are furthest off.
fn mistakes(task: &TaskSpec, predictions: &Predictions, dataset: &Dataset) -> Vec<Mistake> {
    let labels = task.labels();
    let label = |index: f32| match labels.get(index as usize) {
        Some(label) => label.clone(),
        None => format!("{index:.2}"),
    };
    let answers = predictions.answers(task);
    let mut all: Vec<Mistake> = Vec::new();
    for ((example, answer), logits) in dataset.examples.iter().zip(answers).zip(&predictions.logits) {
        let Some(target) = example.target else { continue };
        let size = match labels.is_empty() {
            true => f64::from((answer - target).abs()),
            false if answer == target => continue,
            false => {
                let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                1.0 / logits.iter().map(|x| f64::from(x - most).exp()).sum::<f64>()
            }
        };
        let text = match &example.second {
            Some(second) => format!("{} / {second}", example.first),
            None => example.first.clone(),
        };
        all.push(Mistake { text, expected: label(target), answer: label(answer), size });
    }
    all.sort_by(|a, b| b.size.total_cmp(&a.size));
    all.truncate(MISTAKES);
    all
}

/// How far scores are off: a histogram.
fn residuals(predictions: &Predictions, examples: &[Encoded]) -> Result<Option<Chart>> {
    let answers = predictions.logits.iter().filter_map(|row| row.first());
    let found: Vec<f64> = answers
        .zip(examples)
        .filter_map(|(&answer, example)| Some(f64::from(answer - example.target?)))
        .filter(|x| x.is_finite())
        .collect();
    let reach = found.iter().map(|x| x.abs()).fold(1e-6, f64::max);
    let mut bins = [0u32; 31];
    for x in &found {
        bins[(((x / reach + 1.0) / 2.0 * 31.0) as usize).min(30)] += 1;
    }
    let point = |(i, &n): (usize, &u32)| (((i as f64 + 0.5) / 31.0 * 2.0 - 1.0) * reach, f64::from(n));
    lines(&Lines {
        title: "How far scores are off".into(),
        x: "answer less true score".into(),
        y: "examples".into(),
        series: vec![Series { name: "examples".into(), points: bins.iter().enumerate().map(point).collect() }],
        log_x: false,
    })
}
