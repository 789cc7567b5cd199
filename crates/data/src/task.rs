//! What a task is: which columns hold text and label, what the label means, how answers are scored.

use serde::{Deserialize, Serialize};

use bitspike::config::{Target, Task, check_names};

use super::builtin::GlueTask;
use super::error::{Error, Result};
use super::metrics::{Metric, MetricValues};
use super::split::Split;

/// A task: one or two texts in, a class or a score out.
///
/// ```
/// use bitspike_data::{Metric, TaskSpec};
///
/// let task = TaskSpec::glue("RTE")?;
/// assert_eq!(task.labels(), ["entailment", "not_entailment"]);
/// assert_eq!(task.primary(), Metric::Accuracy);
/// assert_eq!(task.score(&[0.0, 1.0], &[0.0, 0.0])?["accuracy"], 0.5);
/// # Ok::<(), bitspike_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskSpec {
    /// Short name: letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// Which task of GLUE this is, with the quirks of its files; none for a user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glue: Option<GlueTask>,
    /// Column of the first text.
    pub first: String,
    /// Column of the second text, for tasks on pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<String>,
    /// Column of the label or score.
    pub label: String,
    /// What the label means.
    pub target: Target,
    /// How answers are scored; the first metric chooses the best checkpoint.
    pub metrics: Vec<Metric>,
    /// Whether labels or range were read off the training split rather than stated. A discovered range is not enforced on
    /// other splits; a discovered set of labels is, since a model has no output for a new class.
    #[serde(default)]
    pub discovered: bool,
}

impl GlueTask {
    /// The full description of the task.
    ///
    /// The first metric chooses the best checkpoint. For MRPC and QQP that is accuracy, not F1: a model that answers
    /// "paraphrase" to everything already has an F1 of about 0.8 on MRPC, so F1 separates good checkpoints poorly.
    pub fn spec(self) -> TaskSpec {
        let entry = self.entry();
        let [first, second, label] = entry.columns.map(str::to_owned);
        let target = match entry.labels {
            [] => Target::Regression { min: 0.0, max: 5.0 },
            labels => Target::Classification { labels: labels.iter().map(|&l| l.to_owned()).collect() },
        };
        TaskSpec {
            name: self.name().to_owned(),
            glue: Some(self),
            first,
            second: (!second.is_empty()).then_some(second),
            label,
            target,
            metrics: entry.metrics.to_vec(),
            discovered: false,
        }
    }
}

impl TaskSpec {
    /// The GLUE task called `name`, in any of the spellings of [`GlueTask::parse`].
    ///
    /// # Errors
    /// If there is none; the message lists the nine names.
    pub fn glue(name: &str) -> Result<Self> {
        GlueTask::parse(name).map(GlueTask::spec)
    }

    /// The metric that chooses the best checkpoint: the first of [`TaskSpec::metrics`].
    ///
    /// # Panics
    /// If there are no metrics, which [`TaskSpec::validate`] refuses.
    pub fn primary(&self) -> Metric {
        *self.metrics.first().expect("a validated task has a metric")
    }

    /// Width of a model's output: one logit a class, or one score.
    pub fn num_outputs(&self) -> usize {
        self.target.num_outputs()
    }

    /// Names of the classes by index; empty for regression.
    pub fn labels(&self) -> &[String] {
        self.target.labels()
    }

    /// Vectors of texts, scored by how their cosines rank pairs. `prefixes` are lengths, below that of a vector, of which the first
    /// values are to be vectors too.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `prefixes` are falling numbers above 0.
    pub fn embedding(normalize: bool, prefixes: Vec<usize>) -> Result<Self> {
        let task = Self {
            name: "embed".into(),
            glue: None,
            first: "text".into(),
            second: None,
            label: "score".into(),
            target: Target::Embedding { normalize, prefixes },
            metrics: vec![Metric::Spearman, Metric::Pearson],
            discovered: false,
        };
        task.validate()?;
        Ok(task)
    }

    /// How many sequences of tokens an example makes: two where vectors are made of each text by itself.
    pub fn sequences(&self) -> usize {
        if self.target.is_embedding() { 2 } else { 1 }
    }

    /// The task whose pairs and scores tell how good vectors are: STS-B's columns.
    pub fn scored_pairs() -> Self {
        GlueTask::Stsb.spec()
    }

    /// The task of a model, with what its names mean here.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a model names a benchmark or a metric that is not known here, or a metric does not fit its target.
    pub fn of_model(task: &Task) -> Result<Self> {
        let Task { name, glue, first, second, label, target, metrics, discovered } = task.clone();
        let spec = Self {
            glue: glue.as_deref().map(GlueTask::parse).transpose()?,
            metrics: metrics.iter().map(|metric| metric.parse()).collect::<Result<_>>()?,
            ..Self { name, glue: None, first, second, label, target, metrics: Vec::new(), discovered }
        };
        spec.validate()?;
        Ok(spec)
    }

    /// The task as a model carries it.
    pub fn for_model(&self) -> Task {
        let Self { name, glue, first, second, label, target, metrics, discovered } = self.clone();
        let metrics = metrics.iter().map(ToString::to_string).collect();
        Task { glue: glue.map(|glue| glue.name().into()), metrics, name, first, second, label, target, discovered }
    }

    /// Every metric of the task for `predictions` (class indices or scores) against `targets`.
    ///
    /// # Errors
    /// As [`Metric::compute`], and if a class index is not one of the task's.
    pub fn score(&self, predictions: &[f32], targets: &[f32]) -> Result<MetricValues> {
        if let Target::Classification { labels } = &self.target {
            // Whole numbers are checked by the metric; this bounds them.
            if let Some(&class) = predictions.iter().chain(targets).find(|&&x| x >= labels.len() as f32) {
                let expected = format!("class indices below {}", labels.len());
                return Err(Error::invalid(format!("score of task {}", self.name), expected, class));
            }
        }
        self.metrics.iter().map(|metric| Ok((metric.to_string(), metric.compute(predictions, targets)?))).collect()
    }

    /// The splits this task can have: five for MNLI, otherwise train, dev and test.
    pub fn splits(&self) -> &'static [Split] {
        if self.has_halves() { Split::ALL } else { &[Split::Train, Split::Dev, Split::Test] }
    }

    /// Whether dev and test come in a matched and a mismatched half.
    pub(super) fn has_halves(&self) -> bool {
        self.glue == Some(GlueTask::Mnli)
    }

    /// Refuses a task that cannot be read, trained or scored.
    ///
    /// # Errors
    /// On a bad name, equal columns, fewer than two or repeated labels, an empty range, no metric, or a metric that does
    /// not fit the target; the message names the setting.
    pub fn validate(&self) -> Result<()> {
        check_names(&self.name, &self.first, self.second.as_deref(), &self.label)?;
        self.target.validate(&self.name)?;
        let regression = self.target.is_regression() || self.target.is_embedding();
        let fits = |m: &Metric| m.is_regression() == regression && (*m != Metric::F1 || self.num_outputs() == 2);
        if self.metrics.is_empty() || !self.metrics.iter().all(fits) {
            let expected =
                if regression { "pearson or spearman" } else { "accuracy, matthews or, with two classes, f1" };
            let found = format!("[{}]", self.metrics.iter().map(|m| m.name()).collect::<Vec<_>>().join(", "));
            return Err(Error::invalid(format!("metrics of task {}", self.name), expected, found));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
