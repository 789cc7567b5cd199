//! Sentences through an encoder, each by itself.

use super::{Dynamics, Record, SentenceRun, Sentences, Simulation, Wanted, phased, stepped};
use crate::encoder::Encoder;
use crate::error::Result;
use crate::parallel;

/// Runs sentences through an encoder.
///
/// ```
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");
/// use bitspike::forward::{Dynamics, Sentences, Simulation, Wanted, simulate};
/// let model = bitspike::Model::load(path)?;
/// let encoder = model.encoder();
/// let currents = vec![0.5; 7 * encoder.config().hidden];
/// let sentences = Sentences { currents: &currents, lengths: &[3, 4] };
/// let runs = simulate(encoder, sentences, &Simulation::new(Dynamics::Accumulated, 20), Wanted::default())?;
/// assert_eq!((runs.len(), runs[0].steps, runs[0].logits.len()), (2, 20, 20 * 2));
/// # Ok::<(), bitspike::Error>(())
/// ```
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) if the settings of the simulation or of an exit rule are out of range or do not go
/// together, the shapes do not fit, or a current (population and step are named) or an answer is not finite.
pub fn simulate(
    encoder: &Encoder,
    sentences: Sentences<'_>,
    simulation: &Simulation,
    wanted: Wanted<'_>,
) -> Result<Vec<SentenceRun>> {
    simulation.validate()?;
    simulation.fits(&encoder.config)?;
    wanted.exit.map_or(Ok(()), |rule| rule.check(simulation.dynamics))?;
    let run = |currents: &[f32]| one(encoder, currents, simulation, wanted, &mut ());
    parallel::map(sentences.split(encoder)?, 1, run).into_iter().collect()
}

/// Like [`simulate`] for one sentence of the given `currents`, showing every step of every population to `record`.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_recorded(
    encoder: &Encoder,
    currents: &[f32],
    simulation: &Simulation,
    record: &mut impl Record,
) -> Result<SentenceRun> {
    simulation.validate()?;
    simulation.fits(&encoder.config)?;
    Sentences { currents, lengths: &[currents.len() / encoder.config.hidden] }.split(encoder)?;
    one(encoder, currents, simulation, Wanted { sums: true, ..Wanted::default() }, record)
}

fn one(
    encoder: &Encoder,
    currents: &[f32],
    simulation: &Simulation,
    wanted: Wanted<'_>,
    record: &mut impl Record,
) -> Result<SentenceRun> {
    match simulation.dynamics {
        Dynamics::Phased => phased::run(encoder, currents, simulation, wanted, record),
        Dynamics::Accumulated | Dynamics::Instantaneous => stepped::run(encoder, currents, simulation, wanted, record),
    }
}
