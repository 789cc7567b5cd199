use super::*;

fn traced(dynamics: Dynamics, time_steps: u32) -> TracedText {
    let model = crate::fixture::model();
    let options = TraceOptions { simulation: Simulation::new(dynamics, time_steps), ..TraceOptions::default() };
    trace(&model, "small", "w6 w7 <b> w8", &options).unwrap()
}

#[test]
fn rates_converge_to_the_equilibrium() {
    let worst = |dynamics, time_steps| {
        let summary = traced(dynamics, time_steps).summary;
        summary.populations.iter().map(|p| p.rms_distance).fold(0.0, f64::max)
    };
    // `phased` is the equilibrium: T times the rate of every neuron is the count that it fires.
    assert!(worst(Dynamics::Phased, 32) < 1e-7);
    let (short, long) = (worst(Dynamics::Accumulated, 16), worst(Dynamics::Accumulated, 256));
    assert!(long < short / 4.0, "T=16: {short}, T=256: {long}");
    assert!(worst(Dynamics::Instantaneous, 1).is_finite());
}

#[test]
fn a_trace_of_phased_answers_as_the_model_does() {
    let answer = crate::fixture::model().classify(["w6 w7 <b> w8"]).unwrap().swap_remove(0);
    let traced = traced(Dynamics::Phased, 16);
    let Origin { answer: found, phased, tokens, .. } = &traced.origin;
    assert_eq!((&found.logits, &phased.logits), (&answer.logits, &answer.logits));
    assert_eq!((found.label.as_deref(), tokens.len()), (answer.label(), answer.tokens));
}

#[test]
fn what_cannot_be_traced_is_refused() {
    let model = crate::fixture::model();
    let refused =
        |input: Input<'_>, options: &TraceOptions| trace(&model, "small", input, options).unwrap_err().to_string();
    let steps = |time_steps| TraceOptions {
        simulation: Simulation::new(Dynamics::Accumulated, time_steps),
        ..TraceOptions::default()
    };
    assert!(refused("w6".into(), &steps(0)).contains("time_steps: expected 1 to 65536, found 0"));
    assert!(refused(" \t".into(), &steps(4)).contains("at least one word"));
    assert!(refused(("a", "b").into(), &steps(4)).contains("takes one text"));
    let neuron = NeuronName { population: "layer.2.key".into(), token: 0, neuron: 0 };
    let options = TraceOptions { neurons: vec![neuron], ..steps(4) };
    assert!(refused("w6".into(), &options).contains("expected embedding, layer.0.key, layer.0.value"));
    let long = "w6 ".repeat(60);
    assert!(trace(&model, "small", &long, &steps(1)).unwrap().origin.truncated);
}

#[test]
fn a_trace_of_a_model_that_embeds_says_how_near_it_came() {
    let model = crate::fixture::embedder();
    let options = TraceOptions { simulation: Simulation::new(Dynamics::Accumulated, 64), ..TraceOptions::default() };
    let traced = trace(&model, "embedder", "a fine film", &options).unwrap();
    let cosine = bitspike::vector::cosine(&traced.origin.answer.logits, &traced.origin.phased.logits);
    assert!(cosine > 0.9, "{cosine}");
    let last = traced.summary.to_string().lines().last().unwrap().to_owned();
    let said = format!("accumulated: a vector of 32 values   phased: a vector of 32 values; cosine {cosine:.4}");
    assert_eq!(last, said);
    assert!(traced.picture().contains("answer a vector of 32 values"));
}
