//! The file: a header, sections whose places follow from it, a checksum of everything.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `BSPKIDX` and a zero |
//! | 4 | format version, 1 |
//! | 4 | length of the header, a multiple of 8 |
//! | ... | the header: JSON, padded with spaces |
//! | ... | vectors, a row a text; the inverse of each row's length, of `int8` alone |
//! | ... | where each text ends among the texts, 8 bytes each; the texts |
//! | ... | where each id ends among the ids, 8 bytes each; the ids |
//! | ... | the graph: of every node of a layer its neighbours, 4 bytes each; a first one with the highest bit is the next text with the same row |
//! | 8 | XXH64 of everything before |
//!
//! Numbers are little-endian; every section begins at a multiple of 8, zeros before it.

use std::fs::File;
use std::hash::Hasher;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use bitspike::{Model, atomic_file};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use twox_hash::XxHash64;

use crate::error::{Error, Result};
use crate::rows::Precision;

/// Version of the file that is written, and the only one that is read.
pub const FORMAT_VERSION: u32 = 1;

/// What a file begins with.
pub const MAGIC: [u8; 8] = *b"BSPKIDX\0";

/// Bytes before the header.
pub(crate) const FRAME: usize = 16;

/// Bytes of the checksum.
pub(crate) const CHECKSUM: usize = 8;

/// Longest header that is read.
const LONGEST_HEADER: usize = 1 << 20;

/// Widest vector; products of its codes stay within 32 bits.
pub(crate) const WIDEST: usize = 1 << 16;

/// Which model made the vectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// What the user calls it: a name, or a file.
    pub name: String,
    /// SHA-256 of its packed file, in hexadecimal digits.
    pub sha256: String,
}

impl Mark {
    /// That of a model.
    pub fn of(name: impl Into<String>, model: &Model) -> Self {
        let digest = Sha256::digest(model.packed().file_bytes());
        Self { name: name.into(), sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect() }
    }
}

/// What a file says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    pub(crate) model: Mark,
    /// Values of a vector.
    pub(crate) dims: usize,
    pub(crate) precision: Precision,
    pub(crate) count: u64,
    /// Texts from which there is a graph.
    pub(crate) exact_below: u64,
    /// Bytes of the texts; none where they are not kept.
    pub(crate) texts: Option<u64>,
    /// Bytes of the ids; none where there are none.
    pub(crate) ids: Option<u64>,
    pub(crate) graph: Option<GraphHead>,
}

/// The shape of a graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GraphHead {
    /// Nodes of the lowest layer: the texts that were there when it was built.
    pub(crate) covered: u32,
    /// Where a search begins.
    pub(crate) entry: u32,
    /// Places for neighbours of a node in the lowest layer, and in the others.
    pub(crate) degrees: [u32; 2],
    /// Nodes of each layer above the lowest.
    pub(crate) upper: Vec<u32>,
}

impl GraphHead {
    /// Bytes of the section; none where no machine holds so many.
    fn bytes(&self) -> Option<u64> {
        let lowest = u64::from(self.covered).checked_mul(u64::from(self.degrees[0]))?;
        let row = u64::from(self.degrees[1]) + 1;
        let upper =
            self.upper.iter().try_fold(0_u64, |sum, &nodes| sum.checked_add(u64::from(nodes).checked_mul(row)?))?;
        lowest.checked_add(upper)?.checked_mul(4)
    }
}

/// Where the sections are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sections {
    pub(crate) vectors: Range<usize>,
    pub(crate) scales: Range<usize>,
    pub(crate) text_ends: Range<usize>,
    pub(crate) texts: Range<usize>,
    pub(crate) id_ends: Range<usize>,
    pub(crate) ids: Range<usize>,
    pub(crate) graph: Range<usize>,
}

impl Head {
    /// Where the sections of such a file are behind a header that ends at `start`, and where they end. None where no machine
    /// addresses so much.
    fn sections(&self, start: usize) -> Option<(Sections, usize)> {
        let mut at = u64::try_from(start).ok()?;
        let mut next = |bytes: Option<u64>| -> Option<Range<usize>> {
            at = at.checked_next_multiple_of(8)?;
            let from = at;
            at = at.checked_add(bytes?)?;
            Some(usize::try_from(from).ok()?..usize::try_from(at).ok()?)
        };
        let rows = |bytes: usize| self.count.checked_mul(bytes as u64);
        let ends = |bytes: Option<u64>| if bytes.is_some() { rows(8) } else { Some(0) };
        let sections = Sections {
            vectors: next(rows(self.precision.row_bytes(self.dims)))?,
            scales: next(rows(self.precision.scale_bytes()))?,
            text_ends: next(ends(self.texts))?,
            texts: next(Some(self.texts.unwrap_or(0)))?,
            id_ends: next(ends(self.ids))?,
            ids: next(Some(self.ids.unwrap_or(0)))?,
            graph: next(self.graph.as_ref().map_or(Some(0), GraphHead::bytes))?,
        };
        let end = next(Some(0))?.end;
        Some((sections, end))
    }

    /// Refuses what no file can say.
    fn check(&self) -> Result<(), String> {
        if !(1..=WIDEST).contains(&self.dims) {
            return Err(format!("dimensions: expected 1 to {WIDEST}, found {}", self.dims));
        }
        if self.count >= u64::from(u32::MAX) {
            return Err(format!("texts: expected fewer than {}, found {}", u32::MAX, self.count));
        }
        if let Some(graph) = &self.graph {
            let fits = graph.entry < graph.covered
                && u64::from(graph.covered) <= self.count
                && graph.degrees.iter().all(|degree| (1..=1024).contains(degree))
                && graph.upper.len() <= 64
                && graph.upper.iter().all(|&nodes| nodes <= graph.covered);
            if !fits {
                return Err(format!("graph: expected layers of the {} texts, found {graph:?}", self.count));
            }
        }
        Ok(())
    }
}

/// Reads the header and finds the sections, once the checksum is right, which is the last of what is returned.
///
/// # Errors
/// A message if it is no index, of another version, cut short or altered.
pub(crate) fn read(bytes: &[u8]) -> Result<(Head, Sections, [u8; CHECKSUM]), String> {
    let (Some(magic), Some(version), Some(length)) = (bytes.get(..8), word(bytes, 8), word(bytes, 12)) else {
        return Err(format!("expected an index of bitspike, found {} bytes", bytes.len()));
    };
    if magic != MAGIC {
        let found = magic.escape_ascii();
        return Err(format!(
            "expected an index of bitspike, which begins with BSPKIDX, found a file that begins with {found}"
        ));
    }
    if version != FORMAT_VERSION {
        return Err(format!(
            "format version: expected {FORMAT_VERSION}, found {version}; build the index anew, or use the bitspike that wrote it"
        ));
    }
    let header = usize::try_from(length).ok().filter(|length| *length <= LONGEST_HEADER && length % 8 == 0);
    let header = header.ok_or_else(|| format!("header: expected at most {LONGEST_HEADER} bytes, found {length}"))?;
    let json = bytes.get(FRAME..FRAME + header).ok_or_else(|| cut(FRAME + header + CHECKSUM, bytes.len()))?;
    let damaged = "the file is damaged; build the index anew, or take the copy you kept";
    // The lengths are read first, since a file that is cut short should be told from one that is altered.
    let head: Head = serde_json::from_slice(json).map_err(|e| format!("header: {e}; {damaged}"))?;
    head.check().map_err(|fault| format!("header: {fault}; {damaged}"))?;
    let (sections, end) =
        head.sections(FRAME + header).ok_or_else(|| format!("header: sections larger than any memory; {damaged}"))?;
    let (content, stored) = bytes
        .split_last_chunk()
        .filter(|(content, _)| content.len() == end)
        .ok_or_else(|| cut(end.saturating_add(CHECKSUM), bytes.len()))?;
    let computed = XxHash64::oneshot(0, content).to_le_bytes();
    if computed != *stored {
        let digits = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
        return Err(format!("checksum: expected {}, found {}; {damaged}", digits(stored), digits(&computed)));
    }
    Ok((head, sections, computed))
}

fn cut(expected: usize, found: usize) -> String {
    format!(
        "expected {expected} bytes, found {found}: the file was cut short or added to; build the index anew, or take the copy you kept"
    )
}

/// The checksum that a file ends with.
///
/// # Errors
/// If it cannot be read, or is too short for one.
pub(crate) fn checksum(path: &Path) -> Result<[u8; CHECKSUM]> {
    let read = || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::End(-(CHECKSUM as i64)))?;
        let mut sum = [0; CHECKSUM];
        file.read_exact(&mut sum)?;
        Ok(sum)
    };
    read().map_err(|e| bitspike::Error::io("read", path, e).into())
}

/// The number at a place.
pub(crate) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

/// What is written: sections in their order.
pub(crate) struct Content<'a> {
    pub(crate) head: &'a Head,
    pub(crate) vectors: &'a [u8],
    pub(crate) scales: &'a [u8],
    pub(crate) text_ends: &'a [u8],
    pub(crate) texts: &'a [u8],
    pub(crate) id_ends: &'a [u8],
    pub(crate) ids: &'a [u8],
    pub(crate) graph: &'a [u8],
}

/// Writes the file whole or not at all: an earlier one stays until the new one is on the disk. Returns its size.
///
/// # Errors
/// If the disk is full, or whatever else the system reports.
pub(crate) fn write(path: &Path, content: &Content<'_>) -> Result<u64> {
    let mut size = 0;
    atomic_file::write(path, |file| {
        size = write_to(BufWriter::with_capacity(1 << 20, file), content)?;
        Ok(())
    })?;
    Ok(size)
}

/// The bytes of a file, written to `out`; returns how many.
pub(crate) fn write_to(out: impl Write, content: &Content<'_>) -> std::io::Result<u64> {
    let mut json = serde_json::to_vec(content.head)?;
    json.resize(json.len().next_multiple_of(8), b' ');
    let mut out = Summed { out, sum: XxHash64::with_seed(0), written: 0 };
    out.write_all(&MAGIC)?;
    out.write_all(&FORMAT_VERSION.to_le_bytes())?;
    out.write_all(&u32::try_from(json.len()).map_err(std::io::Error::other)?.to_le_bytes())?;
    out.write_all(&json)?;
    let Content { vectors, scales, text_ends, texts, id_ends, ids, graph, .. } = content;
    for section in [vectors, scales, text_ends, texts, id_ends, ids, graph] {
        out.write_all(section)?;
        let zeros = out.written.next_multiple_of(8) - out.written;
        out.write_all(&[0; 8][..zeros as usize])?;
    }
    let sum = out.sum.finish().to_le_bytes();
    out.write_all(&sum)?;
    out.flush()?;
    Ok(out.written)
}

/// A writer that sums what passes.
struct Summed<W> {
    out: W,
    sum: XxHash64,
    written: u64,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.sum.write(&bytes[..count]);
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// [`Error`] of a file, or of bytes in memory.
pub(crate) fn refused(path: Option<&Path>) -> impl Fn(String) -> Error {
    move |message| Error::malformed(path, message)
}
