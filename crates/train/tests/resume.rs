//! A run that is stopped or killed and resumed ends as an uninterrupted one; a run that diverges keeps what it had.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use bitspike::config::Feedback;
use bitspike::forward::Dynamics;
use bitspike::neuron::{Levels, Reset};
use bitspike::tokenizer::Tokenizer;
use bitspike_data::Encoded;
use bitspike_data::TaskSpec;
use bitspike_run::progress::{Event, Observer};
use bitspike_run::recipe::{Recipe, RunRecipe, SimulatedForward, Stage, StageKind};
use bitspike_run::run::{Description, FORMAT, RunFolder};
use bitspike_run::weights::Weights;
use bitspike_train::distill::{Distiller, Setup};
use bitspike_train::teacher::Teacher;
use bitspike_train::texts::Texts;
use bitspike_train::training::{Controls, EndReason, Outcome, train};
use bitspike_train::{Error, Result};
use burn::tensor::Device;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/bert-micro-f32")
}

/// Sentences whose class is the parity of their second token.
fn sentences(count: u32) -> Vec<Encoded> {
    let sentence = |i: u32| {
        let word = 5 + i * 7 % 40;
        let mut ids = vec![2, word];
        ids.extend((0..i % 5).map(|k| 5 + (i + 11 * k) % 40));
        ids.push(3);
        let types = vec![0; ids.len()];
        Encoded { id: i.to_string(), ids, types, target: Some((word % 2) as f32), answer: None }
    };
    (0..count).map(sentence).collect()
}

/// What happens to a run when it has taken so many steps.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Lives,
    /// Ctrl-C
    Stopped(u64),
    /// Ends without a chance to save.
    Killed(u64),
}

struct Watcher<'a> {
    fate: Fate,
    stop: &'a AtomicBool,
    looped: bool,
}

impl Observer for Watcher<'_> {
    fn on_event(&mut self, event: &Event) -> std::io::Result<()> {
        if let Event::Step { step, feedback, .. } = event {
            assert_eq!(feedback.is_some(), self.looped, "solves are logged where there is a loop");
            match self.fate {
                Fate::Stopped(at) if *step == at => self.stop.store(true, Ordering::Relaxed),
                Fate::Killed(at) if *step == at => return Err(std::io::Error::other("killed")),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Ways of training that carry something of their own from step to step.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Equilibrium,
    /// The second half of the second stage runs through spikes.
    Spikes,
    /// With feedback, at the fixed point of its loop.
    Loop,
    /// Of single spikes, whose share a controller holds.
    Sparse,
}

fn recipe(kind: Kind) -> Recipe {
    let stages = [StageKind::Internal, StageKind::Prediction].map(|kind| Stage { epochs: 2.0, ..Stage::new(kind) });
    let run = RunRecipe { log_every: 1, checkpoint_minutes: 0.0, ..RunRecipe::default() };
    let mut recipe = Recipe { stage: stages.to_vec(), run, ..Recipe::default() };
    recipe.data.batch_size = 8;
    recipe.data.max_length = 16;
    match kind {
        Kind::Equilibrium => {}
        Kind::Spikes => {
            let (beta, reset) = (0.95, Reset::Soft);
            let simulate = SimulatedForward { dynamics: Dynamics::Accumulated, time_steps: 6, beta, reset, from: 0.5 };
            recipe.stage[1].simulate = Some(simulate);
        }
        Kind::Sparse => {
            (recipe.student.code, recipe.student.time_steps) = (Levels::Single, 4);
            recipe.stage.iter_mut().for_each(|stage| stage.target_nonzero = Some(0.1));
        }
        Kind::Loop => recipe.student.feedback = Some(Feedback::default()),
    }
    recipe
}

fn run(kind: Kind, path: &Path, teacher: &Path, resume: bool, fate: Fate) -> Result<Outcome> {
    let device = Device::flex();
    let (recipe, task) = (recipe(kind), TaskSpec::glue("sst2")?);
    let folder = if resume { RunFolder::open(path)? } else { RunFolder::create(path)? };
    let texts = Texts { train: sentences(80), dev: sentences(20), ..Texts::default() };
    let setup = Setup {
        recipe: recipe.clone(),
        task: task.clone(),
        teacher: Teacher::load(teacher, &device)?,
        texts,
        folder: folder.clone(),
    };
    let mut distiller = Distiller::new(setup, &device)?;
    let student = distiller.student().config.clone();
    let description = Description { format: FORMAT.into(), student, task, max_length: 16 };
    folder.describe(&recipe, &description, &Tokenizer::load(teacher)?)?;
    let resume = if resume { Some(distiller.restore()?) } else { None };
    let stop = AtomicBool::new(false);
    let controls = Controls {
        name: "test".into(),
        summary: String::new(),
        stages: recipe.stage.clone(),
        batch_size: 8,
        run: recipe.run.clone(),
        max_time: None,
        stop: &stop,
        resume,
        notes: Vec::new(),
    };
    train(&mut distiller, &controls, &mut Watcher { fate, stop: &stop, looped: kind == Kind::Loop })
}

fn same_weights(a: &Path, b: &Path) {
    for file in ["last.safetensors", "best.safetensors"] {
        let (a, b) = (Weights::load(&a.join(file)).unwrap(), Weights::load(&b.join(file)).unwrap());
        assert_eq!(a.names().collect::<Vec<_>>(), b.names().collect::<Vec<_>>(), "{file}");
        for name in a.names() {
            assert_eq!(a.get(name), b.get(name), "{file}: {name}");
        }
    }
}

#[test]
fn a_resumed_run_ends_as_an_uninterrupted_one() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    resumes(Kind::Equilibrium, &whole, folder.path());
}

#[test]
fn so_does_one_through_spikes() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let outcome = resumes(Kind::Spikes, &whole, folder.path());
    // The best is one of those through spikes, whatever the equilibrium scored before.
    assert_eq!(outcome.counters.best_dynamics, Some(Dynamics::Accumulated));
    assert!(outcome.counters.best_step.unwrap() > 30, "{outcome:?}");
}

#[test]
fn so_does_one_with_feedback() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    resumes(Kind::Loop, &whole, folder.path());
}

#[test]
fn so_does_one_that_holds_a_share_of_counts_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    resumes(Kind::Sparse, &whole, folder.path());
    let state = Weights::load(&whole.join("last.safetensors")).unwrap();
    let state = state.get("sparsity.controller").expect("the controller's state is in the checkpoint");
    assert!(state.values.iter().all(|&x| x != 0.0), "{state:?}");
}

fn resumes(kind: Kind, whole: &Path, folder: &Path) -> Outcome {
    let expected = run(kind, whole, &fixture(), false, Fate::Lives).unwrap();
    assert_eq!((expected.reason, expected.counters.step), (EndReason::Finished, 40));
    // In the first stage, at its end, in the second stage, at the very first step.
    for (i, fate) in [Fate::Stopped(7), Fate::Stopped(20), Fate::Stopped(33), Fate::Killed(12), Fate::Killed(31)]
        .into_iter()
        .enumerate()
    {
        let path = folder.join(format!("{i}"));
        let first = run(kind, &path, &fixture(), false, fate);
        match fate {
            Fate::Stopped(at) => {
                let outcome = first.unwrap();
                assert_eq!((outcome.reason, outcome.counters.step), (EndReason::Interrupted, at));
            }
            _ => assert!(first.is_err()),
        }
        let outcome = run(kind, &path, &fixture(), true, Fate::Lives).unwrap();
        assert_eq!(outcome.counters.best, expected.counters.best);
        assert_eq!(outcome.counters.best_step, expected.counters.best_step);
        same_weights(whole, &path);
    }
    expected
}

#[test]
fn a_run_that_diverges_says_where_and_writes_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let teacher = folder.path().join("teacher");
    std::fs::create_dir(&teacher).unwrap();
    for file in ["config.json", "vocab.txt", "tokenizer_config.json"] {
        std::fs::copy(fixture().join(file), teacher.join(file)).unwrap();
    }
    let mut weights = Weights::load(&fixture().join("model.safetensors")).unwrap();
    let norm = "bert.encoder.layer.0.output.LayerNorm.weight";
    let gain = weights.get(norm).unwrap().clone();
    weights.insert(norm, &gain.shape, vec![3e38; gain.values.len()]);
    weights.save(&teacher.join("model.safetensors")).unwrap();
    let path = folder.path().join("run");
    let error = run(Kind::Equilibrium, &path, &teacher, false, Fate::Lives).unwrap_err();
    assert!(matches!(error, Error::Diverged { step: 1, .. }), "{error}");
    assert!(error.to_string().contains("diverged at step 1"), "{error}");
    assert!(!path.join("last.safetensors").exists() && !path.join("best.safetensors").exists());
}
