//! What is looked at beyond answers: traces, costs, scores.

use std::path::PathBuf;
use std::str::FromStr;

use bitspike::trace::NeuronName;
use bitspike::{Dynamics, Model, Options, Simulation};
use bitspike_analysis::cost::{CostOptions, measure};
use bitspike_analysis::energy::Profile;
use bitspike_analysis::examples::EncodedSplit;
use bitspike_analysis::score::score;
use bitspike_analysis::trace::{TraceOptions, TracedText};
use bitspike_data::{ClassMap, Dataset, Example, Split, TaskSpec, encode};
use bitspike_hub::Subject;
use pyo3::prelude::*;

use crate::arrow::Table;
use crate::fault::{Fault, Kind, Result, json};
use crate::texts::Text;

/// A text in time.
#[pyclass(frozen, module = "bitspike._native")]
pub(crate) struct Traced(TracedText);

#[pymethods]
impl Traced {
    /// The short account, as JSON.
    fn summary(&self) -> PyResult<String> {
        Ok(json(&self.0.summary)?)
    }

    /// The picture.
    fn svg(&self, py: Python<'_>) -> String {
        py.detach(|| self.0.picture())
    }

    /// Rates, membranes and spikes.
    fn tables(&self, py: Python<'_>) -> PyResult<Vec<Table>> {
        let tables = py.detach(|| self.0.tables().map_err(Fault::from))?;
        Ok(tables.into_iter().map(|table| Table::new(table.schema, table.batches)).collect())
    }
}

pub(crate) fn trace(
    model: &Model,
    name: &str,
    text: &Text,
    time_steps: u32,
    dynamics: Dynamics,
    neurons: Vec<(String, usize, usize)>,
) -> Result<Traced> {
    let neurons = neurons.into_iter().map(|(population, token, neuron)| NeuronName { population, token, neuron });
    let options = TraceOptions { simulation: Simulation::new(dynamics, time_steps), neurons: neurons.collect() };
    Ok(Traced(bitspike_analysis::trace::trace(model, name, text, &options)?))
}

pub(crate) fn cost(model: &Model, name: &str, texts: Vec<Text>, profile: &str) -> Result<String> {
    let profile = Profile::find(profile)?;
    let task = TaskSpec::of_model(model.task())?;
    let example =
        |(i, text): (usize, Text)| Example { id: i.to_string(), first: text.first, second: text.second, target: None };
    let dataset = Dataset {
        apart: false,
        split: Split::Test,
        files: Vec::new(),
        examples: texts.into_iter().enumerate().map(example).collect(),
        skipped: 0,
        repeated_ids: None,
        notes: Vec::new(),
    };
    let examples = encode(&dataset, model.tokenizer(), model.header().max_length);
    let split = EncodedSplit { task, dataset, examples };
    let options = CostOptions { profile: &profile, teacher: None, int8: None, codes: true };
    json(&measure(model, name, &split, &options)?.0)
}

/// What is scored, and on what.
pub(crate) struct Scored {
    pub(crate) data: PathBuf,
    pub(crate) task: Option<String>,
    pub(crate) split: String,
    pub(crate) limit: Option<usize>,
}

pub(crate) fn eval(model: &Model, subject: &Subject, options: &Options, asked: &Scored) -> Result<String> {
    let own = TaskSpec::of_model(model.task())?;
    let task = match &asked.task {
        Some(name) => TaskSpec::glue(name)?,
        None => own.clone(),
    };
    let classes = ClassMap::between(&own, &task, None)?;
    let reordered = match classes.is_identity() {
        true => None,
        false => {
            let again = subject.model(options)?;
            if again.packed().file_bytes() != model.packed().file_bytes() {
                let message = format!("{subject}: the file is another than the one that was loaded; load it anew");
                return Err(Fault::new(Kind::Changed, message));
            }
            Some(again.in_class_order(classes.outputs())?)
        }
    };
    let model = reordered.as_ref().unwrap_or(model);
    let mut split = EncodedSplit::read(model, &task, &asked.data, Split::from_str(&asked.split)?)?;
    split.truncate(asked.limit.unwrap_or(usize::MAX));
    json(&score(model, &subject.name(), &split, false)?.0)
}

/// The examples of a split: texts, second texts where the task has pairs, and targets by class or score where they are known.
#[pyfunction]
pub(crate) fn dataset(py: Python<'_>, task: String, data: PathBuf, split: String) -> PyResult<Examples> {
    let read = || -> Result<Examples> {
        let task = TaskSpec::glue(&task)?;
        let read = bitspike_data::load(&task, &data, Split::from_str(&split)?)?;
        let examples = read.examples.into_iter();
        let label = |target: Option<f32>| target.and_then(|class| task.labels().get(class as usize).cloned());
        let regression = task.target.is_regression();
        Ok(examples
            .map(|Example { first, second, target, .. }| {
                let label = if regression { None } else { label(target) };
                (first, second, label, if regression { target } else { None })
            })
            .collect())
    };
    Ok(py.detach(read)?)
}

/// Text, second text, label, score.
type Examples = Vec<(String, Option<String>, Option<String>, Option<f32>)>;
