//! The spiking student: a post-norm BERT in which every hidden quantity is the spike count of a population
//! (`docs/model.md`, "The student"), evaluated at its quantised equilibrium.

mod network;
mod weights;

pub use network::{Forward, Neurons, Student, StudentLayer, StudentNet, StudentOutput};
pub use weights::{Start, teacher_layer};
