//! The native half of the Python package `bitspike`: converts types and errors, and computes nothing itself.
//!
//! | module | what |
//! |---|---|
//! | [`engine`] | a model with a pool of threads of its own, and what becomes of both in a forked child |
//! | [`model`] | the class behind `bitspike.Classifier` |
//! | [`texts`], [`answers`], [`vectors`] | what Python gives, and what it gets |
//! | [`arrow`] | tables in and out, through Arrow's C interface |
//! | [`look`] | traces, costs and scores |
//! | [`weights`] | weights as they are stored |
//! | [`train`], [`follow`] | distillations and sweeps, and how Python follows them |
//! | [`program`] | the command line |
//! | [`fault`] | errors on their way to Python's exceptions |
//!
//! Unsafe code is where Arrow's C interface is, and nowhere else: a capsule's pointer is what its name says, which is all that the
//! interface promises. Offsets of texts are checked before a text is read.

mod answers;
mod arrow;
mod engine;
mod fault;
mod follow;
mod look;
mod model;
mod program;
mod texts;
mod train;
mod vectors;
mod weights;

use pyo3::prelude::*;

/// The module `bitspike._native`.
#[pymodule(gil_used = false)]
mod _native {
    use super::*;

    #[pymodule_export]
    use crate::answers::Answers;
    #[pymodule_export]
    use crate::arrow::Table;
    #[pymodule_export]
    use crate::look::{Traced, dataset};
    #[pymodule_export]
    use crate::model::Model;
    #[pymodule_export]
    use crate::program::run;
    #[pymodule_export]
    use crate::train::{distil, recipe, recipes, sweep, sweep_cell};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
