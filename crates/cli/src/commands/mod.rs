//! The commands, one file each, and what several of them share.

pub(crate) mod bench;
pub(crate) mod classify;
pub(crate) mod cost;
pub(crate) mod data;
pub(crate) mod distil;
pub(crate) mod eval;
pub(crate) mod eval_in_time;
pub(crate) mod inspect;
pub(crate) mod models;
pub(crate) mod pack;
pub(crate) mod quickstart;
pub(crate) mod report;
pub(crate) mod sweep;
pub(crate) mod task_args;
pub(crate) mod teacher;
pub(crate) mod threads;
pub(crate) mod trace;
pub(crate) mod training;
pub(crate) mod verify;
