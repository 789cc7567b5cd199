//! Vectors of texts in training: how those of tokens become one, and how a student's are compared with a teacher's.

use std::path::Path;

use bitspike::config::Pooling;
use bitspike_run::recipe::VectorWeights;
use burn::tensor::{Tensor, activation};
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::layers::matrix;
use crate::ops::{self, Segments};

/// How a folder of sentence-transformers says that vectors are made of its encoder's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentenceSettings {
    /// How the vectors of tokens become one.
    pub pooling: Pooling,
    /// Whether vectors are brought to length 1.
    pub normalize: bool,
}

impl Default for SentenceSettings {
    /// What a folder without settings of its own gets.
    fn default() -> Self {
        Self { pooling: Pooling::Mean, normalize: true }
    }
}

/// An entry of `modules.json`.
#[derive(Deserialize)]
struct Module {
    #[serde(rename = "type")]
    kind: String,
    path: String,
}

impl SentenceSettings {
    /// Reads `modules.json` and the `config.json` of its pooling in `folder`; none where there is no `modules.json`.
    ///
    /// # Errors
    /// If a file is damaged, or asks for what is not done here, such as a dense layer on top or the mean and the maximum at once.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join("modules.json");
        if !path.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&path).map_err(|e| bitspike::Error::io("read", &path, e))?;
        let modules: Vec<Module> = serde_json::from_str(&text)
            .map_err(|e| Error::checkpoint(&path, format!("expected a list of modules: {e}")))?;
        let mut settings = Self { normalize: false, ..Self::default() };
        for Module { kind, path: part } in modules {
            // Older and newer releases name the module of a class in two ways.
            match kind.rsplit('.').next().unwrap_or_default() {
                "Transformer" => (),
                "Normalize" => settings.normalize = true,
                "Pooling" => settings.pooling = pooling(&folder.join(part).join("config.json"))?,
                _ => {
                    let message = format!(
                        "module `{kind}`: expected Transformer, Pooling or Normalize; this teacher's vectors go through another"
                    );
                    return Err(Error::checkpoint(&path, message));
                }
            }
        }
        Ok(Some(settings))
    }
}

/// Reads the way that `1_Pooling/config.json` turns on. Older files have a flag for each; newer ones a name.
fn pooling(path: &Path) -> Result<Pooling> {
    let text = std::fs::read_to_string(path).map_err(|e| bitspike::Error::io("read", path, e))?;
    let config: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&text).map_err(|e| Error::checkpoint(path, format!("expected an object: {e}")))?;
    let named = config.get("pooling_mode").and_then(|mode| mode.as_str()).map(|name| vec![name.to_owned()]);
    let flags = || {
        let on = |(key, value): (&String, &serde_json::Value)| {
            let name = key.strip_prefix("pooling_mode_")?.to_owned();
            (value.as_bool() == Some(true)).then_some(name)
        };
        config.iter().filter_map(on).collect()
    };
    let modes: Vec<String> = named.unwrap_or_else(flags);
    match modes.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["mean_tokens" | "mean"] => Ok(Pooling::Mean),
        ["cls_token" | "cls"] => Ok(Pooling::Cls),
        ["max_tokens" | "max"] => Ok(Pooling::Max),
        _ => {
            let message = format!("expected one of mean_tokens, cls_token and max_tokens turned on, found {modes:?}");
            Err(Error::checkpoint(path, message))
        }
    }
}

/// One row of each sentence's rows `x` `[M, D]`: `[B, D]`.
pub fn pool(x: Tensor<2>, segments: &Segments, pooling: Pooling) -> Tensor<2> {
    match pooling {
        Pooling::Cls => ops::gather_rows(x, segments.starts().iter().map(|&row| row as u32).collect()),
        Pooling::Mean => {
            let (sentences, rows) = (segments.len(), segments.rows());
            let mut shares = vec![0.0; sentences * rows];
            for (sentence, range) in segments.ranges().enumerate() {
                let share = 1.0 / range.len().max(1) as f32;
                shares[sentence * rows..][range].fill(share);
            }
            let shares = matrix(shares, [sentences, rows], &x.device().inner());
            let shares = if x.device() == x.device().inner() { shares } else { shares.autodiff() };
            shares.matmul(x)
        }
        Pooling::Max => {
            let columns = x.dims()[1];
            let largest = segments.ranges().map(|range| x.clone().slice([range, 0..columns]).max_dim(0));
            Tensor::cat(largest.collect(), 0)
        }
    }
}

/// Rows brought to length 1.
fn unit(x: Tensor<2>) -> Tensor<2> {
    let length = (x.clone() * x.clone()).sum_dim(1).clamp_min(1e-12).sqrt();
    x / length
}

/// The weighted loss of the student's vectors against the teacher's, `[1, 1]`; the widths may differ where `weights` compare cosines
/// and ranks alone. Of each of `prefixes` the cosines and ranks count as those of the whole vectors do, and the mean is taken.
pub fn loss(student: &Tensor<2>, teacher: Tensor<2>, weights: VectorWeights, prefixes: &[usize]) -> Tensor<2> {
    let [texts, width] = student.dims();
    let teacher = teacher.autodiff();
    let (s, t) = (unit(student.clone()), unit(teacher.clone()));
    let mut sum: Option<Tensor<2>> = None;
    let mut add = |term: Tensor<2>, weight: f64| {
        let term = term * weight;
        sum = Some(match sum.take() {
            Some(sum) => sum + term,
            None => term,
        });
    };
    let mean = |x: Tensor<2>, over: usize| x.sum().reshape([1, 1]) / over.max(1) as f64;
    if weights.cosine > 0.0 {
        let cosines = mean(s.clone() * t.clone(), texts);
        add(cosines.ones_like() - cosines, weights.cosine);
    }
    if weights.square > 0.0 {
        add(ops::mean_square(student.clone(), teacher), weights.square);
    }
    if weights.contrastive > 0.0 {
        let logs = activation::log_softmax(s.clone().matmul(t.clone().transpose()) / weights.temperature, 1);
        add(-mean(logs * diagonal(texts, 1.0, 0.0, &s), texts), weights.contrastive);
    }
    if weights.similarity + weights.ranking > 0.0 && texts > 1 {
        let wanted = t.clone().matmul(t.transpose());
        let lengths: Vec<usize> = std::iter::once(width).chain(prefixes.iter().copied()).collect();
        let share = 1.0 / lengths.len() as f64;
        // A text is no neighbour of its own.
        let others = diagonal(texts, 0.0, 1.0, &s);
        let itself = diagonal(texts, -1e4, 0.0, &s);
        let ranks = activation::softmax(wanted.clone() / weights.temperature + itself.clone(), 1).detach();
        // The entropy of the ranks themselves is taken off, so that a perfect student's loss is 0.
        let own = activation::log_softmax(wanted.clone() / weights.temperature + itself.clone(), 1);
        for length in lengths {
            let part = unit(student.clone().slice([0..texts, 0..length]));
            let found = part.clone().matmul(part.transpose());
            if weights.similarity > 0.0 {
                let difference = (found.clone() - wanted.clone()) * others.clone();
                add(mean(difference.clone() * difference, texts * (texts - 1)), weights.similarity * share);
            }
            if weights.ranking > 0.0 {
                let logs = activation::log_softmax(found / weights.temperature + itself.clone(), 1);
                add(mean(ranks.clone() * (own.clone() - logs), texts), weights.ranking * share);
            }
        }
    }
    sum.unwrap_or_else(|| mean(student.clone() * 0.0, 1))
}

/// A square matrix of `on` on its diagonal and `off` elsewhere, for arithmetic with `like`.
fn diagonal(size: usize, on: f32, off: f32, like: &Tensor<2>) -> Tensor<2> {
    let values = (0..size * size).map(|i| if i / size == i % size { on } else { off }).collect();
    matrix(values, [size, size], &like.device().inner()).autodiff()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::layers::scalar;

    fn rows(values: &[f32], width: usize) -> Tensor<2> {
        matrix(values.to_vec(), [values.len() / width, width], &Device::flex())
    }

    fn floats(x: Tensor<2>) -> Vec<f32> {
        crate::parameters::floats(x)
    }

    #[test]
    fn pooling_reads_every_sentence_by_itself() {
        let x = rows(&[1.0, -2.0, 3.0, 4.0, 5.0, -6.0], 2);
        let segments = Segments::from_lengths([2, 1]);
        assert_eq!(floats(pool(x.clone(), &segments, Pooling::Mean)), [2.0, 1.0, 5.0, -6.0]);
        assert_eq!(floats(pool(x.clone(), &segments, Pooling::Cls)), [1.0, -2.0, 5.0, -6.0]);
        assert_eq!(floats(pool(x, &segments, Pooling::Max)), [3.0, 4.0, 5.0, -6.0]);
    }

    #[test]
    fn a_perfect_student_loses_nothing_and_another_does() {
        let all = VectorWeights {
            cosine: 1.0,
            square: 1.0,
            similarity: 1.0,
            ranking: 1.0,
            contrastive: 0.0,
            temperature: 0.05,
        };
        let teacher = rows(&[1.0, 0.0, 0.6, 0.8, -1.0, 0.2], 2);
        let of = |student: &Tensor<2>, weights| {
            scalar(&loss(&student.clone().autodiff(), teacher.clone(), weights, &[]).inner())
        };
        assert!(of(&teacher, all).abs() < 1e-6, "{}", of(&teacher, all));
        let turned = rows(&[0.0, 1.0, 0.6, -0.8, 1.0, 0.2], 2);
        for weights in [
            VectorWeights { cosine: 1.0, ..VectorWeights::NONE },
            VectorWeights { square: 1.0, ..VectorWeights::NONE },
            VectorWeights { similarity: 1.0, ..VectorWeights::NONE },
            VectorWeights { ranking: 1.0, ..VectorWeights::NONE },
        ] {
            assert!(of(&turned, weights) > 0.01, "{weights:?}");
        }
        // Cosines and ranks do not see a rotation, and need no equal widths.
        let rotated = rows(&[0.0, 1.0, 0.0, -0.8, 0.6, 0.0, -0.2, -1.0, 0.0], 3);
        let free = VectorWeights { similarity: 1.0, ranking: 1.0, ..VectorWeights::NONE };
        assert!(of(&rotated, free).abs() < 1e-6);
    }

    #[test]
    fn settings_of_sentence_transformers_are_read() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(SentenceSettings::read(folder.path()).unwrap(), None);
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let module = |kind: &str, path: &str| {
            format!("{{\"idx\": 0, \"name\": \"0\", \"path\": \"{path}\", \"type\": \"{kind}\"}}")
        };
        let modules = [
            module("sentence_transformers.models.Transformer", ""),
            module("sentence_transformers.models.Pooling", "1_Pooling"),
            module("sentence_transformers.models.Normalize", "2_Normalize"),
        ];
        write("modules.json", &format!("[{}]", modules.join(",")));
        write(
            "1_Pooling/config.json",
            r#"{"word_embedding_dimension": 8, "pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true}"#,
        );
        let read = || SentenceSettings::read(folder.path());
        assert_eq!(read().unwrap(), Some(SentenceSettings { pooling: Pooling::Mean, normalize: true }));
        write("1_Pooling/config.json", r#"{"embedding_dimension": 8, "pooling_mode": "cls"}"#);
        assert_eq!(read().unwrap().unwrap().pooling, Pooling::Cls);
        write("1_Pooling/config.json", r#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}"#);
        assert!(read().unwrap_err().to_string().contains("expected one of"));
        write("modules.json", &format!("[{}]", module("sentence_transformers.models.Dense", "2_Dense")));
        assert!(read().unwrap_err().to_string().contains("Dense"));
    }
}
