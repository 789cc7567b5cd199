//! Texts that wait for the model, and the thread that computes them together.
//!
//! Whatever waits is computed at once, up to a number of tokens; nobody waits for a batch to fill. The engine computes every token
//! by itself, so an answer does not depend on what was computed beside it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bitspike::{Answer, Encoding, Model};
use tokio::sync::{Notify, oneshot};

use crate::meters::Meters;
use crate::models::Served;
use crate::problem::{Kind, Problem, Result};
use crate::settings::Settings;
use crate::spans::{Batch, Part, Place, Spans, place};

/// Texts of a request that wait as one; a longer request is several, between which others have their turn.
const TEXTS: usize = 32;

/// The share of the room from which on texts end early, where that is switched on.
const PRESSED: f64 = 0.5;

/// Texts that wait for a model.
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    /// Something came, or the queue was closed.
    came: Condvar,
    /// Something went.
    went: Notify,
    limit: usize,
    batch: usize,
    meters: Arc<Meters>,
    spans: Arc<Spans>,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    tokens: usize,
    closed: bool,
}

struct Job {
    served: Arc<Served>,
    encodings: Vec<Encoding>,
    texts: usize,
    tokens: usize,
    since: Instant,
    deadline: Instant,
    place: Place,
    answer: oneshot::Sender<Result<Vec<Answer>>>,
}

/// Answers that are to come.
pub(crate) struct Pending {
    parts: Vec<oneshot::Receiver<Result<Vec<Answer>>>>,
    deadline: Instant,
}

impl Queue {
    pub(crate) fn new(settings: &Settings, meters: Arc<Meters>, spans: Arc<Spans>) -> Self {
        let (limit, batch) = (settings.max_queue_tokens.max(1), settings.max_batch_tokens);
        let waiting = Mutex::new(Waiting::default());
        Self { waiting, came: Condvar::new(), went: Notify::new(), limit, batch, meters, spans }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses where too much is waiting: asked before a body is parsed.
    pub(crate) fn check_room(&self) -> Result<()> {
        let mut waiting = self.lock();
        self.forget_the_late(&mut waiting);
        match (waiting.closed, waiting.tokens < self.limit) {
            (true, _) => Err(Problem::stopping()),
            (_, true) => Ok(()),
            _ => Err(Problem::busy()),
        }
    }

    /// The job, if somebody still waits for it; one that has waited too long is told so.
    fn in_time(&self, job: Job) -> Option<Job> {
        if job.answer.is_closed() {
            self.meters.abandoned.increment(1);
        } else if job.deadline < Instant::now() {
            let _ = job.answer.send(Err(Problem::deadline()));
        } else {
            return Some(job);
        }
        None
    }

    /// Where the room is taken: gives back that of texts whose client has left or which have waited too long.
    fn forget_the_late(&self, waiting: &mut Waiting) {
        if waiting.tokens < self.limit {
            return;
        }
        waiting.jobs = std::mem::take(&mut waiting.jobs).into_iter().filter_map(|job| self.in_time(job)).collect();
        waiting.tokens = waiting.jobs.iter().map(|job| job.tokens).sum();
        self.meters.waiting(waiting.tokens);
    }

    /// Puts texts behind those that wait.
    pub(crate) fn submit(
        &self,
        served: &Arc<Served>,
        encodings: Vec<Encoding>,
        deadline: Instant,
    ) -> std::result::Result<Pending, (Problem, Vec<Encoding>)> {
        let since = Instant::now();
        let mut waiting = self.lock();
        if waiting.closed {
            return Err((Problem::stopping(), encodings));
        }
        self.forget_the_late(&mut waiting);
        if waiting.tokens >= self.limit {
            return Err((Problem::busy(), encodings));
        }
        let (mut parts, place) = (Vec::new(), place());
        let mut left = encodings.into_iter();
        loop {
            let encodings: Vec<Encoding> = left.by_ref().take(TEXTS).collect();
            if encodings.is_empty() {
                break;
            }
            let tokens = encodings.iter().map(|encoding| encoding.ids.len()).sum();
            let (texts, (answer, part)) = (encodings.len(), oneshot::channel());
            waiting.tokens += tokens;
            let (served, place) = (served.clone(), place.clone());
            waiting.jobs.push_back(Job { served, encodings, texts, tokens, since, deadline, place, answer });
            parts.push(part);
        }
        self.meters.waiting(waiting.tokens);
        drop(waiting);
        self.came.notify_one();
        Ok(Pending { parts, deadline })
    }

    /// The same, after waiting for room where there is none, for as long as an answer may take.
    pub(crate) async fn submit_patiently(
        &self,
        served: &Arc<Served>,
        mut encodings: Vec<Encoding>,
        patience: Duration,
    ) -> Result<Pending> {
        let until = Instant::now() + patience;
        loop {
            let room = self.went.notified();
            match self.submit(served, encodings, Instant::now() + patience) {
                Ok(pending) => return Ok(pending),
                Err((problem, back)) if problem.kind == Kind::Busy && Instant::now() < until => encodings = back,
                Err((problem, _)) => return Err(problem),
            }
            // Room that came between the two lines above is noticed a moment later.
            let _ = tokio::time::timeout(Duration::from_millis(50), room).await;
        }
    }

    /// Answers nothing more once what waits is done.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.came.notify_all();
    }

    /// Computes until the queue is closed, on the calling thread and the rayon pool that it belongs to.
    pub(crate) fn run(&self) {
        while let Some((batch, left)) = self.take() {
            self.compute(batch, left as f64 > PRESSED * self.limit as f64);
        }
    }

    /// The next texts of one model, and how many tokens still wait; none when the queue is closed and empty. Whoever has gone or
    /// waited too long is left out.
    fn take(&self) -> Option<(Vec<Job>, usize)> {
        let mut waiting = self.lock();
        loop {
            let (mut batch, mut tokens): (Vec<Job>, usize) = (Vec::new(), 0);
            while let Some(next) = waiting.jobs.front() {
                let fits = batch
                    .first()
                    .is_none_or(|first| Arc::ptr_eq(&first.served, &next.served) && tokens + next.tokens <= self.batch);
                if !fits {
                    break;
                }
                let Some(job) = waiting.jobs.pop_front() else { break };
                waiting.tokens -= job.tokens;
                if let Some(job) = self.in_time(job) {
                    tokens += job.tokens;
                    batch.push(job);
                }
            }
            self.meters.waiting(waiting.tokens);
            self.went.notify_waiters();
            if !batch.is_empty() {
                return Some((batch, waiting.tokens));
            }
            if waiting.closed {
                return None;
            }
            waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn compute(&self, mut batch: Vec<Job>, pressed: bool) {
        let began = Instant::now();
        let served = batch[0].served.clone();
        let mut encodings = Vec::new();
        for job in &mut batch {
            self.meters.wait.record((began - job.since).as_secs_f64());
            encodings.append(&mut job.encodings);
        }
        let tokens = batch.iter().map(|job| job.tokens).sum();
        self.meters.batch(encodings.len(), tokens);
        let model = served.early().filter(|_| pressed).unwrap_or(served.model());
        let answers = answer(model, &encodings);
        let ended = Instant::now();
        self.meters.batch_duration.record((ended - began).as_secs_f64());
        served.count(encodings.len(), tokens);
        let told = self.spans.are_wanted().then(|| {
            let part = |job: &Job| {
                let Job { place, since, texts, tokens, .. } = job;
                Part { place: place.clone(), since: *since, texts: *texts, tokens: *tokens }
            };
            batch.iter().map(part).collect()
        });
        match answers {
            Ok(mut answers) => {
                let most = served.model().simulation().time_steps;
                let early = answers.iter().filter(|answer| pressed && answer.steps < most).count();
                self.meters.early.increment(early as u64);
                for job in batch {
                    let others = answers.split_off(job.texts);
                    let _ = job.answer.send(Ok(std::mem::replace(&mut answers, others)));
                }
            }
            // One of them cannot be answered: each is asked by itself, and the others have their answers.
            Err(problem) if batch.len() > 1 => {
                tracing::debug!(?problem, "a batch is computed request by request");
                let mut rest = &encodings[..];
                for job in batch {
                    let own = rest.split_off(..job.texts).unwrap_or_default();
                    let _ = job.answer.send(answer(model, own));
                }
            }
            Err(problem) => batch.into_iter().for_each(|job| drop(job.answer.send(Err(problem.clone())))),
        }
        if let Some(parts) = told {
            self.spans.computed(Batch { model: &served.id, began, ended, parts });
        }
    }
}

/// What the model says; a mistake of ours ends the request and not the server.
fn answer(model: &Model, encodings: &[Encoding]) -> Result<Vec<Answer>> {
    let run = || model.answer_ids(encodings);
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
        Ok(answers) => Ok(answers?),
        Err(_) => Err(Problem::new(Kind::Internal, "the model failed; the log says why")),
    }
}

impl Pending {
    /// The answers, in the order of the texts.
    pub(crate) async fn answers(self) -> Result<Vec<Answer>> {
        let all = async {
            let mut answers = Vec::new();
            for part in self.parts {
                answers.append(&mut part.await.map_err(|_| Problem::stopping())??);
            }
            Ok(answers)
        };
        tokio::time::timeout_at(self.deadline.into(), all).await.unwrap_or_else(|_| Err(Problem::deadline()))
    }
}
