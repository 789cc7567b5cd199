use super::*;

#[test]
fn neurons_are_named_by_population_token_and_number() {
    let name = NeuronName { population: "layer.0.output".into(), token: 2, neuron: 17 };
    assert_eq!(parse_neuron("layer.0.output:2:17").unwrap(), name);
    for (text, says) in [
        ("layer.0.output", "POPULATION:TOKEN:INDEX"),
        (":0:1", "POPULATION:TOKEN:INDEX"),
        ("key:0:1:2", "POPULATION:TOKEN:INDEX"),
        ("key:-1:2", "`-1`"),
        ("key:0:x", "`x`"),
    ] {
        assert!(parse_neuron(text).unwrap_err().contains(says), "{text}");
    }
}
