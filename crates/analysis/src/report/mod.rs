//! A run as one self-contained HTML page.
//!
//! [`folder`] reads what a run left, whole or not; [`measured`] computes what needs the task's data; [`page()`] lays both out. What is
//! missing is said on the page, with the option that brings it.

mod folder;
mod measured;
mod page;

pub(crate) use folder::Folder;
pub(crate) use measured::{Besides, Measured, Sentence, Settings, beside, measure, sentence};
pub(crate) use page::page;

/// What a page is made of.
pub(crate) struct Report {
    pub(crate) folder: Folder,
    /// With `--data`.
    pub(crate) measured: Option<Measured>,
    /// With `--beside`.
    pub(crate) beside: Vec<Besides>,
    /// With `--sentence`.
    pub(crate) sentence: Option<Sentence>,
    /// What is not on the page, and why.
    pub(crate) missing: Vec<String>,
}
