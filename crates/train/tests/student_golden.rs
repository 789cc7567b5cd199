//! One distillation step of small students against losses, spike counts and gradients that another implementation computed
//! in double precision (`fixtures/README.md`, `student-step.json`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bitspike::config::StudentConfig;
use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};
use bitspike_run::recipe::{LossWeights, Thresholds, VectorWeights};
use bitspike_run::weights::Weights;
use bitspike_train::layers::PackedTokens;
use bitspike_train::loss::{Target, distillation, value};
use bitspike_train::optimizer::ModuleGradients;
use bitspike_train::student::{Forward, Student};
use bitspike_train::teacher::Teacher;
use burn::tensor::Device;
use rand::SeedableRng;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    time_steps: u32,
    loss_weights: BTreeMap<String, f64>,
    thresholds: Thresholds,
    configurations: Vec<Configuration>,
}

#[derive(Deserialize)]
struct Configuration {
    weight_bits: WeightBits,
    granularity: Granularity,
    signed: bool,
    layers: usize,
    temperature: f64,
    sentences: Vec<Sentence>,
    losses: BTreeMap<String, f64>,
    logits: Vec<Vec<f32>>,
    populations: BTreeMap<String, Spikes>,
    gradients: BTreeMap<String, Vec<f32>>,
    gradient_summaries: BTreeMap<String, Summary>,
    word_gradient_norms: Vec<WordNorm>,
}

#[derive(Deserialize)]
struct Sentence {
    ids: Vec<u32>,
    types: Vec<u32>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Spikes {
    sum: i64,
    absolute: i64,
}

#[derive(Deserialize)]
struct Summary {
    norm: f64,
    first: Vec<f32>,
}

#[derive(Deserialize)]
struct WordNorm {
    id: u32,
    norm: f64,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn norm(x: &[f32]) -> f64 {
    x.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt()
}

/// Values agree within 1e-3 of the largest of them.
fn close(what: &str, found: &[f32], expected: &[f32], scale: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let error = f64::from((found - expected).abs());
        assert!(error <= 1e-3 * scale, "{what}[{i}]: found {found}, expected {expected}");
    }
}

fn largest(x: &[f32]) -> f64 {
    x.iter().fold(1e-4, |max, &x| f64::from(x.abs()).max(max))
}

#[test]
fn losses_counts_and_gradients_of_one_step() {
    let text = std::fs::read_to_string(fixtures().join("student-step.json")).unwrap();
    let golden: Golden = serde_json::from_str(&text).unwrap();
    assert!(golden.configurations.len() >= 8);
    let plain = Device::flex();
    let device = plain.clone().autodiff();
    let folder = fixtures().join("bert-tiny");
    let teacher = Teacher::load(&folder, &plain).unwrap();
    let source = Weights::load(&folder.join("model.safetensors")).unwrap();
    for case in &golden.configurations {
        let name =
            format!("{} bit, {}, signed {}, {} layers", case.weight_bits, case.granularity, case.signed, case.layers);
        let config = StudentConfig {
            hidden: teacher.config.hidden_size,
            heads: teacher.config.num_attention_heads,
            intermediate: teacher.config.intermediate_size,
            layers: case.layers,
            vocab_size: teacher.config.vocab_size,
            max_positions: teacher.config.max_position_embeddings,
            type_vocab: teacher.config.type_vocab_size,
            layer_norm_eps: teacher.config.layer_norm_eps,
            num_labels: 3,
            labels: Vec::new(),
            time_steps: golden.time_steps,
            code: bitspike::neuron::Levels::Unary,
            signed: case.signed,
            weight_bits: case.weight_bits,
            granularity: case.granularity,
            embedding_bits: EmbeddingBits::Full,
            relative_attention: false,
            feedback: None,
            pooling: None,
        };
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
        let mut student = Student::from_teacher(config, &teacher, &golden.thresholds, &mut rng, &device).unwrap();
        let mut weights = student.to_weights();
        for part in ["classifier.weight", "classifier.bias"] {
            let array = source.get(part).unwrap();
            weights.insert(part, &array.shape, array.values.clone());
        }
        student.load_weights(&mut weights).unwrap();

        let tokens = PackedTokens::new(case.sentences.iter().map(|s| (s.ids.as_slice(), s.types.as_slice())));
        let rows = student.words.rows(&tokens.vocabulary, &device).require_grad();
        let output = student.forward(rows.clone(), &tokens, Forward::Quantised);
        for (population, counts) in &output.populations {
            let counts: Vec<f32> = counts.clone().inner().into_data().try_into_vec().unwrap();
            let found = Spikes {
                sum: counts.iter().map(|&n| n as i64).sum(),
                absolute: counts.iter().map(|&n| n.abs() as i64).sum(),
            };
            assert_eq!(found, case.populations[population], "{name}: spikes of {population}");
        }
        let logits: Vec<f32> = output.logits.clone().inner().into_data().try_into_vec().unwrap();
        close(&format!("{name}: logits"), &logits, &case.logits.concat(), 1.0);

        let target = Target { labels: &[], regression: false, temperature: case.temperature, vectors: None };
        let loss_weights = LossWeights {
            vectors: VectorWeights::NONE,
            hidden: golden.loss_weights["hidden"],
            attention: golden.loss_weights["attention"],
            prediction: golden.loss_weights["prediction"],
            label: 0.0,
            rate: 0.0,
        };
        let loss = distillation(&student, &output, &teacher.infer(&tokens, &plain), target, loss_weights);
        let parts = [
            ("total", Some(loss.total.clone())),
            ("hidden", loss.hidden),
            ("attention", loss.attention),
            ("prediction", loss.prediction),
        ];
        for (part, found) in parts {
            let (found, expected) = (value(&found.unwrap()), case.losses[part]);
            assert!((found - expected).abs() < 1e-4 * expected, "{name}: {part} loss {found}, expected {expected}");
        }

        let mut gradients = loss.total.backward();
        let word_rows: Vec<f32> = rows.grad_remove(&mut gradients).unwrap().into_data().try_into_vec().unwrap();
        let gradients = ModuleGradients::take(&student.net, &mut gradients);
        for (path, expected) in &case.gradients {
            let found = gradients.get(path).unwrap_or_else(|| panic!("{name}: no gradient of {path}"));
            close(&format!("{name}: gradient of {path}"), found, expected, largest(expected));
        }
        for (path, expected) in &case.gradient_summaries {
            let found = gradients.get(path).unwrap_or_else(|| panic!("{name}: no gradient of {path}"));
            let size = norm(found);
            assert!((size - expected.norm).abs() <= 1e-3 * expected.norm.max(1e-4), "{name}: {path}: norm {size}");
            let count = expected.first.len();
            close(&format!("{name}: gradient of {path}"), &found[..count], &expected.first, largest(found));
        }
        let width = student.words.width;
        let mut listed = 0;
        for (row, id) in tokens.vocabulary.iter().enumerate() {
            let found = norm(&word_rows[row * width..(row + 1) * width]);
            if let Some(expected) = case.word_gradient_norms.iter().find(|word| word.id == *id) {
                assert!((found - expected.norm).abs() < 1e-3 * expected.norm.max(1e-4), "{name}: word {id}: {found}");
                listed += 1;
            }
        }
        assert_eq!(listed, case.word_gradient_norms.len(), "{name}: every listed word is in the batch");
    }
}
