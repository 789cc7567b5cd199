//! The model that is compiled into the program.

use anyhow::Result;
use bitspike::model::{Model, Options};
use bitspike::format::Packed;
use bitspike::tokenizer::Tokenizer;

/// The files of a shipped model in memory.
#[derive(Debug)]
pub(super) struct Builtin {
    pub(super) name: &'static str,
    pub(super) model: &'static [u8],
    pub(super) tokenizer: &'static [u8],
    pub(super) metrics: Option<&'static [u8]>,
}

// `BUILTIN`: none where `models/` was not there when the program was built.
include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

impl Builtin {
    pub(super) fn open(&self) -> Result<Packed> {
        Ok(Packed::from_bytes(self.model)?)
    }

    pub(super) fn load(&self, options: &Options) -> Result<Model> {
        let (packed, tokenizer) = rayon::join(|| self.open(), || Tokenizer::from_json(self.tokenizer));
        Ok(Model::of(packed?, tokenizer?, options)?)
    }
}
