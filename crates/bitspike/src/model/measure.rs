//! What those ask who measure a model.

use super::{Model, lengths};
use crate::error::Result;
use crate::forward::packs::packs;
use crate::forward::windows::{Windows, Workspace};
use crate::forward::{Dynamics, Operator, Rows, SentenceRun, Sentences, Simulation, Timing, Wanted, simulate};
use crate::parallel;
use crate::tokenizer::Encoding;

/// Sentences of a thread between two reports of progress.
const SENTENCES: usize = 32;

impl Model {
    /// Runs texts one by one in any simulation, whatever the model's own; `progress` hears how many are done.
    ///
    /// ```
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");
    /// use bitspike::forward::{Dynamics, Simulation, Wanted};
    /// let model = bitspike::Model::load(path)?;
    /// let texts = [model.encode("a fine film"), model.encode("dull")];
    /// let simulation = Simulation::new(Dynamics::Instantaneous, 12);
    /// let runs = model.simulate(&texts, &simulation, Wanted::default(), |done| assert_eq!(done, 2))?;
    /// assert_eq!(runs[0].logits.len(), 12 * 2); // an answer after each step
    /// # Ok::<(), bitspike::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Model::classify_ids`], and if the settings of the simulation or of the exit rule are out of range or do not go
    /// together.
    pub fn simulate(
        &self,
        encodings: &[Encoding],
        simulation: &Simulation,
        wanted: Wanted<'_>,
        mut progress: impl FnMut(usize),
    ) -> Result<Vec<SentenceRun>> {
        self.check_ids(encodings)?;
        let (mut runs, mut currents) = (Vec::with_capacity(encodings.len()), Vec::new());
        for batch in encodings.chunks(SENTENCES * parallel::threads()) {
            self.weights.embedding.currents(self.packed(), batch, &mut currents);
            let sentences = Sentences { currents: &currents, lengths: &lengths(batch) };
            runs.extend(simulate(self.encoder(), sentences, simulation, wanted)?);
            progress(runs.len());
        }
        Ok(runs)
    }

    /// Runs texts one by one with their spikes counted, and with the sums of every neuron where `sums`: what answers are made
    /// of.
    ///
    /// ```
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");
    /// let model = bitspike::Model::load(path)?;
    /// let runs = model.simulate_ids(&[model.encode("a fine film")], false)?;
    /// assert_eq!(runs[0].spikes.len(), 1 + 6 * model.header().student.layers);
    /// # Ok::<(), bitspike::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Model::classify_ids`].
    pub fn simulate_ids(&self, encodings: &[Encoding], sums: bool) -> Result<Vec<SentenceRun>> {
        self.run_ids(encodings, Wanted { sums, ..Wanted::default() })
    }

    /// Runs texts one by one and counts what every neuron sends ([`SentenceRun::sent`]), as [`Counter`](crate::count::Counter)
    /// reads it.
    ///
    /// ```
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");
    /// let model = bitspike::Model::load(path)?;
    /// let runs = model.count_ids(&[model.encode("a fine film")])?;
    /// let of_embedding: u64 = runs[0].sent[0].spikes.iter().sum();
    /// assert_eq!(of_embedding, runs[0].spikes[0]);
    /// # Ok::<(), bitspike::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Model::classify_ids`].
    pub fn count_ids(&self, encodings: &[Encoding]) -> Result<Vec<SentenceRun>> {
        self.run_ids(encodings, Wanted { sent: true, ..Wanted::default() })
    }

    fn run_ids(&self, encodings: &[Encoding], wanted: Wanted<'_>) -> Result<Vec<SentenceRun>> {
        let wanted = Wanted { exit: self.exit, rows: Rows::Last, ..wanted };
        self.simulate(encodings, &self.simulation, wanted, |_| ())
    }

    /// Runs one batch as `phased` on one thread and reports where the time went.
    ///
    /// ```
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");
    /// use bitspike::forward::Operator;
    /// let model = bitspike::Model::load(path)?;
    /// let timing = model.profile(&[model.encode("a fine film")])?;
    /// assert!(timing.spent(Operator::Products) < timing.total());
    /// # Ok::<(), bitspike::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Model::classify_ids`].
    pub fn profile(&self, encodings: &[Encoding]) -> Result<Timing> {
        self.check_ids(encodings)?;
        let encoder = self.encoder();
        let (mut total, mut workspace) = (Timing::default(), Workspace::<Timing>::default());
        for pack in packs(encodings, 1) {
            let encodings = &encodings[pack];
            let (mut currents, lengths) = (Vec::new(), lengths(encodings));
            total.restart();
            self.weights.embedding.currents(self.packed(), encodings, &mut currents);
            total.lap(Operator::Embedding);
            let pack = Sentences { currents: &currents, lengths: &lengths };
            let mut logits = Vec::new();
            workspace.restart();
            let windows = Windows { encoder, time_steps: self.simulation.time_steps, pack };
            windows.run(1, &mut workspace, |sums| encoder.readout.apply(sums, &mut logits))?;
            workspace.take_watches().iter().for_each(|watch| total.add(watch));
        }
        Ok(total)
    }

    /// Multiply-adds with matrices of the encoder that [`Model::classify_ids`] does in one window of counts or, in stepped
    /// dynamics, in one step. Of the last layer, keys and values of every token and, for a classifier, the rest at `[CLS]`.
    pub fn multiply_adds(&self, encodings: &[Encoding]) -> u64 {
        let config = &self.header().student;
        let [d, f, layers, texts] =
            [config.hidden, config.intermediate, config.layers, encodings.len()].map(|n| n as u64);
        let tokens: u64 = encodings.iter().map(|encoding| encoding.ids.len() as u64).sum();
        let per_layer = 4 * d * d + 2 * d * f;
        let spike_by_spike = self.simulation.dynamics == Dynamics::Phased && !self.simulation.is_counts();
        if spike_by_spike || !self.encoder().readout.reads_first() {
            return tokens * layers * per_layer;
        }
        tokens * ((layers - 1) * per_layer + 2 * d * d) + texts * (per_layer - 2 * d * d)
    }
}
