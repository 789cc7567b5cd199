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
        code: simulation.code,
        window: simulation.time_steps,
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
mod tests;
