//! A trace with all that is computed from it.

use bitspike::neuron::Code;
use bitspike::trace::{PopulationTrace, RateAt, Trace};
use rayon::prelude::*;

use super::summary::{Origin, Summary};
use crate::chart::csv;
use crate::error::Result;

/// A trace with all that is computed from it.
#[derive(Debug)]
pub struct TracedText {
    /// Where it comes from.
    pub origin: Origin,
    /// Every spike.
    pub trace: Trace,
    /// `[populations][T]`
    pub rates: Vec<Vec<RateAt>>,
    /// The short account.
    pub summary: Summary,
}

impl TracedText {
    /// Computes rates and distances of a trace.
    ///
    /// # Errors
    /// If the trace is not complete.
    pub fn new(origin: Origin, trace: Trace) -> Result<Self> {
        trace.check()?;
        let rates_of = |population: &PopulationTrace| match origin.code {
            Code::Unary => population.rates(origin.beta),
            Code::Digits | Code::Naf | Code::Single => population.digit_rates(origin.window),
        };
        let rates: Vec<Vec<RateAt>> = trace.populations.par_iter().map(rates_of).collect();
        let summary = Summary::new(&origin, &trace, &rates);
        Ok(Self { origin, trace, rates, summary })
    }

    /// Rates of every population at every step as CSV.
    pub fn rates_csv(&self) -> String {
        let head = ["population", "step", "mean_rate", "mean_absolute_rate", "rms_distance", "max_distance"];
        let rows = self.trace.populations.iter().zip(&self.rates).flat_map(|(population, rates)| {
            (1..).zip(rates).map(|(step, at): (u32, &RateAt)| {
                let numbers = [at.mean, at.mean_absolute, at.rms_distance, at.max_distance].map(|x| x.to_string());
                let mut row = vec![population.name.clone(), step.to_string()];
                row.extend(numbers);
                row
            })
        });
        csv(head.map(String::from).to_vec(), rows)
    }

    /// Text of a token; none where there is no such token.
    pub(super) fn token_text(&self, token: usize) -> &str {
        self.origin.tokens.get(token).map_or("", String::as_str)
    }
}
