//! What the trainer runs: students at their equilibrium and teachers. A program without it says so.

#[cfg(feature = "train")]
pub(crate) use with::*;
#[cfg(not(feature = "train"))]
pub(crate) use without::*;

#[cfg(feature = "train")]
mod with {
    pub(crate) use bitspike_train::feedback::LoopSummary;
    pub(crate) use bitspike_train::parity::Parity;
    pub(crate) use bitspike_train::teacher::{ScoredTeacher, int8_products};
    pub(crate) use bitspike_train::trained::{Original, Trained};
}

#[cfg(not(feature = "train"))]
mod without {
    //! A run's student is answered for by the engine, whose counts are the same, and a teacher by nobody.

    use std::path::Path;

    use anyhow::{Result, bail};
    use bitspike::Model;
    use bitspike::format::Header;
    use bitspike::tokenizer::Tokenizer;
    use bitspike_analysis::energy::Int8Products;
    use bitspike_analysis::in_time::ComparedCounts;
    use bitspike_analysis::teacher::TeacherAnswers;
    use bitspike_data::{DevShare, Encoded, Predictions, StatedClasses, TaskSpec};
    use bitspike_hub::Subject;
    use bitspike_run::Checkpoint;

    fn missing<T>(what: impl std::fmt::Display) -> Result<T> {
        bail!(
            "{what}: this program was built without the feature `train`, which runs teachers and the networks of training"
        )
    }

    #[derive(Debug, Clone, Copy, serde::Serialize)]
    pub(crate) enum LoopSummary {}

    #[derive(Debug, Clone, Copy, serde::Serialize)]
    pub(crate) enum Parity {}

    impl Parity {
        pub(crate) fn holds(&self) -> bool {
            match *self {}
        }
    }

    pub(crate) enum Trained {}

    impl Trained {
        pub(crate) fn open(
            subject: &Subject,
            _: &TaskSpec,
            _: Option<&StatedClasses>,
            _: &mut dyn FnMut(String),
        ) -> Result<Option<Self>> {
            match subject {
                Subject::Teacher(path) => missing(path.display()),
                Subject::Packed(_) | Subject::Run { .. } => Ok(None),
            }
        }

        pub(crate) fn tokenizer(&self) -> &Tokenizer {
            match *self {}
        }

        pub(crate) fn notes(&self) -> &[String] {
            match *self {}
        }

        pub(crate) fn best_step(&self) -> Option<u64> {
            match *self {}
        }

        pub(crate) fn predict(&self, _: &[Encoded]) -> Result<(Predictions, Option<LoopSummary>)> {
            match *self {}
        }

        pub(crate) fn compare_counts(&self, _: &[Encoded]) -> Result<Option<ComparedCounts>> {
            match *self {}
        }
    }

    pub(crate) enum Original {}

    impl Original {
        pub(crate) fn open(run: &Path, _: Checkpoint, _: Option<&[usize]>) -> Result<Self> {
            missing(format_args!("--against {}", run.display()))
        }

        pub(crate) fn compare(&self, _: &Model, _: &[Encoded]) -> Result<Parity> {
            match *self {}
        }
    }

    pub(crate) enum ScoredTeacher {}

    impl ScoredTeacher {
        pub(crate) fn on_dev(
            folder: &Path,
            _: &Header,
            _: &Path,
            _: Option<DevShare>,
            _: Option<&StatedClasses>,
        ) -> Result<Self> {
            missing(folder.display())
        }

        pub(crate) fn note(&self) -> Option<&str> {
            match *self {}
        }

        pub(crate) fn answers(&self) -> TeacherAnswers<'_> {
            match *self {}
        }
    }

    pub(crate) fn int8_products(folder: &Path, _: &[Encoded]) -> Result<Int8Products> {
        missing(folder.display())
    }
}
