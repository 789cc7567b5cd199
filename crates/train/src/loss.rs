//! The losses of the stages (`docs/model.md`, "Losses").

use burn::tensor::{Tensor, activation};

use crate::layers::{matrix, scalar};
use crate::ops::{self, Precision};
use crate::student::{Student, StudentOutput, teacher_layer};
use crate::teacher::TeacherOutput;
use crate::vectors;
use bitspike_run::recipe::LossWeights;

/// The weighted sum to minimise and its parts.
#[derive(Debug)]
pub struct Loss {
    /// `[1, 1]`, with gradient.
    pub total: Tensor<2>,
    /// Hidden states, if weighted.
    pub hidden: Option<Tensor<2>>,
    /// Attention scores, if weighted.
    pub attention: Option<Tensor<2>>,
    /// Teacher's logits, or the labels where those are weighted instead; of vectors what is compared of them.
    pub prediction: Option<Tensor<2>>,
}

/// What the student should have said.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Class indices, or scores for regression; empty for unlabelled text.
    pub labels: &'a [f32],
    /// Whether labels are scores.
    pub regression: bool,
    /// Temperature `tau` of the soft labels.
    pub temperature: f64,
    /// The teacher's vectors, and lengths of prefixes that are vectors too; none of other tasks.
    pub vectors: Option<(&'a Tensor<2>, &'a [usize])>,
}

/// The distillation loss of one batch.
///
/// `L_hidden = sum over n = 0..N of mean over tokens and D of (W_td x_n - h_teacher[g(n)])^2`,
/// `L_att = sum over layers of mean over heads and token pairs of (S - S_teacher)^2`,
/// `L_pred = -mean over the batch of sum softmax(z_t/tau) log softmax(z_s/tau)` (mean square for regression); after
/// Bal and Sengupta, arXiv 2308.10873, section 4.
///
/// # Panics
/// If attention scores are weighted and the head counts differ, which the caller checks once.
pub fn distillation(
    student: &Student,
    output: &StudentOutput,
    teacher: &TeacherOutput,
    target: Target<'_>,
    weights: LossWeights,
) -> Loss {
    let config = &student.config;
    let teacher_layers = teacher.hidden.len().saturating_sub(1);
    let mut sum = Sum::default();
    let hidden = (weights.hidden > 0.0).then(|| {
        let terms = output.hidden.iter().enumerate().map(|(n, population)| {
            let fitted = student.net.fit.spikes(population, Precision::FULL);
            ops::mean_square(fitted, teacher.hidden[teacher_layer(n, config.layers, teacher_layers)].clone())
        });
        sum.add(terms.reduce(|a, b| a + b).expect("at least the embedding"), weights.hidden)
    });
    let attention = (weights.attention > 0.0).then(|| {
        let terms = output.query_key.iter().enumerate().map(|(n, (query, key))| {
            let other = teacher.query_key[teacher_layer(n + 1, config.layers, teacher_layers) - 1].clone();
            ops::score_distance(query.clone(), key.clone(), other, config.heads, &output.segments)
        });
        sum.add(terms.reduce(|a, b| a + b).expect("at least one layer"), weights.attention)
    });
    let mut prediction = None;
    if let Some((vectors, prefixes)) = target.vectors.filter(|_| weights.vectors.sum() > 0.0) {
        let loss = vectors::loss(&output.logits, vectors.clone(), weights.vectors, prefixes);
        prediction = Some(sum.add(loss, 1.0));
    }
    if weights.prediction > 0.0 {
        let logits = teacher.logits.clone().expect("a teacher with a classifier").autodiff();
        let loss = match target.regression {
            true => ops::mean_square(output.logits.clone(), logits),
            false => soft_cross_entropy(
                output.logits.clone(),
                activation::softmax(logits / target.temperature, 1),
                target.temperature,
            ),
        };
        prediction = Some(sum.add(loss, weights.prediction));
    }
    if weights.label > 0.0 {
        let loss = sum.add(label_loss(output.logits.clone(), target), weights.label);
        prediction.get_or_insert(loss);
    }
    if weights.rate > 0.0 {
        // Populations differ in size: the mean runs over all neurons.
        let sizes = output.populations.iter().map(|(_, counts)| counts.dims().iter().product::<usize>() as f64);
        let total: f64 = sizes.clone().sum::<f64>() * f64::from(config.time_steps);
        let terms = output.populations.iter().zip(sizes);
        let rate = terms.map(|((_, counts), size)| ops::mean_absolute(counts.clone()) * (size / total));
        sum.add(rate.reduce(|a, b| a + b).expect("at least one population"), weights.rate);
    }
    Loss { total: sum.0.expect("a recipe has at least one loss"), hidden, attention, prediction }
}

#[derive(Default)]
struct Sum(Option<Tensor<2>>);

impl Sum {
    fn add(&mut self, term: Tensor<2>, weight: f64) -> Tensor<2> {
        let weighted = term.clone() * weight;
        self.0 = Some(match self.0.take() {
            Some(sum) => sum + weighted,
            None => weighted,
        });
        term
    }
}

/// Cross-entropy against class indices, or mean square against scores: `[1, 1]`.
pub fn label_loss(logits: Tensor<2>, target: Target<'_>) -> Tensor<2> {
    let [rows, classes] = logits.dims();
    let device = logits.device().inner();
    if target.regression {
        return ops::mean_square(logits, matrix(target.labels.to_vec(), [rows, 1], &device).autodiff());
    }
    let one_hot =
        target.labels.iter().flat_map(|&label| (0..classes).map(move |class| f32::from(class == label as usize)));
    soft_cross_entropy(logits, matrix(one_hot.collect(), [rows, classes], &device).autodiff(), 1.0)
}

/// `-mean over rows of sum p log softmax(z / tau)`.
fn soft_cross_entropy(logits: Tensor<2>, probabilities: Tensor<2>, temperature: f64) -> Tensor<2> {
    let rows = logits.dims()[0];
    let logs = activation::log_softmax(logits / temperature, 1);
    (probabilities.detach() * logs).sum().reshape([1, 1]) * (-1.0 / rows.max(1) as f64)
}

/// The value of a loss.
pub fn value(loss: &Tensor<2>) -> f64 {
    scalar(&loss.clone().inner())
}
