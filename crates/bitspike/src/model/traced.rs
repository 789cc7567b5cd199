//! A text watched on its way through a model.

use super::{Answer, Input, Model, Traced};
use crate::config::population_names;
use crate::error::Result;
use crate::forward::{Dynamics, SentenceRun, Sentences, Simulation, Wanted, simulate, simulate_recorded};
use crate::trace::{NeuronName, PopulationTrace, Trace, choose, default_neurons};

impl Model {
    /// Records one text, or a pair, in any simulation, whatever the model's own: every spike, and the membranes of the neurons
    /// `wanted`; unless some are named, of the two most active ones of `[CLS]` in the first and in the last population.
    ///
    /// ```
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");
    /// use bitspike::{Dynamics, Model, Simulation};
    /// let traced = Model::load(path)?.trace("a fine film", &Simulation::new(Dynamics::Accumulated, 32), &[])?;
    /// assert_eq!(traced.tokens, ["[CLS]", "a", "fine", "film", "[SEP]"]);
    /// assert_eq!(traced.answer.label(), traced.equilibrium.label());
    /// assert_eq!(traced.readings.len(), 32 * 2); // an answer after each step
    /// let embedding = &traced.trace.populations[0];
    /// assert_eq!(embedding.rates(1.0).len(), 32);
    /// # Ok::<(), bitspike::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Model::classify`], and if the simulation's settings are out of range, a neuron does not exist, or the trace would
    /// be too large ([`crate::trace::MAX_SLOTS`]).
    pub fn trace<'a>(
        &self,
        input: impl Into<Input<'a>>,
        simulation: &Simulation,
        wanted: &[NeuronName],
    ) -> Result<Traced> {
        let input = input.into();
        self.check(&input)?;
        let (encoding, truncated) = self.encode_cut(&input);
        let word = |&id: &u32| self.tokenizer().token(id).unwrap_or_else(|| format!("#{id}"));
        let tokens: Vec<String> = encoding.ids.iter().map(word).collect();
        let (encoder, time_steps) = (self.encoder(), simulation.time_steps);
        simulation.validate()?;
        simulation.fits(encoder.config())?;
        let mut currents = Vec::new();
        self.weights.embedding.currents(self.packed(), &[encoding], &mut currents);

        let own = encoder.config().code.code();
        let phased = Simulation { code: own, ..Simulation::new(Dynamics::Phased, time_steps) };
        let sentence = Sentences { currents: &currents, lengths: &[tokens.len()] };
        let sums = Wanted { sums: true, ..Wanted::default() };
        let mut equilibrium = simulate(encoder, sentence, &phased, sums)?.swap_remove(0);
        let rates = |sums: Vec<f32>| sums.into_iter().map(|sum| sum / time_steps as f32).collect();
        let rates: Vec<Vec<f32>> = std::mem::take(&mut equilibrium.sums).into_iter().map(rates).collect();

        let names = population_names(encoder.config().layers);
        let shapes = encoder.populations();
        let named: Vec<_> = names.iter().map(String::as_str).zip(shapes.iter().map(|shape| shape.0)).collect();
        let chosen = match wanted {
            [] => choose(&default_neurons(&named, &rates), &named, tokens.len())?,
            wanted => choose(wanted, &named, tokens.len())?,
        };
        let parts = names.into_iter().zip(shapes).zip(chosen).zip(rates);
        let populations = parts.map(|(((name, (width, theta)), chosen), equilibrium)| PopulationTrace {
            name,
            width,
            theta,
            spikes: Vec::new(),
            membrane: Vec::new(),
            chosen,
            equilibrium,
        });
        let mut trace = Trace::new(simulation.steps(), tokens.len(), populations.collect())?;
        let run = simulate_recorded(encoder, &currents, simulation, &mut trace)?;
        let readings = run.logits.clone();
        let answer = |run: SentenceRun| {
            let logits = run.last_logits(encoder.config().num_labels);
            Answer { truncated, ..self.answer(logits, run.steps, tokens.len()) }
        };
        let (answer, equilibrium) = (answer(run), answer(equilibrium));
        Ok(Traced { tokens, trace, readings, answer, equilibrium })
    }
}
