use super::*;
use crate::fixture::{dev_of, model};
use crate::score::predict;

fn scores(options: &InTimeOptions) -> Result<Vec<TimeScore>> {
    let model = model();
    let split = dev_of(&model);
    let equilibrium = predict(&model, &split.examples)?;
    let mut last = 0;
    let scores = score(&model, &split, &equilibrium, options, |progress| last = progress.done);
    assert!(scores.is_err() || last == 4);
    scores
}

#[test]
fn a_model_is_scored_at_every_step_asked_for() {
    let time_steps = vec![16, 4, 16];
    let options = InTimeOptions { time_steps, ..InTimeOptions::new([Dynamics::Phased, Dynamics::Accumulated]) };
    let scores = scores(&options).unwrap();
    let found: Vec<(Dynamics, u32)> = scores.iter().map(|score| (score.dynamics, score.time_steps)).collect();
    let expected = [Dynamics::Phased, Dynamics::Accumulated].map(|dynamics| [4, 16].map(|t| (dynamics, t)));
    assert_eq!(found, expected.concat());
    // `phased` at the T of training is the equilibrium.
    assert!(scores[1].is_equilibrium(16) && scores[1].agreement == Some(1.0) && scores[1].mean_steps.is_none());
    assert!(scores.iter().all(|score| score.metrics.contains_key("accuracy") && score.mean_rate > 0.0));
}

#[test]
fn sentences_that_are_settled_end_early() {
    let exit = Some(ExitRule { margin: 0.0, change: 1e9, patience: 1, min_steps: 2 });
    let options = InTimeOptions { time_steps: vec![12], exit, ..InTimeOptions::new([Dynamics::Accumulated]) };
    assert!(scores(&options).unwrap()[0].mean_steps.unwrap() < 12.0);
    let options = InTimeOptions { dynamics: Dynamics::ALL.to_vec(), ..options };
    assert!(scores(&options).unwrap_err().to_string().contains("--exit"));
}

#[test]
fn what_cannot_be_simulated_is_refused() {
    for dynamics in Dynamics::ALL {
        let zero = InTimeOptions { time_steps: vec![0, 4], ..InTimeOptions::new([*dynamics]) };
        assert!(scores(&zero).unwrap_err().to_string().contains("time_steps: expected 1 to 65536, found 0"));
    }
    let leak = InTimeOptions { beta: 1.5, ..InTimeOptions::new([Dynamics::Accumulated]) };
    assert!(scores(&leak).unwrap_err().to_string().contains("1.5"));
}
