use super::*;

fn resolve(target: CustomTarget, csv: &str) -> Result<TaskSpec, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("train.csv"), csv).unwrap();
    let task = CustomTask {
        name: "mood".into(),
        first: "text".into(),
        second: None,
        label: "mood".into(),
        target,
        metrics: Vec::new(),
    };
    task.resolve(folder.path()).map_err(|e| e.to_string())
}

#[test]
fn classes_are_discovered_in_a_fixed_order() {
    let task = resolve(CustomTarget::DiscoverClasses, "text,mood\na,sad\nb,happy\nc,sad\nd,calm\n").unwrap();
    assert_eq!(task.labels(), ["calm", "happy", "sad"]);
    assert_eq!((task.metrics.clone(), task.discovered), (vec![Metric::Accuracy], true));
    let task = resolve(CustomTarget::DiscoverClasses, "mood,text\n10,a\n9,b\n10,c\n").unwrap();
    assert_eq!(task.labels(), ["9", "10"]);
    assert_eq!(task.metrics, [Metric::Accuracy, Metric::F1]);
}

#[test]
fn a_range_is_discovered() {
    let task = resolve(CustomTarget::DiscoverScores, "text,mood\na,-2.5\nb,7\nc,1e0\n").unwrap();
    assert_eq!(task.target, Target::Regression { min: -2.5, max: 7.0 });
    assert_eq!(task.primary(), Metric::Pearson);
}

#[test]
fn undiscoverable_labels_say_why() {
    let classes = |csv: &str| resolve(CustomTarget::DiscoverClasses, csv).unwrap_err();
    assert!(classes("text,mood\na,sad\nb,sad\n").contains("at least two classes"));
    assert!(classes("text,mood\na,sad\nb,\n").contains("line 3: column `mood` is empty"));
    assert!(classes("text,mood\na,1\nb,-1\n").contains("line 3: the label -1"));
    assert!(classes("text,mood\n").contains("no training examples"));
    assert!(classes("text,feeling\na,sad\n").contains("no column `mood`; found `text`, `feeling`"));
    let many: String = (0..2000).map(|i| format!("a,{i}.5\n")).collect();
    assert!(classes(&format!("text,mood\n{many}")).contains("line 1002: more than 1000"));
    let scores = |csv: &str| resolve(CustomTarget::DiscoverScores, csv).unwrap_err();
    assert!(scores("text,mood\na,1\nb,x\n").contains("line 3: column `mood`: expected a finite number, found `x`"));
    assert!(scores("text,mood\na,1\nb,1\n").contains("all scores of the training split are 1"));
    let narrow = scores("text,mood\na,16777216\nb,16777217\n");
    assert!(narrow.contains("from 16777216 to 16777217, are all the same 32-bit number"), "{narrow}");
}

#[test]
fn stated_labels_need_no_data() {
    let stated = |target| {
        CustomTask {
            name: "t".into(),
            first: "a".into(),
            second: Some("b".into()),
            label: "y".into(),
            target,
            metrics: vec![],
        }
        .resolve(Path::new("/nonexistent"))
    };
    let task = stated(CustomTarget::Classes(vec!["no".into(), "yes".into()])).unwrap();
    assert_eq!((task.num_outputs(), task.discovered), (2, false));
    assert!(stated(CustomTarget::Classes(vec!["no".into()])).is_err());
    assert!(stated(CustomTarget::Scores { min: 2.0, max: 1.0 }).is_err());
    assert!(stated(CustomTarget::DiscoverScores).unwrap_err().to_string().contains("/nonexistent"));
}
