//! A student of a run or a teacher, as the one network of training that a name means.

use std::path::Path;

use bitspike::model::Model;
use bitspike::tokenizer::Tokenizer;
use bitspike_analysis::in_time::ComparedCounts;
use bitspike_data::{ClassMap, Encoded, Predictions, StatedClasses, TaskSpec};
use bitspike_hub::Subject;
use bitspike_run::{Checkpoint, RunFolder};
use burn::tensor::Device;

use crate::error::Result;
use crate::evaluate;
use crate::feedback::LoopSummary;
use crate::parity::{Parity, compare};
use crate::simulation::compare_counts;
use crate::student::Student;
use crate::teacher::Teacher;

/// A network that training makes, with its tokeniser, its outputs in the order of a task's classes.
#[derive(Debug)]
pub struct Trained {
    network: Network,
    tokenizer: Tokenizer,
    device: Device,
}

#[derive(Debug)]
enum Network {
    Student { student: Box<Student>, best_step: Option<u64> },
    Teacher(Box<Teacher>),
}

impl Trained {
    /// The student of a run, or the teacher, its outputs in the order of the classes of `task`, by their names or as `stated`; none
    /// of a packed model, which the engine runs. `note` is told what should be known of the mapping.
    ///
    /// # Errors
    /// If a file is missing or damaged, if nothing says which output is which class, or if a teacher has one type of token and
    /// `task` has pairs.
    pub fn open(
        subject: &Subject,
        task: &TaskSpec,
        stated: Option<&StatedClasses>,
        note: &mut dyn FnMut(String),
    ) -> Result<Option<Self>> {
        let device = Device::flex();
        Ok(match subject {
            Subject::Packed(_) => None,
            Subject::Run { folder, checkpoint } => {
                let (mut student, counters) = Student::of_run(folder, *checkpoint, &device)?;
                let map = ClassMap::between(&folder.description()?.task, task, stated)
                    .map_err(|error| crate::Error::from(error).during(subject.to_string()))?;
                map.note().into_iter().for_each(|text| note(format!("{subject}: {text}")));
                if !map.is_identity() {
                    student = student.in_class_order(map.outputs());
                }
                let network = Network::Student { student: Box::new(student), best_step: counters.best_step };
                Some(Self { network, tokenizer: folder.tokenizer()?, device })
            }
            Subject::Teacher(path) => {
                let (mut teacher, tokenizer) = Teacher::with_tokenizer(path, &device)?;
                let during = |error: crate::Error| error.during(subject.to_string());
                teacher = teacher.for_task(task, path).map_err(during)?;
                teacher.check_types(&tokenizer, task.second.is_some()).map_err(during)?;
                let answered = teacher.answer_for(task, stated).map_err(during)?;
                answered.into_iter().for_each(|text| note(format!("{subject}: {text}")));
                Some(Self { network: Network::Teacher(Box::new(teacher)), tokenizer, device })
            }
        })
    }

    /// What its texts are read with.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// What should be known of a teacher's files.
    pub fn notes(&self) -> &[String] {
        if let Network::Teacher(teacher) = &self.network { &teacher.notes } else { &[] }
    }

    /// The step that the best student of a run was found at.
    pub fn best_step(&self) -> Option<u64> {
        if let Network::Student { best_step, .. } = self.network { best_step } else { None }
    }

    /// What it says of `examples` ([`evaluate::Network::predict`]).
    ///
    /// # Errors
    /// If it is a teacher without a classifier.
    pub fn predict(&self, examples: &[Encoded]) -> Result<(Predictions, Option<LoopSummary>)> {
        let network = match &self.network {
            Network::Student { student, .. } => evaluate::Network::Student(student),
            Network::Teacher(teacher) => evaluate::Network::Teacher(teacher),
        };
        network.predict(examples, &self.device)
    }

    /// The counts of `phased` beside those of the quantised equilibrium; none of a teacher.
    ///
    /// # Errors
    /// As [`compare_counts`].
    pub fn compare_counts(&self, examples: &[Encoded]) -> Result<Option<ComparedCounts>> {
        let Network::Student { student, .. } = &self.network else { return Ok(None) };
        let (compared, different) = compare_counts(student, examples, &self.device)?;
        Ok(Some(ComparedCounts { compared, different }))
    }
}

/// The student that a model was packed from.
#[derive(Debug)]
pub struct Original {
    student: Student,
    device: Device,
}

impl Original {
    /// The student of `run` with its outputs in the order that those of the packed model are in.
    ///
    /// # Errors
    /// If `run` is no run folder, or its checkpoint is missing or damaged.
    pub fn open(run: &Path, checkpoint: Checkpoint, order: Option<&[usize]>) -> Result<Self> {
        let device = Device::flex();
        let (student, _) = Student::of_run(&RunFolder::open(run)?, checkpoint, &device)?;
        let student = order.into_iter().fold(student, Student::in_class_order);
        Ok(Self { student, device })
    }

    /// How far `model` is from it on `examples`.
    ///
    /// # Errors
    /// As [`compare`].
    pub fn compare(&self, model: &Model, examples: &[Encoded]) -> Result<Parity> {
        compare(model, &self.student, examples, &self.device)
    }
}
