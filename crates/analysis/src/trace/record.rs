//! One text through a model, every step recorded.

use bitspike::neuron::Reset;
use bitspike::trace::NeuronName;
use bitspike::{Answer, Dynamics, Input, Model, Simulation};

use super::summary::{Origin, Reading};
use super::traced::TracedText;
use crate::error::{Error, Result};

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

/// Records a text, or a pair, through `model`, called `name`: the equilibrium by `phased` with as many steps and neurons without
/// leak, then every step of the simulation asked for.
///
/// # Errors
/// If the text does not suit the task or is empty, an option is out of range, a neuron does not exist, or a current is not
/// finite.
pub fn trace<'a>(model: &Model, name: &str, input: impl Into<Input<'a>>, options: &TraceOptions) -> Result<TracedText> {
    let TraceOptions { simulation, neurons } = options;
    let input = input.into();
    simulation.validate()?;
    check(model, &input)?;
    let traced = model.trace(input, simulation, neurons)?;
    let reading = |answer: &Answer| Reading { label: answer.label().map(str::to_owned), logits: answer.logits.clone() };
    let origin = Origin {
        model: name.to_owned(),
        text: input.first.to_owned(),
        text2: input.second.map(str::to_owned),
        dynamics: simulation.dynamics,
        beta: simulation.beta,
        reset: if simulation.reset == Reset::Hard { "hard".into() } else { "soft".into() },
        signed: model.header().student.signed,
        truncated: traced.answer.truncated,
        answer: reading(&traced.answer),
        phased: reading(&traced.equilibrium),
        tokens: traced.tokens,
    };
    TracedText::new(origin, traced.trace)
}

/// Refuses what would be no text of the model's task.
fn check(model: &Model, input: &Input<'_>) -> Result<()> {
    let task = model.task();
    if [Some(input.first), input.second].into_iter().flatten().any(|text| text.trim().is_empty()) {
        return Err(Error::invalid("text", "at least one word", "none"));
    }
    match (&task.second, input.second) {
        (Some(second), None) => Err(Error::Texts(format!(
            "task {} takes two texts, {} and {second}: give both, each in quotes",
            task.name, task.first
        ))),
        (None, Some(_)) => Err(Error::Texts(format!("task {} takes one text: put it in quotes", task.name))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traced(dynamics: Dynamics, time_steps: u32) -> TracedText {
        let model = crate::fixture::model();
        let options = TraceOptions { simulation: Simulation::new(dynamics, time_steps), ..TraceOptions::default() };
        trace(&model, "small", "w6 w7 <b> w8", &options).unwrap()
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
        let answer = crate::fixture::model().classify(["w6 w7 <b> w8"]).unwrap().swap_remove(0);
        let traced = traced(Dynamics::Phased, 16);
        let Origin { answer: found, phased, tokens, .. } = &traced.origin;
        assert_eq!((&found.logits, &phased.logits), (&answer.logits, &answer.logits));
        assert_eq!((found.label.as_deref(), tokens.len()), (answer.label(), answer.tokens));
    }

    #[test]
    fn what_cannot_be_traced_is_refused() {
        let model = crate::fixture::model();
        let refused =
            |input: Input<'_>, options: &TraceOptions| trace(&model, "small", input, options).unwrap_err().to_string();
        let steps = |time_steps| TraceOptions {
            simulation: Simulation::new(Dynamics::Accumulated, time_steps),
            ..TraceOptions::default()
        };
        assert!(refused("w6".into(), &steps(0)).contains("time_steps: expected 1 to 65536, found 0"));
        assert!(refused(" \t".into(), &steps(4)).contains("at least one word"));
        assert!(refused(("a", "b").into(), &steps(4)).contains("takes one text"));
        let neuron = NeuronName { population: "layer.2.key".into(), token: 0, neuron: 0 };
        let options = TraceOptions { neurons: vec![neuron], ..steps(4) };
        assert!(refused("w6".into(), &options).contains("expected embedding, layer.0.key, layer.0.value"));
        let long = "w6 ".repeat(60);
        assert!(trace(&model, "small", &long, &steps(1)).unwrap().origin.truncated);
    }
}
