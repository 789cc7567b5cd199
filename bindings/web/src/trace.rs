//! One text through the model, population by population and step by step.

use bitspike::config::{Target, population_names};
use bitspike::model::probabilities;
use bitspike::trace::{NeuronName, PopulationTrace, Summary};
use bitspike::vector::cosine;
use bitspike::{Answer, Dynamics, Model, Simulation};
use serde::{Deserialize, Serialize};

use crate::cost::{Meter, Taken};
use crate::fault::Fault;
use crate::requests::Text;
use crate::told::{Told, json};

/// Neurons of a population whose counts are told, unless a request says otherwise.
const NEURONS: usize = 256;

/// Spikes, places times steps, that a trace may hold: a byte each, in a memory of 4 GiB.
const MOST_SLOTS: u64 = 1 << 28;

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    inputs: Text,
    timesteps: Option<u32>,
    dynamics: Option<String>,
    neurons: Option<usize>,
    token: Option<usize>,
    population: Option<String>,
    /// Whether the cost is counted too, which takes as long again.
    #[serde(default)]
    cost: bool,
}

/// What is answered.
#[derive(Debug, Serialize)]
struct Answered<'a> {
    tokens: &'a [String],
    truncated: bool,
    dynamics: &'static str,
    steps: u32,
    signed: bool,
    answer: Told<'a>,
    phased: Told<'a>,
    populations: Vec<Population<'a>>,
    per_step_answers: Option<Vec<Vec<f32>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Taken>,
}

/// One population over all steps.
#[derive(Debug, Serialize)]
struct Population<'a> {
    name: &'a str,
    neurons: usize,
    threshold: f32,
    spikes: u64,
    rates: Vec<f64>,
    rates_in_time: Vec<f64>,
    counts: Vec<Vec<i32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trains: Option<Vec<Vec<i8>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    membranes: Option<Vec<Vec<f32>>>,
}

/// Replies to `asked`.
pub(crate) fn trace(model: &Model, meter: &Meter, asked: &Asked) -> Result<Vec<u8>, Fault> {
    let simulation = simulation(model, asked)?;
    let input = asked.inputs.input();
    let encoding = model.encode(input);
    let tokens = encoding.ids.len();
    let widths: usize = model.encoder().populations().iter().map(|(width, _)| width).sum();
    let places = (tokens * widths) as u64;
    if u64::from(simulation.time_steps) * places > MOST_SLOTS {
        let message = format!("expected at most {} steps of so long a text", MOST_SLOTS / places);
        return Err(Fault::value("timesteps", message));
    }
    let traced = model.trace(input, &simulation, &wanted(model, asked, tokens)?)?;
    let cost = match asked.cost {
        true => Some(meter.measure(&model.with_simulation(simulation)?, &encoding)?),
        false => None,
    };
    let outputs = model.encoder().config().num_labels;
    let settled = traced.equilibrium.logits.clone();
    let reading = |logits: &[f32]| match model.task().target {
        Target::Classification { .. } => probabilities(logits),
        Target::Regression { .. } => logits.to_vec(),
        Target::Embedding { .. } => vec![cosine(logits, &settled)],
    };
    let steps = traced.readings.chunks_exact(outputs).map(reading);
    Ok(json(&Answered {
        tokens: &traced.tokens,
        truncated: traced.answer.truncated,
        dynamics: simulation.dynamics.name(),
        steps: simulation.time_steps,
        signed: model.header().student.signed,
        answer: told(model, &traced.answer, &settled),
        phased: told(model, &traced.equilibrium, &settled),
        populations: traced.trace.populations.iter().map(|one| Population::of(one, tokens, asked)).collect(),
        per_step_answers: (simulation.dynamics != Dynamics::Phased).then(|| steps.collect()),
        cost,
    }))
}

/// What is told of an answer; of a model that embeds its score is the cosine to the vector of `phased`, which is `settled`.
fn told<'a>(model: &'a Model, answer: &'a Answer, settled: &[f32]) -> Told<'a> {
    let told = Told::of(model, answer, false);
    if model.is_embedder() { told.with_score(cosine(&answer.logits, settled)) } else { told }
}

fn simulation(model: &Model, asked: &Asked) -> Result<Simulation, Fault> {
    let student = &model.header().student;
    // A student of single spikes says something in a finished window alone.
    let usual =
        if student.code.is_unary() { Simulation::new(Dynamics::Accumulated, 64) } else { Simulation::of(student) };
    let dynamics = match &asked.dynamics {
        None => usual.dynamics,
        Some(name) => name.parse().map_err(|error: bitspike::Error| Fault::value("dynamics", error.to_string()))?,
    };
    let steps = asked.timesteps.unwrap_or(usual.time_steps);
    if steps == 0 {
        return Err(Fault::value("timesteps", "expected at least 1 step, found 0"));
    }
    Ok(Simulation { code: student.code.code(), ..Simulation::new(dynamics, steps) })
}

/// The neurons whose potentials are to be kept: those of the population asked for, or one, since there have to be some.
fn wanted(model: &Model, asked: &Asked, tokens: usize) -> Result<Vec<NeuronName>, Fault> {
    let names = population_names(model.header().student.layers);
    if let Some(token) = asked.token.filter(|&token| token >= tokens) {
        return Err(Fault::value("token", format!("expected a token below {tokens}, found {token}")));
    }
    let Some(population) = &asked.population else {
        return Ok(vec![NeuronName { population: names[0].clone(), token: 0, neuron: 0 }]);
    };
    let Some(number) = names.iter().position(|name| name == population) else {
        let message = format!("expected one of {} to {}, found `{population}`", names[0], names[names.len() - 1]);
        return Err(Fault::value("population", message));
    };
    let Some(token) = asked.token else {
        return Err(Fault::value("token", "a population is told at one token; give `token` too"));
    };
    let width = model.encoder().populations()[number].0.min(asked.neurons.unwrap_or(NEURONS).max(1));
    Ok((0..width).map(|neuron| NeuronName { population: population.clone(), token, neuron }).collect())
}

impl<'a> Population<'a> {
    fn of(population: &'a PopulationTrace, tokens: usize, asked: &Asked) -> Self {
        let told = asked.neurons.unwrap_or(NEURONS).min(population.width);
        let Summary { spikes, rates, rates_in_time, counts } = population.summary(tokens, told);
        let train = |token: usize, neuron: usize| population.train(tokens, (token, neuron)).collect();
        let is_asked = asked.population.as_ref() == Some(&population.name);
        let potentials = |column: usize| {
            let column = population.membrane.iter().skip(column).step_by(population.chosen.len().max(1));
            column.map(|potential| potential / population.theta).collect()
        };
        Self {
            name: &population.name,
            neurons: population.width,
            threshold: population.theta,
            spikes,
            rates,
            rates_in_time,
            counts,
            trains: asked.token.map(|token| (0..told).map(|neuron| train(token, neuron)).collect()),
            membranes: is_asked.then(|| (0..told).map(potentials).collect()),
        }
    }
}
