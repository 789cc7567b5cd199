//! The cost of one text, as it is asked for beside its answer.

use bitspike::count::{Counter, Operations};
use bitspike::{Encoding, Model};
use serde::Serialize;

use super::{Network, NetworkCost, networks};
use crate::counts::weight_bytes;
use crate::energy::{CountedStudent, Profile};
use crate::error::Result;

/// Counts and prices texts of one model, one at a time; what depends on the model alone is found once.
///
/// ```
/// use bitspike::Options;
/// use bitspike_analysis::cost::{Network, TextMeter};
/// use bitspike_analysis::energy::Profile;
/// use bitspike_hub::Subject;
///
/// let model = Subject::builtin().model(&Options::new())?;
/// let meter = TextMeter::new(&model, Profile::named("45nm")?);
/// let cost = meter.measure(&model, &model.encode("a gripping, funny film"))?;
/// assert!(cost.picojoules(Network::Student) < cost.picojoules(Network::Fp32));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct TextMeter {
    counter: Counter,
    profile: Profile,
    bytes: u64,
}

/// What one text took.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct TextCost {
    /// Tokens read, frame included.
    pub tokens: usize,
    /// Time steps taken; fewer than `T` where an exit rule ended it.
    pub steps: u32,
    pub operations: Operations,
    /// The model first, then the baselines, as [`Cost::energy`](super::Cost::energy).
    pub energy: Vec<NetworkCost>,
}

impl TextMeter {
    /// Looks at every weight of `model` once.
    pub fn new(model: &Model, profile: Profile) -> Self {
        Self { counter: Counter::new(model.encoder()), profile, bytes: weight_bytes(model.packed()) }
    }

    /// Runs one text with every spike counted, in the simulation of `model`, which shares its weights with the model that this was
    /// made for.
    ///
    /// # Errors
    /// As [`Model::count_ids`].
    pub fn measure(&self, model: &Model, encoding: &Encoding) -> Result<TextCost> {
        let run = model.count_ids(std::slice::from_ref(encoding))?.swap_remove(0);
        let (simulation, student) = (model.simulation(), &model.header().student);
        let tokens = encoding.ids.len();
        let operations = self.counter.sentence(&run, tokens, simulation).into_iter().sum();
        let counted = CountedStudent {
            profile: &self.profile,
            student,
            operations: &operations,
            bytes: self.bytes,
            lengths: &[tokens],
            sum_bits: self.counter.sum_bits(simulation.time_steps),
            counts: simulation.counts(student.signed),
            attention_values: self.counter.attention_values(&run, tokens),
        };
        let energy = networks::beside(&counted, simulation, model.exit().map(|_| f64::from(run.steps)), None, None);
        Ok(TextCost { tokens, steps: run.steps, operations, energy })
    }
}

impl TextCost {
    /// Energy of operations and memory of one of the networks; none where the comparison has none of the kind.
    pub fn picojoules(&self, network: Network) -> Option<f64> {
        self.energy.iter().find(|cost| cost.network == network).map(|cost| cost.estimate.total_picojoules)
    }
}
