//! What a model answers on examples, and how often its neurons fire.

use bitspike::config::population_names;
use bitspike::forward::SentenceRun;
use bitspike::{Encoding, Model};
use bitspike_data::{Encoded, Predictions, sorted_batches};

use crate::error::Result;

/// Examples at a time.
const BATCH: usize = 64;

/// What `model` says of `examples`, with its firing rates.
///
/// # Errors
/// If an example does not fit the model or a current is not finite.
pub fn predict(model: &Model, examples: &[Encoded]) -> Result<Predictions> {
    predict_with(model, examples, |encodings| model.simulate_ids(encodings, false), |_, _| {})
}

/// As [`predict`], with everything counted that each neuron sends: `each` gets the examples one by one, shortest first, with
/// their runs, whose [`SentenceRun::sent`] [`bitspike::count`] reads.
///
/// # Errors
/// As [`predict`].
pub fn predict_counted(
    model: &Model,
    examples: &[Encoded],
    each: impl FnMut(&Encoded, &SentenceRun),
) -> Result<Predictions> {
    predict_with(model, examples, |encodings| model.count_ids(encodings), each)
}

fn predict_with(
    model: &Model,
    examples: &[Encoded],
    run: impl Fn(&[Encoding]) -> bitspike::Result<Vec<SentenceRun>>,
    mut each: impl FnMut(&Encoded, &SentenceRun),
) -> Result<Predictions> {
    let student = &model.header().student;
    let names = population_names(student.layers);
    let mut logits = vec![Vec::new(); examples.len()];
    let (mut spikes, mut steps) = (vec![0u64; names.len()], 0.0);
    for indices in sorted_batches(examples, BATCH) {
        let encodings: Vec<Encoding> = indices.iter().map(|&index| examples[index].encoding()).collect();
        for (index, run) in indices.into_iter().zip(run(&encodings)?) {
            let example = &examples[index];
            each(example, &run);
            spikes.iter_mut().zip(&run.spikes).for_each(|(sum, &n)| *sum += n);
            steps += f64::from(run.steps) * example.ids.len() as f64;
            logits[index] = run.logits;
        }
    }
    let widths = student.population_widths();
    let rate = |((name, spikes), width): ((String, u64), usize)| (name, spikes as f64 / (steps * width as f64));
    let rates = names.into_iter().zip(spikes).zip(widths).map(rate).collect();
    Ok(Predictions { logits, rates })
}
