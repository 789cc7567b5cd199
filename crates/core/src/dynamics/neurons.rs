//! The neurons of one population of one sentence, stepped together.

use super::Simulation;
use crate::arithmetic::wide;
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

/// Potentials, spikes and their sums.
#[derive(Debug)]
pub(super) struct Neurons {
    theta: f32,
    signed: bool,
    width: usize,
    input: Input,
    /// `v[t]`; for [`Input::Mean`] `v[t] - W[t] f[t]`, which a soft reset keeps free of rounding in `f`.
    potentials: Vec<f32>,
    /// `A[t] = beta A[t-1] + s[t]`.
    pub(super) sums: Vec<f32>,
    /// `s[t]` `[L, width]`.
    pub(super) spikes: Vec<i8>,
    /// The same as bits.
    pub(super) bits: SpikeBits,
    /// `v[t]` after the spike, where it is recorded.
    pub(super) recorded: Vec<f32>,
}

/// The constants of a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    beta: f32,
    reset: Reset,
    hysteresis: f32,
    /// Whether unsigned neurons take spikes back.
    retract: bool,
    /// `W[t]`
    pub(super) weight: f32,
    /// Whether potentials are kept for a record.
    record: bool,
    /// `t`
    done: u32,
    /// `T`
    time_steps: u32,
}

impl Step {
    /// Before the first step.
    pub(super) fn rest(simulation: &Simulation, record: bool) -> Self {
        let Simulation { beta, reset, hysteresis, retract, time_steps, .. } = *simulation;
        Self { beta, reset, hysteresis, retract, weight: 0.0, record, done: 0, time_steps }
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

/// Soft reset, no hysteresis, nothing taken back by unsigned neurons, no record.
const PLAIN: u8 = 0;
/// Soft reset, spikes that take back others by rules of their own, no record.
const CORRECTING: u8 = 1;
/// Any neuron.
const GENERAL: u8 = 2;

impl Neurons {
    /// `length` rows of `width` neurons at rest.
    pub(super) fn at_rest((theta, signed): (f32, bool), length: usize, width: usize, input: Input) -> Self {
        let size = length * width;
        Self {
            theta,
            signed,
            width,
            input,
            potentials: vec![if signed { 0.0 } else { theta / 2.0 }; size],
            sums: vec![0.0; size],
            spikes: vec![0; size],
            bits: SpikeBits::silent(length, width),
            recorded: Vec::new(),
        }
    }

    /// One step on `input` `[L, width]`; `false` if one of it is NaN or of magnitude above [`LARGEST`].
    pub(super) fn fire(&mut self, input: &[f32], step: Step) -> bool {
        if step.record {
            self.recorded.resize(self.potentials.len(), 0.0);
        }
        // The kind of neuron is decided outside the loop, so that each loop is straight-line code.
        let retracts = step.retract && !self.signed && self.input == Input::Mean;
        let rule = match step.reset {
            Reset::Soft if !step.record && step.hysteresis == 0.0 && !retracts => PLAIN,
            Reset::Soft if !step.record => CORRECTING,
            _ => GENERAL,
        };
        let finite = match (self.input, self.signed, rule) {
            (Input::Current, true, PLAIN) => self.step::<false, true, PLAIN>(input, step),
            (Input::Current, false, PLAIN) => self.step::<false, false, PLAIN>(input, step),
            (Input::Mean, true, PLAIN) => self.step::<true, true, PLAIN>(input, step),
            (Input::Mean, false, PLAIN) => self.step::<true, false, PLAIN>(input, step),
            (Input::Current, true, CORRECTING) => self.step::<false, true, CORRECTING>(input, step),
            (Input::Current, false, CORRECTING) => self.step::<false, false, CORRECTING>(input, step),
            (Input::Mean, true, CORRECTING) => self.step::<true, true, CORRECTING>(input, step),
            (Input::Mean, false, CORRECTING) => self.step::<true, false, CORRECTING>(input, step),
            (Input::Current, true, _) => self.step::<false, true, GENERAL>(input, step),
            (Input::Current, false, _) => self.step::<false, false, GENERAL>(input, step),
            (Input::Mean, true, _) => self.step::<true, true, GENERAL>(input, step),
            (Input::Mean, false, _) => self.step::<true, false, GENERAL>(input, step),
        };
        for (row, spikes) in self.spikes.chunks_exact(self.width).enumerate() {
            self.bits.set_row(row, spikes);
        }
        finite
    }

    /// The step itself, under one of the rules below.
    fn step<const MEAN: bool, const SIGNED: bool, const RULE: u8>(&mut self, input: &[f32], step: Step) -> bool {
        let (theta, half, beta) = (self.theta, self.theta / 2.0, step.beta);
        let hard = RULE == GENERAL && step.reset == Reset::Hard;
        let record = RULE == GENERAL && step.record;
        let extra = if RULE == PLAIN { 0.0 } else { step.reluctance() * theta };
        // Nothing is ever below this where nothing is taken back.
        let lowest = if RULE != PLAIN && MEAN && step.retract { -extra } else { f32::NEG_INFINITY };
        let (potentials, sums, spikes, recorded) =
            (&mut self.potentials, &mut self.sums, &mut self.spikes, &mut self.recorded);
        wide(
            #[inline(always)]
            || {
                // Slices of one length let the compiler see that no index is out of range.
                let size = input.len();
                let (potentials, sums, spikes) = (&mut potentials[..size], &mut sums[..size], &mut spikes[..size]);
                let recorded = if record { &mut recorded[..] } else { &mut recorded[..0] };
                // Magnitudes order as their bits do, infinity and NaN last.
                let mut largest = 0;
                for i in 0..size {
                    largest = largest.max(input[i].to_bits() & 0x7fff_ffff);
                    let target = if MEAN { step.weight * input[i] } else { input[i] };
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
                    sums[i] = beta * sums[i] + s;
                    spikes[i] = i8::from(up) - i8::from(down);
                    if record {
                        recorded[i] = if hard && (up || down) { 0.0 } else { soft };
                    }
                }
                largest <= LARGEST.to_bits()
            },
        )
    }

    /// Their threshold.
    pub(super) fn theta(&self) -> f32 {
        self.theta
    }

    /// Number of spikes of the step, of either sign.
    pub(super) fn fired(&self) -> u32 {
        self.bits.spikes(0..self.bits.rows()) as u32
    }
}
