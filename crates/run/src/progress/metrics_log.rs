//! The record of a run on disk: `metrics.jsonl`, one [`Event`] per line.
//!
//! Each line is the event as a JSON object with one more field, `time`, in seconds since 1970-01-01 UTC. A line is
//! handed to the operating system whole as soon as its event happens, so a killed process loses none; a power cut can
//! tear the last lines, which [`MetricsLog::resume`] repairs.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::{Event, Observer};

/// A line as it is written.
#[derive(Serialize)]
struct Written<'a> {
    time: f64,
    #[serde(flatten)]
    event: &'a Event,
}

/// A line as it is read. That `time` is there is checked although nothing reads it.
#[derive(Deserialize)]
struct Read {
    #[serde(rename = "time")]
    _time: f64,
    #[serde(flatten)]
    event: Event,
}

/// Appends every event to a JSON Lines file.
#[derive(Debug)]
pub struct MetricsLog {
    file: File,
    path: PathBuf,
    /// Length of the file up to and including its last whole line.
    whole: u64,
}

impl MetricsLog {
    /// Starts the log of a new run.
    ///
    /// # Errors
    /// When the file cannot be created, and, with [`io::ErrorKind::AlreadyExists`], when it holds the log of another
    /// run already.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let log = Self::open(path)?;
        if log.whole > 0 {
            let text = "holds the log of an earlier run; resume that run, or choose another folder for the new one";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{}: {text}", path.display())));
        }
        Ok(log)
    }

    /// Goes on with the log of a run that resumes after `step`.
    ///
    /// What the interrupted run reported after `step` will happen again, so events with a later
    /// [`repeated_step`](Event::repeated_step) are dropped, and so is a torn last line. The file is replaced in one
    /// rename: it holds either the old lines or the kept ones. Kept lines are copied byte for byte. A missing file
    /// starts an empty log.
    ///
    /// # Errors
    /// When the file or its folder cannot be read or written, and, with [`io::ErrorKind::InvalidData`], when a line
    /// other than the last is not an event.
    pub fn resume(path: impl AsRef<Path>, step: u64) -> io::Result<Self> {
        let path = path.as_ref();
        let source = match File::open(path) {
            Ok(source) => source,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::create(path),
            Err(error) => return Err(explain("open", path, error)),
        };
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(".tmp");
        let temporary = path.with_file_name(name);
        let replaced = keep_until(source, path, &temporary, step)
            .and_then(|()| fs::rename(&temporary, path).map_err(|error| explain("replace", path, error)));
        if let Err(error) = replaced {
            // Whether or not it can be removed, the error to report is the one that left it behind.
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        Self::open(path)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn open(path: &Path) -> io::Result<Self> {
        let file =
            OpenOptions::new().append(true).create(true).open(path).map_err(|error| explain("open", path, error))?;
        let whole = file.metadata().map_err(|error| explain("open", path, error))?.len();
        Ok(Self { file, path: path.to_path_buf(), whole })
    }
}

impl Observer for MetricsLog {
    /// Appends one line.
    ///
    /// # Errors
    /// When the line cannot be written, as on a full disk. What was written of it is cut off again where possible.
    fn on_event(&mut self, event: &Event) -> io::Result<()> {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_millis() as f64 / 1e3);
        let mut line = serde_json::to_vec(&Written { time, event })?;
        line.push(b'\n');
        if let Err(error) = self.file.write_all(&line) {
            // If this fails too, the torn line is the last one, which readers and `resume` tolerate.
            let _ = self.file.set_len(self.whole);
            return Err(explain("write", &self.path, error));
        }
        self.whole += line.len() as u64;
        Ok(())
    }
}

/// Reads the log of a run: all events in order, and the 1-based number of the first line that is not an event, such
/// as a last line torn by a power cut. Empty lines are skipped.
///
/// # Errors
/// When the file cannot be read.
pub fn read_events(path: impl AsRef<Path>) -> io::Result<(Vec<Event>, Option<usize>)> {
    let path = path.as_ref();
    let mut lines = Lines::new(File::open(path).map_err(|error| explain("open", path, error))?);
    let (mut events, mut bad) = (Vec::new(), None);
    while let Some(line) = lines.next().map_err(|error| explain("read", path, error))? {
        match parse(line) {
            Ok(event) => events.push(event),
            Err(_) => bad = bad.or(Some(lines.number)),
        }
    }
    Ok((events, bad))
}

/// Copies the lines of `source` that [`MetricsLog::resume`] keeps to the new file `target`, on disk when this returns.
/// `path` names the source in errors.
fn keep_until(source: File, path: &Path, target: &Path, step: u64) -> io::Result<()> {
    let permissions = source.metadata().map_err(|error| explain("read", path, error))?.permissions();
    let kept = File::create(target).map_err(|error| explain("create", target, error))?;
    let written = |error| explain("write", target, error);
    kept.set_permissions(permissions).map_err(written)?;
    let mut kept = BufWriter::new(kept);
    let mut lines = Lines::new(source);
    let mut bad: Option<(usize, serde_json::Error)> = None;
    while let Some(line) = lines.next().map_err(|error| explain("read", path, error))? {
        if let Some((number, error)) = bad {
            let text = format!("{}, line {number}: not an event: {error}; remove the line", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        bad = match parse(line) {
            Ok(event) => {
                if event.repeated_step().is_none_or(|at| at <= step) {
                    kept.write_all(line).and_then(|()| kept.write_all(b"\n")).map_err(written)?;
                }
                None
            }
            Err(error) => Some((lines.number, error)),
        };
    }
    kept.flush().and_then(|()| kept.get_ref().sync_all()).map_err(written)
}

fn parse(line: &[u8]) -> serde_json::Result<Event> {
    serde_json::from_slice::<Read>(line).map(|read| read.event)
}

/// The lines of a file that are not empty, as bytes: a torn line need not be UTF-8.
struct Lines {
    reader: BufReader<File>,
    line: Vec<u8>,
    /// 1-based number of the line that was read last.
    number: usize,
}

impl Lines {
    fn new(file: File) -> Self {
        Self { reader: BufReader::new(file), line: Vec::new(), number: 0 }
    }

    fn next(&mut self) -> io::Result<Option<&[u8]>> {
        loop {
            self.line.clear();
            if self.reader.read_until(b'\n', &mut self.line)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if !self.line.trim_ascii().is_empty() {
                return Ok(Some(self.line.trim_ascii()));
            }
        }
    }
}

/// `error` with what was being done to which file.
fn explain(action: &str, path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{action} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
