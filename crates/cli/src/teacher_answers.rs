//! What a teacher answers to a student's dev set, for the commands that set the two side by side.

use std::path::Path;

use anyhow::Result;
use bitspike::format::Header;
use bitspike_analysis::energy::Int8Products;
use bitspike_analysis::teacher::TeacherAnswers;
use bitspike_data::StatedClasses;

/// A teacher that was scored.
pub(crate) struct ScoredTeacher {
    #[cfg(feature = "train")]
    teacher: bitspike_train::teacher::Teacher,
    #[cfg(feature = "train")]
    predictions: bitspike_data::Predictions,
    #[cfg(feature = "train")]
    int8: Int8Products,
}

#[cfg(feature = "train")]
impl ScoredTeacher {
    /// Runs the teacher in `folder`, with its own tokeniser, on the dev set in `data` of the task that a student has, cut to as
    /// many tokens as the student reads, or as the teacher has positions for; its outputs are the task's classes by name, or as `classes` states.
    pub(crate) fn on_dev(
        folder: &Path,
        student: &Header,
        data: &Path,
        classes: Option<&StatedClasses>,
    ) -> Result<Self> {
        use anyhow::Context;
        use bitspike_data::{Split, TaskSpec, encode, load};
        use bitspike_train::evaluate::predict_teacher;
        use bitspike_train::teacher::Teacher;

        let device = bitspike_train::Device::flex();
        let task = TaskSpec::of_model(&student.task)?;
        let (mut teacher, tokenizer) = Teacher::with_tokenizer(folder, &device)?;
        teacher.check_types(&tokenizer, task.second.is_some())?;
        let place = || format!("--teacher {}", folder.display());
        let note = teacher.answer_for(&task, classes).with_context(place)?;
        note.iter().for_each(|note| crate::output::say(format_args!("{}: {note}", place())));
        let length = student.max_length.min(teacher.config.max_position_embeddings);
        let examples = encode(&load(&task, data, Split::Dev)?, &tokenizer, length);
        let predictions = predict_teacher(&teacher, &examples, &device)?;
        let int8 = teacher.int8_products(&examples, &device);
        Ok(Self { teacher, predictions, int8 })
    }

    pub(crate) fn answers(&self) -> TeacherAnswers<'_> {
        TeacherAnswers {
            config: &self.teacher.config,
            parameters: self.teacher.parameters() as u64,
            predictions: self.predictions.clone(),
            int8: Some(self.int8),
        }
    }
}

/// What the teacher in `folder` multiplies in INT8 on `examples`; none, with a note, where it cannot be run.
#[cfg(feature = "train")]
pub(crate) fn int8_products(folder: &Path, examples: &[bitspike_data::Encoded]) -> Option<Int8Products> {
    let device = bitspike_train::Device::flex();
    match bitspike_train::teacher::Teacher::load(folder, &device) {
        Ok(teacher) => {
            let config = &teacher.config;
            let knows = |example: &bitspike_data::Encoded| {
                example.ids.len() <= config.max_position_embeddings
                    && example.ids.iter().all(|&id| (id as usize) < config.vocab_size)
                    && example.types.iter().all(|&id| (id as usize) < config.type_vocab_size)
            };
            if examples.iter().all(knows) {
                return Some(teacher.int8_products(examples, &device));
            }
            let folder = folder.display();
            crate::output::say(format_args!(
                "note: the zeros of {folder} are not counted: it has no rows for the model's tokens"
            ));
            None
        }
        Err(error) => {
            let reason = bitspike::error::explain(&error);
            crate::output::say(format_args!("note: the teacher's zeros are not counted: {reason}"));
            None
        }
    }
}

/// None: this program cannot run one.
#[cfg(not(feature = "train"))]
pub(crate) fn int8_products(folder: &Path, _: &[bitspike_data::Encoded]) -> Option<Int8Products> {
    let reason = "this program was built without the feature `train`, which runs teachers";
    crate::output::say(format_args!("note: the zeros of {} are not counted: {reason}", folder.display()));
    None
}

#[cfg(not(feature = "train"))]
impl ScoredTeacher {
    /// Refused: this program cannot run one.
    pub(crate) fn on_dev(folder: &Path, _: &Header, _: &Path, _: Option<&StatedClasses>) -> Result<Self> {
        anyhow::bail!("{}: this program was built without the feature `train`, which runs teachers", folder.display())
    }

    pub(crate) fn answers(&self) -> TeacherAnswers<'_> {
        unreachable!("there is none without the feature `train`")
    }
}
