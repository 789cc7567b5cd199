//! Where records go with what was said of them.

use std::ops::ControlFlow;

use super::header::{Header, Record};
use super::model::Said;
use crate::error::{Place, Result};
use crate::table::Row;

/// Takes records and what was said of them, a chunk at a time.
pub(super) trait Sink {
    /// Takes a chunk that comes from `place`; nothing is said of a record without a text. [`ControlFlow::Break`] where it wants no more.
    fn write(&mut self, place: &Place, records: Vec<Record>, said: Vec<Option<Said>>) -> Result<ControlFlow<()>>;

    /// Ends the output. Returns how many fields of TSV had tabs or line breaks replaced, and how many records had keys left out.
    fn finish(self) -> Result<(usize, usize)>;
}

/// A record with what was said of it.
#[derive(Debug)]
pub struct Told<'a> {
    /// The record.
    pub row: &'a Row,
    /// Its text, or the first of two; nothing where it has none.
    pub text: &'a str,
    /// The second text of a pair.
    pub second: Option<&'a str>,
    /// What was said; nothing of a record without a text.
    pub said: Option<Said>,
}

/// Hands every record to a function.
pub(super) struct Each<'a> {
    pub(super) header: Header,
    pub(super) each: &'a mut dyn FnMut(Told<'_>) -> ControlFlow<()>,
}

impl Sink for Each<'_> {
    fn write(&mut self, _: &Place, records: Vec<Record>, said: Vec<Option<Said>>) -> Result<ControlFlow<()>> {
        for (record, said) in records.iter().zip(said) {
            let (text, second) = self.header.text(record);
            let told = Told { row: &record.row, text, second, said };
            if (self.each)(told).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn finish(self) -> Result<(usize, usize)> {
        Ok((0, 0))
    }
}
