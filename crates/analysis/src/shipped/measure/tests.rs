use bitspike::config::Pooling;

use super::*;

fn example(first: &str, second: Option<&str>, target: f32) -> Example {
    Example { id: "0".into(), first: first.into(), second: second.map(Into::into), target: Some(target) }
}

#[test]
fn the_digest_knows_where_texts_end() {
    let digests: Vec<String> = [
        [example("ab", None, 0.0), example("c", None, 0.0)],
        [example("a", None, 0.0), example("bc", None, 0.0)],
        [example("ab", Some(""), 0.0), example("c", None, 0.0)],
        [example("ab", None, 0.0), example("c", None, 1.0)],
    ]
    .iter()
    .map(|examples| digest(examples))
    .collect();
    for (i, digest) in digests.iter().enumerate() {
        assert!(!digests[..i].contains(digest), "{i}");
    }
    let renamed = Example { id: "7".into(), ..example("c", None, 0.0) };
    assert_eq!(digest(&[example("ab", None, 0.0), renamed]), digests[0], "names are no part of it");
}

#[test]
fn a_model_that_embeds_is_measured_and_its_card_says_so() {
    use crate::fixture::{embedder, write_pairs};
    let (model, folder) = (embedder(), tempfile::tempdir().unwrap());
    write_pairs(folder.path());
    let split = EncodedSplit::dev_of(&model, folder.path()).unwrap();
    let files = ModelFiles { model: model.packed().file_bytes(), tokenizer: None };
    let measured = measure(&model, &files, &split).unwrap();
    assert_eq!((measured.model.embedding, measured.primary.as_str()), (Some(Pooling::Mean), "spearman"));
    assert_eq!((measured.data.examples, measured.scores.len()), (6, 1));
    // Read back, it is the same: what `verify` compares.
    let json = serde_json::to_string(&measured).unwrap();
    assert_eq!(serde_json::from_str::<MeasuredModel>(&json).unwrap(), measured);
    // The figures of a shipped classifier with those of this model in their place.
    let shipped = crate::fixture::shipped("sst2-tiny").join("metrics.json");
    let metrics = super::super::metrics::Metrics::load(&shipped).unwrap().unwrap();
    let card = super::super::card::card(&super::super::metrics::Metrics { measured, teacher: None, ..metrics });
    for text in [
        "| answer | a vector of 32 values, the mean of its tokens' vectors |",
        "cosines of 3 pairs |",
        "bitspike embed --model sst2-tiny",
        "| operations a text |",
    ] {
        assert!(card.contains(text), "{text}: {card}");
    }
}
