//! What a model does and costs: operations counted, energy estimated, traces, pictures, reports, shipped models verified.

pub mod chart;
pub mod cost;
pub mod energy;
pub mod inspect;
pub mod number;
pub mod report;
pub mod shipped;
pub mod trace;
