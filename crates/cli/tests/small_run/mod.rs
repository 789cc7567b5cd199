//! A run of a small student of random weights, as `bitspike distil` leaves it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use bitspike::config::StudentConfig;
use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};
use bitspike::tokenizer::Tokenizer;
use bitspike_data::TaskSpec;
use bitspike_run::recipe::{Recipe, Thresholds};
use bitspike_run::run::{Counters, Description, FORMAT, RunFolder};
use bitspike_train::Device;
use bitspike_train::student::{Start, Student};
use rand::SeedableRng;

const VOCABULARY: [&str; 10] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "fine", "film", "dull", "<", "b"];

/// Writes a run of a two-layer student for `task`, ternary and signed but for what `change` makes of it, into `folder/run`.
pub(crate) fn make(folder: &Path, task: &str, change: impl FnOnce(&mut StudentConfig)) {
    let vocabulary = folder.join("vocabulary");
    std::fs::create_dir(&vocabulary).unwrap();
    std::fs::write(vocabulary.join("vocab.txt"), VOCABULARY.join("\n")).unwrap();
    let tokenizer = Tokenizer::load(&vocabulary).unwrap();
    let task = TaskSpec::glue(task).unwrap();
    let mut config = StudentConfig {
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
        signed: true,
        weight_bits: WeightBits::Ternary,
        granularity: Granularity::Matrix,
        embedding_bits: EmbeddingBits::Full,
        feedback: None,
    };
    change(&mut config);
    let thresholds = Thresholds { key: 0.25, value: 0.3, context: 0.125, feed_forward: 0.5, ..Thresholds::default() };
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(11);
    let start = Start { teacher_width: 16, thresholds: &thresholds, deviation: 0.2 };
    let student = Student::random(config.clone(), start, &mut rng, &Device::flex());
    let run = RunFolder::create(&folder.join("run")).unwrap();
    let description = Description { format: FORMAT.into(), student: config, task, max_length: 12 };
    run.describe(&Recipe::default(), &description, &tokenizer).unwrap();
    student.save_best(&run, &Counters::default()).unwrap();
}

/// Runs the program in `folder`, checks the exit code, and returns standard output and standard error.
pub(crate) fn exits(folder: &Path, arguments: &[&str], code: i32) -> (String, String) {
    output(command(folder).args(arguments), code)
}

/// The program in `folder`, where no model of the user who runs the tests is found.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitspike"));
    command.current_dir(folder).env_remove("BITSPIKE_MODELS").env("HF_HUB_CACHE", folder.join("hub"));
    command.stdin(Stdio::null());
    command
}

/// Runs `command` as [`exits`] does.
pub(crate) fn output(command: &mut Command, code: i32) -> (String, String) {
    let Output { status, stdout, stderr } = command.output().expect("starts");
    let [out, err] = [stdout, stderr].map(|text| String::from_utf8(text).expect("UTF-8"));
    assert_eq!(status.code(), Some(code), "{command:?}\n{out}{err}");
    assert!(!err.contains("panicked"), "{err}");
    (out, err)
}
