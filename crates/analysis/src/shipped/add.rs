//! From a finished run to a folder to ship.

use std::io::Write;
use std::path::{Path, PathBuf};

use bitspike::Model;
use bitspike::atomic_file;
use bitspike::format::{Header, Packed, Packing};
use bitspike_run::run::Checkpoint;

use super::card::card;
use super::estimates::EnergyEstimates;
use super::finished::FinishedRun;
use super::measure::{measure, of_counts};
use super::metrics::{Made, MeasuredModel, Metrics};
use super::origins::{Origins, OriginsOf};
use super::seeds::Seeds;
use crate::counts::{Counts, weight_bytes};
use crate::energy::CountedStudent;
use crate::error::{Error, Result};
use crate::examples::EncodedSplit;
use crate::teacher::TeacherAnswers;
use crate::timing;
use bitspike_hub::{CARD, METRICS, MODEL, RECIPE, is_name};

/// What is made of which run.
#[derive(Debug, Clone)]
pub struct AddOptions {
    /// Folder of the run.
    pub run: PathBuf,
    /// What the model is called; its folder gets the name.
    pub name: String,
    /// Folder (or file) with the task's data, whose dev set is scored.
    pub data: PathBuf,
    /// TOML file that says whose data and teacher it is of, and what its limits are.
    pub origins: PathBuf,
    /// Runs of the same recipe with other seeds, for mean and deviation.
    pub seeds_of: Vec<PathBuf>,
    /// Folder that holds the models.
    pub output: PathBuf,
    /// Which student of the run.
    pub checkpoint: Checkpoint,
    /// In which form.
    pub packing: Packing,
    /// Whether it is timed.
    pub latency: bool,
    /// Whether a model of that name is replaced.
    pub force: bool,
}

/// A run that was opened and packed, and can be shipped.
pub struct Addition {
    options: AddOptions,
    folder: PathBuf,
    run: FinishedRun,
    origins: OriginsOf,
}

impl Addition {
    /// Checks everything that is cheap to check, and packs the run.
    ///
    /// # Errors
    /// If the name is none, the folder is taken, the origins say nothing of the model, or the run has not ended by itself.
    pub fn begin(options: AddOptions) -> Result<Self> {
        if !is_name(&options.name) {
            let expected = "letters, digits, `-`, `_` and `.`, such as sst2-ternary";
            return Err(Error::invalid("--name", expected, format!("`{}`", options.name.escape_debug())));
        }
        let folder = options.output.join(&options.name);
        if !options.force && folder.join(MODEL).exists() {
            return Err(Error::unusable(folder, "is there already; give --force to replace it"));
        }
        let origins = Origins::load(&options.origins)?;
        let run = FinishedRun::open(&options.run, options.checkpoint, options.packing)?;
        let task = &run.packed.header.task;
        let mut origins = origins.of(&options.name, &task.name)?;
        if origins.example.is_empty() {
            // Places for texts of the user's: what a text of another's task looks like is not known here.
            let places: &[&str] = if task.is_pair() { &["FIRST TEXT", "SECOND TEXT"] } else { &["TEXT"] };
            origins.example = places.iter().map(|&place| place.to_owned()).collect();
        }
        Ok(Self { options, folder, run, origins })
    }

    /// What the packed model says of itself: the task and the length that a teacher is to be scored on.
    pub fn header(&self) -> &Header {
        &self.run.packed.header
    }

    /// The model's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Measures the model and writes its folder.
    ///
    /// # Errors
    /// If the data is missing, bad or without labels, a run of another seed is of another recipe, or a file cannot be written.
    pub fn ship(&self, teacher: Option<&TeacherAnswers<'_>>) -> Result<Metrics> {
        let Self { options, run, .. } = self;
        let model = run.model()?;
        let split = EncodedSplit::dev_of(&model, &options.data)?;
        let counts = Counts::new(&model, &split.examples)?;
        let (sum_bits, attention_values) = (counts.sum_bits, counts.attention_values);
        let measured = of_counts(counts, &model, &run.files(), &split)?;
        let made = self.made(&measured)?;
        let teacher = teacher.map(|teacher| teacher.score(&split)).transpose()?;
        let counted = CountedStudent {
            profile: &EnergyEstimates::profile()?,
            student: &model.header().student,
            operations: &measured.operations,
            bytes: weight_bytes(model.packed()),
            lengths: &split.lengths(),
            sum_bits,
            counts: model.simulation().counts(model.header().student.signed),
            attention_values,
        };
        let metrics = Metrics {
            format: Metrics::FORMAT.into(),
            name: options.name.clone(),
            energy: EnergyEstimates::new(&counted, teacher.as_ref()),
            latency: options.latency.then(|| timing::texts(&model, &split.dataset)).transpose()?,
            origins: self.origins.clone(),
            measured,
            made,
            teacher,
        };
        self.write(&model, &metrics)?;
        Ok(metrics)
    }

    /// How the model was made, and what other seeds give.
    fn made(&self, measured: &MeasuredModel) -> Result<Made> {
        let Self { options, run, .. } = self;
        let mut scored = vec![(run.recipe.seed, measured.scores[&measured.primary])];
        for path in &options.seeds_of {
            let other = FinishedRun::open(path, options.checkpoint, options.packing)?;
            other.same_recipe(path, run)?;
            let model = other.model()?;
            let found = measure(&model, &other.files(), &EncodedSplit::dev_of(&model, &options.data)?)?;
            scored.push((other.recipe.seed, found.scores[&found.primary]));
        }
        Ok(Made {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            checkpoint: options.checkpoint.name().to_owned(),
            seed: run.recipe.seed,
            steps: run.steps,
            examples: run.examples,
            minutes: run.minutes,
            seeds: if options.seeds_of.is_empty() { None } else { Some(Seeds::new(scored)?) },
        })
    }

    /// The model's folder; the figures come last, as they vouch for the rest.
    fn write(&self, model: &Model, metrics: &Metrics) -> Result<()> {
        let Self { folder, run, .. } = self;
        std::fs::create_dir_all(folder).map_err(|e| Error::io("create folder", folder, e))?;
        let replaced = folder.join(MODEL);
        if replaced.exists() {
            // What is replaced must be a packed model; anything else is removed by hand.
            Packed::open(&replaced)?;
        }
        let write = |name: &str, bytes: &[u8]| atomic_file::write(&folder.join(name), |file| file.write_all(bytes));
        write(MODEL, model.packed().file_bytes())?;
        write(RECIPE, run.recipe.to_toml().as_bytes())?;
        write(CARD, card(metrics).as_bytes())?;
        metrics.save(&folder.join(METRICS))
    }
}
