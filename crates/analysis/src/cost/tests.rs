use bitspike::config::population_names;
use bitspike::{Dynamics, Simulation};

use super::*;
use crate::fixture::{dev_of, model};

fn cost(dynamics: Dynamics, time_steps: u32, teacher: Option<DenseShape>) -> (EncodedSplit, Cost) {
    let model = model().with_simulation(Simulation::new(dynamics, time_steps)).unwrap();
    let split = dev_of(&model);
    let profile = Profile::named("45nm").unwrap();
    let (cost, predictions) = measure(&model, "small", &split, &CostOptions { profile: &profile, teacher }).unwrap();
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
    let teacher = DenseShape { hidden: 32, intermediate: 64, layers: 3, heads: 2, num_labels: 9 };
    let (_, beside) = cost(Dynamics::Instantaneous, 5, Some(teacher));
    let with_teacher =
        ["student, instantaneous, T = 5", "teacher, FP32", "teacher, INT8", "student's shape dense, FP32"];
    assert_eq!(names(&beside), with_teacher);
}
