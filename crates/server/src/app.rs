//! What every request needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use bitspike::{Answer, Encoding};

use crate::inputs::Item;
use crate::keys::Keys;
use crate::lane::Lane;
use crate::meters::Meters;
use crate::models::{Models, Served};
use crate::problem::{Problem, Result};
use crate::queue::Queue;
use crate::settings::Settings;
use crate::spans::Spans;

/// Texts that are tokenised without leaving the thread.
const AT_ONCE: usize = 64;

/// The state of a server.
pub(crate) struct App {
    pub(crate) settings: Settings,
    pub(crate) models: Models,
    pub(crate) queue: Queue,
    pub(crate) lane: Lane,
    pub(crate) meters: Arc<Meters>,
    pub(crate) spans: Arc<Spans>,
    pub(crate) keys: Keys,
    pub(crate) stopping: AtomicBool,
    /// Bytes of bodies in memory.
    pub(crate) buffered: AtomicUsize,
}

/// Answers to the texts of a request.
pub(crate) struct Answers {
    pub(crate) served: Arc<Served>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) encodings: Vec<Encoding>,
}

impl App {
    /// Refuses where it takes no more requests.
    pub(crate) fn check_ready(&self) -> Result<()> {
        if self.stopping.load(Ordering::Relaxed) { Err(Problem::stopping()) } else { Ok(()) }
    }

    /// Token ids of texts; many of them on another thread.
    pub(crate) async fn encode(served: &Arc<Served>, items: Vec<Item>) -> Vec<(Encoding, bool)> {
        if items.len() <= AT_ONCE {
            return served.encode(&items);
        }
        let served = served.clone();
        tokio::task::spawn_blocking(move || served.encode(&items)).await.unwrap_or_default()
    }

    /// What the model says of texts, which wait their turn. `keep` keeps their token ids.
    pub(crate) async fn answer(
        &self,
        served: Arc<Served>,
        items: Vec<Item>,
        keep: bool,
        since: Instant,
    ) -> Result<Answers> {
        if self.settings.log_texts {
            items.iter().for_each(|item| {
                tracing::debug!(model = served.id, text = item.first, text_pair = item.second, "asked")
            });
        }
        let encoded = Self::encode(&served, items).await;
        let (encodings, cut): (Vec<Encoding>, Vec<bool>) = encoded.into_iter().unzip();
        let kept = if keep { encodings.clone() } else { Vec::new() };
        let pending = self.queue.submit(&served, encodings, since + self.settings.deadline);
        let mut answers = pending.map_err(|(problem, _)| problem)?.answers().await?;
        self.note_cut(&mut answers, &cut);
        Ok(Answers { served, answers, encodings: kept })
    }

    /// Writes into answers which texts were cut.
    pub(crate) fn note_cut(&self, answers: &mut [Answer], cut: &[bool]) {
        for (answer, &cut) in answers.iter_mut().zip(cut) {
            answer.truncated = cut;
            self.meters.truncated.increment(u64::from(cut));
        }
    }
}
