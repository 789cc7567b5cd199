//! Vectors on their way into an index.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::EXACT;
use crate::error::{Error, Result};
use crate::file::{self, CHECKSUM, Content, GraphHead, Head, Mark, WIDEST};
use crate::graph;
use crate::index::{Index, check_finite};
use crate::rows::{Precision, Query, Rows};

/// How an index is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How vectors are kept.
    pub precision: Precision,
    /// Whether the texts are kept beside them.
    pub texts: bool,
    /// Whether every text has an id.
    pub ids: bool,
    /// Texts from which there is a graph.
    pub exact_below: usize,
}

impl Default for Settings {
    /// Codes of 8 bits, the texts beside them, a graph from [`EXACT`] texts on.
    fn default() -> Self {
        Self { precision: Precision::Int8, texts: true, ids: false, exact_below: EXACT }
    }
}

/// What is kept of a text beside its vector.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// The text, kept where the settings say so.
    pub text: &'a str,
    /// What its owner calls it.
    pub id: Option<&'a str>,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Texts of the index.
    pub count: usize,
    /// Texts that its graph covers.
    pub graph: usize,
    /// Bytes of the file.
    pub bytes: u64,
}

/// An index in the making, in memory: of `int8` about as many bytes a text as a vector has values, and the text.
#[derive(Debug)]
pub struct Builder {
    model: Mark,
    dims: usize,
    settings: Settings,
    count: usize,
    vectors: Vec<u8>,
    scales: Vec<u8>,
    texts: Entries,
    ids: Entries,
    /// Ids that are taken.
    taken: HashSet<String>,
    /// The graph of an index that is added to.
    graph: Option<(GraphHead, Vec<u8>)>,
    /// The file of that index, and its checksum.
    before: Option<(PathBuf, [u8; CHECKSUM])>,
}

/// Texts one behind the other, and where each ends.
#[derive(Debug, Default)]
struct Entries {
    ends: Vec<u8>,
    bytes: Vec<u8>,
}

impl Entries {
    fn push(&mut self, text: &str) {
        self.bytes.extend(text.bytes());
        self.ends.extend((self.bytes.len() as u64).to_le_bytes());
    }
}

impl Builder {
    /// An index without texts, of vectors of `dims` values that `model` makes.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `dims` is 0 or above 65,536.
    pub fn new(model: Mark, dims: usize, settings: Settings) -> Result<Self> {
        if !(1..=WIDEST).contains(&dims) {
            return Err(Error::invalid("dimensions of a vector", format!("1 to {WIDEST}"), dims));
        }
        Ok(Self {
            model,
            dims,
            settings,
            count: 0,
            vectors: Vec::new(),
            scales: Vec::new(),
            texts: Entries::default(),
            ids: Entries::default(),
            taken: HashSet::new(),
            graph: None,
            before: None,
        })
    }

    /// What an index holds, to be added to.
    ///
    /// # Errors
    /// If an id of it is not text.
    pub fn of(index: &Index) -> Result<Self> {
        let (head, rows) = (index.head(), index.rows());
        let [text_ends, texts, id_ends, ids] = index.entries().map(<[u8]>::to_vec);
        let mut taken = HashSet::new();
        for number in 0..index.len() {
            taken.extend(index.id(number)?.map(str::to_owned));
        }
        Ok(Self {
            model: head.model.clone(),
            dims: head.dims,
            settings: Settings {
                precision: head.precision,
                texts: head.texts.is_some(),
                ids: head.ids.is_some(),
                exact_below: usize::try_from(head.exact_below).unwrap_or(usize::MAX),
            },
            count: index.len(),
            vectors: rows.vectors.to_vec(),
            scales: rows.scales.to_vec(),
            texts: Entries { ends: text_ends, bytes: texts },
            ids: Entries { ends: id_ends, bytes: ids },
            taken,
            graph: index.graph().map(|graph| (graph.head.clone(), graph.bytes.to_vec())),
            before: index.path().map(|path| (path.to_owned(), index.checksum())),
        })
    }

    /// Texts so far.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How it is built.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Adds a text.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the vector is of another width or not finite, if an id is missing, not wanted or an earlier text's, or if
    /// there are too many texts.
    pub fn push(&mut self, vector: &[f32], kept: Kept<'_>) -> Result<()> {
        if vector.len() != self.dims {
            return Err(Error::invalid("vector of a text", format!("{} values", self.dims), vector.len()));
        }
        check_finite(vector)?;
        if self.count >= graph::MOST {
            return Err(Error::invalid("texts of an index", format!("at most {}", graph::MOST), self.count + 1));
        }
        match (self.settings.ids, kept.id) {
            (true, None) => {
                return Err(Error::invalid("id", "one, since the other texts of this index have ids", "none"));
            }
            (false, Some(id)) => {
                return Err(Error::invalid(
                    "id",
                    "none, since the other texts of this index have none",
                    format!("`{id}`"),
                ));
            }
            (true, Some(id)) => {
                if !self.taken.insert(id.to_owned()) {
                    return Err(Error::invalid(
                        "id",
                        "one that no earlier text has",
                        format!("`{}` again", id.escape_debug()),
                    ));
                }
                self.ids.push(id);
            }
            (false, None) => {}
        }
        if self.settings.texts {
            self.texts.push(kept.text);
        }
        let precision = self.settings.precision;
        Query::new(vector, precision).store(precision, &mut self.vectors, &mut self.scales);
        self.count += 1;
        Ok(())
    }

    /// Writes the file whole or not at all; an earlier index of that name stays until the new one is on the disk.
    ///
    /// # Errors
    /// As the system reports them, a full disk among them; [`Error::Changed`] if the index that was added to is another one by now.
    pub fn write(mut self, path: &Path) -> Result<Written> {
        let _ = self.settle_graph(&mut |_| ControlFlow::Continue(()));
        self.settled(path)
    }

    /// [`Builder::write`], with `progress` told how many texts are in the graph; if it breaks, nothing is written.
    ///
    /// # Errors
    /// As [`Builder::write`].
    pub fn write_telling(
        mut self,
        path: &Path,
        progress: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Option<Written>> {
        if self.settle_graph(progress).is_break() {
            return Ok(None);
        }
        self.settled(path).map(Some)
    }

    /// Writes what is complete.
    fn settled(self, path: &Path) -> Result<Written> {
        let head = self.head();
        if let Some((own, sum)) = &self.before
            && own == path
            && file::checksum(path)? != *sum
        {
            return Err(Error::Changed { path: path.to_owned() });
        }
        let bytes = file::write(path, &self.content(&head))?;
        let graph = head.graph.as_ref().map_or(0, |graph| graph.covered as usize);
        Ok(Written { count: self.count, graph, bytes })
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// If memory does not hold them.
    pub fn to_bytes(mut self) -> Result<Vec<u8>> {
        let _ = self.settle_graph(&mut |_| ControlFlow::Continue(()));
        let (head, mut bytes) = (self.head(), Vec::new());
        let written = file::write_to(&mut bytes, &self.content(&head));
        written.map_err(|e| bitspike::Error::io("write index", "memory", e))?;
        Ok(bytes)
    }

    /// Builds the graph where there is to be one, and there is none or one of too few texts.
    fn settle_graph(&mut self, progress: &mut dyn FnMut(usize) -> ControlFlow<()>) -> ControlFlow<()> {
        if self.count < self.settings.exact_below.max(1) {
            self.graph = None;
            return ControlFlow::Continue(());
        }
        let covered = self.graph.as_ref().map_or(0, |(head, _)| head.covered as usize);
        // What is not in the graph is looked at one by one.
        if covered > 0 && self.count - covered <= covered / 4 {
            return ControlFlow::Continue(());
        }
        let rows =
            Rows { precision: self.settings.precision, dims: self.dims, vectors: &self.vectors, scales: &self.scales };
        match graph::build(rows, progress) {
            None => ControlFlow::Break(()),
            built => {
                self.graph = built;
                ControlFlow::Continue(())
            }
        }
    }

    fn head(&self) -> Head {
        Head {
            model: self.model.clone(),
            dims: self.dims,
            precision: self.settings.precision,
            count: self.count as u64,
            exact_below: self.settings.exact_below as u64,
            texts: self.settings.texts.then_some(self.texts.bytes.len() as u64),
            ids: self.settings.ids.then_some(self.ids.bytes.len() as u64),
            graph: self.graph.as_ref().map(|(head, _)| head.clone()),
        }
    }

    fn content<'a>(&'a self, head: &'a Head) -> Content<'a> {
        Content {
            head,
            vectors: &self.vectors,
            scales: &self.scales,
            text_ends: &self.texts.ends,
            texts: &self.texts.bytes,
            id_ends: &self.ids.ends,
            ids: &self.ids.bytes,
            graph: self.graph.as_ref().map_or(&[], |(_, bytes)| bytes),
        }
    }
}
