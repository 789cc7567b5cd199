use super::*;
use crate::fixture::{dev_of, model};
use crate::predict::predict;

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

#[test]
fn rows_of_several_steps_are_those_of_single_runs() {
    for hysteresis in [0.0, 0.5] {
        let of = |time_steps: Vec<u32>| {
            let dynamics = [Dynamics::Accumulated, Dynamics::Instantaneous, Dynamics::Phased];
            scores(&InTimeOptions { time_steps, hysteresis, ..InTimeOptions::new(dynamics) }).unwrap()
        };
        let together = of(vec![3, 8, 21]);
        let mut alone = [3, 8, 21].map(|time_steps| of(vec![time_steps]));
        for (i, found) in together.into_iter().enumerate() {
            let single = alone[i % 3].remove(0);
            assert_eq!(
                TimeScore { seconds: 0.0, ..found },
                TimeScore { seconds: 0.0, ..single },
                "hysteresis {hysteresis}"
            );
        }
    }
}

#[test]
fn every_line_is_counted_by_itself_as_it_ran() {
    let exit = Some(ExitRule { margin: 0.0, change: 1.0, patience: 1, min_steps: 2 });
    let tokens = dev_of(&model()).tokens() as f64;
    for (dynamics, exit) in [(Dynamics::Accumulated, exit), (Dynamics::Accumulated, None), (Dynamics::Phased, None)] {
        let options = InTimeOptions { time_steps: vec![4, 12], exit, count: true, ..InTimeOptions::new([dynamics]) };
        let plain = scores(&InTimeOptions { count: false, ..options.clone() }).unwrap();
        for (line, plain) in scores(&options).unwrap().into_iter().zip(plain) {
            let counted = line.counted.clone().unwrap();
            assert_eq!((counted.dynamics, counted.time_steps), (dynamics, line.time_steps));
            assert_eq!(counted.mean_steps, line.mean_steps);
            assert!((counted.total.spikes as f64 - line.spikes_per_token * tokens).abs() < 1e-6, "{line:?}");
            assert_eq!(TimeScore { seconds: 0.0, counted: None, ..line }, TimeScore { seconds: 0.0, ..plain });
        }
    }
}

#[test]
fn corrections_that_nobody_makes_are_refused() {
    let options = InTimeOptions::new([Dynamics::Phased, Dynamics::Instantaneous]);
    let error = scores(&InTimeOptions { hysteresis: 0.5, ..options.clone() }).unwrap_err().to_string();
    assert!(error.contains("--hysteresis") && error.contains("found phased, instantaneous"), "{error}");
    let error = scores(&InTimeOptions { retract: false, ..options }).unwrap_err().to_string();
    assert!(error.contains("--no-retract"), "{error}");
}
