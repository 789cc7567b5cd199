//! A student with feedback: the fixed point of its loop, and gradients through it without unrolling
//! (`docs/model.md`, "Feedback").
//!
//! With `z` the counts of the embedding population, the loop map is `F(z) = N_emb(LN(..) + W_fb x_N(z))`. At `z = F(z)` a loss
//! `L(z, W)` has the gradient `dL/dW + u^T dF/dW`, where `u` solves `u = dL/dz + (dF/dz)^T u`.

use bitspike::config::{Feedback, StudentConfig};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use rand::Rng;
use serde::Serialize;

use crate::equilibrium::{Limits, Solution, SolveReport, largest_singular_value, norm, solve};
use crate::error::{Error, Result};
use crate::layers::{PackedTokens, Population, matrix, normal, parameter};
use crate::ops::{self, Precision};
use crate::parameters::floats;
use crate::student::{Forward, Student, StudentOutput};

/// `W_fb`, `[D, D]`, quantised like the encoder's matrices.
#[derive(Module, Debug)]
pub struct FeedbackMap {
    /// Latent weight.
    pub weight: Param<Tensor<2>>,
}

impl FeedbackMap {
    /// Normal weights of standard deviation `deviation`.
    pub(crate) fn random(size: usize, deviation: f32, rng: &mut impl Rng, device: &Device) -> Self {
        Self { weight: parameter(normal(size * size, deviation, rng), [size, size], device) }
    }

    /// The largest singular value of the quantised weight; to be found again when the weight has changed.
    pub(crate) fn spectrum(&self, config: &StudentConfig) -> Spectrum {
        let size = config.hidden;
        let latent = floats(self.weight.val());
        let quantised = config.weight_bits.quantize(&latent, [size, size], config.granularity);
        let effective = quantised.ok().flatten().map_or(latent, |quantised| quantised.dequantize());
        let (sigma, left, right) = largest_singular_value(&effective, [size, size]);
        Spectrum { sigma, left, right }
    }

    /// `W_fb x` with the quantised weight scaled down to a largest singular value of at most `spectral_norm`. The gradient goes
    /// through the scaling.
    pub(crate) fn current(
        &self,
        (counts, scale): &Population,
        spectrum: &Spectrum,
        config: &StudentConfig,
    ) -> Tensor<2> {
        let precision = Precision { bits: config.weight_bits, granularity: config.granularity };
        let most = f64::from(config.feedback.unwrap_or_default().spectral_norm);
        let size = config.hidden;
        let device = counts.device().inner();
        let weight = self.weight.val();
        let zero = || Tensor::zeros([1, size], &device);
        let scale = match spectrum.sigma > most {
            false => scale.clone(),
            true => {
                // sigma = u^T W v, whose derivative is u v^T.
                let one = Tensor::ones([1, 1], &device);
                let right = matrix(spectrum.right.clone(), [1, size], &device);
                let left = matrix(spectrum.left.clone(), [size, 1], &device);
                let sigma = ops::linear(right, one, weight.clone(), zero(), precision).matmul(left);
                scale.clone() * sigma.recip() * most
            }
        };
        ops::linear(counts.clone(), scale, weight, zero(), precision)
    }
}

/// Largest singular value of a weight, with its vectors.
#[derive(Debug, Clone)]
pub(crate) struct Spectrum {
    sigma: f64,
    left: Vec<f32>,
    right: Vec<f32>,
}

/// What a loop goes around besides the student.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The batch.
    pub tokens: &'a PackedTokens,
    /// Whether neurons are not rounded, which makes every gradient exact.
    pub continuous: bool,
    /// Where tensors are.
    pub device: &'a Device,
}

/// The loop of a batch.
struct Loop<'a> {
    student: &'a Student,
    spectrum: Spectrum,
    around: Around<'a>,
}

/// How the fixed points of a number of batches were found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct LoopSummary {
    /// Batches.
    pub batches: u64,
    /// Evaluations of the loop map, over all batches.
    pub iterations: u64,
    /// Largest relative residual.
    pub worst_residual: f64,
    /// Batches whose tolerance was not met.
    pub unconverged: u64,
    /// Largest estimate of the spectral radius of the loop map's Jacobian at a solution, where it was asked for.
    pub spectral_radius: Option<f64>,
}

impl LoopSummary {
    /// Counts one more solve.
    pub fn add(&mut self, report: SolveReport) {
        self.batches += 1;
        self.iterations += u64::from(report.iterations);
        self.worst_residual = self.worst_residual.max(report.residual);
        self.unconverged += u64::from(!report.converged);
    }
}

/// A forward pass at the fixed point, whose backward pass is that through the fixed point.
#[derive(Debug)]
pub struct ImplicitPass {
    /// What the student computes there.
    pub output: StudentOutput,
    /// `<u, F(z, W)>` with constant `u` and `z`, `[1, 1]`: added to the loss before its backward pass, it supplies what changes in
    /// the weights change in `z`. Its value means nothing.
    pub correction: Tensor<2>,
    /// How the fixed point was found.
    pub forward: SolveReport,
    /// How `u` was found.
    pub backward: SolveReport,
}

impl Student {
    fn looped<'a>(&'a self, around: &Around<'a>) -> Option<Loop<'a>> {
        let spectrum = self.net.feedback_map()?.spectrum(&self.config);
        Some(Loop { student: self, spectrum, around: *around })
    }

    /// The counts of the embedding population at the fixed point of the map before rounding, `[M, D]`, rounded unless neurons are
    /// `continuous`; no graph is kept. `None` without feedback.
    pub fn fixed_point(&self, around: &Around<'_>) -> Option<Solution> {
        Some(self.looped(around)?.solve_forward())
    }

    /// The student at its fixed point with gradient, for the `loss` `[1, 1]` that is going to be minimised. `rows` are the word rows
    /// of the vocabulary.
    ///
    /// # Errors
    /// If the configuration has no feedback.
    pub fn through_fixed_point(
        &self,
        rows: Tensor<2>,
        around: &Around<'_>,
        loss: impl Fn(&StudentOutput) -> Tensor<2>,
    ) -> Result<ImplicitPass> {
        let Some(looped) = self.looped(around) else {
            return Err(Error::Mismatch("this student has no feedback: set `[student.feedback]` in the recipe".into()));
        };
        let Solution { x: z, report: forward } = looped.solve_forward();
        let leaf = looped.state(&z).require_grad();
        let mut gradients = loss(&looped.layers(leaf.clone())).backward();
        let gradient = leaf.grad_remove(&mut gradients).map_or_else(|| vec![0.0; z.len()], floats);
        drop(gradients);
        let Solution { x: u, report: backward } = looped.solve_backward(&z, gradient);

        let output = looped.layers(looped.state(&z));
        let currents = self.net.embedding_currents(&self.config, rows, around.tokens);
        let next = looped.next(currents, &output.last());
        let correction = (next * matrix(u, looped.shape(), around.device)).sum().reshape([1, 1]);
        Ok(ImplicitPass { output, correction, forward, backward })
    }

    /// Estimate of the spectral radius of the loop map's Jacobian at `z`, by power iteration: below 1 the fixed point is locally
    /// unique and plain iteration converges to it; at 1 or above neither is assured. 0 without feedback.
    pub fn spectral_radius(&self, z: &[f32], around: &Around<'_>) -> f64 {
        let Some(looped) = self.looped(around) else { return 0.0 };
        let mut v: Vec<f32> = (0..z.len()).map(|i| ((i * i + 1) as f32).sin()).collect();
        let mut radius = 0.0;
        for _ in 0..12 {
            let length = norm(&v);
            if length == 0.0 || !length.is_finite() {
                return length;
            }
            v.iter_mut().for_each(|v| *v /= length as f32);
            v = looped.transposed_product(z, &v);
            radius = norm(&v);
        }
        radius
    }
}

impl Loop<'_> {
    /// Of the counts of the embedding population.
    fn shape(&self) -> [usize; 2] {
        [self.around.tokens.len(), self.student.config.hidden]
    }

    fn mode(&self) -> Forward<'static> {
        if self.around.continuous { Forward::Continuous } else { Forward::Quantised }
    }

    fn feedback(&self) -> Feedback {
        self.student.config.feedback.unwrap_or_default()
    }

    /// Counts of the embedding population as a tensor with gradient.
    fn state(&self, z: &[f32]) -> Tensor<2> {
        matrix(z.to_vec(), self.shape(), &self.around.device.clone().autodiff())
    }

    fn layers(&self, z: Tensor<2>) -> StudentOutput {
        self.student.net.layers_from(&self.student.config, z, self.around.tokens, self.mode())
    }

    /// Counts of the embedding population under the last layer's output `above`.
    fn next(&self, currents: Tensor<2>, above: &Population) -> Tensor<2> {
        let net = &self.student.net;
        let above = Some((above, &self.spectrum));
        net.embedding_population(&self.student.config, currents, above, &mut self.mode()).0
    }

    fn limits(&self, tolerance: f32) -> Limits {
        let Feedback { max_iterations, memory, .. } = self.feedback();
        Limits { tolerance: f64::from(tolerance), max_iterations, memory }
    }

    fn solve_forward(&self) -> Solution {
        // Without autodiff no graph is kept.
        let student = Student { net: self.student.net.valid(), ..self.student.clone() };
        // Rounding makes the map a staircase on which no solver settles: what is solved is the map before rounding.
        let around = Around { continuous: true, ..self.around };
        let plain = Loop { student: &student, spectrum: self.spectrum.clone(), around };
        let rows = student.words.rows(&self.around.tokens.vocabulary, self.around.device);
        let currents = student.net.embedding_currents(&student.config, rows, self.around.tokens);
        let start = student.net.embedding_population(&student.config, currents.clone(), None, &mut plain.mode()).0;
        let shape = start.dims();
        let limits = self.limits(self.feedback().tolerance);
        let solution = solve(self.feedback().forward, floats(start), limits, |z| {
            let above = plain.layers(matrix(z.to_vec(), shape, self.around.device)).last();
            Ok(floats(plain.next(currents.clone(), &above)))
        });
        let mut solution = solution.expect("the loop map has no errors of its own");
        if !self.around.continuous {
            solution.x.iter_mut().for_each(|z| *z = z.round());
        }
        solution
    }

    /// `u = gradient + (dF/dz)^T u`
    fn solve_backward(&self, z: &[f32], gradient: Vec<f32>) -> Solution {
        let limits = self.limits(self.feedback().backward_tolerance);
        let solution = solve(self.feedback().backward, gradient.clone(), limits, |u| {
            let product = self.transposed_product(z, u);
            Ok(product.iter().zip(&gradient).map(|(product, g)| product + g).collect())
        });
        solution.expect("vector-Jacobian products have no errors of their own")
    }

    /// `(dF/dz)^T u`; the graph is built anew for each, because a backward pass uses it up.
    fn transposed_product(&self, z: &[f32], u: &[f32]) -> Vec<f32> {
        let z = self.state(z).require_grad();
        let rows = self.student.words.rows(&self.around.tokens.vocabulary, self.around.device);
        let currents = self.student.net.embedding_currents(&self.student.config, rows, self.around.tokens);
        let next = self.next(currents, &self.layers(z.clone()).last());
        let along = next * matrix(u.to_vec(), self.shape(), self.around.device);
        let mut gradients = along.sum().backward();
        z.grad_remove(&mut gradients).map_or_else(|| vec![0.0; u.len()], floats)
    }
}

impl StudentOutput {
    /// The output population of the last layer.
    pub(crate) fn last(&self) -> Population {
        self.hidden[self.hidden.len() - 1].clone()
    }
}
