//! A trace as files.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use bitspike::atomic_file;

#[cfg(feature = "arrow")]
use super::arrow;
use super::json;
use super::summary::Summary;
use super::traced::TracedText;
use crate::error::{Error, Result};

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
}

fn write_summary(summary: &Summary, mut out: impl Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(summary)?;
    writeln!(out, "{text}")
}
