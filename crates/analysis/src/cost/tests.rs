use bitspike::config::population_names;
use bitspike::{Dynamics, ExitRule, Options, Simulation};

use super::*;
use crate::fixture::{dev_of, model, silent_model};

fn cost(dynamics: Dynamics, time_steps: u32, teacher: Option<DenseShape>) -> (EncodedSplit, Cost) {
    let model = model().with_simulation(Simulation::new(dynamics, time_steps)).unwrap();
    let split = dev_of(&model);
    let profile = Profile::named("45nm").unwrap();
    let (cost, predictions) =
        measure(&model, "small", &split, &CostOptions { profile: &profile, teacher, int8: None, codes: true }).unwrap();
    assert_eq!(cost.metrics, split.metrics(&predictions).unwrap());
    (split, cost)
}

#[test]
fn what_follows_from_shapes_is_counted_by_hand() {
    let (split, cost) = cost(Dynamics::Phased, 16, None);
    // Two layers of width 16, feed-forward width 24: 11 populations of 16 neurons a token and 2 of 24.
    assert_eq!(cost.total.membrane_updates, cost.tokens * (11 * 16 + 2 * 24) * 16);
    let dense = |&tokens: &usize| 2 * tokens as u64 * 16 * (4 * 16 * 16 + 2 * 16 * 24 + 2 * tokens as u64 * 16);
    assert_eq!(cost.total.synaptic_dense, split.lengths().iter().map(dense).sum::<u64>());
    assert_eq!((cost.total.gelus, cost.examples), (cost.tokens * 2 * 24, 4));
    let names: Vec<&str> = cost.populations.iter().map(|population| population.name.as_str()).collect();
    assert_eq!(names, population_names(2));
    assert_eq!(cost.populations.iter().map(|population| population.spikes).sum::<u64>(), cost.total.spikes);
    let of_layers: Operations = cost.layers.iter().copied().sum();
    assert_eq!((of_layers, cost.layers.len()), (cost.total, 3));
    assert!(cost.total.spikes > 0 && cost.total.synaptic_acs < cost.total.synaptic_dense);
}

#[test]
fn every_dynamics_is_priced_beside_its_baselines() {
    let names = |cost: &Cost| cost.energy.iter().map(|row| row.estimate.name.clone()).collect::<Vec<_>>();
    let (_, phased) = cost(Dynamics::Phased, 16, None);
    let own = ["student, phased, T = 16", "BERT of this shape, FP32", "BERT of this shape, INT8"];
    assert_eq!(names(&phased), [&own[..], &["quantised network, 6-bit activations"]].concat());
    assert!(phased.break_even.is_some() && phased.energy[1].gain_total == Some(1.0));
    let (_, stepped) = cost(Dynamics::Accumulated, 5, None);
    assert_eq!((names(&stepped)[0].as_str(), stepped.break_even), ("student, accumulated, T = 5", None));
    // Operators work at every step, not once a window.
    assert_eq!(stepped.total.gelus, 5 * phased.total.gelus);
    // A teacher of another shape is the baseline, and the student's own shape stands beside it.
    let teacher = DenseShape { hidden: 32, intermediate: 64, layers: 3, heads: 2, num_labels: 9, distances: false };
    let (_, beside) = cost(Dynamics::Instantaneous, 5, Some(teacher));
    let with_teacher =
        ["student, instantaneous, T = 5", "teacher, FP32", "teacher, INT8", "student's shape dense, FP32"];
    assert_eq!(names(&beside), with_teacher);
    // Its classifier has the model's two outputs, whatever the shape says.
    let classifier = beside.energy[1].estimate.compute.iter().find(|term| term.name == "classifier").unwrap();
    assert_eq!(classifier.amount, 2.0 * 32.0);
}

#[test]
fn the_teacher_in_int8_without_its_zeros_stands_beside_the_others_where_it_was_run() {
    let model = model();
    let (split, profile) = (dev_of(&model), Profile::named("45nm").unwrap());
    let int8 = Some(Int8Products { weights: 4000, attention: 400 });
    let options = CostOptions { profile: &profile, teacher: None, int8, codes: false };
    let (cost, _) = measure(&model, "small", &split, &options).unwrap();
    let row = cost.energy.iter().find(|row| row.estimate.name == "BERT of this shape, INT8, zeros skipped").unwrap();
    assert_eq!(row.estimate.compute[0].picojoules, 1000.0 * 0.23);
    let dense = cost.energy.iter().find(|row| row.estimate.name == "BERT of this shape, INT8").unwrap();
    assert_eq!(row.estimate.memory, dense.estimate.memory, "zeros are moved all the same");
}

#[test]
fn labels_and_bits_are_those_of_the_steps_that_were_counted() {
    let (_, long) = cost(Dynamics::Phased, 64, None);
    let names: Vec<&str> = long.energy.iter().map(|row| row.estimate.name.as_str()).collect();
    // Signed counts of -64 to 64.
    assert_eq!((names[0], names[3]), ("student, phased, T = 64", "quantised network, 8-bit activations"));
}

#[test]
fn a_silent_student_has_defined_figures_and_says_which_are_not() {
    let model = silent_model();
    let (split, profile) = (dev_of(&model), Profile::named("45nm").unwrap());
    let (cost, _) =
        measure(&model, "silent", &split, &CostOptions { profile: &profile, teacher: None, int8: None, codes: true })
            .unwrap();
    assert!(cost.is_silent() && cost.total.spikes == 0);
    assert_eq!((cost.normalised_operations, cost.normalised_energy_gain), (0.0, 0.0));
    assert_eq!(cost.undefined["normalised_energy_gain"], "no neuron sent a spike");
    let json = serde_json::to_value(&cost).unwrap();
    let mut left = vec![&json];
    while let Some(value) = left.pop() {
        match value {
            serde_json::Value::Array(values) => left.extend(values),
            serde_json::Value::Object(map) => left.extend(map.values()),
            serde_json::Value::Number(number) => assert!(number.as_f64().unwrap() < 1e12, "{number}"),
            _ => {}
        }
    }
    assert!(json["normalised_energy_gain"].is_number() && json["neurobench"]["activation_sparsity"] == 1.0);
}

#[test]
fn sentences_that_end_early_are_counted_as_far_as_they_ran() {
    let rule = ExitRule { margin: 0.0, change: 1.0, patience: 1, min_steps: 3 };
    let base = model();
    let packed = bitspike::format::Packed::from_bytes(base.packed().file_bytes().to_vec()).unwrap();
    let model = Options::new().dynamics(Dynamics::Accumulated).time_steps(32).exit(rule).build(packed, None).unwrap();
    let (split, profile) = (dev_of(&model), Profile::named("45nm").unwrap());
    let options = CostOptions { profile: &profile, teacher: None, int8: None, codes: true };
    let (ended, answers) = measure(&model, "small", &split, &options).unwrap();
    let three = base.with_simulation(Simulation::new(Dynamics::Accumulated, 3)).unwrap();
    let (short, same) = measure(&three, "small", &split, &options).unwrap();
    assert_eq!((ended.mean_steps, ended.total, ended.exit), (Some(3.0), short.total, Some(rule)));
    assert_eq!((answers.logits, ended.populations), (same.logits, short.populations));
    assert_eq!(ended.energy[0].estimate.name, "student, accumulated, T = 32, 3.0 taken");
    assert_eq!(ended.energy[0].estimate.total_picojoules, short.energy[0].estimate.total_picojoules);
}

#[test]
fn every_code_stands_beside_the_one_that_was_counted_only_where_that_is_asked_for() {
    let (split, phased) = cost(Dynamics::Phased, 16, None);
    let mean = |amount: u64| amount as f64 / split.examples.len() as f64;
    let codes: Vec<(Code, u32)> = phased.codes.iter().map(|it| (it.code, it.steps)).collect();
    assert_eq!(codes, [(Code::Unary, 16), (Code::Digits, 5), (Code::Naf, 5)]);
    let [unary, digits, naf] = &phased.codes[..] else { panic!("three codes") };
    assert_eq!((unary.spikes, unary.synaptic_acs), (mean(phased.total.spikes), mean(phased.total.synaptic_acs)));
    assert!(naf.spikes <= digits.spikes && digits.spikes < unary.spikes);
    // Whichever is the model's own, all are the same.
    let own = Simulation { code: Code::Digits, ..Simulation::new(Dynamics::Phased, 16) };
    let (profile, coded) = (Profile::named("45nm").unwrap(), model().with_simulation(own).unwrap());
    let options = CostOptions { profile: &profile, teacher: None, int8: None, codes: true };
    assert_eq!(measure(&coded, "small", &split, &options).unwrap().0.codes, phased.codes);
    let without = CostOptions { codes: false, ..options };
    assert!(measure(&coded, "small", &split, &without).unwrap().0.codes.is_empty());
    assert!(cost(Dynamics::Accumulated, 5, None).1.codes.is_empty());
}
