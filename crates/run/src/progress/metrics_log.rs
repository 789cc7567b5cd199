//! The record of a run on disk: `metrics.jsonl`, one [`Event`] per line.
//!
//! Each line is the event as a JSON object with one more field, `time`, in seconds since 1970-01-01 UTC. A line is
//! handed to the operating system whole as soon as its event happens, so a killed process loses none; a power cut can
//! tear the last lines, which [`MetricsLog::resume`] repairs.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use bitspike::atomic_file;
use serde::{Deserialize, Serialize};

use super::{Event, Observer};
use crate::error::Error;

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
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::create(path),
            Err(error) => return Err(explain("open", path, error)),
        };
        let mut kept = Vec::with_capacity(bytes.len());
        let mut bad = None;
        for (number, line) in lines(&bytes) {
            if let Some((line, source)) = bad {
                let error = Error::Event { path: path.to_path_buf(), line, source };
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
            match parse(line) {
                Ok(event) if event.repeated_step().is_none_or(|at| at <= step) => kept.extend([line, b"\n"].concat()),
                Ok(_) => {}
                Err(error) => bad = Some((number, error)),
            }
        }
        let permissions = fs::metadata(path).map_err(|error| explain("read", path, error))?.permissions();
        atomic_file::write(path, |file| file.write_all(&kept)).map_err(io::Error::other)?;
        fs::set_permissions(path, permissions).map_err(|error| explain("write", path, error))?;
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
    let bytes = fs::read(path).map_err(|error| explain("open", path, error))?;
    let (mut events, mut bad) = (Vec::new(), None);
    for (number, line) in lines(&bytes) {
        match parse(line) {
            Ok(event) => events.push(event),
            Err(_) => bad = bad.or(Some(number)),
        }
    }
    Ok((events, bad))
}

fn parse(line: &[u8]) -> serde_json::Result<Event> {
    serde_json::from_slice::<Read>(line).map(|read| read.event)
}

/// The lines that are not empty, with their 1-based numbers; a torn line need not be UTF-8.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    (1..).zip(lines).filter(|(_, line)| !line.is_empty())
}

/// `error` with what was being done to which file.
fn explain(action: &'static str, path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), Error::io(action, path, error))
}

#[cfg(test)]
mod tests;
