//! Populations that take steps on a constant current.

use crate::error::Result;
use crate::forward::neurons::{Neurons, Step};
use crate::neuron::{Code, DigitNeuron, Equilibrium, NeuronConfig};

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

/// Neurons that hand on the count of a finished window by digits: see [`DigitNeuron`].
pub(super) struct Digits {
    theta: f32,
    /// Potential of a spike: `theta/T`.
    unit: f64,
    neurons: Vec<DigitNeuron>,
    /// Steps that are left.
    left: u32,
    spikes: Vec<i8>,
    recorded: Vec<f32>,
}

impl Digits {
    pub(super) fn after_window(code: Code, config: NeuronConfig, current: &[f32]) -> Result<Self> {
        let window = Equilibrium::new(config)?;
        let NeuronConfig { time_steps, signed, theta, .. } = config;
        let high = time_steps as i32;
        let range = (if signed { -high } else { 0 }, high);
        Ok(Self {
            theta,
            unit: f64::from(theta) / f64::from(time_steps),
            neurons: current.iter().map(|&i| DigitNeuron::new(code, window.charge(i), range)).collect(),
            left: code.steps(time_steps),
            spikes: vec![0; current.len()],
            recorded: vec![0.0; current.len()],
        })
    }
}

impl Fire for Digits {
    fn fire(&mut self, _current: &[f32]) -> (&[i8], &[f32]) {
        self.left -= 1;
        for ((neuron, spike), recorded) in self.neurons.iter_mut().zip(&mut self.spikes).zip(&mut self.recorded) {
            *spike = neuron.fire(self.left);
            *recorded = (neuron.potential() * self.unit) as f32;
        }
        (&self.spikes, &self.recorded)
    }

    fn theta(&self) -> f32 {
        self.theta
    }
}
