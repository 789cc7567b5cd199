//! AdamW (Loshchilov and Hutter, arXiv 1711.05101) in one fused pass over each parameter, with the whole gradient clipped,
//! and a row-sparse form for the word table.
//!
//! burn's own AdamW builds each update from some dozen tensor operations; here every value is read and written once, which
//! is what a step of a small model on a CPU spends its memory bandwidth on.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor, TensorData};
use rayon::prelude::*;

use crate::error::Result;
use crate::layers::WordTable;
use crate::parameters::{Path, floats};
use bitspike_run::weights::Weights;

const BETA: (f32, f32) = (0.9, 0.999);
const EPSILON: f32 = 1e-8;
/// Values of one piece of parallel work.
const PIECE: usize = 1 << 15;

/// First and second moments of one parameter.
#[derive(Debug, Clone, Default)]
struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
}

/// The optimiser's state: moments by parameter path, and the number of steps taken.
#[derive(Debug, Clone, Default)]
pub struct AdamW {
    moments: BTreeMap<String, Moments>,
    words: Moments,
    steps: u64,
}

/// What one update uses.
#[derive(Debug, Clone, Copy)]
pub struct Update {
    /// Learning rate of the matrices, biases and norms.
    pub learning_rate: f64,
    /// Factor on it for thresholds; 0 freezes them.
    pub threshold_rate: f64,
    /// Decoupled weight decay of matrices and tables.
    pub weight_decay: f64,
    /// Largest Euclidean norm of the whole gradient.
    pub clip_norm: f64,
}

/// What one backward pass says of a module and of the rows of its [`WordTable`] that the batch used.
#[derive(Debug)]
pub struct StepGradients<'a> {
    module: ModuleGradients,
    /// Ids of the rows, and their gradient `[ids.len(), D]`.
    rows: Option<(&'a [u32], Vec<f32>)>,
}

impl<'a> StepGradients<'a> {
    /// Takes the gradients of `module`'s parameters and of the `rows` of the ids `ids` out of `gradients`.
    pub fn take<M: Module>(module: &M, rows: &Tensor<2>, ids: &'a [u32], mut gradients: Gradients) -> Self {
        let rows = rows.grad_remove(&mut gradients).map(|gradient| (ids, floats(gradient)));
        Self { module: ModuleGradients::take(module, &mut gradients), rows }
    }

    fn norm(&self) -> f64 {
        let rows = self.rows.as_ref().map_or(0.0, |(_, values)| square_sum(values));
        (self.module.square_norm() + rows).sqrt()
    }
}

/// The gradients of all parameters of a module, by path.
#[derive(Debug)]
pub struct ModuleGradients(BTreeMap<String, Vec<f32>>);

impl ModuleGradients {
    /// Takes the gradients of `module`'s parameters out of `gradients`; parameters that took no part have none.
    pub fn take<M: Module>(module: &M, gradients: &mut Gradients) -> Self {
        struct Taker<'a> {
            path: Path,
            gradients: &'a mut Gradients,
            taken: BTreeMap<String, Vec<f32>>,
        }
        impl ModuleVisitor for Taker<'_> {
            fn enter_module(&mut self, name: &str, _container_type: &str) {
                self.path.enter(name);
            }
            fn exit_module(&mut self, _name: &str, _container_type: &str) {
                self.path.exit();
            }
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                if let Some(gradient) = param.val().grad_remove(self.gradients) {
                    self.taken.insert(self.path.name(), floats(gradient));
                }
            }
        }
        let mut taker = Taker { path: Path::default(), gradients, taken: BTreeMap::new() };
        module.visit(&mut taker);
        Self(taker.taken)
    }

    /// The gradient of the parameter at `path`.
    pub fn get(&self, path: &str) -> Option<&[f32]> {
        self.0.get(path).map(Vec::as_slice)
    }

    /// All of them by path.
    pub fn into_map(self) -> BTreeMap<String, Vec<f32>> {
        self.0
    }

    fn square_norm(&self) -> f64 {
        self.0.values().map(|gradient| square_sum(gradient)).sum()
    }
}

fn square_sum(x: &[f32]) -> f64 {
    let pieces: Vec<f64> = x
        .par_chunks(PIECE)
        .map(|x| {
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || {
                    let mut lanes = [0.0f32; 16];
                    let (chunks, rest) = x.as_chunks::<16>();
                    for chunk in chunks {
                        for (lane, &x) in lanes.iter_mut().zip(chunk) {
                            *lane += x * x;
                        }
                    }
                    lanes.iter().map(|&x| f64::from(x)).sum::<f64>()
                        + rest.iter().map(|&x| f64::from(x * x)).sum::<f64>()
                },
            )
        })
        .collect();
    pieces.iter().sum()
}

/// The constants of one update of one parameter.
#[derive(Clone, Copy)]
struct Coefficients {
    /// Factor on the gradient that clips it.
    clip: f32,
    rate: f32,
    decay: f32,
    /// `1 / (1 - beta^t)` of both moments.
    correction: (f32, f32),
}

/// One fused update: moments, bias correction, decoupled decay.
fn update(values: &mut [f32], gradient: &[f32], (first, second): (&mut [f32], &mut [f32]), c: Coefficients) {
    let pieces = values.par_chunks_mut(PIECE).zip(gradient.par_chunks(PIECE));
    let moments = first.par_chunks_mut(PIECE).zip(second.par_chunks_mut(PIECE));
    pieces.zip(moments).for_each(|((values, gradient), (first, second))| {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for (((value, &gradient), first), second) in values.iter_mut().zip(gradient).zip(first).zip(second) {
                    let gradient = gradient * c.clip;
                    *first = BETA.0 * *first + (1.0 - BETA.0) * gradient;
                    *second = BETA.1 * *second + (1.0 - BETA.1) * gradient * gradient;
                    let direction = *first * c.correction.0 / ((*second * c.correction.1).sqrt() + EPSILON);
                    *value -= c.rate * (direction + c.decay * *value);
                }
            },
        );
    });
}

impl AdamW {
    /// Updates `module`, which comes owned since a clone would share the weights' memory and force a copy of every one, and the
    /// touched rows of `words`. Returns the module and the gradient's norm before clipping; a norm that is not finite changes
    /// nothing.
    ///
    /// Rows that the batch did not touch keep their values and moments (the "lazy" form of Adam): with a vocabulary of
    /// 30,000 and a few hundred words a step, the dense form would spend most of its time on rows without a gradient.
    pub fn step<M: Module>(
        &mut self,
        module: M,
        words: &mut WordTable,
        gradients: StepGradients<'_>,
        settings: Update,
    ) -> (M, f64) {
        let norm = gradients.norm();
        if !norm.is_finite() {
            return (module, norm);
        }
        self.steps += 1;
        let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let correction = |beta: f32| (1.0 / (1.0 - f64::from(beta).powi(steps))) as f32;
        let base = Coefficients {
            clip: (settings.clip_norm / norm.max(settings.clip_norm)) as f32,
            rate: settings.learning_rate as f32,
            decay: settings.weight_decay as f32,
            correction: (correction(BETA.0), correction(BETA.1)),
        };
        if let Some((ids, values)) = gradients.rows {
            self.step_rows(words, ids, &values, base);
        }
        let gradients = gradients.module.0;
        let mut mapper = Mapper { path: Path::default(), gradients, moments: &mut self.moments, base, settings };
        (module.map(&mut mapper), norm)
    }

    fn step_rows(&mut self, words: &mut WordTable, ids: &[u32], gradients: &[f32], c: Coefficients) {
        let size = words.values.len();
        if self.words.first.len() != size {
            self.words = Moments { first: vec![0.0; size], second: vec![0.0; size] };
        }
        let width = words.width;
        for (&id, gradient) in ids.iter().zip(gradients.chunks_exact(width)) {
            let range = id as usize * width..(id as usize + 1) * width;
            let moments = (&mut self.words.first[range.clone()], &mut self.words.second[range.clone()]);
            update(&mut words.values[range], gradient, moments, c);
        }
    }

    /// Adds the state to a checkpoint.
    pub fn store(&self, weights: &mut Weights) {
        let mut put = |name: &str, moments: &Moments| {
            weights.insert(format!("adamw.first.{name}"), &[moments.first.len()], moments.first.clone());
            weights.insert(format!("adamw.second.{name}"), &[moments.second.len()], moments.second.clone());
        };
        for (name, moments) in &self.moments {
            put(name, moments);
        }
        put("words", &self.words);
        weights.metadata.insert("adamw.steps".into(), self.steps.to_string());
    }

    /// Takes the state back from a checkpoint.
    ///
    /// # Errors
    /// If it is incomplete.
    pub fn restore(weights: &mut Weights) -> Result<Self> {
        let names: Vec<String> =
            weights.names().filter_map(|name| name.strip_prefix("adamw.first.").map(str::to_owned)).collect();
        let steps = weights.metadata.get("adamw.steps").and_then(|steps| steps.parse().ok()).unwrap_or(0);
        let mut state = Self { steps, ..Self::default() };
        for name in names {
            let mut take = |part: &str| {
                let key = format!("adamw.{part}.{name}");
                let shape = weights.get(&key).map_or(Vec::new(), |array| array.shape.clone());
                weights.take(&key, &shape)
            };
            let moments = Moments { first: take("first")?, second: take("second")? };
            if name == "words" {
                state.words = moments;
            } else {
                state.moments.insert(name, moments);
            }
        }
        Ok(state)
    }
}

struct Mapper<'a> {
    path: Path,
    gradients: BTreeMap<String, Vec<f32>>,
    moments: &'a mut BTreeMap<String, Moments>,
    base: Coefficients,
    settings: Update,
}

impl ModuleMapper for Mapper<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        let Some(gradient) = self.gradients.remove(&name) else { return param };
        let threshold = name.ends_with("theta");
        let matrix = name.ends_with("weight") || name.ends_with("position") || name.ends_with("token_type");
        let coefficients = Coefficients {
            rate: if threshold { self.base.rate * self.settings.threshold_rate as f32 } else { self.base.rate },
            decay: if matrix { self.base.decay } else { 0.0 },
            ..self.base
        };
        if threshold && self.settings.threshold_rate == 0.0 {
            return param;
        }
        let moments = self
            .moments
            .entry(name)
            .or_insert_with(|| Moments { first: vec![0.0; gradient.len()], second: vec![0.0; gradient.len()] });
        param.map(|tensor| {
            let (shape, device) = (tensor.dims(), tensor.device());
            let mut values = floats(tensor.inner());
            update(&mut values, &gradient, (&mut moments.first, &mut moments.second), coefficients);
            if threshold {
                // A threshold must stay positive for the neuron to mean anything.
                values.iter_mut().for_each(|theta| *theta = theta.max(1e-3));
            }
            Tensor::from_data(TensorData::new(values, shape), &device).require_grad()
        })
    }
}
