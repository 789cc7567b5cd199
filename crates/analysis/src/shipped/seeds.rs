//! What the same recipe gives with several seeds.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Scores of one recipe with several seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Seeds {
    /// All that were run, in order.
    pub seeds: Vec<u64>,
    /// The primary metric of each.
    pub scores: Vec<f64>,
    pub mean: f64,
    /// Standard deviation of the sample: `sqrt(sum (x - mean)^2 / (n - 1))`.
    pub deviation: f64,
}

impl Seeds {
    /// Of scores by seed.
    ///
    /// # Errors
    /// If there are fewer than two, or a seed twice.
    pub fn new(mut scored: Vec<(u64, f64)>) -> Result<Self> {
        scored.sort_by_key(|&(seed, _)| seed);
        if let Some(pair) = scored.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let expected = "different ones, for a mean over seeds";
            return Err(Error::invalid("seeds of --seeds-of", expected, format!("two runs have seed {}", pair[0].0)));
        }
        if scored.len() < 2 {
            return Err(Error::invalid("seeds of --seeds-of", "runs of other seeds than the model's own", "none"));
        }
        let (seeds, scores): (Vec<u64>, Vec<f64>) = scored.into_iter().unzip();
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
        let deviation = (squares / (scores.len() - 1) as f64).sqrt();
        Ok(Self { seeds, scores, mean, deviation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_deviation_of_the_sample() {
        let seeds = Seeds::new(vec![(44, 0.5), (42, 0.25), (43, 0.75)]).unwrap();
        assert_eq!((seeds.seeds.as_slice(), seeds.scores.as_slice()), (&[42, 43, 44][..], &[0.25, 0.75, 0.5][..]));
        assert_eq!((seeds.mean, seeds.deviation), (0.5, 0.25));
        assert!(Seeds::new(vec![(42, 0.5), (42, 0.5)]).unwrap_err().to_string().contains("two runs have seed 42"));
        assert!(Seeds::new(vec![(42, 0.5)]).is_err());
    }
}
