//! An index that is open, and what it answers.

use std::path::{Path, PathBuf};

use bitspike::mapping::{Bytes, Wanted};
use rayon::prelude::*;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::file::{self, FORMAT_VERSION, Head, Mark, Sections};
use crate::graph::Graph;
use crate::rows::{Precision, Query, Rows};
use crate::top::Hit;

/// How a file is opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Access {
    /// It is read into memory.
    #[default]
    Loaded,
    /// It stays where it is, its pages read by the system as they are needed; the checksum needs all of them once. Nobody may cut the
    /// file short meanwhile, which would end the process; replacing it, as [`Builder::write`](crate::Builder::write) does, is no harm.
    Mapped,
}

/// What an index is, for messages.
const INDEX: Wanted = Wanted {
    open: "open index",
    map: "map index",
    expected: ["an index", "give the file that `bitspike index build` wrote"],
};

/// How a search is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Search {
    /// Look at every vector, even where there is a graph.
    pub exact: bool,
    /// Vectors that a search in a graph holds at a time: the more, the longer it takes and the fewer of the best it misses.
    pub effort: usize,
}

impl Default for Search {
    fn default() -> Self {
        Self { exact: false, effort: 128 }
    }
}

/// Most texts that a question is answered with.
const MOST: usize = 1 << 20;

/// An open index.
#[derive(Debug)]
pub struct Index {
    path: Option<PathBuf>,
    bytes: Bytes,
    head: Head,
    sections: Sections,
    checksum: [u8; file::CHECKSUM],
}

/// What an index holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Version of the file.
    pub format_version: u32,
    /// Which model made the vectors.
    pub model: Mark,
    /// How many there are.
    pub count: usize,
    /// Values of each.
    pub dims: usize,
    /// How they are kept.
    pub precision: Precision,
    /// Whether the texts are in the file.
    pub texts: bool,
    /// Whether every text has an id.
    pub ids: bool,
    /// Texts that the graph covers; 0 where there is none and every vector is looked at.
    pub graph: usize,
    /// Bytes of the file.
    pub bytes: usize,
}

impl Index {
    /// Opens a file, all of which is checked.
    ///
    /// # Errors
    /// If it cannot be read, is no index, of another version, cut short or altered.
    pub fn open(path: &Path, access: Access) -> Result<Self> {
        let bytes = match access {
            Access::Loaded => Bytes::read(path, INDEX)?,
            Access::Mapped => Bytes::map(path, INDEX, false)?,
        };
        Self::of(bytes, Some(path))
    }

    /// An index in memory.
    ///
    /// # Errors
    /// As [`Index::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        Self::of(Bytes::Owned(bytes.into()), None)
    }

    fn of(bytes: Bytes, path: Option<&Path>) -> Result<Self> {
        let (head, sections, checksum) = file::read(&bytes).map_err(file::refused(path))?;
        let index = Self { path: path.map(Path::to_owned), bytes, head, sections, checksum };
        index.check_ends().map_err(file::refused(path))?;
        Ok(index)
    }

    /// Texts and ids follow each other and fill their sections.
    fn check_ends(&self) -> Result<(), String> {
        for (what, ends, section) in [
            ("texts", &self.sections.text_ends, &self.sections.texts),
            ("ids", &self.sections.id_ends, &self.sections.ids),
        ] {
            let ends = self.bytes[ends.clone()].as_chunks().0.iter().map(|&end| u64::from_le_bytes(end));
            let last = ends.clone().next_back().unwrap_or(0);
            if !ends.is_sorted() || last != section.len() as u64 {
                return Err(format!("{what}: expected ends that rise to {}, found {last} at the end", section.len()));
            }
        }
        Ok(())
    }

    /// Which model made the vectors.
    pub fn model(&self) -> &Mark {
        &self.head.model
    }

    /// Refuses questions of another model.
    ///
    /// # Errors
    /// [`Error::OtherModel`].
    pub fn check_model(&self, model: &Mark) -> Result<()> {
        let own = &self.head.model;
        if own.sha256 == model.sha256 {
            return Ok(());
        }
        let pair = |mark: &Mark| (mark.name.clone(), mark.sha256.clone());
        Err(Error::OtherModel { expected: pair(own), found: pair(model) })
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.head.count as usize
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Values of a vector.
    pub fn dims(&self) -> usize {
        self.head.dims
    }

    /// How vectors are kept.
    pub fn precision(&self) -> Precision {
        self.head.precision
    }

    /// What it holds.
    pub fn report(&self) -> Report {
        Report {
            format_version: FORMAT_VERSION,
            model: self.head.model.clone(),
            count: self.len(),
            dims: self.dims(),
            precision: self.precision(),
            texts: self.head.texts.is_some(),
            ids: self.head.ids.is_some(),
            graph: self.head.graph.as_ref().map_or(0, |graph| graph.covered as usize),
            bytes: self.bytes.len(),
        }
    }

    /// A text; none where texts are not kept, or there is none of that number.
    ///
    /// # Errors
    /// If the file holds something else there.
    pub fn text(&self, number: usize) -> Result<Option<&str>> {
        self.entry("text", number, self.head.texts.is_some(), &self.sections.text_ends, &self.sections.texts)
    }

    /// The id of a text; none where there are no ids, or there is no text of that number.
    ///
    /// # Errors
    /// As [`Index::text`].
    pub fn id(&self, number: usize) -> Result<Option<&str>> {
        self.entry("id", number, self.head.ids.is_some(), &self.sections.id_ends, &self.sections.ids)
    }

    fn entry(
        &self,
        what: &str,
        number: usize,
        kept: bool,
        ends: &std::ops::Range<usize>,
        section: &std::ops::Range<usize>,
    ) -> Result<Option<&str>> {
        if !kept || number >= self.len() {
            return Ok(None);
        }
        let ends = self.bytes[ends.clone()].as_chunks().0;
        let end = |i: usize| ends.get(i).map(|&end| u64::from_le_bytes(end) as usize);
        let start = if number == 0 { Some(0) } else { end(number - 1) };
        let bytes = start.zip(end(number)).and_then(|(start, end)| self.bytes[section.clone()].get(start..end));
        let text = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
        let refused =
            || file::refused(self.path.as_deref())(format!("{what} {number}: expected UTF-8, found other bytes"));
        text.map(Some).ok_or_else(refused)
    }

    /// The `k` texts that are nearest to a question, the nearest first; of equal ones the one that was added first.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the vector is not as wide as those of the index or not finite, or on a `k` of 0 or beyond 2^20.
    pub fn search(&self, vector: &[f32], k: usize, search: Search) -> Result<Vec<Hit>> {
        Ok(self.search_all(&[vector], k, search)?.swap_remove(0))
    }

    /// The same for many questions, which are answered faster together and not otherwise.
    ///
    /// # Errors
    /// As [`Index::search`].
    pub fn search_all(&self, vectors: &[impl AsRef<[f32]>], k: usize, search: Search) -> Result<Vec<Vec<Hit>>> {
        if !(1..=MOST).contains(&k) {
            return Err(Error::invalid("texts to find", format!("1 to {MOST}"), k));
        }
        let query = |vector: &[f32]| {
            if vector.len() != self.dims() {
                return Err(Error::invalid("vector of a question", format!("{} values", self.dims()), vector.len()));
            }
            check_finite(vector)?;
            Ok(Query::new(vector, self.precision()))
        };
        let queries: Vec<Query> = vectors.iter().map(|vector| query(vector.as_ref())).collect::<Result<_>>()?;
        let rows = self.rows();
        let graph = self.graph().filter(|_| !search.exact);
        let from = graph.map_or(0, |graph| graph.head.covered as usize);
        let tops = rows.best(&queries, from, k);
        let Some(graph) = graph else { return Ok(tops.into_iter().map(|top| top.hits()).collect()) };
        let near = |(query, top)| graph.best(rows, query, k, search.effort.min(MOST)).merge(top).hits();
        Ok(queries.par_iter().zip(tops).map(near).collect())
    }

    /// Reads every text and id, and every number that a score is made of.
    ///
    /// # Errors
    /// As [`Index::text`], and if a number is not finite.
    pub fn check(&self) -> Result<()> {
        for number in 0..self.len() {
            self.text(number)?;
            self.id(number)?;
        }
        match self.rows().first_not_finite() {
            Some(number) => {
                let message = format!("vector {number}: expected finite numbers; build the index anew");
                Err(file::refused(self.path.as_deref())(message))
            }
            None => Ok(()),
        }
    }

    /// The file; none of an index in memory.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The last bytes of the file.
    pub(crate) fn checksum(&self) -> [u8; file::CHECKSUM] {
        self.checksum
    }

    pub(crate) fn rows(&self) -> Rows<'_> {
        Rows {
            precision: self.precision(),
            dims: self.dims(),
            vectors: &self.bytes[self.sections.vectors.clone()],
            scales: &self.bytes[self.sections.scales.clone()],
        }
    }

    pub(crate) fn graph(&self) -> Option<Graph<'_>> {
        let head = self.head.graph.as_ref()?;
        Some(Graph { head, bytes: &self.bytes[self.sections.graph.clone()] })
    }

    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    /// Ends of texts and texts, ends of ids and ids, as they are stored.
    pub(crate) fn entries(&self) -> [&[u8]; 4] {
        let Sections { text_ends, texts, id_ends, ids, .. } = &self.sections;
        [text_ends, texts, id_ends, ids].map(|section| &self.bytes[section.clone()])
    }
}

/// Refuses numbers that are none.
pub(crate) fn check_finite(vector: &[f32]) -> Result<()> {
    match vector.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(Error::invalid("vector", "finite values (is the model damaged?)", value)),
        None => Ok(()),
    }
}
