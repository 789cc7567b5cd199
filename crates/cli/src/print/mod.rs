//! What commands print for people, a file a command.

pub(crate) mod bench;
pub(crate) mod cost;
pub(crate) mod in_time;
pub(crate) mod inspect;
pub(crate) mod models;
pub(crate) mod trace;
pub(crate) mod verify;
