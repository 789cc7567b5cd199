//! Populations that take steps on a constant current.

use crate::error::Result;
use crate::forward::neurons::{Neurons, Step};
use crate::neuron::{Equilibrium, NeuronConfig};

/// A population that takes steps on a constant current.
pub(super) trait Fire {
    fn fire(&mut self, current: &[f32]) -> (&[i8], &[f32]);
    fn theta(&self) -> f32;
}

/// Any neuron, in `f32`.
pub(super) struct Leaky {
    pub(super) neurons: Neurons,
    pub(super) step: Step,
    pub(super) spikes: Vec<i8>,
}

impl Fire for Leaky {
    fn fire(&mut self, current: &[f32]) -> (&[i8], &[f32]) {
        self.step = self.step.next();
        // The current was checked, and a constant one keeps potentials finite.
        self.neurons.fire(0, current, self.step, &mut self.spikes);
        (&self.spikes, &self.neurons.recorded)
    }

    fn theta(&self) -> f32 {
        self.neurons.theta()
    }
}

/// Integrate-and-fire neurons whose every sum is exact, so that their counts are those of [`Equilibrium::count`]: potentials are
/// in units of `theta/T`, in `f64`, where a step adds the charge `T I / theta` as `f32` rounds it and a spike takes `T`.
pub(super) struct Exact {
    config: NeuronConfig,
    charges: Vec<f64>,
    potentials: Vec<f64>,
    spikes: Vec<i8>,
    recorded: Vec<f32>,
}

impl Exact {
    pub(super) fn at_rest(config: NeuronConfig, current: &[f32]) -> Result<Self> {
        let neuron = Equilibrium::new(config)?;
        let t = f64::from(config.time_steps);
        let rest = if config.signed { 0.0 } else { t / 2.0 };
        Ok(Self {
            config,
            charges: current.iter().map(|&i| neuron.charge(i)).collect(),
            potentials: vec![rest; current.len()],
            spikes: vec![0; current.len()],
            recorded: vec![0.0; current.len()],
        })
    }
}

impl Fire for Exact {
    fn fire(&mut self, _current: &[f32]) -> (&[i8], &[f32]) {
        let t = f64::from(self.config.time_steps);
        let unit = f64::from(self.config.theta) / t;
        let neurons = self.potentials.iter_mut().zip(&self.charges).zip(&mut self.spikes).zip(&mut self.recorded);
        for (((v, charge), spike), recorded) in neurons {
            *v += charge;
            *spike = match self.config.signed {
                true => i8::from(*v >= t / 2.0) - i8::from(*v < -t / 2.0),
                false => i8::from(*v >= t),
            };
            *v -= t * f64::from(*spike);
            *recorded = (*v * unit) as f32;
        }
        (&self.spikes, &self.recorded)
    }

    fn theta(&self) -> f32 {
        self.config.theta
    }
}
