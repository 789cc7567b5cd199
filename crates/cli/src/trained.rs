//! Students and teachers in the arithmetic of training, where the program has it.

#[cfg(feature = "train")]
pub(crate) use with::{LoopSummary, Original, Parity, Trained, print_loops, print_parity};
#[cfg(not(feature = "train"))]
pub(crate) use without::{LoopSummary, Original, Parity, Trained, print_loops, print_parity};

#[cfg(feature = "train")]
mod with {
    use std::io::Write;
    use std::path::Path;

    use anyhow::{Context, Result};
    use bitspike::Model;
    use bitspike::tokenizer::Tokenizer;
    use bitspike_analysis::in_time::ComparedCounts;
    use bitspike_data::{Encoded, Predictions, TaskSpec};
    use bitspike_hub::Subject;
    use bitspike_run::{Checkpoint, RunFolder};
    use bitspike_train::Device;
    use bitspike_train::evaluate::{predict_student, predict_teacher};
    use bitspike_train::parity::compare;
    use bitspike_train::simulation::compare_counts;
    use bitspike_train::student::Student;
    use bitspike_train::teacher::Teacher;

    use crate::args::ClassArgs;
    use crate::output::{say, warn};

    pub(crate) use bitspike_train::feedback::LoopSummary;
    pub(crate) use bitspike_train::parity::Parity;

    /// A network that training makes.
    pub(crate) struct Trained {
        network: Network,
        tokenizer: Tokenizer,
        device: Device,
    }

    enum Network {
        Student { student: Box<Student>, best_step: Option<u64> },
        Teacher(Box<Teacher>),
    }

    impl Trained {
        /// The student of a run, or the teacher, its outputs in the order of the classes of `task`; none of a packed model.
        pub(crate) fn open(subject: &Subject, task: &TaskSpec, classes: &ClassArgs) -> Result<Option<Self>> {
            let device = Device::flex();
            Ok(match subject {
                Subject::Packed(_) => None,
                Subject::Run { folder, checkpoint } => {
                    let (mut student, counters) = Student::of_run(folder, *checkpoint, &device)?;
                    let map = classes.said_of(subject, &folder.description()?.task, task)?;
                    if !map.is_identity() {
                        student = student.in_class_order(map.outputs());
                    }
                    let network = Network::Student { student: Box::new(student), best_step: counters.best_step };
                    Some(Self { network, tokenizer: folder.tokenizer()?, device })
                }
                Subject::Teacher(path) => {
                    let (mut teacher, tokenizer) = Teacher::with_tokenizer(path, &device)?;
                    teacher.check_types(&tokenizer, task.second.is_some()).with_context(|| subject.to_string())?;
                    teacher.notes.iter().for_each(|note| warn(format_args!("note: {note}")));
                    let note = teacher.answer_for(task, classes.map.as_ref()).with_context(|| subject.to_string())?;
                    note.iter().for_each(|note| say(format_args!("{subject}: {note}")));
                    Some(Self { network: Network::Teacher(Box::new(teacher)), tokenizer, device })
                }
            })
        }

        pub(crate) fn tokenizer(&self) -> &Tokenizer {
            &self.tokenizer
        }

        /// The step that the best student of a run was found at.
        pub(crate) fn best_step(&self) -> Option<u64> {
            if let Network::Student { best_step, .. } = self.network { best_step } else { None }
        }

        pub(crate) fn predict(&self, examples: &[Encoded]) -> Result<(Predictions, Option<LoopSummary>)> {
            Ok(match &self.network {
                Network::Student { student, .. } => predict_student(student, examples, &self.device),
                Network::Teacher(teacher) => (predict_teacher(teacher, examples, &self.device)?, None),
            })
        }

        /// The counts of `phased` beside those of the quantised equilibrium.
        pub(crate) fn compare_counts(&self, examples: &[Encoded]) -> Result<Option<ComparedCounts>> {
            let Network::Student { student, .. } = &self.network else { return Ok(None) };
            let (compared, different) = compare_counts(student, examples, &self.device)?;
            Ok(Some(ComparedCounts { compared, different }))
        }
    }

    /// How the fixed points of a student with feedback were found, for people.
    pub(crate) fn print_loops(loops: &LoopSummary, out: &mut dyn Write) -> Result<()> {
        let LoopSummary { batches, iterations, worst_residual, unconverged, spectral_radius } = loops;
        let mean = *iterations as f64 / (*batches).max(1) as f64;
        write!(out, "  fixed points: {mean:.1} evaluations each, relative residual up to {worst_residual:.1e}")?;
        writeln!(out, ", {unconverged} of {batches} batches not converged")?;
        if let Some(radius) = spectral_radius {
            let meaning = if *radius < 1.0 { "unique nearby" } else { "not assured to be unique" };
            let what = "spectral radius of the loop's Jacobian";
            writeln!(out, "  {what} about {radius:.2}: the fixed point is {meaning}")?;
        }
        Ok(())
    }

    /// A packed model beside its run, for people.
    pub(crate) fn print_parity(parity: &Parity, out: &mut dyn Write) -> Result<()> {
        let Parity { counts, different_counts, worst_logit, different_labels, .. } = parity;
        let labels = format!("{different_labels} labels");
        writeln!(out, "  against the run: {different_counts} of {counts} spike counts differ, {labels},")?;
        Ok(writeln!(out, "    logits by up to {worst_logit:.1e}")?)
    }

    /// The student that a model was packed from.
    pub(crate) struct Original {
        student: Student,
        device: Device,
    }

    impl Original {
        /// The student of `run` with its outputs in the order that those of the packed model are in.
        pub(crate) fn open(run: &Path, checkpoint: Checkpoint, order: Option<&[usize]>) -> Result<Self> {
            let device = Device::flex();
            let (student, _) = Student::of_run(&RunFolder::open(run)?, checkpoint, &device)?;
            let student = order.into_iter().fold(student, Student::in_class_order);
            Ok(Self { student, device })
        }

        pub(crate) fn compare(&self, model: &Model, examples: &[Encoded]) -> Result<Parity> {
            Ok(compare(model, &self.student, examples, &self.device)?)
        }
    }
}

#[cfg(not(feature = "train"))]
mod without {
    //! Without the trainer a run's student is answered for by the engine, whose counts are the same, and a teacher by nobody.

    use std::io::Write;
    use std::path::Path;

    use anyhow::{Result, bail};
    use bitspike::Model;
    use bitspike::tokenizer::Tokenizer;
    use bitspike_analysis::in_time::ComparedCounts;
    use bitspike_data::{Encoded, Predictions, TaskSpec};
    use bitspike_hub::Subject;
    use bitspike_run::Checkpoint;
    use serde::Serialize;

    use crate::args::ClassArgs;

    const MISSING: &str = "this program was built without the feature `train`";

    #[derive(Debug, Clone, Copy, Serialize)]
    pub(crate) enum LoopSummary {}

    #[derive(Debug, Clone, Copy, Serialize)]
    pub(crate) enum Parity {}

    impl Parity {
        pub(crate) fn holds(&self) -> bool {
            match *self {}
        }
    }

    pub(crate) enum Trained {}

    impl Trained {
        pub(crate) fn open(subject: &Subject, _: &TaskSpec, _: &ClassArgs) -> Result<Option<Self>> {
            match subject {
                Subject::Teacher(path) => bail!("{}: {MISSING}, which runs teachers", path.display()),
                Subject::Packed(_) | Subject::Run { .. } => Ok(None),
            }
        }

        pub(crate) fn tokenizer(&self) -> &Tokenizer {
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

    pub(crate) fn print_loops(loops: &LoopSummary, _: &mut dyn Write) -> Result<()> {
        match *loops {}
    }

    pub(crate) fn print_parity(parity: &Parity, _: &mut dyn Write) -> Result<()> {
        match *parity {}
    }

    pub(crate) enum Original {}

    impl Original {
        pub(crate) fn open(run: &Path, _: Checkpoint, _: Option<&[usize]>) -> Result<Self> {
            bail!("--against {}: {MISSING}, which computes what it is compared with", run.display())
        }

        pub(crate) fn compare(&self, _: &Model, _: &[Encoded]) -> Result<Parity> {
            match *self {}
        }
    }
}
