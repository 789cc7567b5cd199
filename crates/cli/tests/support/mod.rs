//! A run folder with a small student of random weights.

use std::path::Path;

use bitspike_core::config::StudentConfig;
use bitspike_core::glue::TaskSpec;
use bitspike_core::quantize::{EmbeddingBits, Granularity, WeightBits};
use bitspike_core::tokenizer::Tokenizer;
use bitspike_train::recipe::{Recipe, Thresholds};
use bitspike_train::run::{Counters, Description, FORMAT, RunFolder};
use bitspike_train::student::Student;
use burn::tensor::Device;
use rand::SeedableRng;

const VOCABULARY: [&str; 10] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "fine", "film", "dull", "<", "b"];

/// Writes a run of a two-layer student into `folder/run`.
pub(crate) fn make_run(folder: &Path, task: &str, signed: bool) {
    let vocabulary = folder.join("vocabulary");
    std::fs::create_dir(&vocabulary).unwrap();
    std::fs::write(vocabulary.join("vocab.txt"), VOCABULARY.join("\n")).unwrap();
    let tokenizer = Tokenizer::load(&vocabulary).unwrap();
    let task = TaskSpec::glue(task).unwrap();
    let config = StudentConfig {
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
        signed,
        weight_bits: WeightBits::Ternary,
        granularity: Granularity::Matrix,
        embedding_bits: EmbeddingBits::Full,
        feedback: None,
    };
    let thresholds = Thresholds { key: 0.25, value: 0.3, context: 0.125, feed_forward: 0.5, ..Thresholds::default() };
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(11);
    let student = Student::random(config.clone(), 16, &thresholds, 0.2, &mut rng, &Device::flex());
    let run = RunFolder::create(&folder.join("run")).unwrap();
    let description = Description { format: FORMAT.into(), student: config, task, max_length: 12 };
    run.describe(&Recipe::default(), &description, &tokenizer).unwrap();
    run.save_best(&student, &Counters::default()).unwrap();
}
