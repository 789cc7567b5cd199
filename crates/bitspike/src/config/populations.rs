//! The populations and maps of a student: their names, in the order of computation.

/// Kinds of population in a layer, in the order of computation.
pub const LAYER_POPULATIONS: [&str; 6] = ["key", "value", "context", "attention", "feed_forward", "output"];

/// Names of the populations of a student of `layers` layers in the order of computation: `embedding`, `layer.0.key`, ...
pub fn population_names(layers: usize) -> Vec<String> {
    let layer = |i| LAYER_POPULATIONS.iter().map(move |kind| format!("layer.{i}.{kind}"));
    std::iter::once("embedding".to_owned()).chain((0..layers).flat_map(layer)).collect()
}

/// Name, rows and columns of the maps of a layer of width `d` and feed-forward width `f`.
pub fn projections(d: usize, f: usize) -> [(&'static str, usize, usize); 6] {
    [
        ("query", d, d),
        ("key", d, d),
        ("value", d, d),
        ("attention_output", d, d),
        ("intermediate", f, d),
        ("output", d, f),
    ]
}
