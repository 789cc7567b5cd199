//! A student that starts from another run's: from one of the same task whole, from another task's all but the classifier, from one of
//! another shape not at all.

use std::path::{Path, PathBuf};

use bitspike::config::StudentConfig;
use bitspike::format::{Packed, Packing, Role};
use bitspike::neuron::Levels;
use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};
use bitspike::tokenizer::Tokenizer;
use bitspike_data::Encoded;
use bitspike_data::TaskSpec;
use bitspike_run::FromRun;
use bitspike_run::recipe::{Recipe, StudentRecipe, Thresholds};
use bitspike_run::run::{Checkpoint, Counters, Description, FORMAT, RunFolder};
use bitspike_run::weights::Weights;
use bitspike_train::distill::{Distiller, Predecessor, Setup};
use bitspike_train::student::{Start, Student};
use bitspike_train::teacher::Teacher;
use bitspike_train::texts::Texts;
use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/bert-micro-f32")
}

fn distiller(folder: &Path) -> Distiller {
    distiller_of(folder, |_| ())
}

fn distiller_of(folder: &Path, change: impl FnOnce(&mut StudentRecipe)) -> Distiller {
    let device = Device::flex();
    let sentence = |i: u32| Encoded {
        id: i.to_string(),
        ids: vec![2, 5 + i, 3],
        types: vec![0; 3],
        target: Some((i % 2) as f32),
        answer: None,
    };
    let texts =
        Texts { train: (0..16).map(sentence).collect(), dev: (0..4).map(sentence).collect(), ..Texts::default() };
    let mut recipe = Recipe::default();
    recipe.data.max_length = 16;
    change(&mut recipe.student);
    let teacher = Teacher::load(&fixture(), &device).unwrap();
    let folder = RunFolder::create(folder).unwrap();
    let task = TaskSpec::glue("sst2").unwrap();
    Distiller::new(Setup { recipe, task, teacher, texts, folder }, &device).unwrap()
}

/// A run of a student of random weights, of `task` and of the shape of `like` but for what `change` makes of it.
fn other(folder: &Path, task: &str, like: &StudentConfig, change: impl FnOnce(&mut StudentConfig)) -> RunFolder {
    let task = TaskSpec::glue(task).unwrap();
    let mut config = StudentConfig { num_labels: task.num_outputs(), labels: task.labels().to_vec(), ..like.clone() };
    change(&mut config);
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let start = Start { teacher_width: like.hidden, thresholds: &Thresholds::default(), deviation: 0.1 };
    let student = Student::random(config.clone(), start, &mut rng, &Device::flex());
    let run = RunFolder::create(folder).unwrap();
    let description = Description { format: FORMAT.into(), student: config, task, max_length: 12 };
    run.describe(&Recipe::default(), &description, &Tokenizer::load(fixture()).unwrap()).unwrap();
    student.save_best(&run, &Counters::default()).unwrap();
    run
}

/// The weights of the distiller's student, by way of a file.
fn weights(distiller: &Distiller, folder: &Path) -> Weights {
    let run = RunFolder::create(folder).unwrap();
    distiller.student().save_best(&run, &Counters::default()).unwrap();
    Weights::load(&run.best()).unwrap()
}

#[test]
fn another_tasks_student_gives_all_but_its_classifier() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut distiller = distiller(&path("run"));
    let config = distiller.student().config.clone();
    let own = weights(&distiller, &path("own"));

    for (task, keeps_classifier) in [("stsb", true), ("sst2", false)] {
        let theirs = other(&path(task), task, &config, |_| ());
        let all = theirs.weights().unwrap();
        distiller.start_from(&Predecessor::Run(theirs)).unwrap();
        let (found, theirs) = (weights(&distiller, &path(&format!("{task}-found"))), all);
        let names: Vec<&str> = found.names().collect();
        assert!(names.contains(&"classifier.weight") && names.contains(&"words"));
        for name in names {
            let expected = if keeps_classifier && name.starts_with("classifier.") { &own } else { &theirs };
            assert_eq!(found.get(name), expected.get(name), "{task}: {name}");
        }
    }
}

#[test]
fn a_student_of_another_shape_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut distiller = distiller(&path("run"));
    let config = distiller.student().config.clone();
    let deeper = other(&path("deeper"), "sst2", &config, |config| config.layers += 1);
    let error = distiller.start_from(&Predecessor::Run(deeper)).unwrap_err().to_string();
    assert!(error.contains("layers expected") && error.contains("deeper"), "{error}");
}

#[test]
fn a_packed_model_gives_weights_that_quantise_to_its_codes_and_scales() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (name, bits) in [("ternary", WeightBits::Ternary), ("binary", WeightBits::Binary)] {
        let mut distiller = distiller_of(&path(name), |student| {
            (student.weight_bits, student.granularity) = (bits, Granularity::Row);
            student.embedding_bits = EmbeddingBits::Ternary;
            // Another code than that of the model it starts from.
            (student.code, student.time_steps) = (Levels::Single, 4);
        });
        let config = distiller.student().config.clone();
        let theirs = other(&path(&format!("{name}-other")), "sst2", &config, |config| {
            (config.code, config.time_steps) = (Levels::Unary, 16);
        });
        let file = path(&format!("{name}.safetensors"));
        std::fs::write(&file, FromRun::pack(&theirs, Checkpoint::Best, Packing::default()).unwrap().file).unwrap();
        let said = distiller.start_from(&Predecessor::open(&file).unwrap()).unwrap();
        assert!(said.contains("classifier included"), "{said}");

        let again = other(&path(&format!("{name}-again")), "sst2", &config, |_| ());
        distiller.student().save_best(&again, &Counters::default()).unwrap();
        let again = FromRun::pack(&again, Checkpoint::Best, Packing::default()).unwrap().file;
        let (expected, found) = (Packed::open(&file).unwrap(), Packed::from_bytes(again).unwrap());
        let close = |a: f32, b: f32| (a - b).abs() <= 1e-5 * a.abs();
        for (tensor, ..) in expected.tensors() {
            let (mut a, mut b) = (vec![0i8; tensor.columns], vec![0i8; tensor.columns]);
            match tensor.role {
                Role::Matrix => {
                    let (expected, found) = (expected.matrix(&tensor.name), found.matrix(&tensor.name));
                    for row in 0..tensor.rows {
                        expected.codes_row(row, &mut a);
                        found.codes_row(row, &mut b);
                        assert_eq!(a, b, "{name}: {} row {row}", tensor.name);
                        let scales = (expected.scales[row], found.scales[row]);
                        assert!(close(scales.0, scales.1), "{name}: {} row {row}: {scales:?}", tensor.name);
                    }
                }
                Role::Table => {
                    let (expected, found) = (expected.table(&tensor.name), found.table(&tensor.name));
                    for row in 0..tensor.rows {
                        expected.codes_row(row, &mut a);
                        found.codes_row(row, &mut b);
                        assert_eq!(a, b, "{name}: {} row {row}", tensor.name);
                        assert!(close(expected.scale(row), found.scale(row)), "{name}: {} row {row}", tensor.name);
                    }
                }
                _ => assert_eq!(expected.vector(&tensor.name), found.vector(&tensor.name), "{name}: {}", tensor.name),
            }
        }
    }
}
