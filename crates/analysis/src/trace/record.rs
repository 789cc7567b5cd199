//! One text through a model, every step recorded.

use bitspike::config::population_names;
use bitspike::forward::{self, Dynamics, Simulation, simulate, simulate_recorded};
use bitspike::model::{Model, Text};
use bitspike::neuron::Reset;
use bitspike::tokenizer::Encoding;
use bitspike::trace::{NeuronName, PopulationTrace, Trace, choose, most_active};

use super::{Origin, TracedText};
use crate::error::{Error, Result};

/// Neurons of the first and of the last population whose membranes are kept where none are named.
const DEFAULT_NEURONS: usize = 2;

/// How a text is traced.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceOptions {
    /// The dynamics, the steps, the neurons' kind.
    pub simulation: Simulation,
    /// Neurons whose membranes are kept; where there are none, the most active ones of `[CLS]` in the first and the last
    /// population.
    pub neurons: Vec<NeuronName>,
}

impl Default for TraceOptions {
    /// 64 steps of `accumulated`.
    fn default() -> Self {
        Self { simulation: Simulation::new(Dynamics::Accumulated, 64), neurons: Vec::new() }
    }
}

/// Records `text` through `model`, called `name`: the equilibrium by `phased` with as many steps and neurons without leak, then
/// every step of the simulation asked for.
///
/// # Errors
/// If the text does not suit the task or is empty, an option is out of range, a neuron does not exist, or a current is not
/// finite.
pub fn trace(model: &Model, name: &str, text: Text<'_>, options: &TraceOptions) -> Result<TracedText> {
    let simulation = &options.simulation;
    simulation.validate()?;
    check(model, text)?;
    let header = model.header();
    let (encoding, truncated) = model.tokenizer().encode_cut(text.first, text.second, header.max_length);
    let word = |&id: &u32| model.tokenizer().token(id).unwrap_or_else(|| format!("#{id}"));
    let tokens: Vec<String> = encoding.ids.iter().map(word).collect();
    let (trace, logits, phased_logits) = record(model, encoding, options)?;
    let origin = Origin {
        model: name.to_owned(),
        text: text.first.to_owned(),
        text2: text.second.map(str::to_owned),
        tokens,
        dynamics: simulation.dynamics,
        beta: simulation.beta,
        reset: if simulation.reset == Reset::Hard { "hard".into() } else { "soft".into() },
        signed: header.student.signed,
        labels: model.labels().to_vec(),
        logits,
        phased_logits,
        truncated,
    };
    TracedText::new(origin, trace)
}

fn check(model: &Model, text: Text<'_>) -> Result<()> {
    let task = &model.header().task;
    if [Some(text.first), text.second].into_iter().flatten().any(|text| text.trim().is_empty()) {
        return Err(Error::invalid("text", "at least one word", "none"));
    }
    match (&task.second, text.second) {
        (Some(second), None) => Err(Error::Texts(format!(
            "task {} takes two texts, {} and {second}: give both, each in quotes",
            task.name, task.first
        ))),
        (None, Some(_)) => Err(Error::Texts(format!("task {} takes one text: put it in quotes", task.name))),
        _ => Ok(()),
    }
}

/// The trace, the logits after the last step, and those at the quantised equilibrium.
fn record(model: &Model, encoding: Encoding, options: &TraceOptions) -> Result<(Trace, Vec<f32>, Vec<f32>)> {
    let encoder = model.encoder();
    let tokens = encoding.ids.len();
    let embedded = model.embedding_currents(&[encoding])?;
    let time_steps = options.simulation.time_steps;
    let phased = Simulation::new(Dynamics::Phased, time_steps);
    let wanted = forward::Options { sums: true, ..forward::Options::default() };
    let mut equilibrium = simulate(encoder, (&embedded, &[tokens]), &phased, wanted)?.swap_remove(0);

    let student = &model.header().student;
    let names = population_names(student.layers);
    let shapes = encoder.populations();
    let named: Vec<(&str, usize)> = names.iter().map(String::as_str).zip(shapes.iter().map(|shape| shape.0)).collect();
    let rates = |sums: Vec<f32>| sums.into_iter().map(|sum| sum / time_steps as f32).collect();
    let rates: Vec<Vec<f32>> = std::mem::take(&mut equilibrium.sums).into_iter().map(rates).collect();
    let chosen = match &options.neurons[..] {
        [] => choose(&default_neurons(&named, &rates), &named, tokens)?,
        wanted => choose(wanted, &named, tokens)?,
    };
    let parts = names.iter().zip(shapes).zip(chosen).zip(rates);
    let populations = parts.map(|(((name, (width, theta)), chosen), equilibrium)| PopulationTrace {
        name: name.clone(),
        width,
        theta,
        spikes: Vec::new(),
        membrane: Vec::new(),
        chosen,
        equilibrium,
    });
    let mut trace = Trace::new(time_steps, tokens, populations.collect())?;
    let run = simulate_recorded(encoder, &embedded, &options.simulation, &mut trace)?;
    let logits = run.logits[run.logits.len().saturating_sub(student.num_labels)..].to_vec();
    Ok((trace, logits, equilibrium.logits))
}

/// The most active neurons of `[CLS]` in the first and the last population, given the rates at equilibrium.
fn default_neurons(populations: &[(&str, usize)], equilibrium: &[Vec<f32>]) -> Vec<NeuronName> {
    let most = |((name, width), rates): (&(&str, usize), &Vec<f32>)| -> Vec<NeuronName> {
        let neurons = most_active(rates, *width, DEFAULT_NEURONS);
        neurons.into_iter().map(|neuron| NeuronName { population: (*name).to_owned(), token: 0, neuron }).collect()
    };
    let both = || populations.iter().zip(equilibrium);
    both().take(1).chain(both().skip(1).last()).flat_map(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitspike::model::Options;

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

    fn traced(dynamics: Dynamics, time_steps: u32) -> TracedText {
        let model = crate::fixture::model(&Options::default());
        let options = TraceOptions { simulation: Simulation::new(dynamics, time_steps), ..TraceOptions::default() };
        trace(&model, "small", Text { first: "w6 w7 <b> w8", second: None }, &options).unwrap()
    }

    #[test]
    fn rates_converge_to_the_equilibrium() {
        let worst = |dynamics, time_steps| {
            let summary = traced(dynamics, time_steps).summary;
            summary.populations.iter().map(|p| p.rms_distance).fold(0.0, f64::max)
        };
        // `phased` is the equilibrium: T times the rate of every neuron is the count that it fires.
        assert!(worst(Dynamics::Phased, 32) < 1e-7);
        let (short, long) = (worst(Dynamics::Accumulated, 16), worst(Dynamics::Accumulated, 256));
        assert!(long < short / 4.0, "T=16: {short}, T=256: {long}");
        assert!(worst(Dynamics::Instantaneous, 1).is_finite());
    }

    #[test]
    fn a_trace_of_phased_answers_as_the_model_does() {
        let model = crate::fixture::model(&Options::default());
        let text = Text { first: "w6 w7 <b> w8", second: None };
        let answer = model.classify(&[text]).unwrap().swap_remove(0);
        let traced = traced(Dynamics::Phased, 16);
        assert_eq!((&traced.origin.logits, &traced.origin.phased_logits), (&answer.logits, &answer.logits));
        assert_eq!(traced.origin.tokens.len(), answer.tokens);
        assert_eq!(traced.summary.answer.label.as_deref(), Some(model.labels()[answer.label].as_str()));
    }

    #[test]
    fn what_cannot_be_traced_is_refused() {
        let model = crate::fixture::model(&Options::default());
        let refused = |first: &str, second: Option<&str>, options: &TraceOptions| {
            trace(&model, "small", Text { first, second }, options).unwrap_err().to_string()
        };
        let steps = |time_steps| TraceOptions {
            simulation: Simulation::new(Dynamics::Accumulated, time_steps),
            ..TraceOptions::default()
        };
        assert!(refused("w6", None, &steps(0)).contains("time_steps: expected 1 to 65536, found 0"));
        assert!(refused(" \t", None, &steps(4)).contains("at least one word"));
        assert!(refused("a", Some("b"), &steps(4)).contains("takes one text"));
        let neuron = NeuronName { population: "layer.2.key".into(), token: 0, neuron: 0 };
        let options = TraceOptions { neurons: vec![neuron], ..steps(4) };
        assert!(refused("w6", None, &options).contains("expected embedding, layer.0.key, layer.0.value"));
        let long = "w6 ".repeat(60);
        assert!(trace(&model, "small", Text { first: &long, second: None }, &steps(1)).unwrap().origin.truncated);
    }
}
