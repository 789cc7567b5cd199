use super::*;

#[test]
fn broken_specifications_name_the_setting() {
    let good = TaskSpec::glue("mrpc").unwrap();
    let broken = |change: &dyn Fn(&mut TaskSpec)| {
        let mut task = good.clone();
        change(&mut task);
        task.validate().unwrap_err().to_string()
    };
    let classes = |labels: &[&str]| Target::Classification { labels: labels.iter().map(|&l| l.into()).collect() };
    assert!(broken(&|t| t.name = "../x".into()).starts_with("task name"));
    assert!(broken(&|t| t.second = Some(t.first.clone())).starts_with("columns of task mrpc"));
    assert!(broken(&|t| t.label = " ".into()).starts_with("columns"));
    assert!(broken(&|t| t.target = classes(&["only"])).starts_with("labels"));
    assert!(broken(&|t| t.target = classes(&["a", "b", "a"])).starts_with("labels"));
    assert!(broken(&|t| t.target = Target::Regression { min: 1.0, max: 1.0 }).starts_with("range"));
    assert!(broken(&|t| t.target = Target::Regression { min: 0.0, max: f32::NAN }).starts_with("range"));
    assert!(broken(&|t| t.metrics.clear()).starts_with("metrics"));
    assert!(broken(&|t| t.metrics = vec![Metric::Pearson]).starts_with("metrics"));
    assert!(broken(&|t| t.target = classes(&["a", "b", "c"])).contains("with two classes, f1"));
}

#[test]
fn pairs_with_two_metrics_report_both() {
    let values = TaskSpec::glue("QQP").unwrap().score(&[1.0, 1.0, 0.0], &[1.0, 0.0, 0.0]).unwrap();
    assert_eq!(values.keys().collect::<Vec<_>>(), ["accuracy", "f1"]);
    assert_eq!((values["accuracy"], values["f1"]), (2.0 / 3.0, 2.0 / 3.0));
    let values = TaskSpec::glue("STS-B").unwrap().score(&[1.0, 2.0, 9.0], &[0.0, 4.0, 5.0]).unwrap();
    assert_eq!(values["spearman"], 1.0);
}

#[test]
fn a_class_the_task_lacks_is_refused() {
    let message = TaskSpec::glue("sst2").unwrap().score(&[2.0], &[1.0]).unwrap_err().to_string();
    assert!(message.contains("below 2") && message.contains("found 2"), "{message}");
}

#[test]
fn unknown_keys_are_refused() {
    let json = serde_json::to_string(&TaskSpec::glue("rte").unwrap()).unwrap().replacen('{', "{\"lable\":1,", 1);
    assert!(serde_json::from_str::<TaskSpec>(&json).unwrap_err().to_string().contains("lable"));
}

/// The order of `datasets.load_dataset("nyu-mll/glue", task).features["label"].names`.
#[test]
fn class_indices_are_those_of_the_hub() {
    let labels = |task: GlueTask| task.spec().labels().join(" ");
    assert_eq!(labels(GlueTask::Cola), "unacceptable acceptable");
    assert_eq!(labels(GlueTask::Sst2), "negative positive");
    assert_eq!(labels(GlueTask::Mrpc), "not_equivalent equivalent");
    assert_eq!(labels(GlueTask::Stsb), "");
    assert_eq!(labels(GlueTask::Qqp), "not_duplicate duplicate");
    assert_eq!(labels(GlueTask::Mnli), "entailment neutral contradiction");
    assert_eq!(labels(GlueTask::Qnli), "entailment not_entailment");
    assert_eq!(labels(GlueTask::Rte), "entailment not_entailment");
    assert_eq!(labels(GlueTask::Wnli), "not_entailment entailment");
}

#[test]
fn specifications_are_valid_and_survive_json() {
    for &task in GlueTask::ALL {
        let spec = task.spec();
        spec.validate().unwrap();
        assert_eq!(spec.num_outputs(), if task == GlueTask::Stsb { 1 } else { spec.labels().len() });
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<TaskSpec>(&json).unwrap(), spec, "{json}");
    }
}
