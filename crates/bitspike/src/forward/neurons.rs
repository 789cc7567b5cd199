//! Neurons of one population, stepped together, and the spikes that they send.

use std::ops::Range;

use super::simulation::Simulation;
use crate::arithmetic::vectorised;
use crate::kernels::SpikeBits;
use crate::neuron::Reset;

/// Largest current: far above any model's, and still finite after [`crate::neuron::MAX_TIME_STEPS`] steps.
const LARGEST: f32 = 1e30;

/// How a population receives its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// Step by step: what is given is the current `I[t]`.
    Current,
    /// As the sum of all currents so far: what is given is `f`, and `W[t] f` the sum.
    Mean,
}

/// Potentials, and sums of spikes.
#[derive(Debug)]
pub(super) struct Neurons {
    theta: f32,
    signed: bool,
    input: Input,
    /// `v[t]`; for [`Input::Mean`] `v[t] - W[t] f[t]`, which a soft reset keeps free of rounding in `f`.
    potentials: Vec<f32>,
    /// `A[t] = beta A[t-1] + s[t]`, where somebody needs it.
    pub(super) sums: Vec<f32>,
    /// `v[t]` after the spike, where it is recorded.
    pub(super) recorded: Vec<f32>,
}

/// The constants of a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) beta: f32,
    reset: Reset,
    hysteresis: f32,
    /// Whether unsigned neurons take spikes back.
    retract: bool,
    /// `W[t]`
    pub(super) weight: f32,
    /// Whether sums of spikes are kept although no rule asks for them.
    sums: bool,
    /// Whether potentials are kept for a record.
    record: bool,
    /// `t`
    done: u32,
    /// `T`
    time_steps: u32,
}

impl Step {
    /// Before the first step.
    pub(super) fn rest(simulation: &Simulation, sums: bool, record: bool) -> Self {
        let Simulation { beta, reset, hysteresis, retract, time_steps, .. } = *simulation;
        Self { beta, reset, hysteresis, retract, weight: 0.0, sums, record, done: 0, time_steps }
    }

    /// The next step.
    pub(super) fn next(self) -> Self {
        Self { weight: self.beta * self.weight + 1.0, done: self.done + 1, ..self }
    }

    /// What a spike that takes back another needs beyond its threshold, in thresholds: `h sqrt(1 - t/T)`, nothing at the last
    /// step.
    fn reluctance(self) -> f32 {
        self.hysteresis * (1.0 - self.done as f32 / self.time_steps as f32).max(0.0).sqrt()
    }
}

/// Soft reset, no hysteresis, nothing taken back by unsigned neurons, no sums, no record.
const PLAIN: u8 = 0;
/// Soft reset, spikes that take back others by rules of their own, no record.
const CORRECTING: u8 = 1;
/// Any neuron.
const GENERAL: u8 = 2;

impl Neurons {
    /// `size` neurons at rest.
    pub(super) fn at_rest((theta, signed): (f32, bool), size: usize, input: Input) -> Self {
        Self {
            theta,
            signed,
            input,
            potentials: vec![if signed { 0.0 } else { theta / 2.0 }; size],
            sums: Vec::new(),
            recorded: Vec::new(),
        }
    }

    /// One step of the neurons from `first` on with one value of `input` each, which leaves their spikes; `false` if one of
    /// `input` is NaN or of magnitude above [`LARGEST`].
    pub(super) fn fire(&mut self, first: usize, input: &[f32], step: Step, spikes: &mut [i8]) -> bool {
        if step.record {
            self.recorded.resize(self.potentials.len(), 0.0);
        }
        // The kind of neuron is decided outside the loop, so that each loop is straight-line code.
        let retracts = step.retract && !self.signed && self.input == Input::Mean;
        let rule = match step.reset {
            Reset::Soft if !step.record && !step.sums && step.hysteresis == 0.0 && !retracts => PLAIN,
            Reset::Soft if !step.record => CORRECTING,
            _ => GENERAL,
        };
        if rule != PLAIN {
            self.sums.resize(self.potentials.len(), 0.0);
        }
        let neurons = (first, input, step, spikes);
        match (self.input, self.signed, rule) {
            (Input::Current, true, PLAIN) => self.step::<false, true, PLAIN>(neurons),
            (Input::Current, false, PLAIN) => self.step::<false, false, PLAIN>(neurons),
            (Input::Mean, true, PLAIN) => self.step::<true, true, PLAIN>(neurons),
            (Input::Mean, false, PLAIN) => self.step::<true, false, PLAIN>(neurons),
            (Input::Current, true, CORRECTING) => self.step::<false, true, CORRECTING>(neurons),
            (Input::Current, false, CORRECTING) => self.step::<false, false, CORRECTING>(neurons),
            (Input::Mean, true, CORRECTING) => self.step::<true, true, CORRECTING>(neurons),
            (Input::Mean, false, CORRECTING) => self.step::<true, false, CORRECTING>(neurons),
            (Input::Current, true, _) => self.step::<false, true, GENERAL>(neurons),
            (Input::Current, false, _) => self.step::<false, false, GENERAL>(neurons),
            (Input::Mean, true, _) => self.step::<true, true, GENERAL>(neurons),
            (Input::Mean, false, _) => self.step::<true, false, GENERAL>(neurons),
        }
    }

    /// The step itself, under one of the rules below.
    fn step<const MEAN: bool, const SIGNED: bool, const RULE: u8>(
        &mut self,
        (first, input, step, spikes): (usize, &[f32], Step, &mut [i8]),
    ) -> bool {
        let (theta, half, beta) = (self.theta, self.theta / 2.0, step.beta);
        let hard = RULE == GENERAL && step.reset == Reset::Hard;
        let record = RULE == GENERAL && step.record;
        let extra = if RULE == PLAIN { 0.0 } else { step.reluctance() * theta };
        // Nothing is ever below this where nothing is taken back.
        let lowest = if RULE != PLAIN && MEAN && step.retract { -extra } else { f32::NEG_INFINITY };
        let sums = if RULE == PLAIN { &mut [][..] } else { &mut self.sums[first..] };
        let recorded = if record { &mut self.recorded[first..] } else { &mut [][..] };
        let potentials = &mut self.potentials[first..];
        let weight = step.weight;
        // By value: constants behind a reference would have to be loaded again after every store.
        vectorised!(move || {
            // Slices of one length let the compiler see that no index is out of range.
            let size = input.len();
            let (potentials, spikes) = (&mut potentials[..size], &mut spikes[..size]);
            let sums = if RULE == PLAIN { sums } else { &mut sums[..size] };
            // Magnitudes order as their bits do, infinity and NaN last.
            let mut largest = 0;
            for i in 0..size {
                largest = largest.max(input[i].to_bits() & 0x7fff_ffff);
                let target = if MEAN { weight * input[i] } else { input[i] };
                let kept = beta * potentials[i];
                let v = kept + target;
                // `&`, not `&&`: without a branch the loop is one of vectors.
                let (up, down) = match (SIGNED, RULE) {
                    (true, PLAIN) => (v >= half, v < -half),
                    // A spike against the sign of the sum takes an earlier one back.
                    (true, _) => {
                        let above = half + if sums[i] < 0.0 { extra } else { 0.0 };
                        let below = half + if sums[i] > 0.0 { extra } else { 0.0 };
                        (v >= above, v < -below)
                    }
                    (false, PLAIN) => (v >= theta, false),
                    (false, _) => (v >= theta, (sums[i] > 0.0) & (v < lowest)),
                };
                let s = if up { 1.0 } else { 0.0 } - if down { 1.0 } else { 0.0 };
                let soft = v - theta * s;
                let left = if MEAN { kept - theta * s } else { soft };
                potentials[i] = match (hard && (up || down), MEAN) {
                    (false, _) => left,
                    (true, false) => 0.0,
                    (true, true) => -target,
                };
                if RULE != PLAIN {
                    sums[i] = beta * sums[i] + s;
                }
                spikes[i] = i8::from(up) - i8::from(down);
                if record {
                    recorded[i] = if hard && (up || down) { 0.0 } else { soft };
                }
            }
            largest <= LARGEST.to_bits()
        })
    }

    /// Their threshold.
    pub(super) fn theta(&self) -> f32 {
        self.theta
    }
}

/// The spikes of some neurons over some steps, a row for each token and step, as bytes and as bits.
#[derive(Debug)]
pub(super) struct Train {
    width: usize,
    spikes: Vec<i8>,
    bits: SpikeBits,
}

impl Train {
    /// Room for `rows` rows of `width` neurons.
    pub(super) fn new(rows: usize, width: usize) -> Self {
        Self { width, spikes: vec![0; rows * width], bits: SpikeBits::silent(rows, width) }
    }

    /// Fills row `row` with what the neurons from `first` on send; as [`Neurons::fire`].
    pub(super) fn fire(&mut self, row: usize, neurons: &mut Neurons, first: usize, input: &[f32], step: Step) -> bool {
        let spikes = &mut self.spikes[row * self.width..][..self.width];
        let finite = neurons.fire(first, input, step, spikes);
        self.bits.set_row(row, spikes);
        finite
    }

    /// All rows, as products read them.
    pub(super) fn both(&self) -> (&SpikeBits, &[i8]) {
        (&self.bits, &self.spikes)
    }

    /// The spikes of the rows `rows`.
    pub(super) fn rows(&self, rows: Range<usize>) -> &[i8] {
        &self.spikes[rows.start * self.width..rows.end * self.width]
    }

    /// The number of spikes, of either sign, in the rows `rows`.
    pub(super) fn fired(&self, rows: Range<usize>) -> u64 {
        self.bits.spikes(rows)
    }
}
