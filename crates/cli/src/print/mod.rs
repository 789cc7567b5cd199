//! What commands print of the values that the libraries give.

pub(crate) mod bench;
pub(crate) mod cost;
pub(crate) mod doctor;
pub(crate) mod eval;
pub(crate) mod inspect;
pub(crate) mod models;
#[cfg(feature = "train")]
pub(crate) mod quickstart;
#[cfg(feature = "train")]
pub(crate) mod sweep;
pub(crate) mod tokens;
pub(crate) mod verify;
