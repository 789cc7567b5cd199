//! What a user means by MODEL: a packed model, a student of a run, or a teacher, and what can be done with each.
//!
//! | | classify, simulate, count | score | task |
//! |---|---|---|---|
//! | packed model | [`Subject::model`] | by its answers | its own |
//! | student of a run | [`Subject::model`], packed in memory | by its answers, or in training's own arithmetic | its own |
//! | teacher | no: it has no spikes | in training's own arithmetic | has to be given |

use std::fmt;
use std::path::{Path, PathBuf};

use bitspike::config::{BertConfig, is_adapter};
use bitspike::format::{Packed, Packing};
use bitspike::tokenizer::Tokenizer;
use bitspike::{Model, Options};
use bitspike_data::TaskSpec;
use bitspike_run::origin::SetAside;
use bitspike_run::{Checkpoint, FromRun, RunFolder};

use crate::MODEL;
use crate::error::{Error, Result};
use crate::packed_model::PackedModel;
use crate::registry::{Registry, is_model_folder};

/// A teacher's tokens of a text, unless others are asked for.
const TEACHER_LENGTH: usize = 128;

/// What is classified, simulated, counted or scored.
///
/// ```
/// use bitspike::Options;
/// use bitspike_hub::Subject;
///
/// let model = Subject::resolve("sst2-tiny")?.model(&Options::new())?;
/// let answers = model.classify(["a gripping, funny film"])?;
/// assert_eq!(answers[0].label(), Some("positive"));
/// # Ok::<(), bitspike_hub::Error>(())
/// ```
#[derive(Debug, Clone)]
pub enum Subject {
    /// A packed model, by its name, its file or its folder.
    Packed(PackedModel),
    /// A student of a run.
    Run {
        /// The run's folder.
        folder: RunFolder,
        /// Which of its students.
        checkpoint: Checkpoint,
    },
    /// The folder of a BERT in the layout of Hugging Face.
    Teacher(PathBuf),
}

impl Subject {
    /// What `argument` means: a folder of a packed model (`model.safetensors` alone), a run (`model.json`) or a teacher
    /// (`config.json`), a file, or a name ([`Registry::from_env`]), of a packed model or of a BERT that was fetched. Of a run it is the
    /// best student.
    ///
    /// # Errors
    /// If it is neither a path nor a name, or a folder that holds none of these.
    pub fn resolve(argument: impl AsRef<Path>) -> Result<Self> {
        Self::resolve_in(argument, &Registry::from_env())
    }

    /// The same with the names that `registry` has.
    ///
    /// # Errors
    /// As [`Subject::resolve`].
    pub fn resolve_in(argument: impl AsRef<Path>, registry: &Registry) -> Result<Self> {
        let argument = argument.as_ref();
        let holds = |file| argument.join(file).exists();
        if is_model_folder(argument) {
            return Ok(Self::Packed(PackedModel::file(argument.join(MODEL))));
        }
        if holds("model.json") {
            let folder = RunFolder::open(argument)?;
            return Ok(Self::Run { folder, checkpoint: Checkpoint::default() });
        }
        if holds("config.json") {
            return Ok(Self::Teacher(argument.to_owned()));
        }
        if is_adapter(argument) {
            return Err(Error::Adapter { path: argument.to_owned() });
        }
        if argument.is_dir() {
            return Err(Error::NoModel { path: argument.to_owned() });
        }
        if argument.symlink_metadata().is_ok() {
            return Ok(Self::Packed(PackedModel::file(argument)));
        }
        let name = argument.to_string_lossy();
        match registry.find(&name) {
            Err(Error::NotFound { name, looked, known }) => match registry.teacher(&name)? {
                Some(folder) => Ok(Self::Teacher(folder)),
                None => Err(Error::NotFound { name, looked, known }),
            },
            found => found.map(Self::Packed),
        }
    }

    /// The packed model that is compiled into the program.
    pub fn builtin() -> Self {
        Self::Packed(PackedModel::builtin())
    }

    /// The student of a run at `checkpoint`; the others have one only, and are it.
    #[must_use]
    pub fn at(self, checkpoint: Checkpoint) -> Self {
        match self {
            Self::Run { folder, .. } => Self::Run { folder, checkpoint },
            other => other,
        }
    }

    /// What to call it in a table: a packed model's name, else the folder.
    pub fn name(&self) -> String {
        match self {
            Self::Packed(model) => model.name().to_owned(),
            other => other.to_string(),
        }
    }

    /// The packed model, if it is one.
    pub fn packed(&self) -> Option<&PackedModel> {
        if let Self::Packed(model) = self { Some(model) } else { None }
    }

    /// The run, if it is a student of one.
    pub fn run(&self) -> Option<&RunFolder> {
        if let Self::Run { folder, .. } = self { Some(folder) } else { None }
    }

    /// The teacher's folder, if it is one.
    pub fn teacher(&self) -> Option<&Path> {
        if let Self::Teacher(path) = self { Some(path) } else { None }
    }

    /// The model, ready to classify, simulate and count as `options` say.
    ///
    /// # Errors
    /// If a file is missing or damaged, or an option is out of range; if the run has no such student, or one with feedback, which
    /// cannot be packed. [`Error::NoSpikes`] of a teacher.
    pub fn model(&self, options: &Options) -> Result<Model> {
        match self {
            Self::Packed(model) => model.load(options),
            Self::Run { .. } => Ok(self.pack()?.load(options)?),
            Self::Teacher(path) => Err(Error::NoSpikes { path: path.clone() }),
        }
    }

    /// The tokeniser that its texts go through; of a teacher as its folder has it, whether the model has a row for every token or not.
    ///
    /// # Errors
    /// If a file is missing or damaged, or asks for what is not done here.
    pub fn tokenizer(&self) -> Result<Tokenizer> {
        Ok(match self {
            Self::Packed(model) => model.load(&Options::new())?.tokenizer().clone(),
            Self::Run { folder, .. } => folder.tokenizer()?,
            Self::Teacher(path) => Tokenizer::load(path)?,
        })
    }

    /// The packed file: that of a packed model, or of a run's student as [`Packing::default`] makes it.
    ///
    /// # Errors
    /// As [`Subject::model`].
    pub fn open(&self) -> Result<Packed> {
        match self {
            Self::Packed(model) => model.open(),
            Self::Run { .. } => Ok(Packed::from_bytes(self.pack()?.file)?),
            Self::Teacher(path) => Err(Error::NoSpikes { path: path.clone() }),
        }
    }

    fn pack(&self) -> Result<FromRun> {
        match self {
            Self::Run { folder, checkpoint } => Ok(FromRun::pack(folder, *checkpoint, Packing::default())?),
            other => Err(Error::NoSpikes { path: other.to_string().into() }),
        }
    }

    /// What it was trained for; none of a teacher, whose folder does not say.
    ///
    /// # Errors
    /// If it is damaged, or of a task that is not known here.
    pub fn task(&self) -> Result<Option<TaskSpec>> {
        match self {
            Self::Packed(model) => Ok(Some(TaskSpec::of_model(&model.open()?.header().task)?)),
            Self::Run { folder, .. } => Ok(Some(folder.description()?.task)),
            Self::Teacher(_) => Ok(None),
        }
    }

    /// What its training set aside of data without a dev split; none where there was one, and of a packed model, which does not say.
    ///
    /// # Errors
    /// If its folder is damaged.
    pub fn set_aside(&self) -> Result<Option<SetAside>> {
        Ok(match self {
            Self::Packed(_) => None,
            Self::Run { folder, .. } => SetAside::of_run(folder)?,
            Self::Teacher(path) => SetAside::of_teacher(path)?,
        })
    }

    /// Tokens kept of a text: as many as are `asked` for, or as in training (128 for a teacher, fewer where its `model_max_length` is
    /// less).
    ///
    /// # Errors
    /// If it is damaged, or `asked` is below 3 or more than it has positions for.
    pub fn max_length(&self, asked: Option<usize>) -> Result<usize> {
        let (trained, most) = match self {
            Self::Packed(model) => {
                let packed = model.open()?;
                (packed.header().max_length, packed.header().student.max_positions)
            }
            Self::Run { folder, .. } => {
                let description = folder.description()?;
                (description.max_length, description.student.max_positions)
            }
            Self::Teacher(path) => {
                let most = BertConfig::load(path)?.max_position_embeddings;
                let named = Tokenizer::load(path)?.max_length().unwrap_or(most);
                (TEACHER_LENGTH.min(most).min(named), most)
            }
        };
        match asked.unwrap_or(trained) {
            length if (3..=most).contains(&length) => Ok(length),
            length => Err(bitspike::Error::invalid("--max-length", format!("3 to {most}"), length).into()),
        }
    }
}

/// Where it is: its file or folder.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packed(model) => model.fmt(f),
            Self::Run { folder, .. } => folder.path().display().fmt(f),
            Self::Teacher(path) => path.display().fmt(f),
        }
    }
}
