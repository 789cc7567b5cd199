//! What is known of a model before it is loaded: a line of a table of models.

use std::path::PathBuf;

use bitspike::format::Packed;
use serde::Serialize;

use super::metrics::Metrics;
use crate::error::Result;

/// A line of the table.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// The model's name.
    pub name: String,
    /// The packed file; none for the model that is compiled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Its task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Its layers.
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

impl Listed {
    /// What is known of a model: of one without `metrics.json`, what the file says of itself.
    pub fn new<E: std::error::Error>(
        name: &str,
        path: Option<PathBuf>,
        opened: Result<Packed, E>,
        metrics: Result<Option<Metrics>>,
    ) -> Self {
        let error = opened.as_ref().err().map(said).or_else(|| metrics.as_ref().err().map(said));
        let header = opened.as_ref().ok().map(Packed::header);
        let student = header.map(|header| &header.student);
        let metrics = metrics.ok().flatten();
        Self {
            name: name.to_owned(),
            path: path.map(|path| path.display().to_string()),
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

/// An error with those of its causes that it does not tell itself.
fn said(error: &impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let also = source.to_string();
        if !text.contains(&also) {
            text = format!("{text}: {also}");
        }
        cause = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::shipped;
    use crate::shipped::{METRICS, MODEL};

    #[test]
    fn a_shipped_model_is_listed_with_its_figures_and_a_broken_one_with_its_error() {
        let folder = shipped("sst2-tiny");
        let metrics = Metrics::load(&folder.join(METRICS));
        let listed = Listed::new("sst2-tiny", None, Packed::open(&folder.join(MODEL)), metrics);
        assert_eq!((listed.task.as_deref(), listed.metric.as_deref()), (Some("sst2"), Some("accuracy")));
        assert!(listed.error.is_none() && listed.score.unwrap() > 0.5 && listed.metrics.is_some());
        let broken = Listed::new("x", None, Packed::from_bytes(vec![0; 9]), Ok(None));
        assert!(broken.error.is_some() && broken.task.is_none());
    }
}
