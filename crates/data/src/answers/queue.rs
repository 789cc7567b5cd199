//! Records on their way from the thread that reads them to the one that classifies them.
//!
//! Reading blocks where the input is slow, and nothing can be told of a pipe but by reading. With a thread of its own, what has
//! arrived can be answered while more is awaited, and reading goes on while the model works.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::header::{Header, Record};
use crate::error::Result;

/// Most records classified at a time.
pub(super) const CHUNK: usize = 256;

/// A chunk ends with the record that reaches this many bytes.
const CHUNK_BYTES: usize = 4 << 20;

/// Reading pauses while so many records, or bytes, wait.
const WAITING: usize = 4 * CHUNK;
const WAITING_BYTES: usize = 2 * CHUNK_BYTES;

/// How often a wish to stop is looked for while nothing arrives.
const PATIENCE: Duration = Duration::from_millis(50);

/// A bounded queue of records, and what the reader found at its two ends.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    taken: Condvar,
}

#[derive(Debug, Default)]
struct State {
    header: Option<Header>,
    /// With the memory that each takes, about.
    records: VecDeque<(Record, usize)>,
    bytes: usize,
    /// How the input ended.
    end: Option<Result<()>>,
    /// Whether nobody takes records any more.
    abandoned: bool,
}

impl Queue {
    /// Says what columns the records have; the first thing that a reader does.
    pub(super) fn begin(&self, header: Header) {
        self.state().header = Some(header);
        self.arrived.notify_one();
    }

    /// Adds a record once there is room; `false` if nobody wants it.
    pub(super) fn push(&self, record: Record) -> bool {
        let full =
            |state: &mut State| !state.abandoned && (state.records.len() >= WAITING || state.bytes >= WAITING_BYTES);
        let mut state = self.taken.wait_while(self.state(), full).unwrap_or_else(PoisonError::into_inner);
        if state.abandoned {
            return false;
        }
        let bytes = record.row.size();
        state.bytes += bytes;
        state.records.push_back((record, bytes));
        self.arrived.notify_one();
        true
    }

    /// Says that no more records come, and why.
    pub(super) fn end(&self, result: Result<()>) {
        self.state().end = Some(result);
        self.arrived.notify_one();
    }

    /// Says that no more records are wanted.
    pub(super) fn abandon(&self) {
        self.state().abandoned = true;
        self.taken.notify_all();
    }

    /// The columns; nothing if `stop` says so first.
    ///
    /// # Errors
    /// What the reader found instead of a header.
    pub(super) fn header(&self, stop: impl Fn() -> bool) -> Result<Option<Header>> {
        let mut state = self.wait(|state| state.header.is_some() || state.end.is_some(), stop);
        match (state.header.take(), state.end.take()) {
            (None, Some(Err(error))) => Err(error),
            (header, end) => {
                state.end = end;
                Ok(header)
            }
        }
    }

    /// The next records: [`CHUNK`] of them if `whole`, or else as many as have arrived, at least one. Nothing at the end, or if
    /// `stop` says so first.
    ///
    /// # Errors
    /// What the reader found, once the records before it have been taken.
    pub(super) fn chunk(&self, whole: bool, stop: impl Fn() -> bool) -> Result<Option<Vec<Record>>> {
        let wanted = if whole { CHUNK } else { 1 };
        let ready = |state: &State| state.records.len() >= wanted || state.bytes >= CHUNK_BYTES || state.end.is_some();
        let mut state = self.wait(ready, &stop);
        if stop() {
            return Ok(None);
        }
        if state.records.is_empty() {
            return state.end.take().unwrap_or(Ok(())).map(|()| None);
        }
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        while chunk.len() < CHUNK && bytes < CHUNK_BYTES {
            let Some((record, size)) = state.records.pop_front() else { break };
            bytes += size;
            chunk.push(record);
        }
        state.bytes -= bytes;
        self.taken.notify_one();
        Ok(Some(chunk))
    }

    fn wait(&self, ready: impl Fn(&State) -> bool, stop: impl Fn() -> bool) -> MutexGuard<'_, State> {
        let mut state = self.state();
        while !ready(&state) && !stop() {
            state = self.arrived.wait_timeout(state, PATIENCE).unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
