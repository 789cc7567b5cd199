//! A run of a small student of random weights, as a training leaves it.

use std::path::Path;

use bitspike::config::StudentConfig;
use bitspike::format::{Role, tensors};
use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};
use bitspike::tokenizer::Tokenizer;
use bitspike_data::TaskSpec;
use bitspike_run::recipe::Recipe;
use bitspike_run::run::{Counters, Description, FORMAT, RunFolder, save};
use bitspike_run::weights::Weights;

const VOCABULARY: [&str; 10] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "fine", "film", "dull", "<", "b"];

/// Writes the tokeniser of the student into `folder`, which is made.
pub(crate) fn tokenizer(folder: &Path) -> Tokenizer {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("vocab.txt"), VOCABULARY.join("\n")).unwrap();
    // A BERT tokeniser has `[MASK]` by its name alone; this student has no row for it.
    Tokenizer::load(folder).unwrap().fitted(VOCABULARY.len()).unwrap()
}

/// Writes a run of a two-layer student for `task`, ternary and signed but for what `change` makes of it, with one checkpoint, its
/// best, into `folder/run`.
pub(crate) fn make(folder: &Path, task: &str, change: impl FnOnce(&mut StudentConfig)) -> RunFolder {
    let (run, student) = describe(folder, task, change);
    save(&run.best(), weights(&student, 1), &Counters::default()).unwrap();
    run
}

/// Writes such a run without a checkpoint, and returns what its student is.
pub(crate) fn describe(
    folder: &Path,
    task: &str,
    change: impl FnOnce(&mut StudentConfig),
) -> (RunFolder, StudentConfig) {
    let task = TaskSpec::glue(task).unwrap();
    let mut student = StudentConfig {
        hidden: 16,
        heads: 2,
        intermediate: 24,
        layers: 2,
        vocab_size: VOCABULARY.len(),
        max_positions: 32,
        type_vocab: 2,
        layer_norm_eps: 1e-12,
        num_labels: task.num_outputs(),
        labels: task.labels().to_vec(),
        time_steps: 16,
        code: bitspike::neuron::Levels::Unary,
        signed: true,
        weight_bits: WeightBits::Ternary,
        granularity: Granularity::Matrix,
        embedding_bits: EmbeddingBits::Full,
        relative_attention: false,
        feedback: None,
        pooling: None,
    };
    change(&mut student);
    let run = RunFolder::create(&folder.join("run")).unwrap();
    let description = Description { format: FORMAT.into(), student: student.clone(), task, max_length: 12 };
    run.describe(&Recipe::default(), &description, &tokenizer(&folder.join("vocabulary"))).unwrap();
    (run, student)
}

/// Random latent weights; thresholds are above 0.
pub(crate) fn weights(student: &StudentConfig, seed: u64) -> Weights {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let mut weights = Weights::default();
    for tensor in tensors(student) {
        let mut value = || if tensor.role == Role::Threshold { 0.1 + next().abs() } else { next() };
        let values = (0..tensor.rows * tensor.columns).map(|_| value()).collect();
        weights.insert(tensor.name.clone(), &[tensor.rows, tensor.columns], values);
    }
    weights
}
