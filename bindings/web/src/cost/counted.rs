//! Costs by the analysis.

use std::cell::OnceCell;

use bitspike::{Encoding, Model};
use bitspike_analysis::cost::{Network, TextCost, TextMeter};
use bitspike_analysis::energy::{Compute, Constant, Memory, Profile};
use serde::Serialize;

use crate::fault::Fault;

/// Counts and prices what texts take; looks at the model's weights when it is first asked.
#[derive(Debug, Default)]
pub(crate) struct Meter(OnceCell<TextMeter>);

impl Meter {
    /// Of one text in the simulation of `model`.
    pub(crate) fn measure(&self, model: &Model, encoding: &Encoding) -> Result<Taken, Fault> {
        let meter = self.0.get_or_init(|| TextMeter::new(model, profile()));
        let cost = meter.measure(model, encoding).map_err(|error| Fault::internal(error.to_string()))?;
        Ok(cost.into())
    }
}

/// The constants `45nm`, without their sources.
fn profile() -> Profile {
    let constant = |value| Constant { value, unit: String::new(), source: String::new() };
    include!(concat!(env!("OUT_DIR"), "/45nm.rs"))
}

/// What one text took.
#[derive(Debug, Serialize)]
pub(crate) struct Taken {
    spikes: u64,
    accumulates: u64,
    multiply_adds: u64,
    steps: u32,
    energy_uj: Energy,
}

/// Microjoules of arithmetic and memory.
#[derive(Debug, Serialize)]
struct Energy {
    spiking: Option<f64>,
    int8_teacher: Option<f64>,
    fp32_teacher: Option<f64>,
    quantized: Option<f64>,
}

impl From<TextCost> for Taken {
    fn from(cost: TextCost) -> Self {
        let microjoules = |network: Network| cost.picojoules(network).map(|picojoules| picojoules / 1e6);
        Self {
            spikes: cost.operations.spikes,
            accumulates: cost.operations.effective_acs(),
            multiply_adds: cost.operations.effective_macs(),
            steps: cost.steps,
            energy_uj: Energy {
                spiking: microjoules(Network::Student),
                int8_teacher: microjoules(Network::Int8),
                fp32_teacher: microjoules(Network::Fp32),
                quantized: microjoules(Network::Quantised),
            },
        }
    }
}
