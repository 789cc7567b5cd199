use super::neurons::most_active;
use super::*;
use crate::neuron::{Membrane, Reset, average_spiking_rate, step};

/// `L` by `width` neurons under constant currents, spiking as [`step`] does, every neuron's membrane recorded.
fn population(time_steps: u32, (tokens, width): (usize, usize), beta: f32) -> Trace {
    let membrane = Membrane { theta: 0.75, beta, signed: true, reset: Reset::Soft };
    let n = tokens * width;
    let currents: Vec<f32> = (0..n).map(|i| ((i * 37 % 23) as f32 / 11.0 - 1.0) * membrane.theta).collect();
    let empty = PopulationTrace {
        name: "embedding".into(),
        width,
        theta: membrane.theta,
        spikes: vec![],
        membrane: vec![],
        chosen: (0..n).map(|i| (i / width, i % width)).collect(),
        equilibrium: currents.iter().map(|i| (i / membrane.theta).clamp(-1.0, 1.0)).collect(),
    };
    let mut trace = Trace::new(time_steps, tokens, vec![empty]).unwrap();
    let mut v = vec![membrane.rest(); n];
    for t in 1..=time_steps {
        let spikes: Vec<i8> = v
            .iter_mut()
            .zip(&currents)
            .map(|(v, &current)| {
                let (spike, next) = step(current, *v, &membrane);
                *v = next;
                spike
            })
            .collect();
        trace.step(0, t, &spikes, &v);
    }
    trace
}

#[test]
fn rates_and_distances_match_their_definitions() {
    for (t, shape, beta) in [(1, (1, 1), 1.0), (7, (3, 5), 1.0), (16, (2, 4), 0.75), (64, (1, 23), 1.0)] {
        let trace = population(t, shape, beta);
        trace.check().unwrap();
        let population = &trace.populations[0];
        let rates = population.rates(beta);
        assert_eq!(rates.len(), t as usize);
        let n = shape.0 * shape.1;
        for (upto, found) in (1..).zip(&rates) {
            let a: Vec<f64> = (0..n)
                .map(|i| {
                    let train: Vec<i8> = population.train(shape.0, (i / shape.1, i % shape.1)).take(upto).collect();
                    average_spiking_rate(&train, beta).unwrap()
                })
                .collect();
            let mean = |f: &dyn Fn(usize) -> f64| (0..n).map(f).sum::<f64>() / n as f64;
            let distance = |i: usize| (a[i] - f64::from(population.equilibrium[i])).abs();
            let expected = [
                mean(&|i| a[i].abs()),
                mean(&|i| a[i]),
                mean(&|i| distance(i) * distance(i)).sqrt(),
                (0..n).map(distance).fold(0.0, f64::max),
            ];
            let found = [found.mean_absolute, found.mean, found.rms_distance, found.max_distance];
            for (expected, found) in expected.into_iter().zip(found) {
                assert!((expected - found).abs() < 1e-12, "T={t} t={upto}: {found}, not {expected}");
            }
        }
    }
}

#[test]
fn an_integrate_and_fire_neuron_converges_like_one_over_t() {
    let rates = population(1000, (2, 23), 1.0).populations[0].rates(1.0);
    for (t, at) in (1..).zip(&rates) {
        // Half a spike of the charge that came in, and the rounding of 1000 sums in f32.
        assert!(at.max_distance <= (0.5 + 1e-3) / f64::from(t), "t={t}: {}", at.max_distance);
        assert!(at.rms_distance <= at.max_distance && at.mean.abs() <= at.mean_absolute);
    }
    assert!(rates[0].max_distance > 0.3);
}

#[test]
fn events_are_the_spikes() {
    let trace = population(9, (3, 4), 1.0);
    let population = &trace.populations[0];
    let mut dense = vec![0i8; population.spikes.len()];
    for Spike { token, neuron, t, sign } in population.events(3) {
        dense[((t as usize - 1) * 3 + token) * 4 + neuron] = sign;
    }
    assert_eq!(dense, population.spikes);
    assert!(dense.contains(&1) && dense.contains(&-1));
    let last: Vec<i8> = population.train(3, (2, 3)).collect();
    assert_eq!(last, (0..9).map(|t| dense[t * 12 + 11]).collect::<Vec<_>>());
}

#[test]
fn membranes_stay_within_half_a_spike() {
    let trace = population(40, (1, 23), 1.0);
    let population = &trace.populations[0];
    assert_eq!(population.membrane.len(), 40 * 23);
    assert!(population.membrane.iter().all(|v| v.abs() <= 0.75 / 2.0 + 1e-4));
    assert_eq!(population.membrane[5], {
        let current = population.equilibrium[5] * 0.75;
        step(current, 0.0, &Membrane { theta: 0.75, beta: 1.0, signed: true, reset: Reset::Soft }).1
    });
}

#[test]
fn neurons_are_chosen_by_name() {
    let populations = [("embedding", 4), ("layer.0.feed_forward", 9)];
    let name = |population: &str, token, neuron| NeuronName { population: population.into(), token, neuron };
    let wanted = [name("layer.0.feed_forward", 1, 8), name("embedding", 0, 3), name("layer.0.feed_forward", 1, 8)];
    assert_eq!(choose(&wanted, &populations, 2).unwrap(), [vec![(0, 3)], vec![(1, 8)]]);
    for (wanted, parts) in [
        (name("layer.1.key", 0, 0), ["population", "embedding, layer.0.feed_forward", "`layer.1.key`"]),
        (name("embedding", 2, 0), ["token of embedding", "0 to 1 (the sentence has 2 tokens)", "found 2"]),
        (name("embedding", 0, 4), ["neuron of embedding", "0 to 3", "found 4"]),
    ] {
        let error = choose(&[wanted], &populations, 2).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
    assert_eq!(most_active(&[0.1, -0.9, 0.9, 0.0, /* next token */ 1.0, 1.0, 1.0, 1.0], 4, 3), [0, 1, 2]);
    assert_eq!(most_active(&[0.5], 1, 4), [0]);
    assert_eq!(most_active(&[1.0, 0.0, 0.25, -1.0, 0.5], 5, 9), [4, 2, 0, 3, 1]);
}

#[test]
fn impossible_traces_are_refused() {
    let population = |width, equilibrium| PopulationTrace {
        name: "embedding".into(),
        width,
        theta: 1.0,
        spikes: vec![],
        membrane: vec![],
        chosen: vec![],
        equilibrium: vec![0.0; equilibrium],
    };
    let error = |result: Result<Trace>| result.unwrap_err().to_string();
    let large = error(Trace::new(65_536, 512, vec![population(768, 512 * 768)]));
    assert!(large.contains("take fewer steps") && large.contains("25769803776"), "{large}");
    let short = error(Trace::new(4, 2, vec![population(3, 5)]));
    assert!(short.contains("equilibrium of population embedding: expected 2 times 3 values, found 5"), "{short}");
    let chosen = PopulationTrace { chosen: vec![(0, 3)], ..population(3, 6) };
    assert!(error(Trace::new(4, 2, vec![chosen])).contains("neuron of embedding"));
    let unfilled = Trace::new(4, 2, vec![population(3, 6)]).unwrap().check().unwrap_err().to_string();
    assert!(unfilled.contains("spikes of population embedding: expected 24 values, found 0"), "{unfilled}");
}

#[test]
fn first_and_last_population_give_the_default_neurons() {
    let populations = [("embedding", 3), ("layer.0.key", 3), ("layer.0.output", 3)];
    let rates = [vec![0.1, -0.5, 0.2], vec![0.9; 3], vec![0.0, 0.0, 0.4]];
    let names = default_neurons(&populations, &rates);
    let found: Vec<_> = names.iter().map(|name| (name.population.as_str(), name.token, name.neuron)).collect();
    let expected = [("embedding", 0, 1), ("embedding", 0, 2), ("layer.0.output", 0, 2), ("layer.0.output", 0, 0)];
    assert_eq!(found, expected);
    assert_eq!(default_neurons(&populations[..1], &rates[..1]).len(), 2);
}
