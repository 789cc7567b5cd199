//! A trace with all that is computed from it.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use bitspike::atomic_file;
use bitspike::trace::{RateAt, Trace};
use rayon::prelude::*;

#[cfg(feature = "arrow")]
use super::arrow;
use super::summary::{Origin, Summary};
use super::{json, picture};
use crate::chart::csv;
use crate::error::{Error, Result};

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

/// The form of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// One JSON document.
    Json,
    /// Arrow files (IPC format, with footer), compressed by Zstandard.
    #[cfg(feature = "arrow")]
    Arrow,
}

impl TableFormat {
    /// Names of the files that a trace consists of.
    pub fn files(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["trace.json", "trace.svg"],
            #[cfg(feature = "arrow")]
            Self::Arrow => &["rates.arrow", "membrane.arrow", "spikes.arrow", "summary.json", "trace.svg"],
        }
    }
}

impl TracedText {
    /// Computes rates and distances of a trace.
    ///
    /// # Errors
    /// If the trace is not complete.
    pub fn new(origin: Origin, trace: Trace) -> Result<Self> {
        trace.check()?;
        let rates: Vec<Vec<RateAt>> = trace.populations.par_iter().map(|p| p.rates(origin.beta)).collect();
        let summary = Summary::new(&origin, &trace, &rates);
        Ok(Self { origin, trace, rates, summary })
    }

    /// The picture: one SVG with rates, distances to equilibrium, membranes and a raster.
    pub fn picture(&self) -> String {
        picture::draw(self)
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

    /// Writes every file of the trace into `folder`, the picture last.
    ///
    /// # Errors
    /// If the folder cannot be made or a file not be written.
    pub fn write(&self, folder: &Path, format: TableFormat) -> Result<()> {
        let svg = self.picture();
        std::fs::create_dir_all(folder).map_err(|e| Error::io("create folder", folder, e))?;
        for name in format.files() {
            let content = |file: &mut File| match *name {
                "trace.json" => json::write(self, file),
                #[cfg(feature = "arrow")]
                "rates.arrow" => arrow::write_rates(self, file),
                #[cfg(feature = "arrow")]
                "membrane.arrow" => arrow::write_membranes(self, file),
                #[cfg(feature = "arrow")]
                "spikes.arrow" => arrow::write_spikes(self, file),
                "summary.json" => write_summary(&self.summary, file),
                _ => file.write_all(svg.as_bytes()),
            };
            atomic_file::write(&folder.join(name), content)?;
        }
        Ok(())
    }

    /// Text of a token; none where there is no such token.
    pub(super) fn token_text(&self, token: usize) -> &str {
        self.origin.tokens.get(token).map_or("", String::as_str)
    }
}

fn write_summary(summary: &Summary, mut out: impl Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(summary)?;
    writeln!(out, "{text}")
}
