//! Students in the formats of other runtimes, and how exact each is.
//!
//! ```
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");
//! use bitspike_export::{Export, Opset, Target};
//! let model = bitspike::Model::load(path)?;
//! let export = Export::new(&model, "sst2-tiny", Target::Onnx { opset: Opset::V21, fast: false })?;
//! let names: Vec<&str> = export.files.iter().map(|(name, _)| name.as_str()).collect();
//! assert_eq!(names[..2], ["model.onnx", "config.json"]);
//! # Ok::<(), bitspike_export::Error>(())
//! ```

mod error;
mod folder;
mod gguf;
mod import;
mod net;
mod onnx;
mod openvino;
mod parity;
mod protobuf;
mod student;

pub use error::{Error, Result};
pub use folder::{Export, Manifest, Target, record, vacant};
pub use import::from_onnx;
pub use onnx::Opset;
pub use parity::{Parity, Runtime, compare};
