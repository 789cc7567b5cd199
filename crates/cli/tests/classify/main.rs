//! `bitspike classify` as a user runs it, on a small packed model of random weights.

mod bad_input;
mod forms;
mod program;
mod streams;
