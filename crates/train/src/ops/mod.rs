//! The fused operations of training: forward and hand-written backward passes on the CPU, each with a twin composed of burn
//! primitives that serves other devices and is the oracle of its tests.
//!
//! Every tensor is `[rows, columns]`: tokens of all sentences of a batch lie one after another (`M` rows, no padding), and a
//! [`Segments`] value says where each sentence begins. A spiking population hands on integer spike *counts* `n` together with
//! a scalar `theta/T`, so that a product of counts with ternary or binary codes is a sum of small integers: exact in `f32`
//! (below 2^24), the same in every order of summation, equal to an integer engine to the bit.

mod attention;
mod elementwise;
mod embed;
mod lanes;
mod linear;
mod neuron;
mod norm;
mod reduce;

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::NoCheckpointing};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, Flex};
use burn::tensor::{Tensor, TensorData};
use burn_flex::FlexTensor;

pub use attention::{Heads, attention, score_distance};
pub use elementwise::gelu;
pub use embed::{embed, gather_rows};
pub use linear::{Precision, linear};
pub use neuron::{continuous_neuron, neuron, simulated_neuron, single_neuron};
pub use norm::{layer_norm, residual_norm};
pub use reduce::{mean_absolute, mean_square, nonzero};

/// Where each sentence of a packed batch begins: `offsets[i]..offsets[i + 1]` are the rows of sentence `i`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segments(Arc<[usize]>);

impl Segments {
    /// Segments of the given lengths, in order.
    ///
    /// ```
    /// let s = bitspike_train::ops::Segments::from_lengths([3, 5]);
    /// assert_eq!((s.rows(), s.len()), (8, 2));
    /// ```
    pub fn from_lengths(lengths: impl IntoIterator<Item = usize>) -> Self {
        let mut offsets = vec![0];
        let mut end = 0;
        for length in lengths {
            end += length;
            offsets.push(end);
        }
        Self(offsets.into())
    }

    /// Number of sentences.
    pub fn len(&self) -> usize {
        self.0.len() - 1
    }

    /// Whether there is no sentence at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of rows (tokens) in all.
    pub fn rows(&self) -> usize {
        self.0[self.0.len() - 1]
    }

    /// First row of each sentence, where BERT puts `[CLS]`.
    pub fn starts(&self) -> &[usize] {
        &self.0[..self.len()]
    }

    /// Row ranges of the sentences.
    pub fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        self.0.windows(2).map(|pair| pair[0]..pair[1])
    }
}

/// One fused operation of `N` inputs and one output.
trait Kernel<const N: usize>: Send + std::fmt::Debug + 'static {
    /// What the backward pass needs of the forward pass.
    type Saved: Clone + Send + std::fmt::Debug + 'static;

    /// The operation itself.
    fn forward(&self, inputs: [FlexTensor; N]) -> (FlexTensor, Self::Saved);

    /// Gradients of the inputs that `needs` names, given the gradient of the output.
    fn backward(&self, saved: Self::Saved, grad: FlexTensor, needs: [bool; N]) -> [Option<FlexTensor>; N];

    /// The same function and the same gradient from burn's own operations.
    fn compose(&self, inputs: [Tensor<2>; N]) -> Tensor<2>;
}

/// Adapts a [`Kernel`] to burn's autodiff graph.
#[derive(Debug)]
struct Step<K, const N: usize>(K);

impl<K: Kernel<N>, const N: usize> Backward<Flex, N> for Step<K, N> {
    type State = K::Saved;

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let grad = grads.consume::<Flex>(&ops.node);
        let needs = ops.parents.each_ref().map(Option::is_some);
        let results = self.0.backward(ops.state, grad, needs);
        for (parent, result) in ops.parents.into_iter().zip(results) {
            if let (Some(node), Some(gradient)) = (parent, result) {
                grads.register::<Flex>(node.id, gradient);
            }
        }
    }
}

/// Runs `kernel` on the CPU device with its own backward pass, elsewhere as burn operations.
fn apply<K: Kernel<N>, const N: usize>(kernel: K, inputs: [Tensor<2>; N]) -> Tensor<2> {
    if !on_cpu(&inputs[0]) {
        return kernel.compose(inputs);
    }
    if !inputs.iter().any(Tensor::is_autodiff) {
        let inputs = inputs.map(flex);
        return Tensor::from_primitive::<Flex>(kernel.forward(inputs).0);
    }
    let parts = inputs.map(|tensor| {
        let tensor = tensor.autodiff().try_into_primitive::<Autodiff<Flex>>();
        tensor.expect("inputs of one operation live on one device").into_parts()
    });
    let (output, saved) = kernel.forward(parts.each_ref().map(|(primitive, _)| contiguous(primitive.clone())));
    let nodes = parts.map(|(_, node)| node);
    let output = match Step(kernel).prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish(saved, output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    };
    Tensor::from_primitive::<Autodiff<Flex>>(output)
}

fn on_cpu(tensor: &Tensor<2>) -> bool {
    use burn::tensor::Device;
    tensor.device().inner() == Device::flex()
}

fn flex(tensor: Tensor<2>) -> FlexTensor {
    contiguous(tensor.try_into_primitive::<Flex>().expect("a CPU tensor without autodiff"))
}

fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() }
}

/// The values of a contiguous `f32` tensor.
fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice::<f32>().expect("a contiguous f32 tensor")
}

/// The single value of a `[1, 1]` tensor.
fn scalar(tensor: &FlexTensor) -> f32 {
    values(tensor)[0]
}

fn shape(tensor: &FlexTensor) -> [usize; 2] {
    let shape = tensor.layout().shape();
    [shape[0], shape[1]]
}

fn tensor(values: Vec<f32>, shape: [usize; 2]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

fn scalar_tensor(value: f64) -> FlexTensor {
    tensor(vec![value as f32], [1, 1])
}

/// `x` in the forward pass, the gradient of `through` in the backward pass, bit-exact in the forward.
fn straight_through(x: Tensor<2>, through: Tensor<2>) -> Tensor<2> {
    x.detach() + (through.clone() - through.detach())
}

#[cfg(test)]
mod tests;
