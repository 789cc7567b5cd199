//! `bitspike eval --dynamics`: a student's answers along a simulation.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

use anyhow::{Context, Result, bail};
use bitspike::forward::{Dynamics, ExitRule, Wanted, SentenceRun, Simulation};
use bitspike_data::{Target, TaskSpec};
use bitspike::neuron::Reset;
use bitspike_data::Encoded;
use bitspike_train::evaluate::Predictions;
use bitspike_train::simulation::{compare_counts, simulate_examples};
use bitspike_train::student::Student;
use burn::tensor::Device;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// The flags of a simulation.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "In time")]
pub(crate) struct InTimeArgs {
    /// Let the student spike: `phased`, `accumulated`, `instantaneous`, or several with commas
    #[arg(long, value_name = "D", value_delimiter = ',')]
    dynamics: Vec<Dynamics>,
    /// Steps to answer at, with commas; unless given, the T that the student was trained with
    #[arg(long, value_name = "T,..", value_delimiter = ',', requires = "dynamics")]
    timesteps: Vec<u32>,
    /// Leak of every neuron in (0, 1]; 1 is integrate-and-fire
    #[arg(long, value_name = "X", default_value_t = 1.0, requires = "dynamics")]
    beta: f32,
    /// What a spike leaves of a potential: `soft` takes the threshold away, `hard` everything
    #[arg(long, value_name = "RESET", default_value = "soft", value_parser = parse_reset, requires = "dynamics")]
    reset: Reset,
    /// How many thresholds beyond its own a spike that takes back earlier ones needs (accumulated)
    #[arg(long, value_name = "H", default_value_t = 0.0, requires = "dynamics")]
    hysteresis: f32,
    /// Unsigned neurons never take back a spike (accumulated)
    #[arg(long, requires = "dynamics")]
    no_retract: bool,
    /// Stop a sentence when its answer is settled (accumulated): `margin=2,change=0.5,patience=2,min=3`, each part optional
    #[arg(long, value_name = "RULE", value_parser = parse_rule, requires = "dynamics")]
    exit: Option<ExitRule>,
}

pub(super) fn parse_reset(name: &str) -> Result<Reset, String> {
    match name {
        "soft" => Ok(Reset::Soft),
        "hard" => Ok(Reset::Hard),
        _ => Err("expected `soft` or `hard`".into()),
    }
}

pub(super) fn parse_rule(text: &str) -> Result<ExitRule, String> {
    let mut rule = ExitRule::default();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').ok_or_else(|| format!("`{part}`: expected key=value"))?;
        let number = || value.parse::<f32>().map_err(|_| format!("`{part}`: not a number"));
        let steps = || value.parse::<u32>().map_err(|_| format!("`{part}`: not a number of steps"));
        match key.trim() {
            "margin" => rule.margin = number()?,
            "change" => rule.change = number()?,
            "patience" => rule.patience = steps()?,
            "min" => rule.min_steps = steps()?,
            other => return Err(format!("`{other}`: expected margin, change, patience or min")),
        }
    }
    rule.validate().map_err(|e| e.to_string())?;
    Ok(rule)
}

/// What a student scores after so many steps of one of the dynamics.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TimeScore {
    dynamics: Dynamics,
    /// Most steps that a sentence took.
    time_steps: u32,
    /// With an exit rule, the mean number of steps that were taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_steps: Option<f64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metrics: BTreeMap<String, f64>,
    /// Share of examples with the answer of the quantised equilibrium (`phased` at the T of training); classes only.
    #[serde(skip_serializing_if = "Option::is_none")]
    agreement: Option<f64>,
    /// Spikes of either sign a neuron and step, averaged over the populations.
    mean_rate: f64,
    spikes_per_token: f64,
    /// Of the whole simulation that this figure is a point of.
    seconds: f64,
    /// `phased` at the T of training: neurons, and those whose count is not the one that training computes.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Counts>,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Counts {
    compared: u64,
    different: u64,
}

impl InTimeArgs {
    pub(crate) fn is_given(&self) -> bool {
        !self.dynamics.is_empty()
    }

    /// Scores the student at every number of steps asked for.
    pub(crate) fn score(
        &self,
        student: &Student,
        task: &TaskSpec,
        examples: &[Encoded],
        equilibrium: &Predictions,
        device: &Device,
    ) -> Result<Vec<TimeScore>> {
        if self.exit.is_some() && self.dynamics != [Dynamics::Accumulated] {
            bail!("--exit stops an `accumulated` run: give --dynamics accumulated alone");
        }
        let trained = student.config.time_steps;
        let mut times = if self.timesteps.is_empty() { vec![trained] } else { self.timesteps.clone() };
        times.sort_unstable();
        times.dedup();
        // The smallest is read out of a longer run, which would not refuse it.
        for &time_steps in &times {
            Simulation::new(self.dynamics[0], time_steps).validate()?;
        }
        let scorer = Scorer::new(student, task, examples, equilibrium);
        let mut scores = Vec::new();
        for &dynamics in &self.dynamics {
            // `phased` has an answer at the end of its windows only; the others have one at every step.
            let (runs, last): (Vec<u32>, Vec<u32>) = match dynamics {
                Dynamics::Phased => (times.clone(), Vec::new()),
                _ => times.last().into_iter().map(|&last| (last, last)).unzip(),
            };
            for time_steps in runs {
                let simulation = Simulation {
                    dynamics,
                    time_steps,
                    beta: self.beta,
                    reset: self.reset,
                    retract: !self.no_retract,
                    hysteresis: if dynamics == Dynamics::Accumulated { self.hysteresis } else { 0.0 },
                };
                simulation.validate()?;
                let bar = bar(dynamics, time_steps, examples.len());
                let started = std::time::Instant::now();
                let options = Wanted { exit: self.exit, ..Wanted::default() };
                let runs = simulate_examples(student, examples, &simulation, options, device, |done| {
                    bar.set_position(done as u64);
                })?;
                bar.finish_and_clear();
                let seconds = started.elapsed().as_secs_f64();
                let readouts = if last.is_empty() { vec![time_steps] } else { times.clone() };
                for at in readouts {
                    scores.push(scorer.at(&runs, dynamics, at, (self.exit.is_some(), seconds))?);
                }
                let exact = self.beta == 1.0 && self.reset == Reset::Soft;
                if dynamics == Dynamics::Phased && time_steps == trained && exact {
                    let (compared, different) = compare_counts(student, examples, device)?;
                    scores.last_mut().expect("the score just pushed").counts = Some(Counts { compared, different });
                }
            }
        }
        Ok(scores)
    }
}

fn bar(dynamics: Dynamics, time_steps: u32, examples: usize) -> ProgressBar {
    let target = match std::io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} examples, {eta} left");
    ProgressBar::with_draw_target(Some(examples as u64), target)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(format!("{dynamics}, T = {time_steps}"))
}

struct Scorer<'a> {
    task: &'a TaskSpec,
    examples: &'a [Encoded],
    expected: Vec<f32>,
    /// Neurons of each population, a token.
    widths: Vec<usize>,
    tokens: usize,
    classes: usize,
}

impl<'a> Scorer<'a> {
    fn new(student: &Student, task: &'a TaskSpec, examples: &'a [Encoded], equilibrium: &Predictions) -> Self {
        Self {
            task,
            examples,
            expected: equilibrium.answers(task),
            widths: student.config.population_widths(),
            tokens: examples.iter().map(|example| example.ids.len()).sum(),
            classes: student.config.num_labels,
        }
    }

    /// The score after `time_steps` steps, or where a sentence ended before.
    fn at(
        &self,
        runs: &[SentenceRun],
        dynamics: Dynamics,
        time_steps: u32,
        (exit, seconds): (bool, f64),
    ) -> Result<TimeScore> {
        let populations = self.widths.len();
        let mut logits = Vec::with_capacity(runs.len());
        // Spikes of each population, and the neuron-steps in which they could have fired.
        let mut spikes = vec![0u64; populations];
        let (mut token_steps, mut steps_taken) = (0u64, 0u64);
        for (run, example) in runs.iter().zip(self.examples) {
            let steps = run.steps.min(time_steps);
            let rows = if dynamics == Dynamics::Phased { 1 } else { steps as usize };
            logits.push(run.logits[(rows - 1) * self.classes..][..self.classes].to_vec());
            for row in run.spikes.chunks_exact(populations).take(rows) {
                spikes.iter_mut().zip(row).for_each(|(sum, &n)| *sum += u64::from(n));
            }
            token_steps += u64::from(steps) * example.ids.len() as u64;
            steps_taken += u64::from(steps);
        }
        let predictions = Predictions { logits, rates: BTreeMap::new(), feedback: None };
        let answers = predictions.answers(self.task);
        let labelled = self.examples.iter().all(|example| example.target.is_some());
        let same = answers.iter().zip(&self.expected).filter(|(a, b)| a == b).count();
        let rate = |(&spikes, &width): (&u64, &usize)| spikes as f64 / (token_steps as f64 * width as f64);
        let rates: f64 = spikes.iter().zip(&self.widths).map(rate).sum();
        Ok(TimeScore {
            dynamics,
            time_steps,
            mean_steps: exit.then(|| steps_taken as f64 / runs.len() as f64),
            metrics: if labelled { predictions.score(self.task, self.examples)? } else { BTreeMap::new() },
            agreement: matches!(self.task.target, Target::Classification { .. })
                .then(|| same as f64 / runs.len().max(1) as f64),
            mean_rate: rates / populations as f64,
            spikes_per_token: spikes.iter().sum::<u64>() as f64 / self.tokens.max(1) as f64,
            seconds,
            counts: None,
        })
    }
}

/// Prints the scores as a table.
pub(crate) fn print(scores: &[TimeScore], primary: &str, out: &mut impl Write) -> Result<()> {
    writeln!(
        out,
        "  {:<14} {:>5} {:>10} {:>10} {:>9} {:>13} {:>8} {:>9}",
        "dynamics", "T", primary, "agreement", "rate", "spikes/token", "steps", "seconds"
    )?;
    for score in scores {
        let metric = score.metrics.get(primary).map_or("-".into(), |value| format!("{value:.4}"));
        let agreement = score.agreement.map_or("-".into(), |value| format!("{value:.4}"));
        let steps = score.mean_steps.unwrap_or(f64::from(score.time_steps));
        writeln!(
            out,
            "  {:<14} {:>5} {metric:>10} {agreement:>10} {:>9.4} {:>13.0} {steps:>8.2} {:>9.1}",
            score.dynamics.name(),
            score.time_steps,
            score.mean_rate,
            score.spikes_per_token,
            score.seconds
        )?;
        if let Some(Counts { compared, different }) = score.counts {
            writeln!(out, "  {compared} spike counts compared with the quantised equilibrium: {different} differ")?;
        }
    }
    out.flush().context("write the table")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_part_by_part() {
        let rule = parse_rule("margin=1.5,min=4").unwrap();
        assert_eq!(rule, ExitRule { margin: 1.5, min_steps: 4, ..ExitRule::default() });
        assert_eq!(parse_rule("").unwrap(), ExitRule::default());
        for (text, says) in [
            ("margin", "key=value"),
            ("margin=x", "not a number"),
            ("patience=1.5", "number of steps"),
            ("patience=0", "patience"),
            ("change=-1", "change"),
            ("color=1", "expected margin"),
        ] {
            assert!(parse_rule(text).unwrap_err().contains(says), "{text}");
        }
    }
}
