//! What commands print of the values that the libraries give.

pub(crate) mod bench;
pub(crate) mod cost;
pub(crate) mod eval;
pub(crate) mod inspect;
pub(crate) mod models;
pub(crate) mod quickstart;
pub(crate) mod sweep;
pub(crate) mod verify;
