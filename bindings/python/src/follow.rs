//! Long work on threads of its own, which tells Python what happens and stops when Python says so.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};

use bitspike_run::progress::{About, Event, Observer};
use bitspike_train::sweep::{CellStart, Outline, SweepObserver};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rayon::ThreadPoolBuilder;
use serde::Serialize;
use serde_json::{Value, json};

use crate::engine::{PATIENCE, start};
use crate::fault::{Fault, Result};

/// Training goes deeper than answers.
const STACK: usize = 16 << 20;

enum Said<T> {
    /// An event as JSON.
    Event(String),
    Done(std::thread::Result<Result<T>>),
}

/// Sends events to the thread that waits in Python.
struct Teller<T>(Sender<Said<T>>);

impl<T> Teller<T> {
    fn tell(&self, event: &impl Serialize) -> io::Result<()> {
        // Nobody listens after a second signal, and the work is about to stop.
        let _ = self.0.send(Said::Event(serde_json::to_string(event)?));
        Ok(())
    }

    fn note(&self, event: &str, of: Value) {
        let Value::Object(mut fields) = of else { return };
        fields.insert("event".into(), event.into());
        let _ = self.tell(&fields);
    }
}

impl<T> Observer for Teller<T> {
    fn on_run(&mut self, about: &About<'_>) -> io::Result<()> {
        self.note("run", json!({"summary": about.summary}));
        Ok(())
    }

    fn on_event(&mut self, event: &Event) -> io::Result<()> {
        self.tell(event)
    }
}

impl<T> SweepObserver for Teller<T> {
    fn begins(&mut self, outline: &Outline) {
        self.note("sweep", json!(outline));
    }

    fn cell(&mut self, cell: &CellStart<'_>) {
        self.note("cell", json!({"name": cell.name, "number": cell.number, "of": cell.of, "goes_on": cell.goes_on}));
    }

    fn failed(&mut self, name: &str, error: &bitspike_train::Error) {
        self.note("failed", json!({"name": name, "error": bitspike::error::explain(error)}));
    }
}

/// What `work` returns, on `threads` threads of its own. `on_event` is called with each event as a dict. An exception of it, or a
/// signal, asks the work to stop, waits until it has saved what it has, and is raised then; a second signal does not wait.
pub(crate) fn follow<T: Send + 'static>(
    py: Python<'_>,
    threads: usize,
    on_event: Option<Bound<'_, PyAny>>,
    work: impl FnOnce(&mut dyn SweepObserver, &AtomicBool) -> Result<T> + Send + 'static,
) -> PyResult<T> {
    let pool = start(threads, ThreadPoolBuilder::new().stack_size(STACK))?;
    let stop = Arc::new(AtomicBool::new(false));
    let (send, receive) = channel();
    let flag = Arc::clone(&stop);
    pool.spawn(move || {
        let mut teller = Teller(send.clone());
        // A panic would end the process.
        let done = catch_unwind(AssertUnwindSafe(|| work(&mut teller, &flag)));
        let _ = send.send(Said::Done(done));
    });
    let loads = py.import("json")?.getattr("loads")?;
    let call = |event: String| -> PyResult<()> {
        if let Some(on_event) = &on_event {
            on_event.call1((loads.call1((event,))?.cast_into::<PyDict>()?,))?;
        }
        Ok(())
    };
    listen(py, receive, &stop, call)
}

fn listen<T: Send>(
    py: Python<'_>,
    mut receive: Receiver<Said<T>>,
    stop: &AtomicBool,
    call: impl Fn(String) -> PyResult<()>,
) -> PyResult<T> {
    let mut raised: Option<PyErr> = None;
    loop {
        let (said, back) = py.detach(move || (receive.recv_timeout(PATIENCE), receive));
        receive = back;
        let told = match said {
            Ok(Said::Event(event)) if raised.is_none() => call(event).and_then(|()| py.check_signals()),
            Ok(Said::Event(_)) => Ok(()),
            Err(RecvTimeoutError::Timeout) => py.check_signals(),
            Ok(Said::Done(Ok(done))) => return raised.map_or_else(|| Ok(done?), Err),
            Ok(Said::Done(Err(_))) | Err(RecvTimeoutError::Disconnected) => {
                return Err(Fault::internal("training failed").into());
            }
        };
        match (told, raised.is_some()) {
            (Ok(()), _) => {}
            (Err(error), false) => {
                stop.store(true, Ordering::Relaxed);
                raised = Some(error);
            }
            (Err(error), true) => return Err(error),
        }
    }
}
