//! Distillation: a teacher's hidden states, attention scores and logits into a spiking student, stage by stage.
//!
//! [`Inputs::distil`] is one distillation from what it reads to its end; [`Distiller`] is the student within it.

mod distiller;
mod divergence;
mod first_look;
mod fits;
mod inputs;

pub use crate::predecessor::Predecessor;
pub use crate::resume::settle;
pub use distiller::{Distiller, Setup, Solves};
pub use fits::{check, same_shape, student_config};
pub use inputs::{Distilled, Inputs, Job};
