//! What a trained cell is measured for: the dev metric, the packed file, spikes, latency.

use std::io::Write;

use bitspike::Options;
use bitspike::atomic_file;
use bitspike::config::StudentConfig;
use bitspike::format::Packing;
use bitspike::forward::Simulation;
use bitspike_analysis::counts::Counts;
use bitspike_analysis::energy::{Prices, Profile};
use bitspike_analysis::timing;
use bitspike_run::FromRun;
use bitspike_run::progress::{Event, read_events};
use bitspike_run::recipe::Recipe;
use bitspike_run::run::{Checkpoint, Counters, RunFolder, counters};
use burn::tensor::Device;

use super::figures::{CellFigures, PackedStudent, plausible};
use crate::distill::Inputs;
use crate::error::{Error, Result};
use crate::evaluate::predict_student;
use crate::student::Student;
use crate::training::{EndReason, last_end};

/// The energy profile.
pub(super) const PROFILE: &str = "45nm";

/// Name of the packed model in a cell's folder.
pub(super) const MODEL: &str = "model.safetensors";

/// How the run in `folder` ended and its counters, where it did end by itself and only remains to be measured.
///
/// # Errors
/// If its log or its best student is damaged.
pub(super) fn ended(folder: &RunFolder) -> Result<Option<(EndReason, Counters)>> {
    let Some(end) = last_end(&folder.metrics())?.filter(|_| folder.best().exists()) else { return Ok(None) };
    let reasons = [EndReason::Finished, EndReason::TimeBudget];
    let Some(reason) = reasons.into_iter().find(|known| known.name() == end.reason) else { return Ok(None) };
    let counters = counters(&folder.weights()?)?;
    Ok(Some((reason, Counters { step: end.counters.step, ..counters })))
}

/// Packs the best student of the run in `folder` and measures it.
///
/// # Errors
/// If the run is damaged, or the packed file cannot be written.
pub(super) fn measure(
    inputs: &Inputs,
    recipe: &Recipe,
    folder: &RunFolder,
    counters: &Counters,
    device: &Device,
) -> Result<CellFigures> {
    let student = folder.description()?.student;
    let dev = inputs.texts(recipe)?.dev;
    let metric = inputs.task.primary().to_string();
    let mut measured = CellFigures {
        metric: metric.clone(),
        best: counters.best.filter(|best| best.is_finite()).map(tidy),
        best_step: counters.best_step,
        ..CellFigures::default()
    };
    let (events, _) = read_events(folder.metrics()).map_err(unread)?;
    let last = events.iter().rev().find_map(|event| match event {
        Event::Eval { metrics, rates, primary, .. } => Some((metrics.get(primary), rates)),
        _ => None,
    });
    if let Some((value, rates)) = last {
        measured.last = value.copied().filter(|value| value.is_finite()).map(tidy);
        let rates: Vec<(&str, f64)> = rates.iter().map(|(name, &rate)| (name.as_str(), rate)).collect();
        if !rates.is_empty() && rates.iter().all(|(_, rate)| rate.is_finite()) {
            let steps = simulated(recipe, counters).map_or(student.time_steps, |simulation| simulation.time_steps);
            measured.last_rate = Some(mean(&rates));
            measured.last_spikes_per_token = Some(spikes(&rates, &student, steps));
        }
    }
    let (rates, steps) = if student.feedback.is_some() {
        let (student, _) = Student::of_run(folder, Checkpoint::Best, device)?;
        let (predictions, _) = predict_student(&student, &dev, device);
        (predictions.rates, student.config.time_steps)
    } else {
        let path = folder.path().join(MODEL);
        let FromRun { file, .. } = FromRun::pack(folder, Checkpoint::Best, Packing::default())?;
        atomic_file::write(&path, |out| out.write_all(&file))?;
        let options = simulated(recipe, counters).map_or_else(Options::new, |it| Options::new().simulation(it));
        let model = options.load(&path)?;
        let time = timing::sentence(&model, &dev)?;
        let Counts { predictions, total: count, sum_bits, .. } = Counts::new(&model, &dev)?;
        let bytes = file.len() as u64;
        let profile = Profile::named(PROFILE)?;
        let counts = model.simulation().counts(student.signed);
        let prices = Prices { profile: &profile, sentences: dev.len(), bytes, sum_bits, counts };
        let energy = prices.spikes("student", &count);
        measured.packed = Some(PackedStudent {
            bytes,
            operations: tidy((count.effective_acs() + count.effective_macs()) as f64 / dev.len() as f64),
            energy_uj: tidy(energy.compute_picojoules / 1e6),
            energy_with_memory_uj: tidy(energy.total_picojoules / 1e6),
            metric: predictions
                .score(&inputs.task, &dev)?
                .get(&metric)
                .copied()
                .filter(|value| value.is_finite())
                .map(tidy),
            latency_ms: tidy(time.median.as_secs_f64() * 1e3),
            latency_best_ms: tidy(time.best.as_secs_f64() * 1e3),
            latency_tokens: time.tokens,
        });
        (predictions.rates, model.simulation().time_steps)
    };
    let rates: Vec<(&str, f64)> = rates.iter().map(|(name, &rate)| (name.as_str(), rate)).collect();
    measured.rate = mean(&rates);
    measured.spikes_per_token = spikes(&rates, &student, steps);
    plausible(&measured).map_err(|e| e.during(folder.path().display().to_string()))?;
    Ok(measured)
}

/// `x` to ten digits: as much as means over counts hold, and short enough to be the same when it is read again.
fn tidy(x: f64) -> f64 {
    format!("{x:.9e}").parse().unwrap_or(x)
}

/// The simulation through which the best student was scored, if it was.
fn simulated(recipe: &Recipe, counters: &Counters) -> Option<Simulation> {
    let stages = recipe.stage.iter().rev().filter_map(|stage| stage.simulate);
    let dynamics = counters.best_dynamics?;
    stages.map(|settings| settings.simulation()).find(|simulation| simulation.dynamics == dynamics)
}

fn mean(rates: &[(&str, f64)]) -> f64 {
    tidy(rates.iter().map(|(_, rate)| rate).sum::<f64>() / rates.len().max(1) as f64)
}

/// `sum over populations of rate * width * steps`.
fn spikes(rates: &[(&str, f64)], student: &StudentConfig, steps: u32) -> f64 {
    let width = |name: &str| if name.ends_with(".feed_forward") { student.intermediate } else { student.hidden };
    tidy(rates.iter().map(|(name, rate)| rate * width(name) as f64).sum::<f64>() * f64::from(steps))
}

fn unread(source: std::io::Error) -> Error {
    Error::Log { action: "read the metrics of the cell", source }
}
