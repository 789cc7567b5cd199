//! The neurons of one population of one sentence, stepped together.

use super::Simulation;
use crate::arithmetic::{lane_sum2, wide};
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
    /// `W[t]`
    pub(super) weight: f32,
    /// Whether potentials are kept for a record.
    record: bool,
}

impl Step {
    /// Before the first step.
    pub(super) fn rest(simulation: &Simulation, record: bool) -> Self {
        let Simulation { beta, reset, hysteresis, .. } = *simulation;
        Self { beta, reset, hysteresis, weight: 0.0, record }
    }

    /// The next step.
    pub(super) fn next(self) -> Self {
        Self { weight: self.beta * self.weight + 1.0, ..self }
    }
}

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
        let plain = step.reset == Reset::Soft && step.hysteresis == 0.0 && !step.record;
        let finite = match (self.input, self.signed, plain) {
            (Input::Current, true, true) => self.step::<false, true, true>(input, step),
            (Input::Current, false, true) => self.step::<false, false, true>(input, step),
            (Input::Mean, true, true) => self.step::<true, true, true>(input, step),
            (Input::Mean, false, true) => self.step::<true, false, true>(input, step),
            (Input::Current, true, false) => self.step::<false, true, false>(input, step),
            (Input::Current, false, false) => self.step::<false, false, false>(input, step),
            (Input::Mean, true, false) => self.step::<true, true, false>(input, step),
            (Input::Mean, false, false) => self.step::<true, false, false>(input, step),
        };
        for (row, spikes) in self.spikes.chunks_exact(self.width).enumerate() {
            self.bits.set_row(row, spikes);
        }
        finite
    }

    /// The step itself; `PLAIN` means soft reset, no hysteresis, no record.
    fn step<const MEAN: bool, const SIGNED: bool, const PLAIN: bool>(&mut self, input: &[f32], step: Step) -> bool {
        let (theta, half, beta) = (self.theta, self.theta / 2.0, step.beta);
        let hard = !PLAIN && step.reset == Reset::Hard;
        let extra = if PLAIN { 0.0 } else { step.hysteresis * theta };
        let (potentials, sums, spikes, recorded) =
            (&mut self.potentials, &mut self.sums, &mut self.spikes, &mut self.recorded);
        wide(
            #[inline(always)]
            || {
                // Slices of one length let the compiler see that no index is out of range.
                let size = input.len();
                let (potentials, sums, spikes) = (&mut potentials[..size], &mut sums[..size], &mut spikes[..size]);
                let recorded = if PLAIN { &mut recorded[..0] } else { &mut recorded[..] };
                for i in 0..size {
                    let target = if MEAN { step.weight * input[i] } else { input[i] };
                    let kept = beta * potentials[i];
                    let v = kept + target;
                    let (up, down) = if !SIGNED {
                        (v >= theta, false)
                    } else if PLAIN {
                        (v >= half, v < -half)
                    } else {
                        // A spike against the sign of the sum takes an earlier one back.
                        let above = half + if sums[i] < 0.0 { extra } else { 0.0 };
                        let below = half + if sums[i] > 0.0 { extra } else { 0.0 };
                        (v >= above, v < -below)
                    };
                    let s = if up { 1.0 } else { 0.0 } - if down { 1.0 } else { 0.0 };
                    let soft = v - theta * s;
                    potentials[i] = match (MEAN, hard && (up || down)) {
                        (false, false) => soft,
                        (false, true) => 0.0,
                        (true, false) => kept - theta * s,
                        (true, true) => -target,
                    };
                    sums[i] = beta * sums[i] + s;
                    spikes[i] = i8::from(up) - i8::from(down);
                    if !PLAIN && step.record {
                        recorded[i] = if hard && (up || down) { 0.0 } else { soft };
                    }
                }
                lane_sum2(input, input, |x, _| if x.abs() <= LARGEST { 0.0 } else { 1.0 }) == 0.0
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
