//! A run's folder from outside: what a student of it becomes, and what is said where something is missing or damaged.

mod small_run;

use std::error::Error as _;
use std::fs;

use bitspike::Options;
use bitspike::config::Feedback;
use bitspike::format::{Packed, Packing};
use bitspike_run::run::{Counters, save};
use bitspike_run::{Checkpoint, Error, FromRun, RunFolder};

fn refused(run: &RunFolder, checkpoint: Checkpoint) -> Error {
    let Err(error) = FromRun::pack(run, checkpoint, Packing::default()) else { panic!("packed") };
    error
}

/// Every error of the chain, the outermost first.
fn chain(error: &Error) -> Vec<String> {
    let mut causes = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    causes
}

#[test]
fn a_student_of_a_run_is_packed_and_answers() {
    let folder = tempfile::tempdir().unwrap();
    let run = small_run::make(folder.path(), "sst2", |_| ());
    let best = FromRun::pack(&run, Checkpoint::Best, Packing::default()).unwrap();
    assert_eq!(Packed::from_bytes(best.file.clone()).unwrap().header(), &best.header);
    let model = FromRun::pack(&run, Checkpoint::Best, Packing::default()).unwrap().load(&Options::default()).unwrap();
    assert_eq!(model.labels(), ["negative", "positive"]);

    // Another student at the last step; both of a run that was never evaluated are that one.
    let student = &run.description().unwrap().student;
    save(&run.last(), small_run::weights(student, 2), &Counters::default()).unwrap();
    let last = FromRun::pack(&run, Checkpoint::Last, Packing::default()).unwrap().file;
    assert_ne!(last, best.file);
    let most = student.max_positions;
    let of_length = |max_length| FromRun::pack(&run, Checkpoint::Last, Packing { max_length, ..Packing::default() });
    assert_eq!(of_length(Some(most)).unwrap().header.max_length, most);
    let Err(error) = of_length(Some(most + 1)) else { panic!("packed with more tokens than positions") };
    assert!(chain(&error).iter().any(|cause| cause.contains("max_length")), "{error}");
    fs::remove_file(run.best()).unwrap();
    assert_eq!(FromRun::pack(&run, Checkpoint::Best, Packing::default()).unwrap().file, last);
    fs::remove_file(run.last()).unwrap();
    for checkpoint in [Checkpoint::Best, Checkpoint::Last] {
        assert!(refused(&run, checkpoint).to_string().contains("the run has written no checkpoint yet"));
    }
}

#[test]
fn what_cannot_be_packed_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let feedback = toml::from_str::<Feedback>("memory = 4\n").unwrap();
    let run = small_run::make(folder.path(), "sst2", |student| student.feedback = Some(feedback));
    let error = refused(&run, Checkpoint::Best);
    assert!(matches!(&error, Error::Unpackable { path, .. } if path == run.path()), "{error}");
    assert!(error.to_string().contains("feedback"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let run = small_run::make(folder.path(), "sst2", |_| ());
    let mut weights = run.weights().unwrap();
    weights.remove("classifier.bias").unwrap();
    weights.save(&run.best()).unwrap();
    let error = refused(&run, Checkpoint::Best).to_string();
    assert!(error.contains("best.safetensors: tensor `classifier.bias` is missing"), "{error}");
}

#[test]
fn causes_stay_in_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let run = small_run::make(folder.path(), "sst2", |_| ());
    fs::write(run.best(), "no safetensors").unwrap();
    let error = run.weights().unwrap_err();
    assert!(matches!(error, Error::Safetensors { .. }) && chain(&error).len() == 2, "{:?}", chain(&error));

    let model = run.path().join("model.json");
    let text = fs::read_to_string(&model).unwrap();
    for (bad, says, causes) in [
        ("{".to_owned(), "model.json: not JSON: EOF", 2),
        (text.replace("run-1", "run-7"), "expected format `bitspike-run-1`, found `bitspike-run-7`", 1),
        (text.replace("max_length", "length"), "not a model description: unknown field `length`", 2),
    ] {
        fs::write(&model, bad).unwrap();
        let error = run.description().unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(chain(&error).len(), causes, "{:?}", chain(&error));
    }
    fs::write(run.path().join("recipe.toml"), "sed = 1\n").unwrap();
    let causes = chain(&run.recipe().unwrap_err());
    assert!(causes.len() > 1 && causes[0].contains("recipe.toml: TOML parse error at line 1"), "{causes:?}");
    fs::remove_file(run.path().join("recipe.toml")).unwrap();
    assert_eq!(chain(&run.recipe().unwrap_err()).len(), 2);
    assert!(RunFolder::open(folder.path()).unwrap_err().to_string().contains("no run here: model.json is missing"));
}

#[test]
fn a_folder_is_of_one_run_and_of_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let run = small_run::make(folder.path(), "sst2", |_| ());
    let error = RunFolder::create(run.path()).unwrap_err().to_string();
    assert!(error.contains("best.safetensors: this folder already holds a run"), "{error}");
    let held = run.lock().unwrap();
    assert!(run.lock().unwrap_err().to_string().contains("another process is training into this folder"));
    drop(held);
    run.lock().unwrap();
}
