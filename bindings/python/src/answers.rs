//! What Python gets.

use std::cmp::Ordering;

use bitspike::{Answer, Output};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict, PyList, PyString};

/// What a number is called where a class would have a name.
pub(crate) const SCORE: &str = "score";

/// Answers to a list of texts, in its order.
#[pyclass(frozen, module = "bitspike._native")]
pub(crate) struct Answers {
    pub(crate) answers: Vec<Answer>,
    pub(crate) labels: Vec<String>,
}

impl Answers {
    /// Values of an answer: a probability a class, or the score.
    pub(crate) fn values(answer: &Answer) -> &[f32] {
        match &answer.output {
            Output::Class { probabilities, .. } => probabilities,
            Output::Score(score) => std::slice::from_ref(score),
            Output::Vector(values) => values,
        }
    }

    fn names<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyString>> {
        match &self.labels[..] {
            [] => vec![PyString::new(py, SCORE)],
            labels => labels.iter().map(|label| PyString::new(py, label)).collect(),
        }
    }
}

fn entry<'py>(py: Python<'py>, label: &Bound<'py, PyString>, score: f32) -> PyResult<Bound<'py, PyDict>> {
    let entry = PyDict::new(py);
    entry.set_item(intern!(py, "label"), label)?;
    entry.set_item(intern!(py, "score"), f64::from(score))?;
    Ok(entry)
}

#[pymethods]
impl Answers {
    fn __len__(&self) -> usize {
        self.answers.len()
    }

    /// One dict a text: the class and its probability, or the score.
    fn best<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let names = self.names(py);
        let dicts = self.answers.iter().map(|answer| {
            let class = answer.class().unwrap_or(0);
            entry(py, &names[class], Self::values(answer)[class])
        });
        PyList::new(py, dicts.collect::<PyResult<Vec<_>>>()?)
    }

    /// A list of dicts a text, the most probable class first, at most `most` of them.
    fn ranked<'py>(&self, py: Python<'py>, most: usize) -> PyResult<Bound<'py, PyList>> {
        let names = self.names(py);
        let lists = self.answers.iter().map(|answer| {
            let values = Self::values(answer);
            let mut order: Vec<usize> = (0..values.len()).collect();
            order.sort_by(|&a, &b| values[b].partial_cmp(&values[a]).unwrap_or(Ordering::Equal));
            let dicts = order.iter().take(most).map(|&class| entry(py, &names[class], values[class]));
            PyList::new(py, dicts.collect::<PyResult<Vec<_>>>()?)
        });
        PyList::new(py, lists.collect::<PyResult<Vec<_>>>()?)
    }

    /// The values of all answers, one after another, as 32-bit floats in the machine's order of bytes.
    fn values_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyByteArray>> {
        let bytes: Vec<u8> =
            self.answers.iter().flat_map(|answer| Self::values(answer).iter().flat_map(|x| x.to_ne_bytes())).collect();
        Ok(PyByteArray::new(py, &bytes))
    }

    /// Index of the class of each answer; 0 for scores.
    fn classes(&self) -> Vec<usize> {
        self.answers.iter().map(|answer| answer.class().unwrap_or(0)).collect()
    }

    /// Whether each text was longer than the model reads.
    fn truncated(&self) -> Vec<bool> {
        self.answers.iter().map(|answer| answer.truncated).collect()
    }
}
