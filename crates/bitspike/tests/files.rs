//! Every file that opens answers, or says why it cannot: random models of random sizes with weights of every size, and the same
//! files with bytes changed.

use bitspike::config::{Pooling, StudentConfig, Target, Task};
use bitspike::format::{Header, Packed, Packing, Role, pack, tensors};
use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};
use bitspike::tokenizer::Tokenizer;
use bitspike::{Dynamics, Error, ExitRule, Input, Options, Simulation};
use proptest::prelude::*;

const TOKENS: [&str; 7] = ["[UNK]", "[CLS]", "[SEP]", "a", "##b", "\u{597d}", "film"];

fn tokenizer() -> Tokenizer {
    let vocabulary: serde_json::Map<_, _> = (0..7).map(|id| (TOKENS[id].to_owned(), id.into())).collect();
    let description = serde_json::json!({
        "added_tokens": [],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {"unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
                  "vocab": vocabulary}
    });
    Tokenizer::from_json(description.to_string().as_bytes()).unwrap()
}

/// A configuration of any shape.
fn headers() -> impl Strategy<Value = Header> {
    let sizes = (1usize..4, 1usize..9, 1usize..40, 1usize..3, 3usize..12, 1usize..3);
    let precisions = (
        prop::sample::select(vec![WeightBits::Full, WeightBits::Ternary, WeightBits::Binary]),
        prop::sample::select(vec![Granularity::Matrix, Granularity::Row]),
        prop::sample::select(vec![
            EmbeddingBits::Full,
            EmbeddingBits::Eight,
            EmbeddingBits::Four,
            EmbeddingBits::Ternary,
            EmbeddingBits::Binary,
        ]),
    );
    (sizes, precisions, 1u32..=127, any::<bool>(), any::<bool>(), 0usize..7).prop_map(
        |((heads, size, intermediate, layers, positions, types), precisions, time_steps, signed, pair, classes)| {
            let (weight_bits, granularity, embedding_bits) = precisions;
            let pooling = [Pooling::Mean, Pooling::Cls, Pooling::Max].get(classes.wrapping_sub(4)).copied();
            let mut task = Task::classification("any", "text", (0..classes + 1).map(|i| format!("c{i}")));
            task.second = (pair && pooling.is_none()).then(|| "other".into());
            if pooling.is_some() {
                task.target = Target::Embedding { normalize: pair, prefixes: Vec::new() };
            }
            if classes == 0 {
                task.target = Target::Regression { min: -1.0, max: 1.0 };
            }
            let student = StudentConfig {
                hidden: heads * size,
                heads,
                intermediate,
                layers,
                vocab_size: 7,
                max_positions: positions,
                type_vocab: types,
                layer_norm_eps: 1e-12,
                num_labels: if pooling.is_some() { heads * size } else { task.num_outputs() },
                labels: task.labels().to_vec(),
                time_steps,
                code: bitspike::neuron::Levels::Unary,
                signed,
                weight_bits,
                granularity,
                embedding_bits,
                relative_attention: false,
                feedback: None,
                pooling,
            };
            Header { student, task, max_length: positions }
        },
    )
}

/// Numbers in [-1, 1].
fn noise(mut state: u64) -> impl FnMut() -> f32 {
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

/// A packed model of `header` with random weights, one tensor in `odd` of another size by the power of ten that `power` says.
fn file(header: &Header, seed: u64, odd: u64, power: i32) -> Result<Vec<u8>, Error> {
    let all = tensors(&header.student);
    pack(header, &tokenizer(), Packing::default(), |name| {
        let (i, tensor) = all.iter().enumerate().find(|(_, tensor)| tensor.name == name).expect("one of this model's");
        let mut next = noise(seed ^ i as u64);
        let size = if (seed ^ i as u64).is_multiple_of(odd) { 10f64.powi(power) } else { 1.0 };
        let value = |_| {
            let value = (f64::from(next()) * size).clamp(-3e38, 3e38) as f32;
            if tensor.role == Role::Threshold { value.abs().max(1e-30) } else { value }
        };
        Ok((0..tensor.rows * tensor.columns).map(value).collect())
    })
}

/// Opens `file` and, where it opens, classifies with it in every dynamics.
fn classify(file: Vec<u8>) {
    let Ok(packed) = Packed::from_bytes(file.clone()) else { return };
    let header = packed.header().clone();
    drop(packed);
    let early = ExitRule { margin: 0.1, change: 1.0, patience: 1, min_steps: 1 };
    let leaky = Simulation { beta: 0.9, ..Simulation::new(Dynamics::Phased, 5) };
    for options in [
        Options::new(),
        Options::new().time_steps(130),
        Options::new().simulation(leaky),
        Options::new().dynamics(Dynamics::Accumulated).time_steps(9).exit(early),
        Options::new().dynamics(Dynamics::Instantaneous).time_steps(3),
    ] {
        let packed = Packed::from_bytes(file.clone()).expect("it opened before");
        let model = match options.build(packed, tokenizer()) {
            Ok(model) => model,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                continue;
            }
        };
        let second = header.task.second.as_ref().map(|_| "film b");
        let inputs = ["", "a film", "ab \u{597d} film a film a"].map(|first| Input { first, second });
        if model.is_embedder() {
            match model.embed(inputs) {
                Err(error) => assert!(matches!(error, Error::Invalid { .. }), "{error:?}"),
                Ok(vectors) => {
                    let finite = vectors.iter().flat_map(|vector| &vector.values).all(|value| value.is_finite());
                    assert!(finite && vectors.iter().all(|vector| vector.values.len() == header.student.hidden));
                }
            }
            continue;
        }
        match model.classify(inputs) {
            Err(error) => assert!(matches!(error, Error::Invalid { .. }), "{error:?}"),
            Ok(answers) => {
                for answer in answers {
                    assert!(answer.logits.iter().all(|logit| logit.is_finite()), "{answer:?}");
                    assert_eq!(answer.label().is_some(), !header.task.labels().is_empty());
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_model_that_opens_answers_or_says_why_not(
        header in headers(),
        seed in any::<u64>(),
        odd in 1u64..30,
        power in prop::sample::select(vec![0, 0, 5, 19, 25, 38, -20, -38, -45]),
    ) {
        if let Ok(file) = file(&header, seed, odd, power) {
            classify(file);
        }
    }

    #[test]
    fn a_changed_file_is_refused_or_answers_or_says_why_not(
        header in headers(),
        seed in any::<u64>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut file = file(&header, seed, 1000, 0).unwrap();
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        classify(file);
    }
}

/// A model of one layer in which the tensors named `name` hold `value`.
fn with(name: &str, value: f32) -> Vec<u8> {
    let task = Task::classification("mood", "text", ["bad", "good"]);
    let student = StudentConfig {
        hidden: 12,
        heads: 2,
        intermediate: 20,
        layers: 2,
        vocab_size: 7,
        max_positions: 8,
        type_vocab: 1,
        layer_norm_eps: 1e-12,
        num_labels: 2,
        labels: task.labels().to_vec(),
        time_steps: 16,
        code: bitspike::neuron::Levels::Unary,
        signed: true,
        weight_bits: WeightBits::Ternary,
        granularity: Granularity::Row,
        embedding_bits: EmbeddingBits::Full,
        relative_attention: false,
        feedback: None,
        pooling: None,
    };
    let all = tensors(&student);
    let header = Header { student, task, max_length: 8 };
    let weights = |wanted: &str| {
        let tensor = all.iter().find(|tensor| tensor.name == wanted).expect("one of this model's");
        let mut next = noise(wanted.bytes().map(u64::from).sum());
        let sized = |x: f32| if wanted.ends_with(name) { x.signum() * value } else { x };
        let of = |_| if tensor.role == Role::Threshold { 0.5 } else { sized(next()) };
        Ok::<_, Error>((0..tensor.rows * tensor.columns).map(of).collect())
    };
    pack(&header, &tokenizer(), Packing::default(), weights).unwrap()
}

#[test]
fn weights_that_overflow_are_refused_and_never_a_constant_answer() {
    for (name, value) in [
        ("attention_output.bias", 1e25),
        ("layers.1.output.bias", 1e25),
        ("words", 3e38),
        ("embeddings.position", 1e25),
        ("classifier.weight", 3e38),
        ("classifier.bias", f32::MAX),
        ("attention_norm.gain", 3e38),
        ("layers.0.query.bias", 3e38),
    ] {
        for options in [
            Options::new(),
            Options::new().time_steps(200),
            Options::new().dynamics(Dynamics::Accumulated),
            Options::new().dynamics(Dynamics::Instantaneous),
        ] {
            let model = options.build(Packed::from_bytes(with(name, value)).unwrap(), None).unwrap();
            match model.classify(["a film", "ab ab film", "film film a"]) {
                Err(error) => assert!(error.to_string().contains("finite"), "{name}: {error}"),
                Ok(answers) => {
                    assert!(
                        ["classifier.bias", "attention_norm.gain", "layers.0.query.bias"].contains(&name),
                        "{name} answers"
                    );
                    assert!(answers.iter().flat_map(|answer| &answer.logits).all(|logit| logit.is_finite()));
                }
            }
        }
    }
}

#[test]
fn sizes_that_products_are_not_proved_for_are_refused_at_opening() {
    let mut header = Packed::from_bytes(with("none", 0.0)).unwrap().header().clone();
    header.student.intermediate = 70_000;
    let none = |_: &str| Ok::<_, Error>(Vec::new());
    let error = pack(&header, &tokenizer(), Packing::default(), none).unwrap_err().to_string();
    assert!(error.starts_with("intermediate: expected 1 to 65536, found 70000"), "{error}");
}

#[test]
fn subnormal_weights_are_zeros() {
    let file = |value: f32| {
        let header = Packed::from_bytes(with("none", 0.0)).unwrap().header().clone();
        let mut header = header;
        header.student.weight_bits = WeightBits::Full;
        let all = tensors(&header.student);
        let weights = |wanted: &str| {
            let tensor = all.iter().find(|tensor| tensor.name == wanted).expect("one of this model's");
            let mut next = noise(wanted.bytes().map(u64::from).sum());
            let of = |i: usize| match tensor.role {
                Role::Threshold => 0.5,
                _ if i.is_multiple_of(2) => next().signum() * value,
                _ => next(),
            };
            Ok::<_, Error>((0..tensor.rows * tensor.columns).map(of).collect())
        };
        pack(&header, &tokenizer(), Packing::default(), weights).unwrap()
    };
    let [zeros, tiny] = [0.0, 1e-40].map(|value| Packed::from_bytes(file(value)).unwrap());
    for (tensor, ..) in zeros.tensors() {
        let is_vector = matches!(tensor.role, Role::Vector | Role::Threshold | Role::Classifier);
        let values = |packed: &Packed| match is_vector {
            true => packed.vector(&tensor.name),
            false if tensor.role == Role::Matrix => packed.matrix(&tensor.name).full().expect("32 bits"),
            false => {
                let (table, mut row) = (packed.table(&tensor.name), vec![0.0; tensor.columns]);
                table.row(tensor.rows - 1, &mut row);
                row
            }
        };
        assert_eq!(values(&zeros), values(&tiny), "{}", tensor.name);
        assert!(values(&tiny).iter().all(|x| !x.is_subnormal()), "{}", tensor.name);
    }
}
