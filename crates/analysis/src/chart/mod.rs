//! Charts for a page: SVG that takes its colours from the page, so that it is legible in light, dark and print, with its numbers
//! as CSV. Series differ by their marks, too.

mod bars;
mod lines;

pub use bars::Bars;
pub use lines::{Lines, Series};

use bitspike_data::table::{Cell, Column, Form, TableWriter};

/// Width of a chart in pixels: two stand side by side on a desk, one fills a phone.
const WIDTH: f64 = 480.0;

/// A finished chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// The same in a sentence, for those who do not see it.
    pub description: String,
    /// An `svg` element without size of its own; colours are the variables `--ink`, `--faint`, `--grid` and `--s0` to `--s5`.
    pub svg: String,
    /// Its numbers, with a line of headings.
    pub csv: String,
}

/// A table of texts and numbers as CSV.
pub fn csv<R: IntoIterator<Item = String>>(head: R, rows: impl IntoIterator<Item = R>) -> String {
    let mut out = Vec::new();
    let columns = head.into_iter().map(Column::text).collect();
    let written = TableWriter::create(&mut out, Form::Csv, columns).and_then(|mut writer| {
        rows.into_iter().try_for_each(|row| writer.write(row.into_iter().map(Cell::Text).collect()))?;
        writer.finish()
    });
    written.expect("memory takes everything");
    String::from_utf8(out).expect("texts and numbers")
}

#[cfg(test)]
mod tests;
