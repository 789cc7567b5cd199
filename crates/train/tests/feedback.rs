//! Gradients through the fixed point of a student with feedback: against finite differences, and against plain back-propagation
//! where there is nothing to feed back.

use std::collections::BTreeMap;

use bitspike::config::{Feedback, Solver, StudentConfig};
use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};
use bitspike_run::recipe::Thresholds;
use bitspike_train::feedback::Around;
use bitspike_train::layers::PackedTokens;
use bitspike_train::optimizer::ModuleGradients;
use bitspike_train::student::{Forward, Start, Student, StudentOutput};
use burn::tensor::{Device, Tensor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn config(weight_bits: WeightBits, feedback: Feedback) -> StudentConfig {
    StudentConfig {
        hidden: 24,
        heads: 2,
        intermediate: 48,
        layers: 2,
        vocab_size: 30,
        max_positions: 16,
        type_vocab: 2,
        layer_norm_eps: 1e-6,
        num_labels: 2,
        labels: Vec::new(),
        time_steps: 16,
        code: bitspike::neuron::Levels::Unary,
        signed: true,
        weight_bits,
        granularity: Granularity::Matrix,
        embedding_bits: EmbeddingBits::Full,
        relative_attention: false,
        pooling: None,
        feedback: Some(feedback),
    }
}

fn exact() -> Feedback {
    Feedback {
        spectral_norm: 0.4,
        tolerance: 3e-7,
        backward_tolerance: 1e-6,
        max_iterations: 200,
        memory: 8,
        ..Feedback::default()
    }
}

fn student(config: StudentConfig, seed: u64) -> Student {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // Wide thresholds: few neurons are clipped, so that few kinks lie within reach of a finite difference.
    let thresholds = Thresholds {
        embedding: 6.0,
        key: 4.0,
        value: 4.0,
        context: 2.0,
        attention: 6.0,
        feed_forward: 4.0,
        output: 6.0,
    };
    let start = Start { teacher_width: 24, thresholds: &thresholds, deviation: 0.15 };
    Student::random(config, start, &mut rng, &Device::flex().autodiff())
}

fn tokens() -> PackedTokens {
    let ids: [Vec<u32>; 2] = [vec![2, 9, 17, 4, 3], vec![2, 21, 5, 3]];
    let types = [vec![0, 0, 0, 1, 1], vec![0; 4]];
    PackedTokens::new(ids.iter().zip(&types).map(|(ids, types)| (ids.as_slice(), types.as_slice())))
}

/// Around `tokens` with neurons that are not rounded.
fn around<'a>(tokens: &'a PackedTokens, device: &'a Device) -> Around<'a> {
    Around { tokens, continuous: true, device }
}

/// A smooth scalar of everything a loss may see: logits and every hidden state.
fn loss(output: &StudentOutput) -> Tensor<2> {
    let mut sum = (output.logits.clone() * output.logits.clone()).sum();
    for (n, (counts, scale)) in output.hidden.iter().enumerate() {
        let values = counts.clone() * scale.clone();
        sum = sum + ((values.clone() * values.clone()).mean() + values.slice([0..3, 0..5]).sum()) * (0.3 + n as f64);
    }
    sum.reshape([1, 1])
}

/// Loss of the fixed point of `student`, in `f64` from `f32` parts.
fn value(student: &Student) -> f64 {
    let device = Device::flex();
    let rows = || student.words.rows(&tokens().vocabulary, &device.clone().autodiff());
    let pass = student.through_fixed_point(rows(), &around(&tokens(), &device), loss).unwrap();
    assert!(pass.forward.converged, "{:?}", pass.forward);
    let output = pass.output;
    let mut sum: f64 = floats(output.logits).iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    for (n, (counts, scale)) in output.hidden.into_iter().enumerate() {
        let scale = f64::from(floats(scale)[0]);
        let values: Vec<f64> = floats(counts).iter().map(|&x| f64::from(x) * scale).collect();
        let mean = values.iter().map(|x| x * x).sum::<f64>() / values.len() as f64;
        let part: f64 = (0..3).flat_map(|row| values[row * 24..row * 24 + 5].to_vec()).sum();
        sum += (mean + part) * (0.3 + n as f64);
    }
    sum
}

/// Gradient by parameter path.
fn gradient(student: &Student) -> BTreeMap<String, Vec<f32>> {
    let device = Device::flex();
    let rows = student.words.rows(&tokens().vocabulary, &device.clone().autodiff()).require_grad();
    let pass = student.through_fixed_point(rows, &around(&tokens(), &device), loss).unwrap();
    assert!(pass.forward.converged && pass.backward.converged, "{:?} {:?}", pass.forward, pass.backward);
    let mut gradients = (loss(&pass.output) + pass.correction).backward();
    ModuleGradients::take(&student.net, &mut gradients).into_map()
}

/// Moves `student` by `step` along `direction`.
fn moved(student: &Student, direction: &[(String, Vec<f32>)], step: f64) -> Student {
    let mut weights = student.to_weights();
    for (name, change) in direction {
        let mut array = weights.remove(name).expect("a parameter");
        array.values.iter_mut().zip(change).for_each(|(x, d)| *x = (f64::from(*x) + step * f64::from(*d)) as f32);
        weights.insert(name, &array.shape, array.values);
    }
    let mut moved = student.clone();
    moved.load_weights(&mut weights).unwrap();
    moved
}

/// The derivative along `direction` by central differences, extrapolated to step 0 (Richardson).
fn finite_difference(student: &Student, direction: &[(String, Vec<f32>)], step: f64) -> f64 {
    let central =
        |step: f64| (value(&moved(student, direction, step)) - value(&moved(student, direction, -step))) / (2.0 * step);
    (4.0 * central(step) - central(2.0 * step)) / 3.0
}

fn directions(
    gradient: &BTreeMap<String, Vec<f32>>,
    names: &[&str],
    rng: &mut ChaCha8Rng,
) -> Vec<Vec<(String, Vec<f32>)>> {
    let normalised = |parts: Vec<(String, Vec<f32>)>| {
        let length = parts.iter().flat_map(|(_, v)| v).map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
        let scale = |v: Vec<f32>| v.iter().map(|&x| (f64::from(x) / length) as f32).collect();
        parts.into_iter().map(|(name, v)| (name, scale(v))).collect::<Vec<_>>()
    };
    let along: Vec<(String, Vec<f32>)> =
        names.iter().map(|&name| ((*name).to_owned(), gradient[name].clone())).collect();
    // Beside the gradient itself: the gradient with every component scaled by a random number.
    let mut skewed = || {
        along.iter().map(|(n, v)| (n.clone(), v.iter().map(|&x| x * rng.random_range(0.0..2.0f32)).collect())).collect()
    };
    let mut all = vec![normalised(along.clone())];
    all.extend((0..2).map(|_| normalised(skewed())));
    all
}

fn compare(bits: WeightBits, feedback: Feedback, names: &[&str], bound: f64) -> f64 {
    let student = student(config(bits, feedback), 3);
    let gradient = gradient(&student);
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let mut worst = 0.0f64;
    for direction in directions(&gradient, names, &mut rng) {
        let dot = |(name, v): &(String, Vec<f32>)| {
            let g = &gradient[name];
            g.iter().zip(v).map(|(&g, &v)| f64::from(g) * f64::from(v)).sum::<f64>()
        };
        let analytic: f64 = direction.iter().map(dot).sum();
        let numeric = finite_difference(&student, &direction, 4e-3);
        let error = (analytic - numeric).abs() / numeric.abs();
        assert!(
            error < bound,
            "{bits:?} {names:?}: gradient {analytic}, finite difference {numeric}, off by {error:e}"
        );
        worst = worst.max(error);
    }
    worst
}

const WEIGHTS: [&str; 4] =
    ["layers.0.query.weight", "layers.0.output.weight", "layers.1.intermediate.weight", "feedback.weight"];
const SMALL: [&str; 6] = [
    "layers.0.key.bias",
    "layers.1.output_norm.gain",
    "layers.1.output_norm.bias",
    "embeddings.norm.bias",
    "layers.0.attention_neurons.theta",
    "embedding_neurons.theta",
];

#[test]
fn gradients_agree_with_finite_differences() {
    let mut worst = 0.0f64;
    for solver in [Solver::Anderson, Solver::Broyden] {
        let feedback = Feedback { backward: solver, ..exact() };
        worst = worst.max(compare(WeightBits::Full, feedback, &WEIGHTS, 1e-3));
        worst = worst.max(compare(WeightBits::Full, feedback, &["feedback.weight"], 1e-3));
        worst = worst.max(compare(WeightBits::Full, feedback, &SMALL, 1e-3));
        worst = worst.max(compare(WeightBits::Ternary, feedback, &SMALL, 1e-3));
        // The normalisation not at work.
        let loose = Feedback { spectral_norm: 50.0, ..feedback };
        worst =
            worst.max(compare(WeightBits::Full, Feedback { max_iterations: 400, ..loose }, &["feedback.weight"], 1e-3));
    }
    println!("largest relative error {worst:e}");
}

#[test]
fn the_gradient_needs_the_feedback_term() {
    // Without the correction the gradient of the weights that act through the loop is another one.
    let student = student(config(WeightBits::Full, exact()), 3);
    let device = Device::flex();
    let rows = || student.words.rows(&tokens().vocabulary, &device.clone().autodiff()).require_grad();
    let pass = student.through_fixed_point(rows(), &around(&tokens(), &device), loss).unwrap();
    let mut direct = loss(&pass.output).backward();
    let direct = ModuleGradients::take(&student.net, &mut direct).into_map();
    assert!(direct.get("feedback.weight").is_none_or(|g| g.iter().all(|&x| x == 0.0)));
    let whole = gradient(&student);
    assert!(whole["feedback.weight"].iter().any(|&x| x.abs() > 1e-3));
}

#[test]
fn without_anything_fed_back_it_is_ordinary_back_propagation() {
    let student = student(config(WeightBits::Ternary, exact()), 5);
    let mut weights = student.to_weights();
    let zeros = weights.remove("feedback.weight").unwrap();
    weights.insert("feedback.weight", &zeros.shape, vec![0.0; zeros.values.len()]);
    let mut silent = student.clone();
    silent.load_weights(&mut weights).unwrap();
    let device = Device::flex();
    let rows = silent.words.rows(&tokens().vocabulary, &device.clone().autodiff()).require_grad();
    let plain = silent.forward(rows.clone(), &tokens(), Forward::Continuous);
    let mut gradients = loss(&plain).backward();
    let expected = ModuleGradients::take(&silent.net, &mut gradients).into_map();
    let found = gradient(&silent);
    let mut compared = 0;
    for (name, a) in expected.iter().filter(|(name, _)| !name.starts_with("feedback")) {
        let b = &found[name];
        let size = a.iter().fold(1e-6f32, |max, x| max.max(x.abs()));
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() <= 1e-4 * size, "{name}: {a} and {b}");
            compared += 1;
        }
    }
    assert!(compared > 10_000, "{compared} values compared");
}

#[test]
fn a_loop_that_is_too_strong_is_said_not_hidden() {
    let strong = Feedback { spectral_norm: 100.0, max_iterations: 15, forward: Solver::Plain, ..exact() };
    let base = student(config(WeightBits::Full, strong), 3);
    let mut weights = base.to_weights();
    let latent = weights.remove("feedback.weight").unwrap();
    weights.insert("feedback.weight", &latent.shape, latent.values.iter().map(|w| 60.0 * w).collect());
    let mut expansive = base.clone();
    expansive.load_weights(&mut weights).unwrap();
    let device = Device::flex();
    let weak = student(config(WeightBits::Full, exact()), 3);
    let radius = |student: &Student| {
        let found = student.fixed_point(&around(&tokens(), &device)).unwrap();
        (student.spectral_radius(&found.x, &around(&tokens(), &device)), found.report)
    };
    let (small, report) = radius(&weak);
    assert!(report.converged && small < 1.0, "{small}, {report:?}");
    let (large, report) = radius(&expansive);
    assert!(!report.converged && report.residual > 1e-3, "{large}, {report:?}");
    let rows = expansive.words.rows(&tokens().vocabulary, &device.clone().autodiff()).require_grad();
    let pass = expansive.through_fixed_point(rows, &around(&tokens(), &device), loss).unwrap();
    assert!(!pass.forward.converged);
}

#[test]
fn a_student_with_feedback_is_not_simulated_by_mistake() {
    let student = student(config(WeightBits::Ternary, exact()), 3);
    let error = student.encoder().unwrap_err().to_string();
    assert!(error.contains("without feedback"), "{error}");
}
