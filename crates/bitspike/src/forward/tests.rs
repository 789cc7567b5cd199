use super::*;
use crate::config::StudentConfig;
use crate::encoder::Encoder;
use crate::error::Error;
use crate::kernels::Kernels;
use crate::neuron::{MAX_TIME_STEPS, Reset};
use crate::quantize::{EmbeddingBits, Granularity, WeightBits};

fn config(signed: bool) -> StudentConfig {
    StudentConfig {
        hidden: 20,
        heads: 2,
        intermediate: 70,
        layers: 2,
        vocab_size: 10,
        max_positions: 64,
        type_vocab: 1,
        layer_norm_eps: 1e-12,
        num_labels: 2,
        labels: Vec::new(),
        time_steps: 16,
        code: crate::neuron::Levels::Unary,
        signed,
        weight_bits: WeightBits::Ternary,
        granularity: Granularity::Matrix,
        embedding_bits: EmbeddingBits::Full,
        relative_attention: signed,
        feedback: None,
        pooling: None,
    }
}

/// A sequence of numbers in [-1, 1].
fn noise(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

pub(crate) fn small_encoder(signed: bool, bits: WeightBits) -> Encoder {
    let mut next = noise(7);
    let config = StudentConfig { weight_bits: bits, ..config(signed) };
    let sizes = encoder_sizes();
    Encoder::build(&config, |name| {
        if name.ends_with("theta") || name.ends_with("gain") {
            return Ok(vec![if name.ends_with("theta") { 0.5 } else { 1.0 }; sizes(name)]);
        }
        Ok::<_, Error>((0..sizes(name)).map(|_| 0.5 * next()).collect())
    })
    .unwrap()
}

pub(crate) fn currents(tokens: usize) -> Vec<f32> {
    let mut next = noise(11);
    (0..tokens * 20).map(|_| 1.5 * next()).collect()
}

fn run(encoder: &Encoder, lengths: &[usize], simulation: &Simulation, options: Wanted) -> Vec<SentenceRun> {
    simulate(encoder, Sentences { currents: &currents(lengths.iter().sum()), lengths }, simulation, options).unwrap()
}

#[test]
fn a_sentence_alone_and_in_company_is_the_same() {
    for bits in [WeightBits::Ternary, WeightBits::Full] {
        let encoder = small_encoder(true, bits);
        let embedded = currents(9);
        for &dynamics in Dynamics::ALL {
            let simulation = Simulation::new(dynamics, 12);
            let options = Wanted { sums: true, ..Wanted::default() };
            let together =
                simulate(&encoder, Sentences { currents: &embedded, lengths: &[1, 5, 3] }, &simulation, options)
                    .unwrap();
            for (run, rows) in together.iter().zip([0..1, 1..6, 6..9]) {
                let length = rows.len();
                let alone = &embedded[rows.start * 20..rows.end * 20];
                let alone = Sentences { currents: alone, lengths: &[length] };
                assert_eq!(*run, simulate(&encoder, alone, &simulation, options).unwrap()[0]);
            }
        }
    }
}

#[test]
fn every_instruction_set_spikes_alike() {
    for signed in [false, true] {
        for &dynamics in Dynamics::ALL {
            let simulation = Simulation::new(dynamics, 20);
            let of = |kernels| {
                let encoder = small_encoder(signed, WeightBits::Binary).with_kernels(kernels).unwrap();
                run(&encoder, &[4, 7], &simulation, Wanted { sums: true, ..Wanted::default() })
            };
            let expected = of(Kernels::Scalar);
            for kernels in Kernels::available() {
                assert_eq!(of(kernels), expected, "{kernels:?} {simulation:?}");
            }
        }
    }
}

#[test]
fn a_shorter_run_is_the_start_of_a_longer_one() {
    let encoder = small_encoder(true, WeightBits::Ternary);
    for dynamics in [Dynamics::Accumulated, Dynamics::Instantaneous] {
        let long = &run(&encoder, &[5], &Simulation::new(dynamics, 30), Wanted::default())[0];
        for steps in [1, 7, 8, 9, 29] {
            let short = &run(&encoder, &[5], &Simulation::new(dynamics, steps), Wanted::default())[0];
            assert_eq!(short.steps, steps);
            assert_eq!(short.logits, long.logits[..2 * steps as usize]);
            assert_eq!(short.spikes, long.spikes[..13 * steps as usize]);
            assert_eq!(short.change, long.change[..steps as usize]);
        }
    }
}

#[test]
fn keeping_the_last_step_only_keeps_the_same_answer() {
    let encoder = small_encoder(false, WeightBits::Ternary);
    for dynamics in [Dynamics::Accumulated, Dynamics::Instantaneous] {
        let simulation = Simulation::new(dynamics, 21);
        let all = &run(&encoder, &[5], &simulation, Wanted::default())[0];
        let last = &run(&encoder, &[5], &simulation, Wanted { rows: Rows::Last, ..Wanted::default() })[0];
        assert_eq!((last.steps, last.logits.len(), last.change.len(), last.spikes.len()), (21, 2, 1, 13));
        assert_eq!(last.logits, all.logits[40..]);
        for p in 0..13 {
            assert_eq!(last.spikes[p], all.spikes.iter().skip(p).step_by(13).sum::<u64>());
        }
    }
}

#[test]
fn answers_alone_are_the_same_answers() {
    let rule = ExitRule { min_steps: 2, ..ExitRule::default() };
    for (signed, bits) in [(false, WeightBits::Ternary), (true, WeightBits::Binary), (true, WeightBits::Full)] {
        let encoder = small_encoder(signed, bits);
        for dynamics in [Dynamics::Accumulated, Dynamics::Instantaneous] {
            let simulation = Simulation::new(dynamics, 21);
            for (rows, exit) in [(Rows::All, None), (Rows::Last, None), (Rows::At(&[3, 8, 9]), Some(rule))] {
                let of = |answers_only| {
                    let options = Wanted { rows, exit, answers_only, ..Wanted::default() };
                    run(&encoder, &[1, 2, 9, 30, 8], &simulation, options)
                };
                for (alone, all) in of(true).into_iter().zip(of(false)) {
                    assert_eq!(alone, SentenceRun { spikes: Vec::new(), ..all }, "{simulation:?}");
                }
            }
        }
    }
}

/// The last layer of an unwatched window is computed at `[CLS]` alone, however its sentences are divided into tiles.
#[test]
fn an_unwatched_window_gives_the_same_answers() {
    use super::windows::{Windows, Workspace};
    let lengths = [1, 2, 9, 30, 8, 1];
    for (signed, bits) in [(false, WeightBits::Ternary), (true, WeightBits::Binary), (true, WeightBits::Full)] {
        let encoder = small_encoder(signed, bits);
        let simulation = Simulation::new(Dynamics::Phased, 16);
        let watched = run(&encoder, &lengths, &simulation, Wanted::default());
        let expected: Vec<f32> = watched.iter().flat_map(|run| run.logits.clone()).collect();
        let embedded = currents(lengths.iter().sum());
        let mut workspace = Workspace::<()>::default();
        for tiles in [1, 2, 3, 7, 51] {
            let mut logits = Vec::new();
            let pack = Sentences { currents: &embedded, lengths: &lengths };
            let windows = Windows { encoder: &encoder, time_steps: 16, pack };
            windows.run(tiles, &mut workspace, |sums| encoder.readout.apply(sums, &mut logits)).unwrap();
            assert_eq!(logits, expected, "{tiles} tiles");
        }
    }
}

#[test]
fn accumulated_converges_to_phased() {
    for signed in [false, true] {
        let encoder = small_encoder(signed, WeightBits::Ternary);
        let distance = |steps: u32| {
            let options = Wanted { sums: true, ..Wanted::default() };
            let phased = &run(&encoder, &[6], &Simulation::new(Dynamics::Phased, 4096), options)[0];
            let found = &run(&encoder, &[6], &Simulation::new(Dynamics::Accumulated, steps), options)[0];
            let rates = |run: &SentenceRun, steps: u32| {
                run.sums.iter().flatten().map(move |n| f64::from(n / steps as f32)).collect::<Vec<_>>()
            };
            let pairs = rates(phased, 4096).into_iter().zip(rates(found, steps));
            let (sum, count) = pairs.fold((0.0, 0), |(sum, count), (a, b)| (sum + (a - b).abs(), count + 1));
            sum / f64::from(count)
        };
        let distances = [4, 16, 64, 256, 1024].map(distance);
        assert!(distances.windows(2).all(|w| w[1] < 0.6 * w[0]), "signed {signed}: {distances:?}");
        assert!(distances[4] < 0.01, "signed {signed}: {distances:?}");
    }
}

#[test]
fn unsigned_neurons_take_back_only_what_they_sent() {
    #[derive(Default)]
    struct Lowest(Vec<Vec<i32>>, i32, u32);
    impl Record for Lowest {
        fn step(&mut self, population: usize, step: u32, spikes: &[i8], _potentials: &[f32]) {
            if self.0.len() <= population {
                self.0.resize(population + 1, Vec::new());
            }
            let sums = &mut self.0[population];
            sums.resize(spikes.len(), 0);
            for (sum, &s) in sums.iter_mut().zip(spikes) {
                *sum += i32::from(s);
                self.1 = self.1.min(*sum);
                self.2 += u32::from(s < 0);
                assert!(*sum <= step as i32);
            }
        }
    }
    let encoder = small_encoder(false, WeightBits::Ternary);
    let taken_back = |simulation: &Simulation| {
        let mut lowest = Lowest::default();
        simulate_recorded(&encoder, &currents(6), simulation, &mut lowest).unwrap();
        assert_eq!(lowest.1, 0, "a sum below 0");
        lowest.2
    };
    let accumulated = Simulation::new(Dynamics::Accumulated, 40);
    let plain = taken_back(&accumulated);
    let reluctant = taken_back(&Simulation { hysteresis: 0.5, ..accumulated });
    assert!(plain > reluctant && reluctant > 0, "{plain} and {reluctant} spikes taken back");
    assert_eq!(taken_back(&Simulation { retract: false, ..accumulated }), 0);
    assert_eq!(taken_back(&Simulation::new(Dynamics::Instantaneous, 40)), 0);
}

#[test]
fn an_exit_rule_ends_a_sentence_where_it_says() {
    let encoder = small_encoder(true, WeightBits::Ternary);
    let simulation = Simulation::new(Dynamics::Accumulated, 64);
    let rule = ExitRule { margin: 0.0, change: 0.2, patience: 2, min_steps: 1 };
    let whole = run(&encoder, &[6, 2, 9], &simulation, Wanted::default());
    let ended = run(&encoder, &[6, 2, 9], &simulation, Wanted { exit: Some(rule), ..Wanted::default() });
    for (whole, ended) in whole.iter().zip(&ended) {
        let expected = rule.exit_step(&whole.logits, &whole.change).expect("it settles");
        assert_eq!(ended.steps, expected);
        assert!(ended.steps < 64);
        assert_eq!(ended.logits, whole.logits[..2 * expected as usize]);
        assert_eq!(ended.spikes, whole.spikes[..13 * expected as usize]);
    }
}

#[test]
fn leaks_and_hard_resets_run_in_every_dynamics() {
    let encoder = small_encoder(true, WeightBits::Ternary);
    for &dynamics in Dynamics::ALL {
        for (beta, reset) in [(0.9, Reset::Soft), (0.5, Reset::Hard), (1.0, Reset::Hard)] {
            let simulation = Simulation { beta, reset, ..Simulation::new(dynamics, 10) };
            let found = &run(&encoder, &[4], &simulation, Wanted { sums: true, ..Wanted::default() })[0];
            let bound = simulation.weight(10) * (1.0 + 1e-6);
            assert!(found.sums.iter().flatten().all(|sum| sum.abs() <= bound), "{simulation:?}");
            assert!(found.sums.iter().flatten().any(|&sum| sum != 0.0), "{simulation:?}");
        }
    }
}

#[test]
fn impossible_simulations_are_refused() {
    let encoder = small_encoder(true, WeightBits::Ternary);
    let good = Simulation::new(Dynamics::Accumulated, 4);
    for bad in [
        Simulation { time_steps: 0, ..good },
        Simulation { time_steps: MAX_TIME_STEPS + 1, ..good },
        Simulation { beta: 0.0, ..good },
        Simulation { beta: 1.5, ..good },
        Simulation { beta: f32::NAN, ..good },
        Simulation { hysteresis: -1.0, ..good },
        Simulation { hysteresis: f32::NAN, ..good },
    ] {
        let error = simulate(&encoder, Sentences { currents: &currents(2), lengths: &[2] }, &bad, Wanted::default())
            .unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{bad:?}: {error}");
    }
    for lengths in [&[3][..], &[1], &[2, 0], &[usize::MAX, 3]] {
        let sentences = Sentences { currents: &currents(2), lengths };
        assert!(simulate(&encoder, sentences, &good, Wanted::default()).is_err(), "{lengths:?}");
    }
    let nothing = Sentences { currents: &[], lengths: &[] };
    assert!(simulate(&encoder, nothing, &good, Wanted::default()).unwrap().is_empty());
    let exit = Some(ExitRule { patience: 0, ..ExitRule::default() });
    assert!(simulate(&encoder, nothing, &good, Wanted { exit, ..Wanted::default() }).is_err());
}

#[test]
fn currents_that_are_no_numbers_are_named() {
    let encoder = small_encoder(true, WeightBits::Ternary);
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for &dynamics in Dynamics::ALL {
            let mut embedded = currents(3);
            embedded[33] = value;
            let sentences = Sentences { currents: &embedded, lengths: &[3] };
            let error = simulate(&encoder, sentences, &Simulation::new(dynamics, 4), Wanted::default());
            let text = error.unwrap_err().to_string();
            assert!(text.contains("population embedding at step 1"), "{dynamics}: {text}");
        }
    }
}

#[test]
fn an_encoder_refuses_weights_that_are_no_weights() {
    let build = |wrong: &'static str, values: Vec<f32>| {
        let mut values = Some(values);
        let sizes = encoder_sizes();
        Encoder::build(&config(true), move |name| {
            let take = (name == wrong).then(|| values.take()).flatten();
            Ok::<_, Error>(take.unwrap_or_else(|| vec![0.5; sizes(name)]))
        })
    };
    assert!(build("none", vec![]).is_ok());
    for (name, values, says) in [
        ("layers.1.key.weight", vec![0.5; 3], "400 values"),
        ("layers.0.output.bias", vec![f32::NAN; 20], "finite"),
        ("layers.1.value_neurons.theta", vec![0.0], "above 0"),
        ("embedding_neurons.theta", vec![-1.0], "above 0"),
    ] {
        let error = build(name, values).unwrap_err().to_string();
        assert!(error.contains(says), "{name}: {error}");
    }
}

fn encoder_sizes() -> impl Fn(&str) -> usize {
    |name| match name {
        _ if name.ends_with("theta") => 1,
        "classifier.weight" => 40,
        "classifier.bias" => 2,
        "relative_position" => 64,
        _ if name.ends_with("intermediate.bias") => 70,
        _ if name.ends_with("bias") || name.ends_with("gain") => 20,
        _ if name.contains("intermediate") || name.ends_with(".output.weight") => 1400,
        _ => 400,
    }
}
