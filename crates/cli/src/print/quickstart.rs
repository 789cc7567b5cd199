//! The table of a quickstart.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use bitspike_train::quickstart::Comparison;

/// Prints a line a model, and what to do next with the students in `folder`.
pub(crate) fn print(found: &Comparison, folder: &Path, to: &mut dyn Write) -> Result<()> {
    writeln!(to, "\n{:<20} {:>5} {:>9} {:>10} {:>12}", "model", "bits", "accuracy", "bytes", "firing rate")?;
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    for row in &found.rows {
        let bits = or_dash(row.bits.map(|bits| bits.to_string()));
        let bytes = or_dash(row.bytes.map(|bytes| bytes.to_string()));
        let rate = or_dash(row.firing_rate.map(|rate| format!("{rate:.4}")));
        writeln!(to, "{:<20} {bits:>5} {:>9.4} {bytes:>10} {rate:>12}", row.model, row.accuracy)?;
    }
    writeln!(to, "\n{} sentences to train on, {} to score; {:.0} s", found.train, found.dev, found.seconds)?;
    writeln!(to, "next: bitspike eval {}/student-1.58 --data {}/corpus", folder.display(), folder.display())?;
    Ok(())
}
