//! Whole students in time against an implementation in float64 that shares nothing with ours
//! (`fixtures/make_dynamics_fixture.py`): every spike count, potentials and logits, for the three dynamics, leaks and resets.

use std::collections::BTreeMap;

use bitspike::config::StudentConfig;
use bitspike::config::population_names;
use bitspike::forward::{Dynamics, Record, Simulation, simulate_recorded};
use bitspike::neuron::Reset;
use bitspike_run::recipe::Thresholds;
use bitspike_run::weights::Weights;
use bitspike_train::layers::PackedTokens;
use bitspike_train::student::{Start, Student};
use burn::tensor::Device;
use rand::SeedableRng;
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    times: Vec<u32>,
    students: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    config: StudentConfig,
    populations: Vec<String>,
    parameters: BTreeMap<String, Parameter>,
    runs: Vec<Run>,
}

/// Values are `unit * steps`, exact in `f32`.
#[derive(Deserialize)]
struct Parameter {
    shape: Vec<usize>,
    unit: f32,
    steps: Vec<i32>,
}

#[derive(Deserialize)]
struct Run {
    dynamics: Dynamics,
    beta: f32,
    reset: Reset,
    sentences: Vec<Sentence>,
}

#[derive(Deserialize)]
struct Sentence {
    ids: Vec<u32>,
    types: Vec<u32>,
    results: Vec<At>,
    /// Net counts of each population after the last of the times; of one sentence a run.
    #[serde(default)]
    counts: Vec<Vec<i32>>,
    membrane: Option<Membrane>,
}

#[derive(Deserialize)]
struct At {
    time_steps: u32,
    logits: Vec<f32>,
    /// Per population: sum of the spikes, number of spikes, sum of `(i + 1) n_i`.
    spikes: Vec<[i64; 3]>,
}

#[derive(Deserialize)]
struct Membrane {
    population: String,
    potentials: Vec<f32>,
}

/// Net counts after every step, number of spikes, last potentials, by population.
#[derive(Default)]
struct Recorder(BTreeMap<usize, Population>);

#[derive(Default)]
struct Population {
    counts: Vec<Vec<i32>>,
    fired: Vec<i64>,
    potentials: Vec<f32>,
}

impl Record for Recorder {
    fn step(&mut self, population: usize, step: u32, spikes: &[i8], potentials: &[f32]) {
        let here = self.0.entry(population).or_default();
        assert_eq!(step as usize, here.counts.len() + 1, "steps come in order");
        let before = here.counts.last().cloned().unwrap_or_else(|| vec![0; spikes.len()]);
        here.counts.push(before.iter().zip(spikes).map(|(n, &s)| n + i32::from(s)).collect());
        let fired = spikes.iter().filter(|&&s| s != 0).count() as i64;
        here.fired.push(here.fired.last().unwrap_or(&0) + fired);
        here.potentials = potentials.to_vec();
    }
}

fn student(case: &Case) -> Student {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
    let device = Device::flex();
    let width = case.config.hidden;
    let start = Start { teacher_width: width, thresholds: &Thresholds::default(), deviation: 0.1 };
    let mut student = Student::random(case.config.clone(), start, &mut rng, &device);
    let mut weights = Weights::default();
    for (name, parameter) in &case.parameters {
        let values = parameter.steps.iter().map(|&step| step as f32 * parameter.unit).collect();
        weights.insert(name, &parameter.shape, values);
    }
    // The map of the hidden-state loss is no part of the model.
    weights.insert("fit.weight", &[width, width], vec![0.0; width * width]);
    weights.insert("fit.bias", &[width], vec![0.0; width]);
    student.load_weights(&mut weights).unwrap();
    student
}

#[test]
fn spikes_potentials_and_logits_are_those_of_float64() {
    let text = include_str!("../../../fixtures/dynamics.json");
    let fixture: Fixture = serde_json::from_str(text).unwrap();
    let mut compared = 0;
    for (number, case) in fixture.students.iter().enumerate() {
        assert_eq!(case.populations, population_names(case.config.layers));
        let student = student(case);
        let encoder = student.encoder().unwrap();
        for run in &case.runs {
            for sentence in &run.sentences {
                let tokens = PackedTokens::new([(sentence.ids.as_slice(), sentence.types.as_slice())]);
                let embedded = student.embedding_currents(&tokens, &Device::flex());
                for (at, &time_steps) in sentence.results.iter().zip(&fixture.times) {
                    assert_eq!(at.time_steps, time_steps);
                    let simulation = Simulation {
                        beta: run.beta,
                        reset: run.reset,
                        retract: false,
                        ..Simulation::new(run.dynamics, time_steps)
                    };
                    let what = format!("student {number}, {simulation:?}");
                    let mut recorder = Recorder::default();
                    let found = simulate_recorded(&encoder, &embedded, &simulation, &mut recorder).unwrap();
                    let last = &found.logits[found.logits.len() - at.logits.len()..];
                    for (a, b) in last.iter().zip(&at.logits) {
                        assert!((a - b).abs() < 1e-4 * (1.0 + b.abs()), "{what}: logits {last:?}, not {:?}", at.logits);
                    }
                    for (p, expected) in at.spikes.iter().enumerate() {
                        let population = &recorder.0[&p];
                        let counts = &population.counts[time_steps as usize - 1];
                        let sum = counts.iter().map(|&n| i64::from(n)).sum();
                        let placed = counts.iter().zip(1..).map(|(&n, i)| i64::from(n) * i).sum();
                        let found = [sum, population.fired[time_steps as usize - 1], placed];
                        assert_eq!(found, *expected, "{what}: spikes of {}", case.populations[p]);
                        if time_steps == fixture.times[fixture.times.len() - 1] {
                            if let Some(expected) = sentence.counts.get(p) {
                                assert_eq!(counts, expected, "{what}: counts of {}", case.populations[p]);
                            }
                            compared += counts.len();
                        }
                    }
                }
                let Some(membrane) = &sentence.membrane else { continue };
                let p = case.populations.iter().position(|name| *name == membrane.population).unwrap();
                let simulation = Simulation {
                    beta: run.beta,
                    reset: run.reset,
                    retract: false,
                    ..Simulation::new(run.dynamics, fixture.times[fixture.times.len() - 1])
                };
                let mut recorder = Recorder::default();
                simulate_recorded(&encoder, &embedded, &simulation, &mut recorder).unwrap();
                for (a, b) in recorder.0[&p].potentials.iter().zip(&membrane.potentials) {
                    assert!(
                        (a - b).abs() < 1e-4 * (1.0 + b.abs()),
                        "student {number}, {simulation:?}: potential {a}, not {b}"
                    );
                }
            }
        }
    }
    assert!(compared > 10_000, "{compared} counts compared");
}
