//! The packed model file: a safetensors file of codes, scales and the vocabulary, with the configuration in its metadata.
//!
//! `docs/format.md` specifies it byte by byte. [`pack`] and [`save`] make it from latent weights, [`Packed`] reads it.
//! [`Packed::open`] reads the file and checks all of it once (names, shapes, every code, padding, scales, thresholds, tokens), in
//! milliseconds; the accessors then decode straight from its bytes and cannot fail.

mod codes;
mod container;
mod header;
mod layout;
mod reader;
mod rows;
mod writer;

pub use codes::Form;
pub use header::{
    FORMAT, FORMAT_VERSION, FORMAT_VERSION_WITH_CODE, FORMAT_VERSION_WITH_DISTANCES, FORMAT_VERSION_WITH_VECTORS,
    Header,
};
pub use layout::{Role, Tensor, tensors};
pub use reader::Packed;
pub use rows::{PackedMatrix, PackedTable};
pub use writer::{Packing, StoredTensor, pack, pack_stored, save, upgrade};

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tokenizer_tests;
