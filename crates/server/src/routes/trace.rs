//! `POST /v1/trace`: one text through the model, population by population and step by step.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use bitspike::config::{StudentConfig, Target};
use bitspike::forward::{Dynamics, Simulation};
use bitspike::model::probabilities;
use bitspike::trace::{NeuronName, PopulationTrace, Summary};
use bitspike::vector::cosine;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answers::{Scored, Taken, Told};
use crate::app::App;
use crate::body;
use crate::inputs::{Inputs, Item, Reading, parse_object, whole};
use crate::models::{Ask, Served};
use crate::problem::{Problem, Result, json};
use crate::settings::{Settings, traced};

/// Neurons of a population whose counts are told, unless a request says otherwise.
const NEURONS: u32 = 256;

/// Spikes, places times steps, that a trace may hold.
const MOST_SLOTS: u64 = 1 << 28;

/// What is asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TraceRequest)]
pub(super) struct Asked {
    /// A model of `/v1/models`; the default one, unless given.
    model: Option<String>,
    /// A text, or `{"text", "text_pair"}`.
    #[schema(schema_with = super::schemas::one)]
    inputs: Inputs,
    /// `T`; 64, unless given.
    #[serde(default, deserialize_with = "whole")]
    #[schema(minimum = 1)]
    timesteps: Option<u32>,
    /// `phased`, `accumulated` or `instantaneous`; `accumulated`, unless given.
    #[schema(schema_with = super::schemas::dynamics)]
    dynamics: Option<String>,
    /// Neurons of each population whose counts are told, the first ones; 256, unless given.
    #[serde(default, deserialize_with = "whole")]
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_u64)]
    neurons: Option<u32>,
    /// A token, 0 being `[CLS]`, at which every population's spikes are told step by step.
    #[serde(default, deserialize_with = "whole")]
    token: Option<u32>,
    /// A population, such as `layer.0.output`, whose potentials are told too, at that token.
    population: Option<String>,
    /// Whether the cost is counted too, which takes as long again; true, unless given.
    cost: Option<bool>,
}

/// What is answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TraceAnswer)]
pub(super) struct Answered {
    /// The model that answered.
    model: String,
    /// Text of each token, from `[CLS]` on.
    tokens: Vec<String>,
    /// Whether the text was longer than the model reads.
    truncated: bool,
    #[schema(value_type = String)]
    dynamics: &'static str,
    /// `T`
    steps: u32,
    /// Whether neurons fire -1 too, and so have two thresholds, at half of theta.
    signed: bool,
    /// After the last step.
    answer: AtStep,
    /// Of `phased` with as many steps.
    phased: AtStep,
    /// In the order of computation.
    populations: Vec<Population>,
    /// `[T][classes]`: probabilities after each step (or the score, or of a model that embeds the cosine to the vector of `phased`),
    /// classes in the model's order; null for `phased`, which has an answer at its end alone.
    per_step_answers: Option<Vec<Vec<f32>>>,
    /// What this simulation took; null where it was not asked for.
    cost: Option<Taken>,
}

/// An answer at some point. Of a model that embeds the score is the cosine to the vector of `phased`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TracedAnswer)]
struct AtStep {
    label: Option<String>,
    score: f32,
    scores: Vec<Scored>,
}

/// One population over all steps.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PopulationTrace)]
struct Population {
    name: String,
    /// The layer, from 0; null for the embedding.
    layer: Option<usize>,
    /// Neurons of a token.
    neurons: usize,
    /// Theta, the firing threshold.
    threshold: f32,
    /// Spikes of either sign, over all tokens and steps.
    spikes: u64,
    /// Of each token: spikes of either sign a neuron and step.
    rates: Vec<f64>,
    /// After each step: spikes of either sign a neuron and step up to there, over all tokens.
    rates_in_time: Vec<f64>,
    /// `[tokens][neurons told]`: net count of each neuron.
    counts: Vec<Vec<i32>>,
    /// Of each neuron told, at the token asked for: `+`, `-` or `.` a step.
    #[serde(skip_serializing_if = "Option::is_none")]
    trains: Option<Vec<String>>,
    /// Of each neuron told, at the token asked for: its potential after each step's spike, in units of the threshold.
    #[serde(skip_serializing_if = "Option::is_none")]
    membranes: Option<Vec<Vec<f32>>>,
}

/// Trace a text
///
/// Every population's spikes on the way of one text through the model, the answer after each step, and what it took.
#[utoipa::path(
    post,
    path = "/v1/trace",
    tag = "v1",
    request_body = Asked,
    responses((status = 200, body = Answered, description = "The trace"))
)]
pub(super) async fn trace(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let body = body::read(&app, &parts.headers, body).await?;
    let mut asked: Asked = parse_object(&body)?;
    let served = app.models.wanted(asked.model.as_deref())?;
    let simulation = simulation(&asked, &app.settings, &served.model().header().student)?;
    let inputs = std::mem::replace(&mut asked.inputs, Inputs::List(Vec::new()));
    let (mut items, single) = inputs.read(Reading::Batch, served.is_pair(), &app.settings)?;
    let Some(item) = items.pop().filter(|_| single) else {
        return Err(Problem::value("inputs", "a trace is of one text; expected a text, found a list"));
    };
    let answered =
        tokio::time::timeout(app.settings.deadline, app.lane.run_task(move || run(&served, &item, simulation, &asked)));
    Ok(json(&answered.await.map_err(|_| Problem::deadline())??))
}

fn simulation(asked: &Asked, settings: &Settings, student: &StudentConfig) -> Result<Simulation> {
    // A student of single spikes says something in a finished window alone.
    let default = if student.code.is_unary() { traced() } else { Simulation::of(student) };
    let dynamics = match &asked.dynamics {
        None => default.dynamics,
        Some(name) => name.parse::<Dynamics>().map_err(|error| Problem::value("dynamics", error.to_string()))?,
    };
    let steps = asked.timesteps.unwrap_or(default.time_steps);
    if !(1..=settings.max_steps).contains(&steps) {
        let message = format!("expected 1 to {} steps (--max-steps), found {steps}", settings.max_steps);
        return Err(Problem::value("timesteps", message));
    }
    Ok(Simulation { code: student.code.code(), ..Simulation::new(dynamics, steps) })
}

fn run(served: &Served, item: &Item, simulation: Simulation, asked: &Asked) -> Result<Answered> {
    let model = served.model().with_simulation(simulation)?;
    let input = bitspike::Input { first: &item.first, second: item.second.as_deref() };
    let encoding = model.encode(input);
    let (tokens, told) = (encoding.ids.len(), asked.neurons.unwrap_or(NEURONS) as usize);
    let token = asked.token.map(|token| token as usize);
    let widths: usize = model.encoder().populations().iter().map(|(width, _)| width).sum();
    if simulation.time_steps as u64 * (tokens * widths) as u64 > MOST_SLOTS {
        let most = MOST_SLOTS / (tokens * widths) as u64;
        return Err(Problem::value("timesteps", format!("expected at most {most} steps of so long a text")));
    }
    let wanted = wanted(&model, asked, tokens, told)?;
    let traced = model.trace(input, &simulation, &wanted)?;
    let outputs = model.encoder().config().num_labels;
    let cost = match asked.cost.unwrap_or(true) {
        true => Some(served.meter().measure(&model, &encoding).map_err(Problem::of_engine)?.into()),
        false => None,
    };
    let settled = traced.equilibrium.logits.clone();
    let reading = |logits: &[f32]| match model.task().target {
        Target::Classification { .. } => probabilities(logits),
        Target::Regression { .. } => logits.to_vec(),
        Target::Embedding { .. } => vec![cosine(logits, &settled)],
    };
    let steps = traced.readings.chunks_exact(outputs).map(reading);
    Ok(Answered {
        model: served.id.clone(),
        truncated: traced.answer.truncated,
        dynamics: simulation.dynamics.name(),
        steps: simulation.time_steps,
        signed: model.header().student.signed,
        per_step_answers: (simulation.dynamics != Dynamics::Phased).then(|| steps.collect()),
        answer: AtStep::of(served, traced.answer, &settled),
        phased: AtStep::of(served, traced.equilibrium, &settled),
        populations: traced
            .trace
            .populations
            .iter()
            .map(|one| Population::of(one, tokens, told, token, asked))
            .collect(),
        tokens: traced.tokens,
        cost,
    })
}

/// The neurons whose potentials are to be kept: those of the population asked for, or one, since there have to be some.
fn wanted(model: &bitspike::Model, asked: &Asked, tokens: usize, told: usize) -> Result<Vec<NeuronName>> {
    let names = bitspike::config::population_names(model.header().student.layers);
    let token = asked.token.map(|token| token as usize);
    if let Some(token) = token.filter(|&token| token >= tokens) {
        return Err(Problem::value("token", format!("expected a token below {tokens}, found {token}")));
    }
    let Some(population) = &asked.population else {
        return Ok(vec![NeuronName { population: names[0].clone(), token: 0, neuron: 0 }]);
    };
    let Some(number) = names.iter().position(|name| name == population) else {
        let message = format!("expected one of {} to {}, found `{population}`", names[0], names[names.len() - 1]);
        return Err(Problem::value("population", message));
    };
    let token = token.ok_or_else(|| Problem::value("token", "a population is told at one token; give `token` too"))?;
    let width = model.encoder().populations()[number].0.min(told.max(1));
    Ok((0..width).map(|neuron| NeuronName { population: population.clone(), token, neuron }).collect())
}

impl AtStep {
    /// `settled` are the outputs of `phased`.
    fn of(served: &Served, answer: bitspike::Answer, settled: &[f32]) -> Self {
        if served.does(Ask::Embed) {
            return Self { label: None, score: cosine(&answer.logits, settled), scores: Vec::new() };
        }
        let Told { label, score, scores, .. } = Told::of(served, answer, false);
        Self { label, score, scores }
    }
}

impl Population {
    fn of(population: &PopulationTrace, tokens: usize, told: usize, token: Option<usize>, asked: &Asked) -> Self {
        let width = population.width;
        let told = told.min(width);
        let Summary { spikes, rates, rates_in_time, counts } = population.summary(tokens, told);
        let sign = |spike: i8| match spike {
            0 => '.',
            1.. => '+',
            _ => '-',
        };
        let train = |token: usize, neuron: usize| population.train(tokens, (token, neuron)).map(sign).collect();
        let is_asked = asked.population.as_ref() == Some(&population.name);
        let potentials = |column: usize| {
            let column = population.membrane.iter().skip(column).step_by(population.chosen.len().max(1));
            column.map(|potential| potential / population.theta).collect()
        };
        Self {
            layer: population.name.strip_prefix("layer.").and_then(|rest| rest.split('.').next()?.parse().ok()),
            name: population.name.clone(),
            neurons: width,
            threshold: population.theta,
            spikes,
            rates,
            rates_in_time,
            counts,
            trains: token.map(|token| (0..told).map(|neuron| train(token, neuron)).collect()),
            membranes: is_asked.then(|| (0..told).map(potentials).collect()),
        }
    }
}
