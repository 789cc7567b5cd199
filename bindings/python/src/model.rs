//! The class behind `bitspike.Classifier`.

use std::path::PathBuf;
use std::str::FromStr;

use bitspike::{Dynamics, Options};
use bitspike_analysis::digest::hexadecimal;
use bitspike_hub::{Subject, TOKENIZER};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyList};
use sha2::{Digest, Sha256};

use crate::answers::Answers;
use crate::arrow::Table;
use crate::arrow::input::Wanted;
use crate::engine::{Shared, threads};
use crate::fault::{Fault, Kind, Result, json};
use crate::look::{self, Traced};
use crate::texts;
use crate::vectors::{self, Shape};
use crate::weights;

/// A model that was loaded, with threads of its own.
#[pyclass(frozen, module = "bitspike._native")]
pub(crate) struct Model {
    pub(crate) engine: Shared,
    subject: Subject,
    options: Options,
}

#[pymethods]
impl Model {
    /// The model that `name` means; the one that is compiled in where there is none.
    #[staticmethod]
    fn load(
        py: Python<'_>,
        name: Option<PathBuf>,
        threads: Option<i64>,
        timesteps: Option<i64>,
        dynamics: Option<&str>,
    ) -> PyResult<Self> {
        let threads = self::threads(threads)?;
        let mut options = Options::new();
        if let Some(dynamics) = dynamics {
            options = options.dynamics(Dynamics::from_str(dynamics).map_err(Fault::from)?);
        }
        if let Some(steps) = timesteps {
            let steps = u32::try_from(steps).map_err(|_| Fault::at(Kind::Option, "timesteps", "1 to 65536", steps))?;
            options = options.time_steps(steps);
        }
        let load = || -> Result<Self> {
            let subject = match name {
                Some(name) => Subject::resolve(&name)?,
                None => Subject::builtin(),
            };
            let engine = Shared::load(threads, || Ok(subject.model(&options)?))?;
            Ok(Self { engine, subject, options })
        };
        Ok(py.detach(load)?)
    }

    /// What it is called.
    #[getter]
    fn name(&self) -> String {
        self.subject.name()
    }

    /// Its file or folder, if it has one.
    #[getter]
    fn place(&self) -> Option<PathBuf> {
        match &self.subject {
            Subject::Packed(model) => model.path().map(PathBuf::from),
            Subject::Run { folder, .. } => Some(folder.path().to_owned()),
            Subject::Teacher(path) => Some(path.clone()),
        }
    }

    /// SHA-256 of what was loaded: the packed file and, where it has no tokeniser within, the one beside it.
    fn digest(&self, py: Python<'_>) -> PyResult<String> {
        let digest = || -> Result<String> {
            let packed = self.engine.model().packed();
            let mut hash = Sha256::new();
            hash.update(packed.file_bytes());
            if packed.tokenizer().is_none()
                && let Some(file) = self.subject.packed().and_then(|model| model.beside(TOKENIZER))
            {
                hash.update(file.read()?);
            }
            Ok(hexadecimal(&hash.finalize()))
        };
        Ok(py.detach(digest)?)
    }

    /// Names of the classes; empty for a score.
    #[getter]
    fn labels(&self) -> Vec<String> {
        self.engine.model().labels().to_vec()
    }

    /// What it was trained for.
    #[getter]
    fn task(&self) -> String {
        self.engine.model().task().name.clone()
    }

    /// Whether it takes pairs.
    #[getter]
    fn takes_pairs(&self) -> bool {
        self.engine.model().task().second.is_some()
    }

    #[getter]
    fn threads(&self) -> usize {
        self.engine.threads()
    }

    #[getter]
    fn timesteps(&self) -> u32 {
        self.engine.model().simulation().time_steps
    }

    #[getter]
    fn dynamics(&self) -> &'static str {
        self.engine.model().simulation().dynamics.name()
    }

    /// Tokens that it reads of a text.
    #[getter]
    fn max_length(&self) -> usize {
        self.engine.model().header().max_length
    }

    /// What kind of student it is, as JSON.
    fn student(&self) -> PyResult<String> {
        Ok(json(&self.engine.model().header().student)?)
    }

    /// Names and roles of its tensors.
    fn tensors(&self) -> Vec<(String, &'static str)> {
        weights::names(self.engine.model().packed())
    }

    /// Shape, codes if there are any, and scales or values of a tensor.
    fn tensor<'py>(&self, py: Python<'py>, name: &str) -> PyResult<weights::Stored<'py>> {
        Ok(weights::read(py, self.engine.model().packed(), name)?)
    }

    /// Answers to a list of texts, whose first one is number `first` in messages.
    fn classify(&self, py: Python<'_>, items: &Bound<'_, PyList>, first: usize) -> PyResult<Answers> {
        let model = self.engine.model();
        model.check_answers().map_err(Fault::from)?;
        let texts = texts::read(items, first, model.task())?;
        let labels = model.labels().to_vec();
        let answers = self.engine.run(py, move |model, stop| vectors::answers(model, &texts, stop))?;
        Ok(Answers { answers, labels })
    }

    /// Whether it gives vectors.
    #[getter]
    fn embeds(&self) -> bool {
        self.engine.model().is_embedder()
    }

    /// Values of a vector.
    #[getter]
    fn width(&self) -> usize {
        self.engine.model().header().student.hidden
    }

    /// Whether vectors have length 1 unless somebody asks for others.
    #[getter]
    fn normalizes(&self) -> bool {
        self.engine.model().task().target.normalizes()
    }

    /// How many of a vector's first values are a vector too, for which the model was trained.
    #[getter]
    fn prefixes(&self) -> Vec<usize> {
        self.engine.model().task().target.prefixes().to_vec()
    }

    /// Vectors of a list of texts, whose first one is number `first` in messages, one after another in bytes.
    #[allow(clippy::too_many_arguments, reason = "Python gives them one by one")]
    fn embed<'py>(
        &self,
        py: Python<'py>,
        items: &Bound<'_, PyList>,
        first: usize,
        normalize: Option<bool>,
        dims: Option<usize>,
        precision: &str,
        order: &str,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        let model = self.engine.model();
        let shape = Shape::new(model, normalize, dims)?;
        vectors::bytes(py, &self.engine, texts::read(items, first, model.task())?, shape, (precision, order))
    }

    /// The rows of a table with their vectors beside them.
    #[allow(clippy::too_many_arguments, reason = "Python gives them one by one")]
    fn embed_arrow(
        &self,
        py: Python<'_>,
        table: &Bound<'_, PyAny>,
        text: Option<String>,
        null: bool,
        keep: bool,
        normalize: Option<bool>,
        dims: Option<usize>,
    ) -> PyResult<Table> {
        let shape = Shape::new(self.engine.model(), normalize, dims)?;
        let wanted = Wanted { text, text_pair: None, null, keep };
        crate::arrow::answered(&self.engine, py, table, wanted, Some(shape))
    }

    /// The rows of a table with their answers beside them.
    fn classify_arrow(
        &self,
        py: Python<'_>,
        table: &Bound<'_, PyAny>,
        text: Option<String>,
        text_pair: Option<String>,
        null: bool,
        keep: bool,
    ) -> PyResult<Table> {
        self.engine.model().check_answers().map_err(Fault::from)?;
        crate::arrow::answered(&self.engine, py, table, Wanted { text, text_pair, null, keep }, None)
    }

    /// A text, or a pair, spike by spike.
    fn trace(
        &self,
        py: Python<'_>,
        item: &Bound<'_, PyAny>,
        timesteps: u32,
        dynamics: &str,
        neurons: Vec<(String, usize, usize)>,
    ) -> PyResult<Traced> {
        let text = texts::one(item, "text", self.engine.model().task())?;
        let dynamics = Dynamics::from_str(dynamics).map_err(Fault::from)?;
        let name = self.subject.to_string();
        self.engine.run(py, move |model, _| look::trace(model, &name, &text, timesteps, dynamics, neurons))
    }

    /// What texts cost, as JSON.
    fn cost(&self, py: Python<'_>, items: &Bound<'_, PyList>, profile: String) -> PyResult<String> {
        let texts = texts::read(items, 0, self.engine.model().task())?;
        let name = self.subject.name();
        self.engine.run(py, move |model, _| look::cost(model, &name, texts, &profile))
    }

    /// How good answers are on a split of a task's data, as JSON.
    fn eval(
        &self,
        py: Python<'_>,
        data: PathBuf,
        task: Option<String>,
        split: String,
        limit: Option<usize>,
    ) -> PyResult<String> {
        let (subject, options) = (self.subject.clone(), self.options);
        self.engine.run(py, move |model, _| {
            let asked = look::Scored { data, task, split, limit };
            look::eval(model, &subject, &options, &asked)
        })
    }
}
