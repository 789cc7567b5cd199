//! The engine answers as training does, from the packed file, alone and in batches, on any number of threads and any kernels.

use std::path::Path;

use bitspike::config::StudentConfig;
use bitspike::format::{Header, Packed, Packing, pack};
use bitspike::forward::Dynamics;
use bitspike::kernels::Kernels;
use bitspike::model::{Answer, Model, Options};
use bitspike::neuron::Levels;
use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};
use bitspike::tokenizer::{Encoding, Tokenizer};
use bitspike_data::Encoded;
use bitspike_data::TaskSpec;
use bitspike_run::recipe::Thresholds;
use bitspike_train::Error;
use bitspike_train::parity::compare;
use bitspike_train::student::{Start, Student};
use burn::tensor::Device;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn config() -> StudentConfig {
    StudentConfig {
        hidden: 60,
        heads: 4,
        intermediate: 130,
        layers: 3,
        vocab_size: 64,
        max_positions: 80,
        type_vocab: 2,
        layer_norm_eps: 1e-12,
        num_labels: 2,
        labels: vec!["negative".into(), "positive".into()],
        time_steps: 16,
        code: bitspike::neuron::Levels::Unary,
        signed: true,
        weight_bits: WeightBits::Ternary,
        granularity: Granularity::Row,
        embedding_bits: EmbeddingBits::Full,
        relative_attention: true,
        feedback: None,
        pooling: None,
    }
}

fn student(config: &StudentConfig, seed: u64) -> Student {
    let thresholds = Thresholds { key: 0.25, value: 0.3, context: 0.125, feed_forward: 0.5, ..Thresholds::default() };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let start = Start { teacher_width: 60, thresholds: &thresholds, deviation: 0.2 };
    Student::random(config.clone(), start, &mut rng, &Device::flex())
}

fn model(student: &Student, trits: bool, options: &Options) -> Model {
    try_model(student, trits, options).unwrap()
}

fn try_model(student: &Student, trits: bool, options: &Options) -> bitspike::Result<Model> {
    let header =
        Header { student: student.config.clone(), task: TaskSpec::glue("sst2").unwrap().for_model(), max_length: 64 };
    let mut weights = student.to_weights();
    let tokenizer = Tokenizer::load(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/bert-tiny")).unwrap();
    let bytes = pack(&header, &tokenizer, Packing { trits, ..Packing::default() }, |name| {
        let array = weights.remove(name).ok_or_else(|| Error::Mismatch(format!("no {name}")))?;
        Ok::<_, Error>(array.values)
    });
    options.build(Packed::from_bytes(bytes.unwrap()).unwrap(), tokenizer)
}

fn sentences(count: usize) -> Vec<Encoding> {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let lengths = [1, 7, 33, 80, 12, 64, 2, 25];
    (0..count)
        .map(|i| {
            let length = lengths[i % lengths.len()];
            let ids = (0..length).map(|_| rng.random_range(0..64)).collect();
            Encoding { ids, type_ids: (0..length).map(|k| u32::from(2 * k > length)).collect() }
        })
        .collect()
}

#[test]
fn packed_models_count_as_training_does() {
    let examples: Vec<Encoded> = sentences(16)
        .into_iter()
        .enumerate()
        .map(|(i, e)| Encoded { id: i.to_string(), ids: e.ids, types: e.type_ids, target: None, answer: None })
        .collect();
    let cases = [
        (true, WeightBits::Ternary, Granularity::Row, EmbeddingBits::Full, 16),
        (false, WeightBits::Ternary, Granularity::Matrix, EmbeddingBits::Ternary, 16),
        (true, WeightBits::Binary, Granularity::Row, EmbeddingBits::Four, 7),
        (false, WeightBits::Binary, Granularity::Matrix, EmbeddingBits::Eight, 32),
        (true, WeightBits::Ternary, Granularity::Matrix, EmbeddingBits::Binary, 1),
        (true, WeightBits::Ternary, Granularity::Row, EmbeddingBits::Ternary, 127),
    ];
    let unary = cases.map(|case| (Levels::Unary, case));
    // Every K from 1 to 5.
    let single = [1, 2, 4, 8, 16]
        .map(|t| (Levels::Single, (t != 8, WeightBits::Ternary, Granularity::Row, EmbeddingBits::Ternary, t)));
    for (seed, (code, case)) in unary.into_iter().chain(single).enumerate() {
        let (signed, weight_bits, granularity, embedding_bits, time_steps) = case;
        let student = student(
            &StudentConfig { code, signed, weight_bits, granularity, embedding_bits, time_steps, ..config() },
            seed as u64,
        );
        for trits in [false, true] {
            let model = model(&student, trits, &Options::new());
            let parity = compare(&model, &student, &examples, &Device::flex()).unwrap();
            assert!(parity.holds() && parity.counts > 100_000, "case {seed}: {parity:?}");
        }
    }
}

fn answers(model: &Model, sentences: &[Encoding], threads: usize) -> Vec<Answer> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| model.classify_ids(sentences)).unwrap()
}

#[test]
fn batch_order_threads_and_kernels_change_nothing() {
    let student = student(&config(), 3);
    let sentences = sentences(19);
    let expected = answers(&model(&student, false, &Options::new()), &sentences, 1);
    assert!(
        expected.iter().any(|answer| answer.class() == Some(0))
            && expected.iter().any(|answer| answer.class() == Some(1))
    );
    for kernels in Kernels::available() {
        let model = model(&student, false, &Options::new().kernels(kernels));
        for threads in [1, 2, 5] {
            assert_eq!(answers(&model, &sentences, threads), expected, "{kernels}, {threads} threads");
            for (sentence, expected) in sentences.iter().zip(&expected) {
                assert_eq!(answers(&model, std::slice::from_ref(sentence), threads)[0], *expected, "{kernels} alone");
            }
        }
        let mut reversed = sentences.clone();
        reversed.reverse();
        let mut backwards = answers(&model, &reversed, 2);
        backwards.reverse();
        assert_eq!(backwards, expected, "{kernels} backwards");
    }
}

#[test]
fn stepped_dynamics_run_and_end_early() {
    let student = student(&config(), 4);
    let sentences = sentences(8);
    let phased = answers(&model(&student, false, &Options::new()), &sentences, 2);
    let options = Options::new().dynamics(Dynamics::Accumulated).time_steps(64);
    let stepped = answers(&model(&student, false, &options), &sentences, 2);
    let same = stepped.iter().zip(&phased).filter(|(a, b)| a.class() == b.class()).count();
    assert!(same >= 6 && stepped.iter().all(|answer| answer.steps == 64), "{same} of 8 agree");
    let rule = bitspike::forward::ExitRule { margin: 0.0, change: 1.0, patience: 1, min_steps: 2 };
    let early = answers(&model(&student, false, &options.exit(rule)), &sentences, 2);
    assert!(early.iter().all(|answer| answer.steps < 64), "{early:?}");
    let phased_rule = Options::new().exit(rule);
    let error = try_model(&student, false, &phased_rule).unwrap_err().to_string();
    assert!(error.contains("exit rule"), "{error}");
}

#[test]
fn what_the_tables_lack_is_refused() {
    let model = model(&student(&config(), 5), false, &Options::new());
    let encoding = |ids: Vec<u32>, type_ids: Vec<u32>| Encoding { ids, type_ids };
    for (bad, named) in [
        (encoding(vec![], vec![]), "1 to 80 token ids"),
        (encoding(vec![1; 81], vec![0; 81]), "81 ids"),
        (encoding(vec![1, 2], vec![0]), "1 types"),
        (encoding(vec![64], vec![0]), "0 to 63, found 64"),
        (encoding(vec![1], vec![2]), "token type"),
    ] {
        let error = model.classify_ids(&[bad]).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    assert_eq!(model.classify_ids(&[]).unwrap(), []);
}
