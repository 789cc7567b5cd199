//! The same answers in every code: what each takes.

use bitspike::neuron::Code;
use bitspike::{Dynamics, Model, Simulation};
use serde::Serialize;

use crate::counts::Counts;
use crate::energy::{CountedStudent, Synapses};
use crate::error::Result;
use crate::examples::EncodedSplit;

/// What a code takes of a mean sentence; answers do not depend on it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CodeCost {
    /// How counts are handed on.
    pub code: Code,
    /// Steps of a window.
    pub steps: u32,
    /// Spikes of either sign.
    pub spikes: f64,
    /// Accumulates of the weight matrices.
    pub synaptic_acs: f64,
    /// Accumulates of a synapse that is not zero in a window.
    pub accumulates_a_synapse: f64,
    /// Accumulates of scores and contexts.
    pub attention_acs: f64,
    /// Neurons times steps.
    pub membrane_updates: f64,
    /// Picojoules of operations.
    pub compute_picojoules: f64,
    /// Picojoules with memory.
    pub total_picojoules: f64,
}

/// Every code on the same sentences as `counted`, which is of the model's own and is not counted again; none but for windows that
/// end in counts.
pub(super) fn compare(
    model: &Model,
    split: &EncodedSplit,
    counted: &CountedStudent<'_>,
    synapses: &Synapses,
) -> Result<Vec<CodeCost>> {
    let simulation = *model.simulation();
    if simulation.dynamics != Dynamics::Phased {
        return Ok(Vec::new());
    }
    let fits = |it: &Simulation| it.validate().and_then(|()| it.fits(&model.header().student)).is_ok();
    let codes = Code::ALL.iter().map(|&code| Simulation { code, ..simulation }).filter(fits);
    let cost = |simulation: Simulation| {
        let total = match simulation.code == model.simulation().code {
            true => *counted.operations,
            false => Counts::new(&model.with_simulation(simulation)?, &split.examples)?.total,
        };
        let estimate = CountedStudent { operations: &total, ..*counted }.spikes(simulation.code.name());
        let mean = |amount: u64| amount as f64 / split.examples.len() as f64;
        Ok(CodeCost {
            code: simulation.code,
            steps: simulation.steps(),
            spikes: mean(total.spikes),
            synaptic_acs: mean(total.synaptic_acs),
            accumulates_a_synapse: total.synaptic_acs as f64 / synapses.there().max(1.0),
            attention_acs: mean(total.attention_acs),
            membrane_updates: mean(total.membrane_updates),
            compute_picojoules: estimate.compute_picojoules,
            total_picojoules: estimate.total_picojoules,
        })
    };
    codes.map(cost).collect()
}
