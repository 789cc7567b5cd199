//! A trace for tests: the populations of a small student under constant currents, spiking as `neuron::step` does.

use bitspike::forward::Dynamics;
use bitspike::neuron::{Code, Equilibrium, Levels, Membrane, NeuronConfig, Reset, step};
use bitspike::trace::{PopulationTrace, Trace};

use super::summary::{Origin, Reading};
use super::traced::TracedText;

/// A trace of `tokens` tokens over `time_steps` steps of signed neurons, about `text`.
pub(crate) fn traced(time_steps: u32, tokens: usize, text: &str) -> TracedText {
    sized(time_steps, tokens, 24, text)
}

/// [`traced`] of populations of `width` neurons, `feed_forward` of twice as many.
pub(crate) fn sized(time_steps: u32, tokens: usize, width: usize, text: &str) -> TracedText {
    let kinds = ["key", "value", "context", "attention", "feed_forward", "output"];
    let names = (0..3).flat_map(|layer| kinds.map(|kind| format!("layer.{layer}.{kind}")));
    let populations: Vec<PopulationTrace> = std::iter::once("embedding".to_owned())
        .chain(names)
        .enumerate()
        .map(|(i, name)| {
            let width = if name.ends_with("feed_forward") { 2 * width } else { width };
            population(time_steps, (tokens, width), i, name)
        })
        .collect();
    let origin = Origin {
        model: "runs/sst2".into(),
        text: text.into(),
        text2: None,
        tokens: (0..tokens).map(|i| if i == 0 { "[CLS]".into() } else { format!("token{i}") }).collect(),
        dynamics: Dynamics::Accumulated,
        code: Code::Unary,
        window: time_steps,
        beta: 1.0,
        reset: "soft".into(),
        signed: true,
        answer: Reading { label: Some("positive".into()), logits: vec![-0.5, 1.25] },
        phased: Reading { label: Some("positive".into()), logits: vec![-0.25, 1.0] },
        truncated: false,
    };
    TracedText::new(origin, Trace { time_steps, tokens, populations }).expect("a complete trace")
}

fn population(time_steps: u32, (tokens, width): (usize, usize), number: usize, name: String) -> PopulationTrace {
    let membrane = Membrane { theta: 0.5 + 0.125 * number as f32, beta: 1.0, signed: true, reset: Reset::Soft };
    let config = NeuronConfig { levels: Levels::Unary, time_steps, signed: true, theta: membrane.theta };
    let equilibrium = Equilibrium::new(config).expect("valid constants");
    // Spread over (-1, 1), denser near 0, another order in each population.
    let current = |i: usize| {
        let x = ((i * 7919 + number * 104_729) % 997) as f32 / 498.5 - 1.0;
        x * x * x.signum() * membrane.theta
    };
    let currents: Vec<f32> = (0..tokens * width).map(current).collect();
    let chosen: Vec<(usize, usize)> = (0..width.min(2)).map(|neuron| (0, neuron)).collect();
    let chosen = if name == "embedding" || name == "layer.2.output" { chosen } else { Vec::new() };
    let (mut spikes, mut recorded) = (Vec::new(), Vec::new());
    let mut v = vec![membrane.rest(); currents.len()];
    for _ in 0..time_steps {
        for (v, &current) in v.iter_mut().zip(&currents) {
            let (spike, next) = step(current, *v, &membrane);
            *v = next;
            spikes.push(spike);
        }
        recorded.extend(chosen.iter().map(|&(token, neuron)| v[token * width + neuron]));
    }
    let rate = |&current: &f32| equilibrium.rate(equilibrium.count(current));
    PopulationTrace {
        name,
        width,
        theta: membrane.theta,
        spikes,
        membrane: recorded,
        chosen,
        equilibrium: currents.iter().map(rate).collect(),
    }
}

/// Every spike as (population, token, neuron, t, sign), straight from the dense trains.
pub(crate) fn expected_spikes(traced: &TracedText) -> Vec<(String, u32, u32, u32, i8)> {
    let mut spikes = Vec::new();
    for population in &traced.trace.populations {
        for t in 0..traced.trace.time_steps {
            for token in 0..traced.trace.tokens {
                for neuron in 0..population.width {
                    let row = t as usize * traced.trace.tokens + token;
                    let sign = population.spikes[row * population.width + neuron];
                    if sign != 0 {
                        spikes.push((population.name.clone(), token as u32, neuron as u32, t + 1, sign));
                    }
                }
            }
        }
    }
    spikes
}
