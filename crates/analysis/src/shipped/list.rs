//! What is known of a model before it is loaded: a line of a table of models.

use bitspike::error::explain;
use bitspike::format::Packed;
use bitspike_hub::{PackedModel, Registry};
use serde::Serialize;

use super::metrics::Metrics;

/// A line of the table.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Listed {
    pub name: String,
    /// The packed file; none for the model that is compiled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<usize>,
    /// As recipes write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_bits: Option<String>,
    /// Likewise, of the tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embedding_bits: Option<String>,
    /// The primary metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Its value on dev.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Mean of the populations' rates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_rate: Option<f64>,
    /// Text to answer, as it was shipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
    /// Why the model or its figures cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Everything that was measured.
    #[serde(skip)]
    pub metrics: Option<Metrics>,
}

/// Every model that has a name, as `registry` finds them.
pub fn list(registry: &Registry) -> Vec<Listed> {
    registry.all().iter().map(Listed::new).collect()
}

impl Listed {
    /// What is known of a model: of one without `metrics.json`, what the file says of itself.
    pub fn new(model: &PackedModel) -> Self {
        let (opened, metrics) = (model.open(), Metrics::of(model));
        let error = opened.as_ref().err().map(|e| explain(e)).or_else(|| metrics.as_ref().err().map(|e| explain(e)));
        let header = opened.as_ref().ok().map(Packed::header);
        let student = header.map(|header| &header.student);
        let metrics = metrics.ok().flatten();
        Self {
            name: model.name().to_owned(),
            path: model.path().map(|path| path.display().to_string()),
            task: header.map(|header| header.task.name.clone()),
            bytes: opened.as_ref().ok().map(|packed| packed.file_bytes().len() as u64),
            layers: student.map(|student| student.layers),
            weight_bits: student.map(|student| student.weight_bits.to_string()),
            embedding_bits: student.map(|student| student.embedding_bits.to_string()),
            metric: metrics.as_ref().map(|metrics| metrics.measured.primary.clone()),
            score: metrics.as_ref().map(Metrics::score),
            mean_rate: metrics.as_ref().map(|metrics| metrics.measured.spikes.mean_rate),
            latency_ms: metrics.as_ref().and_then(|metrics| Some(metrics.latency.as_ref()?.median_ms)),
            error,
            metrics,
        }
    }
}

#[cfg(test)]
mod tests;
