//! The teacher: a BERT encoder with an optional pooler and classifier, read from and written to the Hugging Face layout.

mod checkpoint;
mod classes;
mod files;
mod network;
mod prefix;
mod scored;
mod zeros;

pub use network::{Dropout, RandomDropout, Reader, Teacher, TeacherLayer, TeacherNet, TeacherOutput};
pub use scored::{ScoredTeacher, int8_products};
