//! A thread of its own for what takes long: traces and counts, so that answers do not wait for them.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use tokio::sync::oneshot;

use crate::problem::{Kind, Problem, Result};

type Task = Box<dyn FnOnce() + Send>;

/// What waits in a lane.
pub(crate) type Work = Receiver<Task>;

/// Where long work waits.
pub(crate) struct Lane {
    tasks: Mutex<Option<SyncSender<Task>>>,
}

impl Lane {
    /// A lane in which `limit` tasks may wait, and what runs them.
    pub(crate) fn new(limit: usize) -> (Self, Work) {
        let (tasks, work) = sync_channel(limit);
        (Self { tasks: Mutex::new(Some(tasks)) }, work)
    }

    /// Runs what comes until the lane is closed, on the calling thread.
    pub(crate) fn run(work: &Work) {
        for task in work {
            task();
        }
    }

    /// What `task` gives, once it had its turn. A task whose client has left is not begun.
    pub(crate) async fn run_task<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, result) = oneshot::channel();
        let task = move || {
            if !answer.is_closed() {
                let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(task));
                let failed = |_| Err(Problem::new(Kind::Internal, "the model failed; the log says why"));
                let _ = answer.send(caught.unwrap_or_else(failed));
            }
        };
        let sent = match self.tasks.lock() {
            Ok(tasks) => tasks.as_ref().map(|tasks| tasks.try_send(Box::new(task))),
            Err(_) => None,
        };
        match sent {
            Some(Ok(())) => result.await.map_err(|_| Problem::stopping())?,
            Some(Err(TrySendError::Full(_))) => {
                Err(Problem::new(Kind::Busy, "too many traces and counts are waiting; try again after a second"))
            }
            _ => Err(Problem::stopping()),
        }
    }

    /// Takes nothing more; what waits is done.
    pub(crate) fn close(&self) {
        if let Ok(mut tasks) = self.tasks.lock() {
            *tasks = None;
        }
    }
}
