//! The models that are shipped, through the public face of the crate alone.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use bitspike::forward::{Operator, Rows, Wanted};
use bitspike::trace::NeuronName;
use bitspike::{Answer, Dynamics, Encoding, Error, ExitRule, Input, Kernels, Model, Options, Output, Simulation};
use proptest::prelude::*;

fn path(model: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../models/{model}/model.safetensors"))
}

fn load(model: &str) -> Model {
    Model::load(path(model)).unwrap()
}

static TINY: LazyLock<Model> = LazyLock::new(|| load("sst2-tiny"));

const TEXTS: [&str; 5] = [
    "a fine film",
    "dull from start to finish",
    "it 's a charming and often affecting journey .",
    "",
    "ünïcode — 电影 is “great” 🎬!!",
];
const PAIRS: [(&str, &str); 2] =
    [("All birds sing.", "This bird sings."), ("The shop opens at nine.", "The shop is closed at eight.")];

/// The smaller class's probability, which has all its digits, or the score.
fn figure(answer: &Answer) -> f32 {
    answer.score().unwrap_or_else(|| answer.probabilities().iter().copied().fold(f32::INFINITY, f32::min))
}

/// Compares answers with what the program `bitspike classify --json` printed before this crate had a face of its own.
fn assert_golden(answers: &[Answer], golden: &[f32]) {
    assert_eq!(answers.len(), golden.len());
    for (answer, &golden) in answers.iter().zip(golden) {
        assert!((figure(answer) - golden).abs() <= 1e-6, "{answer:?} is not {golden}");
    }
}

const SENTIMENT: [(&str, [f32; 5]); 3] = [
    ("sst2-tiny", [0.0010647426, 0.0018017748, 0.0009814575, 0.034493245, 0.0019423678]),
    ("sst2-ternary", [0.00101159, 0.0018397315, 0.0010053, 0.09781134, 0.0022464478]),
    ("sst2-binary", [0.0010306912, 0.0015258227, 0.0009885799, 0.12484098, 0.0017721225]),
];

#[test]
fn shipped_models_answer_as_they_always_did() {
    for (name, golden) in SENTIMENT {
        let model = load(name);
        let answers = model.classify(TEXTS).unwrap();
        assert_golden(&answers, &golden);
        let labels: Vec<_> = answers.iter().map(|answer| answer.label().unwrap()).collect();
        assert_eq!(labels, ["positive", "negative", "positive", "positive", "positive"], "{name}");
        for answer in &answers {
            assert_eq!(answer.steps, model.header().student.time_steps);
            assert_eq!(answer.label(), Some(model.labels()[answer.class().unwrap()].as_str()));
            assert!((answer.probabilities().iter().sum::<f32>() - 1.0).abs() < 1e-6 && !answer.truncated);
        }
    }
    let entailment = load("rte-ternary").classify(PAIRS).unwrap();
    assert_golden(&entailment, &[0.013862957, 0.041903734]);
    assert_eq!((entailment[0].label(), entailment[1].label()), (Some("entailment"), Some("not_entailment")));
    let similar = load("stsb-ternary").classify(PAIRS).unwrap();
    assert_golden(&similar, &[4.2234254, 2.3422077]);
    for answer in similar {
        assert_eq!((answer.label(), answer.class(), answer.probabilities()), (None, None, &[][..]));
        assert_eq!(answer.output, Output::Score(answer.logits[0]));
    }
}

#[test]
fn steps_answer_as_they_always_did() {
    let in_steps = |dynamics, steps| Options::new().dynamics(dynamics).time_steps(steps);
    let accumulated = in_steps(Dynamics::Accumulated, 32).load(path("sst2-tiny")).unwrap();
    let golden = [0.001099064, 0.0019533099, 0.0010415035, 0.036513336, 0.0021654745];
    assert_golden(&accumulated.classify(TEXTS).unwrap(), &golden);
    // The same weights again, by way of another model that was made of them.
    let again = load("sst2-tiny").with_simulation(Simulation::new(Dynamics::Accumulated, 32)).unwrap();
    assert_eq!(again.classify(TEXTS).unwrap(), accumulated.classify(TEXTS).unwrap());
    let instantaneous = in_steps(Dynamics::Instantaneous, 32).load(path("sst2-ternary")).unwrap();
    let golden = [0.41171795, 0.4078241, 0.38321152, 0.36405298, 0.39295715];
    assert_golden(&instantaneous.classify(TEXTS).unwrap(), &golden);
    let rule = ExitRule { margin: 1.0, ..ExitRule::default() };
    let early = in_steps(Dynamics::Accumulated, 64).exit(rule).load(path("sst2-tiny")).unwrap();
    let answers = early.classify(TEXTS).unwrap();
    assert_golden(&answers, &[0.00307668, 0.005251854, 0.0027699866, 0.045903306, 0.004943403]);
    assert!(answers.iter().all(|answer| (rule.min_steps..64).contains(&answer.steps)), "{answers:?}");
}

/// Not a bit of an answer depends on kernels, threads, company or order.
#[test]
fn answers_do_not_depend_on_the_way() {
    let expected = TINY.classify(TEXTS).unwrap();
    for kernels in Kernels::available() {
        let model = Options::new().kernels(kernels).load(path("sst2-tiny")).unwrap();
        assert_eq!(model.encoder().kernels(), kernels);
        assert_eq!(model.classify(TEXTS).unwrap(), expected, "{kernels}");
    }
    #[cfg(feature = "threads")]
    for threads in [1, 2, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| TINY.classify(TEXTS)).unwrap(), expected, "{threads} threads");
    }
    let mut turned = TINY.classify(TEXTS.iter().rev()).unwrap();
    turned.reverse();
    assert_eq!(turned, expected);
    for (text, expected) in TEXTS.iter().zip(&expected) {
        assert_eq!(TINY.classify([text]).unwrap(), std::slice::from_ref(expected), "{text:?} alone");
    }
    let many = TINY.classify((0..40).map(|i| TEXTS[i % 5])).unwrap();
    assert!(many.iter().enumerate().all(|(i, answer)| *answer == expected[i % 5]));
    assert_eq!(TINY.classify(std::iter::empty::<Input<'_>>()).unwrap(), []);
    assert_eq!(TINY.classify_ids(&[]).unwrap(), []);
    let model = Arc::new(load("sst2-tiny"));
    let threads: Vec<_> = (0..3).map(|_| (model.clone(), expected.clone())).collect();
    std::thread::scope(|scope| {
        for (model, expected) in threads {
            scope.spawn(move || assert_eq!(model.classify(TEXTS).unwrap(), expected));
        }
    });
}

#[test]
fn inputs_come_in_many_forms() {
    let owned: Vec<String> = TEXTS.iter().map(|&text| text.to_owned()).collect();
    let expected = TINY.classify(TEXTS).unwrap();
    assert_eq!(TINY.classify(&owned).unwrap(), expected);
    assert_eq!(TINY.classify(TEXTS.map(Input::from)).unwrap(), expected);
    assert_eq!(TINY.classify(&TEXTS.map(Input::from)).unwrap(), expected);
    let encodings: Vec<Encoding> = owned.iter().map(|text| TINY.encode(text)).collect();
    assert_eq!(TINY.classify_ids(&encodings).unwrap(), expected);
}

#[test]
fn the_longest_text_is_read_and_a_longer_one_cut() {
    let length = TINY.header().max_length;
    let words = |count: usize| "film ".repeat(count);
    let answers = TINY.classify(&[words(length - 2), words(length - 1), words(100_000)]).unwrap();
    let found: Vec<_> = answers.iter().map(|answer| (answer.tokens, answer.truncated)).collect();
    assert_eq!(found, [(length, false), (length, true), (length, true)]);
    assert_eq!(answers[0].logits, answers[2].logits);
}

/// What and expectation of an [`Error::Invalid`].
fn refused<T: std::fmt::Debug>(result: bitspike::Result<T>) -> String {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
    error.to_string()
}

#[test]
fn options_are_checked_when_a_model_is_made() {
    let rule = ExitRule::default();
    let stepped = Options::new().dynamics(Dynamics::Accumulated);
    for (options, says) in [
        (Options::new().time_steps(0), "time_steps: expected 1 to 65536, found 0"),
        (Options::new().time_steps(65_537), "time_steps"),
        (Options::new().exit(rule), "exit rule: expected accumulated or instantaneous dynamics, found phased"),
        (stepped.exit(ExitRule { patience: 0, ..rule }), "exit patience"),
        (stepped.exit(ExitRule { margin: f32::NAN, ..rule }), "exit margin"),
        (stepped.simulation(Simulation { beta: 1.5, ..Simulation::new(Dynamics::Phased, 8) }), "beta"),
    ] {
        let error = refused(options.load(path("sst2-tiny")));
        assert!(error.contains(says), "{error}");
    }
    for kernels in Kernels::ALL.into_iter().filter(|kernels| !kernels.is_available()) {
        let error = refused(Options::new().kernels(kernels).load(path("sst2-tiny")));
        assert!(error.contains("which this machine lacks") && error.contains("scalar"), "{error}");
    }
    assert!(refused(TINY.with_simulation(Simulation::new(Dynamics::Phased, 0))).contains("time_steps"));
    let longest = Options::new().time_steps(200).load(path("sst2-tiny")).unwrap();
    assert_eq!(longest.classify(["a fine film"]).unwrap()[0].label(), Some("positive"));
}

#[test]
fn texts_and_pairs_are_not_mixed_up() {
    let pair = load("rte-ternary");
    let error = refused(pair.classify(["one text"]));
    assert!(
        error.contains("input of task rte: expected a pair of texts, sentence1 and sentence2, found one"),
        "{error}"
    );
    assert!(refused(TINY.classify([("a", "b")])).contains("expected one text, found a pair"));
    assert!(refused(TINY.trace(("a", "b"), &Simulation::new(Dynamics::Phased, 4), &[])).contains("a pair"));
}

/// The chain of causes of an error.
fn causes(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(error.source(), |cause| cause.source()).map(ToString::to_string).collect()
}

#[test]
fn errors_keep_their_causes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let missing = Model::load(folder.path().join("none")).unwrap_err();
    assert!(matches!(missing, Error::Io { .. }) && causes(&missing).len() == 1, "{missing:?}");
    let json = at("model.safetensors", b"\x02\0\0\0\0\0\0\0{]");
    let error = Model::load(&json).unwrap_err();
    let [cause] = &causes(&error)[..] else { panic!("{error:?}") };
    assert!(cause.contains("line 1 column 2"), "{cause}");
    assert_eq!(error.to_string(), format!("{}: its header is no safetensors header: {cause}", json.display()));
    let in_memory = bitspike::format::Packed::from_bytes(std::fs::read(&json).unwrap()).unwrap_err();
    assert!(matches!(in_memory, Error::Bytes { what: "model in memory", .. }) && causes(&in_memory).len() == 1);
    at("config.json", b"\xff");
    let error = bitspike::config::BertConfig::load(folder.path()).unwrap_err();
    assert!(error.to_string().contains("not UTF-8 text") && causes(&error).len() == 1, "{error:?}");
    at("config.json", b"{");
    assert_eq!(causes(&bitspike::config::BertConfig::load(folder.path()).unwrap_err()).len(), 2);
    at("tokenizer.json", b"[");
    let error = bitspike::tokenizer::Tokenizer::load(folder.path()).unwrap_err();
    assert!(error.to_string().contains("not JSON of a tokeniser") && causes(&error).len() == 1, "{error:?}");
}

#[test]
fn ids_outside_of_the_tables_are_refused() {
    let good = TINY.encode("a fine film");
    let with = |change: fn(&mut Encoding)| {
        let mut encoding = good.clone();
        change(&mut encoding);
        refused(TINY.classify_ids(&[good.clone(), encoding]))
    };
    assert!(with(|encoding| encoding.ids[1] = 1 << 20).contains("token id"));
    assert!(with(|encoding| encoding.type_ids[2] = 2).contains("token type: expected 0 to 1, found 2"));
    assert!(with(|encoding| encoding.type_ids.truncate(1)).contains("5 ids and 1 types"));
    assert!(with(|encoding| *encoding = Encoding { ids: vec![], type_ids: vec![] }).contains("tokens"));
    assert!(with(|encoding| *encoding = Encoding { ids: vec![5; 600], type_ids: vec![0; 600] }).contains("600"));
}

#[test]
fn what_is_measured_fits_the_answers() {
    let encodings: Vec<Encoding> = TEXTS.iter().map(|text| TINY.encode(text)).collect();
    let answers = TINY.classify(TEXTS).unwrap();
    let runs = TINY.simulate_ids(&encodings, true).unwrap();
    let counted = TINY.count_ids(&encodings).unwrap();
    for ((answer, run), counted) in answers.iter().zip(&runs).zip(&counted) {
        assert_eq!((&answer.logits, &answer.logits), (&run.logits, &counted.logits));
        assert_eq!(run.sums.len(), run.spikes.len());
        let sent = counted.sent.iter().map(|sent| sent.spikes.iter().sum::<u64>());
        assert_eq!(sent.collect::<Vec<_>>(), run.spikes);
    }
    let mut heard = Vec::new();
    let wanted = Wanted { rows: Rows::Last, ..Wanted::default() };
    let again = TINY.simulate(&encodings, TINY.simulation(), wanted, |done| heard.push(done)).unwrap();
    assert_eq!(heard.last(), Some(&encodings.len()));
    assert!(again.iter().zip(&runs).all(|(again, run)| again.logits == run.logits && again.spikes == run.spikes));
    let timing = TINY.profile(&encodings).unwrap();
    assert!(Operator::ALL.iter().all(|&operator| !timing.spent(operator).is_zero()), "{timing:?}");
}

#[test]
fn a_trace_holds_every_spike_of_its_answer() {
    for dynamics in Dynamics::ALL.iter().copied() {
        let simulation = Simulation::new(dynamics, 24);
        let traced = TINY.trace("a fine film", &simulation, &[]).unwrap();
        let trace = &traced.trace;
        trace.check().unwrap();
        let same = TINY.with_simulation(simulation).unwrap().classify(["a fine film"]).unwrap();
        assert_eq!(traced.answer, same[0], "{dynamics}");
        let run = &TINY.simulate(&[TINY.encode("a fine film")], &simulation, Wanted::default(), |_| ()).unwrap()[0];
        let spikes: u64 = run.spikes.iter().sum();
        let traced_spikes = trace.populations.iter().map(|population| population.events(trace.tokens).count());
        assert_eq!(traced_spikes.sum::<usize>() as u64, spikes, "{dynamics}");
        let ends = [&trace.populations[0], trace.populations.last().unwrap()];
        assert!(ends.iter().all(|population| population.chosen.len() == 2));
        if dynamics == Dynamics::Phased {
            assert_eq!(traced.answer, traced.equilibrium);
        }
    }
    let neuron = |token| NeuronName { population: "layer.0.feed_forward".into(), token, neuron: 3 };
    let traced = TINY.trace("a fine film", TINY.simulation(), &[neuron(4)]).unwrap();
    assert_eq!(traced.trace.populations[5].chosen, [(4, 3)]);
    let error = refused(TINY.trace("a fine film", TINY.simulation(), &[neuron(5)]));
    assert!(error.contains("token of layer.0.feed_forward"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_text_is_answered(texts in prop::collection::vec(any::<String>(), 0..4)) {
        let answers = TINY.classify(&texts).unwrap();
        prop_assert_eq!(answers.len(), texts.len());
        for answer in answers {
            prop_assert!(answer.logits.iter().all(|logit| logit.is_finite()) && answer.label().is_some());
        }
    }

    #[test]
    fn any_ids_are_answered_or_refused(
        ids in prop::collection::vec(prop_oneof![9 => 0u32..30_522, 1 => any::<u32>()], 0..140),
        types in prop::collection::vec(0u32..3, 0..140),
    ) {
        let found = TINY.classify_ids(&[Encoding { ids, type_ids: types }]);
        prop_assert!(matches!(found, Ok(_) | Err(Error::Invalid { .. })), "{:?}", found);
    }
}
