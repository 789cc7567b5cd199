//! Events of an invented run for the tests of the displays.

use std::collections::BTreeMap;

use bitspike_run::progress::{Event, Level};

/// The start of a run of 4208 steps.
pub(super) fn start() -> Event {
    Event::Start {
        run: "distil sst2".into(),
        stages: vec!["internal".into(), "prediction".into()],
        total_steps: 4208,
        trainable_parameters: 10_700_000,
        train_examples: 67_349,
        dev_examples: 872,
        resumed_at: None,
    }
}

/// Step `step` of `stage` with a total of `loss` and three parts of it, two seconds after the step before.
pub(super) fn step(stage: &str, step: u64, loss: f64) -> Event {
    Event::Step {
        stage: stage.into(),
        step,
        total_steps: 4208,
        epoch: step as f64 / 1052.0,
        loss,
        hidden: Some(0.75 * loss),
        attention: Some(0.2 * loss),
        prediction: Some(0.05 * loss),
        rate: Some(0.21),
        feedback: None,
        nonzero: None,
        threshold_change: None,
        learning_rate: 2.1e-4,
        grad_norm: 1.25,
        examples_per_second: 813.2,
        tokens_per_second: 20_480.0,
        elapsed_s: 2.0 * step as f64,
        eta_s: 724.0,
    }
}

/// An evaluation on `dev` after `step` steps.
pub(super) fn eval(step: u64, accuracy: f64, best: bool) -> Event {
    let mut rates = BTreeMap::from([("embedding".to_owned(), 0.3125)]);
    for layer in 0..12 {
        for (i, population) in ["key", "val", "ctx", "att", "ffn", "out"].into_iter().enumerate() {
            rates.insert(format!("layer {layer} {population}"), 0.05 + 0.02 * f64::from(layer) + 0.01 * i as f64);
        }
    }
    Event::Eval {
        stage: "internal".into(),
        step,
        split: "dev".into(),
        metrics: BTreeMap::from([("accuracy".into(), accuracy), ("f1".into(), 0.5)]),
        primary: "accuracy".into(),
        best,
        rates,
        elapsed_s: 2.0 * step as f64,
    }
}

/// A checkpoint of `kind` after `step` steps.
pub(super) fn checkpoint(kind: &str, step: u64) -> Event {
    Event::Checkpoint { step, kind: kind.into(), path: format!("runs/a/{kind}") }
}

/// A warning.
pub(super) fn warning(text: &str) -> Event {
    Event::Message { level: Level::Warn, text: text.into() }
}

/// The end of a run for `reason` with its best at step 10.
pub(super) fn end(reason: &str, step: u64) -> Event {
    Event::End {
        reason: reason.into(),
        step,
        elapsed_s: 2292.0,
        best: Some(0.8872),
        best_step: Some(10),
        primary: "accuracy".into(),
    }
}

/// A run of `steps` steps with evaluations at 5, 10 (the best) and 15, without its end.
pub(super) fn run(steps: u64) -> Vec<Event> {
    let mut events = vec![start()];
    for i in 1..=steps {
        events.push(step("internal", i, 100.0 / i as f64));
        match i {
            5 => events.extend([eval(5, 0.8, true), checkpoint("best", 5)]),
            10 => events.extend([eval(10, 0.8872, true), checkpoint("best", 10), checkpoint("last", 10)]),
            15 => events.extend([eval(15, 0.88, false), warning("gradient norm 812 clipped to 1")]),
            _ => {}
        }
    }
    events
}
