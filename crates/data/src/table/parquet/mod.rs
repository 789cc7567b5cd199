//! Parquet, through the crate of that name.

mod classes;
mod field;
mod leaf;
mod reader;
mod writer;

pub(super) use reader::ParquetFile;
pub(super) use writer::ParquetWriter;

#[cfg(test)]
mod tests;
