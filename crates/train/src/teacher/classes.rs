//! A teacher's classes beside those of a task.

use bitspike::config::ProblemType;
use bitspike_data::{ClassMap, StatedClasses, TaskSpec};

use super::Teacher;
use crate::error::{Error, Result};

impl Teacher {
    /// Names of the classifier's outputs: those of `config.json`, or `LABEL_0`, `LABEL_1`, .. where it has none; none without a
    /// classifier.
    ///
    /// # Errors
    /// If `config.json` names more or fewer than there are.
    pub fn class_names(&self) -> Result<Option<Vec<String>>> {
        let Some(outputs) = self.num_outputs() else { return Ok(None) };
        let names = self.config.labels();
        match names.len() {
            0 => Ok(Some((0..outputs).map(|output| format!("LABEL_{output}")).collect())),
            named if named == outputs => Ok(Some(names)),
            named => Err(Error::Mismatch(format!(
                "its config.json has {named} classes and its classifier {outputs} outputs; use the config.json that was saved with \
                 the weights"
            ))),
        }
    }

    /// Brings the classifier's outputs into the order of the classes of `task`, and calls them so: from here on they are the task's.
    /// What should be said of it is returned ([`ClassMap::note`]).
    ///
    /// # Errors
    /// If the names do not say which output is which class; see [`ClassMap::new`].
    pub fn answer_for(&mut self, task: &TaskSpec, stated: Option<&StatedClasses>) -> Result<Option<String>> {
        let Some(names) = self.class_names()? else { return Ok(None) };
        let other = match self.config.problem_type {
            Some(ProblemType::MultiLabelClassification) => {
                Some("multi_label_classification: any number of its classes is true")
            }
            Some(ProblemType::Regression) => Some("regression: its outputs are scores"),
            _ => None,
        };
        if let Some(found) = other.filter(|_| !task.target.is_regression()) {
            return Err(Error::Mismatch(format!(
                "`problem_type` in config.json: expected single_label_classification, as task {} is, found {found}; choose a model of \
                 this task",
                task.name
            )));
        }
        let map = ClassMap::new(&names, task, stated)?;
        if !task.labels().is_empty() {
            if !map.is_identity() {
                let classifier = self.net.classifier.take();
                self.net.classifier = classifier.map(|classifier| classifier.in_order(map.outputs()));
            }
            self.config.set_labels(task.labels());
        }
        Ok(map.note())
    }
}
