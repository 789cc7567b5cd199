use std::path::Path;

use bitspike::config::BertConfig;
use bitspike_data::Predictions;

use super::*;
use crate::energy::Profile;
use crate::fixture::{SENTENCES, embedder, model, write_data, write_pairs};
use crate::teacher::TeacherAnswers;

/// No address is asked for: links and pictures lie in the page itself.
fn is_self_contained(page: &str) {
    for attribute in ["src=", "href=\"http", "url(", "@import", "<script", "<iframe"] {
        assert!(!page.contains(attribute), "{attribute}");
    }
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
}

fn options<'a>(profile: &'a Profile, teacher: Option<&'a TeacherAnswers<'a>>) -> ReportOptions<'a> {
    ReportOptions { profile, teacher, dev: None, in_time: 3, texts: true }
}

#[test]
fn a_packed_model_has_all_but_its_training() {
    let (model, folder, profile) = (model(), tempfile::tempdir().unwrap(), Profile::named("45nm").unwrap());
    write_data(folder.path());
    let mut report = Report::of_model("small", model.header());
    let page = report.page("bitspike 0");
    is_self_contained(&page);
    for text in ["a packed model does not", "give --data DIR", "give --sentence TEXT", "bitspike 0"] {
        assert!(page.contains(text), "{text}");
    }

    let config = BertConfig::load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/bert-micro-f32")));
    let logits = SENTENCES.map(|(_, label)| vec![1.0 - f32::from(label), f32::from(label)]).into();
    let predictions = Predictions { logits, rates: Default::default() };
    let teacher = TeacherAnswers { config: &config.unwrap(), parameters: 1000, predictions, int8: None };
    let mut heard = Vec::new();
    let options = options(&profile, Some(&teacher));
    report.results =
        Some(measure(&model, "small", folder.path(), &options, |what| heard.push(what.to_owned())).unwrap());
    report.beside = vec![beside(&model, "another", folder.path(), &options).unwrap()];
    report.sentence = Some(sentence(&model, "small", "w6 </text><script>".into()).unwrap());
    assert_eq!(heard.len(), 2);
    assert_eq!(report.results.as_ref().unwrap().teacher.as_ref().unwrap()[0], ("accuracy".into(), 1.0));
    let page = report.page("bitspike 0");
    is_self_contained(&page);
    for text in ["Result and cost", "quantised network", "Where the student", "against T", "another", "numbers as CSV"]
    {
        assert!(page.contains(text), "{text}");
    }
    assert!(page.contains("&lt;/text&gt;&lt;script&gt;") && !page.contains("give --data"));
    // Every drawing is well-formed, and every chart has its numbers.
    let drawings = page.split("<svg").skip(1).map(|part| part.split_inclusive("</svg>").next().unwrap());
    let drawings: Vec<String> = drawings.map(|part| format!("<svg{part}")).collect();
    assert!(drawings.len() >= 4, "{} drawings", drawings.len());
    drawings.iter().for_each(|drawing| drop(roxmltree::Document::parse(drawing).expect("a well-formed drawing")));
    assert_eq!(page.matches("data:text/csv").count(), page.matches("<figure>").count());
    serde_json::to_string(&report).unwrap();
}

#[test]
fn a_model_that_embeds_is_judged_by_the_order_of_its_cosines() {
    let (model, folder, profile) = (embedder(), tempfile::tempdir().unwrap(), Profile::named("45nm").unwrap());
    write_pairs(folder.path());
    let mut report = Report::of_model("embedder", model.header());
    let options = options(&profile, None);
    let results = measure(&model, "embedder", folder.path(), &options, |_| ()).unwrap();
    assert_eq!(results.scores[0].0, "spearman");
    assert!((-1.0..=1.0).contains(&results.scores[0].1) && results.latency_ms > 0.0);
    assert_eq!((results.cost.examples, results.confusion.len()), (6, 0));
    let cosines: Vec<f32> = [("a film", "a movie"), ("a film", "an egg"), ("how to boil", "boiling <b>")]
        .map(|(a, b)| model.embed([a]).unwrap()[0].cosine(&model.embed([b]).unwrap()[0]))
        .into();
    let mistakes = results.mistakes.as_ref().unwrap();
    assert_eq!(mistakes.len(), 3);
    for mistake in mistakes {
        assert!(cosines.iter().any(|cosine| format!("{cosine:.2}") == mistake.answer), "{mistake:?} {cosines:?}");
        assert!([0.0, 0.5, 1.0].contains(&mistake.size), "{mistake:?}");
    }
    report.results = Some(results);
    report.sentence = Some(sentence(&model, "embedder", "a film".into()).unwrap());
    let page = report.page("bitspike 0");
    is_self_contained(&page);
    for text in ["vectors of 32 values", "spearman against T", "a film / an egg"] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("How far scores are off"));
}

#[test]
fn texts_of_the_data_can_be_left_out() {
    let (model, folder, profile) = (model(), tempfile::tempdir().unwrap(), Profile::named("45nm").unwrap());
    // Labels of which at least one is wrong, whatever the model says.
    std::fs::write(folder.path().join("dev.tsv"), "sentence\tlabel\nw6 secret\t0\nw6 secret\t1\n").unwrap();
    let mut report = Report::of_model("small", model.header());
    for (texts, shown) in [(true, true), (false, false)] {
        let options = ReportOptions { texts, in_time: 0, ..options(&profile, None) };
        report.results = Some(measure(&model, "small", folder.path(), &options, |_| ()).unwrap());
        let page = report.page("bitspike 0");
        assert_eq!((page.contains("secret"), page.contains("--no-texts")), (shown, !shown));
        assert!(page.contains("give --teacher DIR"));
    }
}

#[test]
fn a_folder_alone_gives_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = Report::of_run(folder.path()).unwrap_err().to_string();
    assert!(nothing.contains("nothing of a run"), "{nothing}");
    assert!(Report::of_run(&folder.path().join("none")).unwrap_err().to_string().contains("found none"));
    // Torn, hostile and impossible lines.
    let log = format!(
        "{}\n{}\n{{\"event\":\"nonsense\"}}\n{}\n{{\"event\":\"st",
        r#"{"time":1.0,"event":"start","run":"distil sst2","stages":["internal"],"total_steps":4,"trainable_parameters":9,"train_examples":3,"dev_examples":4}"#,
        r#"{"time":2.0,"event":"step","stage":"internal","step":1,"total_steps":4,"epoch":0.5,"loss":0.25,"learning_rate":1e-4,"grad_norm":1.0,"examples_per_second":1.0,"tokens_per_second":1.0,"elapsed_s":1.0,"eta_s":1.0}"#,
        "x".repeat(100_000),
    );
    std::fs::write(folder.path().join("metrics.jsonl"), log).unwrap();
    let report = Report::of_run(folder.path()).unwrap();
    let page = report.page("bitspike 0");
    is_self_contained(&page);
    for text in ["A run of bitspike", "the first in line 3", "what the student is", "the recipe", "Losses", "of 4"] {
        assert!(page.contains(text), "{text}");
    }
    assert_eq!(report.training.unwrap().log.train_examples, 3);
}
