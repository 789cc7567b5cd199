//! The models that answer: by name, and replaced whole when their files change.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use bitspike::{Encoding, ExitRule, Model, Options};
use bitspike_analysis::cost::TextMeter;
use bitspike_analysis::digest::sha256;
use bitspike_analysis::energy::{PROFILES, Profile};
use bitspike_hub::Subject;
use metrics::Counter;

use crate::error::{Error, Result};
use crate::inputs::Item;
use crate::meters::Meters;
use crate::problem::Problem;
use crate::stamp::Stamp;

/// What is asked of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Classes or a score.
    Classify,
    /// Vectors.
    Embed,
}

/// One model, as it was loaded.
pub(crate) struct Served {
    pub(crate) id: String,
    /// SHA-256 of the packed file.
    pub(crate) digest: String,
    pub(crate) bytes: usize,
    /// When it was loaded, in seconds since the epoch.
    pub(crate) loaded: u64,
    model: Model,
    /// The same weights with an exit rule, for times of much load.
    early: Option<Model>,
    subject: Subject,
    meter: OnceLock<TextMeter>,
    counters: [Counter; 2],
}

/// Of a model's file; none of the one that is compiled in, and of a run.
fn stamp(subject: &Subject) -> Option<Stamp> {
    Stamp::of(subject.packed()?.path()?)
}

impl Served {
    fn load(subject: Subject, how: &How, meters: &Meters) -> Result<Self> {
        let model = subject.model(&how.options)?;
        let early = how.anytime.map(|rule| model.with_exit(rule)).transpose()?;
        let file = model.packed().file_bytes();
        let (digest, bytes) = (sha256(file), file.len());
        let id = subject.name();
        let counters = meters.of_model(&id);
        let loaded = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Ok(Self { id, digest, bytes, loaded, model, early, subject, meter: OnceLock::new(), counters })
    }

    pub(crate) fn model(&self) -> &Model {
        &self.model
    }

    /// The model for times of much load, if there is one.
    pub(crate) fn early(&self) -> Option<&Model> {
        self.early.as_ref()
    }

    /// Values of its vectors.
    pub(crate) fn width(&self) -> usize {
        self.model.header().student.hidden
    }

    /// Whether it takes two texts.
    pub(crate) fn is_pair(&self) -> bool {
        self.model.task().is_pair()
    }

    /// Token ids of texts, each with whether it was cut.
    pub(crate) fn encode(&self, items: &[Item]) -> Vec<(Encoding, bool)> {
        let most = self.model.header().max_length;
        let encode = |item: &Item| self.model.tokenizer().encode_cut(&item.first, item.second.as_deref(), most);
        items.iter().map(encode).collect()
    }

    /// Counts operations of texts, at the prices of the first profile.
    pub(crate) fn meter(&self) -> &TextMeter {
        self.meter.get_or_init(|| {
            let profile = Profile::named(PROFILES[0].0).expect("a profile that comes with the program");
            TextMeter::new(&self.model, profile)
        })
    }

    /// Whether it does that.
    pub(crate) fn does(&self, ask: Ask) -> bool {
        self.model.is_embedder() == (ask == Ask::Embed)
    }

    /// What to say to those who ask it for what it does not do; `other` is a model that does.
    fn unfit(&self, other: Option<&Self>) -> Problem {
        let id = &self.id;
        let does = match self.model.task().target.kind() {
            "embedding" => "embeds, it gives no classes and no scores: ask /v1/embeddings or /embed",
            "regression" => "gives scores, it gives no embeddings: ask /v1/classify or /predict",
            _ => "classifies, it gives no embeddings: ask /v1/classify or /predict",
        };
        let other = other.map(|other| format!(", or name `{}`", other.id)).unwrap_or_default();
        Problem::value("model", format!("`{id}` {does}{other}"))
    }

    /// Notes texts that were computed.
    pub(crate) fn count(&self, texts: usize, tokens: usize) {
        self.counters[0].increment(texts as u64);
        self.counters[1].increment(tokens as u64);
    }
}

/// How models are loaded.
struct How {
    options: Options,
    anytime: Option<ExitRule>,
}

/// All models.
pub(crate) struct Models {
    /// In the order in which they were named; the first is the default.
    list: RwLock<Arc<[Arc<Served>]>>,
    /// The state of each one's file that was last loaded, or could not be.
    seen: Mutex<Vec<Option<Stamp>>>,
    how: How,
    meters: Arc<Meters>,
}

impl Models {
    /// Loads them all.
    ///
    /// # Errors
    /// If one cannot be loaded, two have one name, or there is none.
    pub(crate) fn load(
        subjects: Vec<Subject>,
        options: Options,
        anytime: Option<ExitRule>,
        meters: Arc<Meters>,
    ) -> Result<Self> {
        let how = How { options, anytime };
        let mut list: Vec<Arc<Served>> = Vec::new();
        // Taken before the file is read: a change meanwhile is then seen.
        let seen = Mutex::new(subjects.iter().map(stamp).collect());
        for subject in subjects {
            if let Some(other) = list.iter().find(|served| served.id == subject.name()) {
                return Err(Error::SameName { name: other.id.clone() });
            }
            list.push(Arc::new(Served::load(subject, &how, &meters)?));
        }
        if list.is_empty() {
            return Err(Error::NoModel);
        }
        Ok(Self { list: RwLock::new(list.into()), seen, how, meters })
    }

    /// All of them, as they are now.
    pub(crate) fn all(&self) -> Arc<[Arc<Served>]> {
        self.list.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The model of this name, or the default.
    pub(crate) fn find(&self, name: Option<&str>) -> Option<Arc<Served>> {
        let list = self.all();
        match name {
            None => list.first().cloned(),
            Some(name) => list.iter().find(|served| served.id == name).cloned(),
        }
    }

    /// The same for a request; `None` and an empty name are the default.
    pub(crate) fn wanted(&self, name: Option<&str>) -> crate::problem::Result<Arc<Served>> {
        self.find(name.filter(|name| !name.is_empty())).ok_or_else(|| {
            let known: Vec<String> = self.all().iter().map(|served| format!("`{}`", served.id)).collect();
            let name = name.unwrap_or_default();
            Problem::value("model", format!("there is no model `{name}` here; there is {}", known.join(", ")))
        })
    }

    /// The model that a request asks to do something: the one that it names, or the first that does it.
    pub(crate) fn wanted_to(&self, ask: Ask, name: Option<&str>) -> crate::problem::Result<Arc<Served>> {
        let wanted = self.wanted(name)?;
        if wanted.does(ask) {
            return Ok(wanted);
        }
        let other = self.all().iter().find(|served| served.does(ask)).cloned();
        match other {
            Some(other) if name.is_none_or(str::is_empty) => Ok(other),
            other => Err(wanted.unfit(other.as_deref())),
        }
    }

    /// Loads anew whichever file has changed, or every one where `all`. One that cannot be loaded leaves the old model at work.
    pub(crate) fn refresh(&self, all: bool) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (i, old) in self.all().iter().enumerate() {
            let found = stamp(&old.subject);
            // A file that is missing is one that is about to be replaced.
            if !all && (found.is_none() || found == seen[i]) {
                continue;
            }
            seen[i] = found;
            match Served::load(old.subject.clone(), &self.how, &self.meters) {
                Ok(new) => {
                    tracing::info!(model = new.id, sha256 = new.digest, "loaded the model anew");
                    self.meters.reloaded(&new.id, true);
                    self.replace(i, new);
                }
                Err(error) => {
                    tracing::error!(model = old.id, error = %bitspike::error::explain(&error), "the old model goes on");
                    self.meters.reloaded(&old.id, false);
                }
            }
        }
    }

    fn replace(&self, i: usize, new: Served) {
        let mut list = self.list.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = list.to_vec();
        changed[i] = Arc::new(new);
        *list = changed.into();
    }
}
