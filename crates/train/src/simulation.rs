//! Students in time: from a trained student to the engine's encoder, and its answers at the end of a simulation.

use bitspike::config::population_names;
use bitspike::encoder::Encoder;
use bitspike::forward::{Rows, SentenceRun, Sentences, Simulation, Wanted, simulate};
use bitspike_data::{Encoded, Predictions, sorted_batches};
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::batches::pack;
use crate::error::{Error, Result};
use crate::layers::PackedTokens;
use crate::parameters::floats;
use crate::student::Student;

/// Examples at a time: enough for every core.
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

/// A student's encoder and what its currents come from, without gradients.
struct InTime<'a> {
    encoder: Encoder,
    student: Student,
    simulation: &'a Simulation,
    device: &'a Device,
}

impl<'a> InTime<'a> {
    fn new(student: &Student, simulation: &'a Simulation, device: &'a Device) -> Result<Self> {
        let (encoder, net) = (student.encoder()?, student.net.valid());
        Ok(Self { encoder, student: Student { net, ..student.clone() }, simulation, device })
    }

    /// Runs the sentences of a batch.
    fn run(&self, tokens: &PackedTokens, wanted: Wanted<'_>) -> Result<Vec<SentenceRun>> {
        let currents = &self.student.embedding_currents(tokens, self.device);
        let lengths: &Vec<usize> = &tokens.segments.ranges().map(|range| range.len()).collect();
        Ok(simulate(&self.encoder, Sentences { currents, lengths }, self.simulation, wanted)?)
    }
}

/// What `student` answers at the end of a simulation, with its firing rates.
///
/// # Errors
/// If the simulation's settings are out of range or a current is not finite.
pub fn predict_in_time(
    student: &Student,
    examples: &[Encoded],
    simulation: &Simulation,
    device: &Device,
) -> Result<Predictions> {
    let in_time = InTime::new(student, simulation, device)?;
    let wanted = Wanted { rows: Rows::Last, ..Wanted::default() };
    let names = population_names(student.config.layers);
    let (mut logits, mut spikes) = (vec![Vec::new(); examples.len()], vec![0u64; names.len()]);
    for indices in sorted_batches(examples, BATCH) {
        for (&index, run) in indices.iter().zip(in_time.run(&pack(examples, &indices), wanted)?) {
            spikes.iter_mut().zip(&run.spikes).for_each(|(sum, &n)| *sum += n);
            logits[index] = run.logits;
        }
    }
    let tokens: usize = examples.iter().map(|example| example.ids.len()).sum();
    let rates = names.into_iter().zip(student.config.population_widths()).zip(spikes).map(|((name, width), spikes)| {
        (name, spikes as f64 / (tokens * width) as f64 / f64::from(simulation.time_steps))
    });
    Ok(Predictions { logits, rates: rates.collect() })
}

/// Weighted spike sums of every population of a batch at the end of a simulation, with their shapes `[M, width]`.
///
/// # Errors
/// As [`predict_in_time`].
pub(crate) fn simulated_sums(
    student: &Student,
    tokens: &PackedTokens,
    simulation: &Simulation,
    device: &Device,
) -> Result<Vec<(Vec<f32>, [usize; 2])>> {
    let wanted = Wanted { sums: true, rows: Rows::Last, ..Wanted::default() };
    let runs = InTime::new(student, simulation, device)?.run(tokens, wanted)?;
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
    let simulation = Simulation::of(&student.config);
    let in_time = InTime::new(student, &simulation, device)?;
    let mut total = (0, 0);
    for indices in sorted_batches(examples, BATCH) {
        let tokens = pack(examples, &indices);
        let runs = in_time.run(&tokens, Wanted { sums: true, ..Wanted::default() })?;
        let found = different_counts(in_time.student.infer(&tokens, device).populations, &runs);
        total = (total.0 + found.0, total.1 + found.1);
    }
    Ok(total)
}

/// How many counts `populations` have, and how many of them `runs` of the same sentences do not have.
pub(crate) fn different_counts(populations: Vec<(String, Tensor<2>)>, runs: &[SentenceRun]) -> (u64, u64) {
    let (mut compared, mut different) = (0, 0);
    for (p, (_, counts)) in populations.into_iter().enumerate() {
        let found: Vec<f32> = runs.iter().flat_map(|run| run.sums.get(p).into_iter().flatten().copied()).collect();
        let (all, of_these) = compare_values(&floats(counts), &found);
        compared += all;
        different += of_these;
    }
    (compared, different)
}

/// How many values there are, and how many differ: those that one of the two lacks among them, and those that are no numbers.
fn compare_values(expected: &[f32], found: &[f32]) -> (u64, u64) {
    let most = expected.len().max(found.len());
    let same = expected.iter().zip(found).filter(|(a, b)| a == b).count();
    (most as u64, (most - same) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_one_of_two_lacks_differs() {
        assert_eq!(compare_values(&[1.0, 2.0], &[1.0, 2.0]), (2, 0));
        assert_eq!(compare_values(&[1.0, 2.0, 3.0], &[1.0, 2.0]), (3, 1));
        assert_eq!(compare_values(&[1.0], &[1.0, 2.0, 3.0]), (3, 2));
        assert_eq!(compare_values(&[1.0, f32::NAN], &[1.0, f32::NAN]), (2, 1));
        assert_eq!(compare_values(&[], &[]), (0, 0));
    }
}
