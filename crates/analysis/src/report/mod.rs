//! A model as one self-contained HTML page.
//!
//! [`Training`] is what a run left, whole or not; [`measure`] computes what needs the task's data, of any model; [`Report::page`]
//! lays both out. What is missing is said on the page, with the option that brings it.

mod answers;
mod charts;
mod confusions;
mod dev;
mod log;
mod page;
mod tables;
mod training;

pub use answers::Mistake;
pub use dev::{Beside, DevResults, ReportOptions, SentenceInTime, beside, measure, sentence};
pub use log::TrainingLog;
pub use page::Report;
pub use training::Training;

#[cfg(test)]
mod tests;
