//! A student that starts from another run's: from one of the same task whole, from another task's all but the classifier, from one of
//! another shape not at all.

use std::path::{Path, PathBuf};

use bitspike::config::StudentConfig;
use bitspike::tokenizer::Tokenizer;
use bitspike_data::Encoded;
use bitspike_data::TaskSpec;
use bitspike_run::recipe::{Recipe, Thresholds};
use bitspike_run::run::{Counters, Description, FORMAT, RunFolder};
use bitspike_run::weights::Weights;
use bitspike_train::distill::{Distiller, Setup};
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
    let device = Device::flex();
    let sentence =
        |i: u32| Encoded { id: i.to_string(), ids: vec![2, 5 + i, 3], types: vec![0; 3], target: Some((i % 2) as f32) };
    let texts =
        Texts { train: (0..16).map(sentence).collect(), dev: (0..4).map(sentence).collect(), ..Texts::default() };
    let mut recipe = Recipe::default();
    recipe.data.max_length = 16;
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
        distiller.start_from(&theirs).unwrap();
        let (found, theirs) = (weights(&distiller, &path(&format!("{task}-found"))), theirs.weights().unwrap());
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
    let error = distiller.start_from(&deeper).unwrap_err().to_string();
    assert!(error.contains("layers expected") && error.contains("deeper"), "{error}");
}
