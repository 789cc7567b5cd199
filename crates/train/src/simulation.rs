//! Students in time: from a trained student to the engine's encoder, and scores along a simulation.

use bitspike::config::population_names;
use bitspike::encoder::Encoder;
use bitspike::forward::{Dynamics, SentenceRun, Simulation, Wanted, simulate};
use burn::module::Module;
use burn::tensor::Device;

use crate::batches::pack;
use crate::error::{Error, Result};
use crate::layers::PackedTokens;
use crate::optimizer::floats;
use crate::student::Student;
use bitspike_data::Predictions;
use bitspike_data::{Encoded, sorted_batches};

/// Examples at a time: enough for every core, few enough that progress shows.
const BATCH: usize = 32;

impl Student {
    /// The encoder as the engine runs it, weights quantised.
    ///
    /// # Errors
    /// If a weight is not finite or a threshold not positive.
    pub fn encoder(&self) -> Result<Encoder> {
        let mut weights = crate::parameters::collect(&self.net);
        Encoder::build(&self.config, |name| {
            let missing = || Error::Mismatch(format!("the student has no `{name}`"));
            Ok(weights.remove(name).ok_or_else(missing)?.values)
        })
    }

    /// Currents of the embedding population, `[M, D]`.
    pub fn embedding_currents(&self, tokens: &PackedTokens, device: &Device) -> Vec<f32> {
        let rows = self.words.rows(&tokens.vocabulary, device);
        floats(self.net.valid().embedding_currents(&self.config, rows, tokens))
    }
}

/// Runs every example through the student's spikes, in the examples' order. `progress` hears how many are done.
///
/// # Errors
/// If the simulation's settings are out of range or a current is not finite.
pub fn simulate_examples(
    student: &Student,
    examples: &[Encoded],
    simulation: &Simulation,
    options: Wanted,
    device: &Device,
    mut progress: impl FnMut(usize),
) -> Result<Vec<SentenceRun>> {
    let encoder = student.encoder()?;
    let student = Student { net: student.net.valid(), ..student.clone() };
    let mut runs = vec![SentenceRun::default(); examples.len()];
    let mut done = 0;
    for indices in sorted_batches(examples, BATCH) {
        let tokens = pack(examples, &indices);
        let embedded = student.embedding_currents(&tokens, device);
        let lengths: Vec<usize> = tokens.segments.ranges().map(|range| range.len()).collect();
        let found = simulate(&encoder, (&embedded, &lengths), simulation, options)?;
        indices.iter().zip(found).for_each(|(&index, run)| runs[index] = run);
        done += indices.len();
        progress(done);
    }
    Ok(runs)
}

/// What `student` answers at the end of a simulation, with its firing rates.
///
/// # Errors
/// As [`simulate_examples`].
pub fn predict_in_time(
    student: &Student,
    examples: &[Encoded],
    simulation: &Simulation,
    device: &Device,
) -> Result<Predictions> {
    let options = Wanted { last_only: true, ..Wanted::default() };
    let runs = simulate_examples(student, examples, simulation, options, device, |_| ())?;
    let names = population_names(student.config.layers);
    let tokens: usize = examples.iter().map(|example| example.ids.len()).sum();
    let rates = names.into_iter().zip(student.config.population_widths()).enumerate().map(|(p, (name, width))| {
        let spikes: u64 = runs.iter().map(|run| u64::from(run.spikes[p])).sum();
        (name, spikes as f64 / (tokens * width) as f64 / f64::from(simulation.time_steps))
    });
    let rates = rates.collect();
    Ok(Predictions { logits: runs.into_iter().map(|run| run.logits).collect(), rates })
}

/// Weighted spike sums of every population of a batch at the end of a simulation, with their shapes `[M, width]`.
///
/// # Errors
/// As [`simulate_examples`].
pub(crate) fn simulated_sums(
    student: &Student,
    tokens: &PackedTokens,
    simulation: &Simulation,
    device: &Device,
) -> Result<Vec<(Vec<f32>, [usize; 2])>> {
    let encoder = student.encoder()?;
    let embedded = student.embedding_currents(tokens, device);
    let lengths: Vec<usize> = tokens.segments.ranges().map(|range| range.len()).collect();
    let options = Wanted { sums: true, last_only: true, ..Wanted::default() };
    let runs = simulate(&encoder, (&embedded, &lengths), simulation, options)?;
    let population = |(p, width): (usize, usize)| {
        let sums: Vec<f32> = runs.iter().flat_map(|run| run.sums[p].iter().copied()).collect();
        (sums, [tokens.len(), width])
    };
    Ok(student.config.population_widths().into_iter().enumerate().map(population).collect())
}

/// Compares the spike counts of `phased` at the student's `T` with those of its quantised equilibrium, population by population:
/// how many were compared, and how many differ.
///
/// # Errors
/// If a current is not finite.
pub fn compare_counts(student: &Student, examples: &[Encoded], device: &Device) -> Result<(u64, u64)> {
    let encoder = student.encoder()?;
    let student = Student { net: student.net.valid(), ..student.clone() };
    let simulation = Simulation::new(Dynamics::Phased, student.config.time_steps);
    let (mut compared, mut different) = (0, 0);
    for indices in sorted_batches(examples, BATCH) {
        let tokens = pack(examples, &indices);
        let embedded = student.embedding_currents(&tokens, device);
        let lengths: Vec<usize> = tokens.segments.ranges().map(|range| range.len()).collect();
        let options = Wanted { sums: true, ..Wanted::default() };
        let runs = simulate(&encoder, (&embedded, &lengths), &simulation, options)?;
        let populations = student.infer(&tokens, device).populations;
        for (p, (_, counts)) in populations.into_iter().enumerate() {
            let counts = floats(counts);
            let found = runs.iter().flat_map(|run| &run.sums[p]);
            compared += counts.len() as u64;
            different += counts.iter().zip(found).filter(|(a, b)| a != b).count() as u64;
        }
    }
    Ok((compared, different))
}
