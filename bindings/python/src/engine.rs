//! A model with threads of its own.
//!
//! After a fork a child has the memory of its parent and none of its threads: a pool that is carried over waits for ever, and a lock
//! that another thread held stays locked. So whatever has threads or locks belongs to one process, by its id. A child that comes
//! upon what is its parent's makes its own of it, without waiting for anything of the parent's, and never frees the parent's pool.

use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use bitspike::Model;
use once_cell::race::OnceBox;
use once_cell::sync::OnceCell;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::fault::{Fault, Kind, Result};

/// Most threads of a model.
const MOST: i64 = 1024;

/// Where the number of threads is looked for when none is given.
const VARIABLES: [&str; 2] = ["BITSPIKE_NUM_THREADS", "OMP_NUM_THREADS"];

/// How often signals are looked for while threads work.
pub(crate) const PATIENCE: Duration = Duration::from_millis(50);

/// A model, as this process and its children use it.
#[derive(Debug)]
pub(crate) struct Shared(Arc<Engine>);

/// What one process uses.
#[derive(Debug)]
struct Engine {
    process: u32,
    model: Model,
    threads: usize,
    pool: OnceCell<ManuallyDrop<ThreadPool>>,
    /// That of the process which finds this one to be its parent's.
    heir: OnceBox<Arc<Engine>>,
}

/// The number of threads that is asked for, or that environment and machine give.
pub(crate) fn threads(asked: Option<i64>) -> Result<usize> {
    let check = |place: &str, number: i64| match number {
        1..=MOST => Ok(number as usize),
        number => Err(Fault::at(Kind::Option, place, format!("1 to {MOST} threads"), number)),
    };
    if let Some(number) = asked {
        return check("threads", number);
    }
    for name in VARIABLES {
        let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) else { continue };
        let value = value.to_string_lossy().into_owned();
        // OpenMP's is a list, a number for each level of nesting.
        let first = value.split(',').next().unwrap_or_default().trim();
        let number = first
            .parse()
            .map_err(|_| Fault::at(Kind::Option, name, format!("1 to {MOST} threads"), format!("`{value}`")))?;
        return check(name, number);
    }
    // By the affinity mask and the control group.
    Ok(process_threads())
}

fn process_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |number| number.get().min(MOST as usize))
}

/// A pool of `threads` threads, which is otherwise as `builder` says.
pub(crate) fn start(threads: usize, builder: ThreadPoolBuilder) -> Result<ThreadPool> {
    builder.num_threads(threads).thread_name(|i| format!("bitspike-{i}")).build().map_err(|error| {
        Fault::at(Kind::Option, "threads", "as many as the system gives", format!("{threads} ({error})"))
    })
}

impl Shared {
    /// What `load` loads, with `threads` threads. Loading spreads over the same threads, and no other pool is ever started.
    pub(crate) fn load(threads: usize, load: impl FnOnce() -> Result<Model> + Send) -> Result<Self> {
        let pool = start(threads, ThreadPoolBuilder::new())?;
        let model = pool.install(load)?;
        let engine = Engine {
            process: process::id(),
            model,
            threads,
            pool: OnceCell::with_value(ManuallyDrop::new(pool)),
            heir: OnceBox::new(),
        };
        Ok(Self(Arc::new(engine)))
    }

    /// The model, for what neither takes long nor answers.
    pub(crate) fn model(&self) -> &Model {
        &self.0.model
    }

    pub(crate) fn threads(&self) -> usize {
        self.0.threads
    }

    /// What `job` makes of the model, on the model's own threads and without the interpreter's lock. Signals are answered meanwhile;
    /// the second argument of `job` is true once one ended the wait.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        py: Python<'_>,
        job: impl FnOnce(&Model, &AtomicBool) -> Result<T> + Send + 'static,
    ) -> PyResult<T> {
        let engine = self.current()?;
        let pool = engine.pool()?;
        let stop = Arc::new(AtomicBool::new(false));
        let (send, mut receive) = sync_channel(1);
        let (inside, flag) = (Arc::clone(&engine), Arc::clone(&stop));
        pool.spawn(move || {
            // A panic would end the process.
            let done = catch_unwind(AssertUnwindSafe(|| job(&inside.model, &flag)));
            drop(inside);
            // Nobody waits after a signal.
            let _ = send.send(done);
        });
        loop {
            let (answer, back) = py.detach(move || (receive.recv_timeout(PATIENCE), receive));
            receive = back;
            match answer {
                Ok(Ok(result)) => return Ok(result?),
                Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => {
                    return Err(Fault::internal("the model's thread failed").into());
                }
                Err(RecvTimeoutError::Timeout) => py.check_signals().inspect_err(|_| {
                    stop.store(true, Ordering::Relaxed);
                })?,
            }
        }
    }

    /// That of this process.
    fn current(&self) -> Result<Arc<Engine>> {
        let here = process::id();
        let mut engine = &self.0;
        while engine.process != here {
            engine = engine.heir.get_or_try_init(|| engine.inherit(here).map(|heir| Box::new(Arc::new(heir))))?;
        }
        Ok(Arc::clone(engine))
    }
}

impl Engine {
    fn pool(&self) -> Result<&ThreadPool> {
        Ok(&**self.pool.get_or_try_init(|| start(self.threads, ThreadPoolBuilder::new()).map(ManuallyDrop::new))?)
    }

    /// The same weights for another process, with no lock of this one's.
    fn inherit(&self, process: u32) -> Result<Self> {
        let model = self.model.with_simulation(*self.model.simulation())?;
        Ok(Self { process, model, threads: self.threads, pool: OnceCell::new(), heir: OnceBox::new() })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // A parent's pool is left as it is: ending it takes locks that its threads may have held.
        if self.process == process::id()
            && let Some(pool) = self.pool.take()
        {
            drop(ManuallyDrop::into_inner(pool));
        }
    }
}
