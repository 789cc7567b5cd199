//! `bitspike report` on whole, broken and hostile run folders.

mod small_run;

use std::path::Path;

use small_run::{exits, make};

const DEV: &str =
    "sentence\tlabel\na fine film <script>alert(1)</script>\t0\ndull dull film\t0\na < b\t1\nfine & \"b\"\t0\n";

fn prepare(folder: &Path) {
    make(folder, "sst2", |_| ());
    let data = folder.join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("dev.tsv"), DEV).unwrap();
}

fn page(folder: &Path, arguments: &[&str]) -> String {
    exits(folder, &[&["report", "run", "--force", "-o", "page.html"], arguments].concat(), 0);
    std::fs::read_to_string(folder.join("page.html")).unwrap()
}

/// No address is asked for: links and pictures lie in the page itself.
fn is_self_contained(page: &str) {
    for attribute in ["src=", "href=\"http", "url(", "@import", "<script", "<iframe"] {
        assert!(!page.contains(attribute), "{attribute}");
    }
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
}

#[test]
fn a_folder_alone_gives_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let found = page(folder, &[]);
    is_self_contained(&found);
    assert!(found.contains("Latent weights before rounding") && found.contains("Not on this page"), "{found}");
    assert!(found.contains("give --data DIR") && found.contains("losses and metrics over time"));
    // Torn, hostile and impossible lines.
    let log = format!(
        "{}\n{}\n{{\"event\":\"nonsense\"}}\n{}\n{{\"event\":\"st",
        r#"{"time":1.0,"event":"start","run":"distil sst2","stages":["internal"],"total_steps":4,"trainable_parameters":9,"train_examples":3,"dev_examples":4}"#,
        r#"{"time":2.0,"event":"step","stage":"internal","step":1,"total_steps":4,"epoch":0.5,"loss":"NaN","learning_rate":1e-4,"grad_norm":1.0,"examples_per_second":1.0,"tokens_per_second":1.0,"elapsed_s":1.0,"eta_s":1.0}"#,
        "x".repeat(100_000),
    );
    std::fs::write(folder.join("run/metrics.jsonl"), log).unwrap();
    let found = page(folder, &[]);
    assert!(found.contains("the first in line 3"), "{found}");
    std::fs::write(folder.join("run/model.json"), "{\"format\":\"another\"}").unwrap();
    assert!(page(folder, &[]).contains("what the student is"));
    std::fs::remove_file(folder.join("run/model.json")).unwrap();
    std::fs::remove_file(folder.join("run/recipe.toml")).unwrap();
    assert!(page(folder, &[]).contains("the recipe"));
    std::fs::remove_file(folder.join("run/metrics.jsonl")).unwrap();
    let (_, error) = exits(folder, &["report", "run"], 1);
    assert!(error.contains("nothing of a run"), "{error}");
}

#[test]
fn data_brings_scores_costs_and_mistakes_and_markup_stays_text() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let sentence = "a </text><script>alert(2)</script> film";
    let found = page(folder, &["--data", "data", "--beside", "run", "--in-time", "3", "--sentence", sentence]);
    is_self_contained(&found);
    for text in
        ["Result and cost", "quantised network", "Where the student", "against T", "Worst mistakes", "numbers as CSV"]
    {
        assert!(found.contains(text), "{text}");
    }
    assert!(found.contains("&lt;/text&gt;&lt;script&gt;alert(2)"));
    let silent = page(folder, &["--data", "data", "--in-time", "0", "--no-texts"]);
    assert!(!silent.contains("Worst mistakes") && !silent.contains("dull dull") && silent.contains("--no-texts"));
    // Every drawing is well-formed, and every chart has its numbers.
    let drawings: Vec<&str> =
        found.split("<svg").skip(1).map(|part| part.split_inclusive("</svg>").next().unwrap()).collect();
    assert!(drawings.len() >= 5, "{} drawings", drawings.len());
    for drawing in drawings {
        roxmltree::Document::parse(&format!("<svg{drawing}")).expect("a well-formed drawing");
    }
    let figures = found.matches("<figure>").count();
    assert_eq!(found.matches("data:text/csv").count(), figures);
}

#[test]
fn a_teacher_of_another_vocabulary_is_scored_with_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let teacher = folder.join("teacher");
    std::fs::create_dir(&teacher).unwrap();
    let fixture = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/bert-micro-f32"));
    for name in ["model.safetensors", "tokenizer_config.json", "vocab.txt"] {
        std::fs::copy(fixture.join(name), teacher.join(name)).unwrap();
    }
    let config = std::fs::read_to_string(fixture.join("config.json")).unwrap();
    std::fs::write(
        teacher.join("config.json"),
        config.replace("\"no\"", "\"negative\"").replace("\"yes\"", "\"positive\""),
    )
    .unwrap();
    let json = |arguments: &[&str]| serde_json::from_str::<serde_json::Value>(&exits(folder, arguments, 0).0).unwrap();
    let eval = ["eval", "teacher", "--task", "sst2", "--data", "data", "--max-length", "12", "--json"];
    let alone = &json(&eval)[0]["metrics"]["accuracy"];
    let report = json(&["report", "run", "--data", "data", "--teacher", "teacher", "--in-time", "0", "--json"]);
    let found = &report["results"]["teacher"][0];
    assert_eq!((found[0].as_str(), &found[1]), (Some("accuracy"), alone));
    let baseline = &report["results"]["cost"]["energy"][1]["estimate"];
    assert_eq!(baseline["name"], "teacher, FP32");
    let terms = baseline["compute"].as_array().unwrap();
    let classifier = terms.iter().find(|term| term["name"] == "classifier").unwrap();
    assert_eq!(classifier["amount"], 2.0 * 16.0);
}

#[test]
fn what_cannot_be_reported_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let refused = |arguments: &[&str]| exits(folder, &[&["report"], arguments].concat(), 1).1;
    assert!(refused(&["nowhere"]).contains("nowhere"));
    assert!(refused(&["data"]).contains("nothing of a run"));
    assert!(refused(&["run", "-o", "data"]).contains("found a folder"));
    assert!(refused(&["run", "--data", "nowhere"]).contains("nowhere"));
    assert!(refused(&["run", "--sentence", "a", "--sentence2", "b"]).contains("one text"));
    assert!(exits(folder, &["report", "run", "--profile", "7nm"], 2).1.contains("7nm"));
    assert!(refused(&["run", "--data", "data", "--beside", "data"]).contains("--beside data"));
    exits(folder, &["report", "run", "--beside", "run"], 2);
    assert!(!folder.join("report.html").exists());
}
