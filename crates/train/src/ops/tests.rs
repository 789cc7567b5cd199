//! Every fused operation against its composition of burn primitives: values and the gradient of every input.

use bitspike::neuron::Levels;
use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};
use burn::tensor::Device;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::layers::{matrix, normal};

/// Compares `kernel` with its composition on `inputs`, weighting outputs at random so that every gradient matters.
fn compare<K: Kernel<N>, const N: usize>(make: impl Fn() -> K, inputs: [(Vec<f32>, [usize; 2]); N], tolerance: f32) {
    let device = Device::flex().autodiff();
    let run = |fused: bool| {
        let leaves = inputs.clone().map(|(values, shape)| matrix(values, shape, &device).require_grad());
        let output = if fused { apply(make(), leaves.clone()) } else { make().compose(leaves.clone()) };
        let shape = output.dims();
        let weights = normal(shape[0] * shape[1], 1.0, &mut ChaCha8Rng::seed_from_u64(9));
        let mut gradients = (output.clone() * matrix(weights, shape, &device)).sum().backward();
        let gradients = leaves.map(|leaf| leaf.grad_remove(&mut gradients).map(crate::parameters::floats));
        (crate::parameters::floats(output.inner()), gradients)
    };
    let ((output, gradients), (expected, expected_gradients)) = (run(true), run(false));
    close("output", &output, &expected, tolerance);
    for (i, (gradient, expected)) in gradients.iter().zip(&expected_gradients).enumerate() {
        match (gradient, expected) {
            (Some(gradient), Some(expected)) => close(&format!("gradient {i}"), gradient, expected, tolerance),
            (None, None) => {}
            // An input without influence may have a gradient of zeros in one form and none in the other.
            (Some(zeros), None) | (None, Some(zeros)) => assert!(zeros.iter().all(|&x| x == 0.0), "gradient {i}"),
        }
    }
}

fn close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1e-3f32, |max, x| max.max(x.abs()));
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance * scale, "{what}[{i}]: found {found}, expected {expected}");
    }
}

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(17)
}

fn random(shape: [usize; 2], rng: &mut impl Rng) -> (Vec<f32>, [usize; 2]) {
    (normal(shape[0] * shape[1], 1.0, rng), shape)
}

fn counts(shape: [usize; 2], rng: &mut impl Rng) -> (Vec<f32>, [usize; 2]) {
    ((0..shape[0] * shape[1]).map(|_| rng.random_range(-16..=16) as f32).collect(), shape)
}

fn one(value: f32) -> (Vec<f32>, [usize; 2]) {
    (vec![value], [1, 1])
}

#[test]
fn linear_at_every_precision_and_odd_sizes() {
    let mut rng = rng();
    for bits in [WeightBits::Full, WeightBits::Ternary, WeightBits::Binary] {
        for granularity in [Granularity::Matrix, Granularity::Row] {
            for [m, k, o] in [[1, 1, 1], [5, 7, 3], [33, 48, 65], [70, 130, 19]] {
                let inputs = [counts([m, k], &mut rng), one(0.11), random([o, k], &mut rng), random([1, o], &mut rng)];
                compare(|| linear::Linear(Precision { bits, granularity }), inputs, 2e-5);
            }
        }
    }
}

#[test]
fn linear_of_all_zero_weights_is_its_bias() {
    for bits in [WeightBits::Ternary, WeightBits::Binary] {
        let device = Device::flex();
        let bias = matrix(vec![1.0, -2.0], [1, 2], &device);
        let x = matrix(vec![3.0; 12], [3, 4], &device);
        let zeros = Tensor::zeros([2, 4], &device);
        let y = super::linear(
            x,
            Tensor::ones([1, 1], &device),
            zeros,
            bias,
            Precision { bits, granularity: Granularity::Row },
        );
        assert_eq!(crate::parameters::floats(y), [1.0, -2.0, 1.0, -2.0, 1.0, -2.0]);
    }
}

#[test]
fn quantised_products_of_counts_are_exact_integers() {
    let mut rng = rng();
    let device = Device::flex();
    let (m, k, o) = (40, 1536, 24);
    let (x, _) = counts([m, k], &mut rng);
    let (w, _) = random([o, k], &mut rng);
    let precision = Precision { bits: WeightBits::Ternary, granularity: Granularity::Matrix };
    let y = super::linear(
        matrix(x.clone(), [m, k], &device),
        Tensor::ones([1, 1], &device),
        matrix(w.clone(), [o, k], &device),
        Tensor::zeros([1, o], &device),
        precision,
    );
    let quantised = precision.bits.quantize(&w, [o, k], precision.granularity).unwrap().expect("ternary codes");
    let y = crate::parameters::floats(y);
    for row in 0..m {
        for out in 0..o {
            let terms = (0..k).map(|i| x[row * k + i] as i32 * i32::from(quantised.codes[out * k + i]));
            assert_eq!(y[row * o + out], terms.sum::<i32>() as f32 * quantised.scales[0], "row {row}, output {out}");
        }
    }
}

#[test]
fn neuron_signed_and_unsigned() {
    let mut rng = rng();
    for signed in [false, true] {
        let (mut current, shape) = random([37, 29], &mut rng);
        current[..4].copy_from_slice(&[0.0, 1.5, -1.5, 40.0]);
        for levels in [Levels::Unary, Levels::Single] {
            let make = || neuron::Neuron { time_steps: 16.0, signed, output: neuron::Output::Quantised(levels) };
            compare(make, [(current.clone(), shape), one(1.5)], 1e-4);
        }
        let make = || neuron::Neuron { time_steps: 16.0, signed, output: neuron::Output::Continuous };
        compare(make, [(current.clone(), shape), one(1.5)], 1e-4);
        // Counts of a simulation, some of them at the ends of their range.
        let low = if signed { -11 } else { 0 };
        let counts: Vec<f32> = (0..shape[0] * shape[1]).map(|i| (i as i32 * 7 % (12 - low) + low) as f32).collect();
        let counts = matrix(counts, shape, &Device::flex());
        let make =
            || neuron::Neuron { time_steps: 11.0, signed, output: neuron::Output::Given(Box::new(counts.clone())) };
        compare(make, [(current, shape), one(1.5)], 1e-4);
    }
}

#[test]
fn neuron_counts_equal_the_reference() {
    let mut rng = rng();
    let unary = [(1, false), (4, true), (16, true), (127, false)].map(|(t, signed)| (Levels::Unary, t, signed));
    let single = [(1, true), (4, true), (8, false), (16, true)].map(|(t, signed)| (Levels::Single, t, signed));
    for (levels, time_steps, signed) in unary.into_iter().chain(single) {
        let theta = 0.7;
        let config = bitspike::neuron::NeuronConfig { levels, time_steps, signed, theta };
        let reference = bitspike::neuron::Equilibrium::new(config).unwrap();
        let (mut current, shape) = random([20, 50], &mut rng);
        // Ties: currents halfway between two counts.
        for (i, x) in current.iter_mut().take(200).enumerate() {
            *x = (i as f32 - 100.0 + 0.5) * theta / time_steps as f32;
            if levels == Levels::Single {
                *x = (i as f32 - 100.0) * 0.75 * theta / time_steps as f32;
            }
        }
        let device = Device::flex();
        let currents = matrix(current.clone(), shape, &device);
        let threshold = matrix(vec![theta], [1, 1], &device);
        let n = match levels {
            Levels::Unary => super::neuron(currents, threshold, time_steps, signed),
            Levels::Single => super::single_neuron(currents, threshold, time_steps, signed),
        };
        for (n, current) in crate::parameters::floats(n).into_iter().zip(current) {
            assert_eq!(n, reference.count(current) as f32, "I = {current}, {config:?}");
        }
    }
}

#[test]
fn gelu_and_norms() {
    let mut rng = rng();
    compare(|| elementwise::Gelu, [random([41, 33], &mut rng)], 1e-5);
    for shape in [[1, 5], [19, 48], [50, 33]] {
        let row = [1, shape[1]];
        let inputs = [random(shape, &mut rng), random(row, &mut rng), random(row, &mut rng)];
        compare(|| norm::LayerNorm { epsilon: 1e-12 }, inputs, 1e-4);
        let inputs =
            [random(shape, &mut rng), counts(shape, &mut rng), one(0.13), random(row, &mut rng), random(row, &mut rng)];
        compare(|| norm::ResidualNorm { epsilon: 1e-12 }, inputs, 1e-4);
    }
}

#[test]
fn attention_and_score_distance_of_uneven_sentences() {
    let mut rng = rng();
    let segments = Segments::from_lengths([1, 5, 17, 40]);
    let shape = [segments.rows(), 24];
    for is_relative in [false, true] {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let relative = if is_relative { random([32, 3], &mut rng) } else { one(0.0) };
        let key_and_value = [counts(shape, &mut rng), one(0.05), counts(shape, &mut rng), one(0.07)];
        let [key, key_scale, value, value_scale] = key_and_value;
        let inputs = [random(shape, &mut rng), key, key_scale, value, value_scale, relative];
        compare(|| attention::Attention { heads: 3, segments: segments.clone(), is_relative }, inputs, 1e-4);
    }
    let inputs =
        [random(shape, &mut rng), counts(shape, &mut rng), one(0.05), random(shape, &mut rng), random(shape, &mut rng)];
    compare(|| attention::ScoreDistance { heads: 3, segments: segments.clone() }, inputs, 1e-4);
}

#[test]
fn embeddings_at_every_precision() {
    let mut rng = rng();
    for bits in
        [EmbeddingBits::Full, EmbeddingBits::Eight, EmbeddingBits::Four, EmbeddingBits::Ternary, EmbeddingBits::Binary]
    {
        let (mut words, shape) = random([9, 21], &mut rng);
        words[..21].fill(0.0);
        let tables = [(words, shape), random([6, 21], &mut rng), random([2, 21], &mut rng)];
        let draw = |rng: &mut ChaCha8Rng, rows: u32| (0..15).map(|_| rng.random_range(0..rows)).collect::<Arc<[u32]>>();
        let indices = [draw(&mut rng, 9), draw(&mut rng, 6), draw(&mut rng, 2)];
        compare(|| embed::Embed { indices: indices.clone(), bits }, tables, 1e-4);
    }
    let rows: Arc<[u32]> = [4, 0, 4].into();
    compare(|| embed::GatherRows { rows: rows.clone() }, [random([5, 8], &mut rng)], 1e-6);
}

#[test]
fn reductions() {
    let mut rng = rng();
    compare(|| reduce::MeanSquare, [random([31, 17], &mut rng), random([31, 17], &mut rng)], 1e-5);
    compare(|| reduce::MeanAbsolute, [counts([31, 17], &mut rng)], 1e-5);
}
