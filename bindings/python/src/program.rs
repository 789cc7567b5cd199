//! The command line, in this very library.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Does what `arguments` say, the first of which is the name of the program, as the program `bitspike` does, and returns its exit
/// code. It is for a process of its own: it starts threads, and may listen for signals.
#[pyfunction]
pub(crate) fn run(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| bitspike_cli::run(arguments))
}
