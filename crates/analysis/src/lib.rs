//! What a model does and costs: operations counted, energy estimated, traces, pictures, reports, shipped models verified.

pub mod bench;
pub mod chart;
pub mod cost;
mod digest;
pub mod draw;
pub mod energy;
pub mod error;
pub mod examples;
#[cfg(test)]
mod fixture;
pub mod in_time;
pub mod inspect;
pub mod number;
pub mod report;
pub mod score;
pub mod shipped;
pub mod teacher;
pub mod timing;
pub mod trace;

pub use error::{Error, Result};
