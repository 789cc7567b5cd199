use super::*;
use crate::trace::fixture;

fn texts(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).expect("well-formed XML");
    let root = document.root_element();
    assert_eq!((root.tag_name().name(), root.attribute("width")), ("svg", Some("1200")));
    for node in root.descendants() {
        assert!(node.attributes().all(|a| !a.name().contains("href")), "refers to something outside");
    }
    let texts = root.descendants().filter(|node| node.has_tag_name("text"));
    texts.map(|node| node.text().unwrap_or_default().trim().to_owned()).collect()
}

#[test]
fn all_panels_are_there_and_markup_stays_text() {
    let traced = fixture::traced(64, 6, "is <b>this</b> & \"that\" \u{1b}[0m'fine'?");
    let svg = draw(&traced);
    let texts = texts(&svg);
    for part in [
        "Firing rates",
        "Distance to equilibrium",
        "Membranes",
        "Spikes",
        "embedding",
        "key",
        "value",
        "context",
        "attention",
        "feed_forward",
        "output",
        "root mean square",
        "maximum",
    ] {
        assert!(texts.iter().any(|text| text == part), "{part} is missing in {texts:?}");
    }
    assert_eq!(texts[0], "is <b>this</b> & \"that\"  [0m'fine'?");
    assert!(!svg.contains("<b>"));
    let neuron = "layer.2.output, [CLS], neuron 1";
    assert!(texts.iter().any(|text| text.starts_with(neuron)), "{neuron} is missing in {texts:?}");
}

#[test]
fn every_spike_of_the_raster_is_drawn() {
    let traced = fixture::sized(16, 3, 24, "x");
    let svg = draw(&traced);
    let document = roxmltree::Document::parse(&svg).unwrap();
    let count = |tag: &str| document.descendants().filter(|node| node.has_tag_name(tag)).count();
    let population = traced.trace.populations.last().unwrap();
    let cls = |sign: i8| population.events(3).filter(|s| s.token == 0 && s.sign == sign).count();
    let membranes = |sign: i8| -> usize {
        let populations = traced.trace.populations.iter();
        let of = |p: &bitspike::trace::PopulationTrace| {
            p.chosen.iter().flat_map(|&at| p.train(3, at)).filter(|&s| s == sign).count()
        };
        populations.map(of).sum()
    };
    // Nothing else in the picture is a triangle or, from eight steps on, a ring.
    assert_eq!(count("polygon"), cls(1) + membranes(1));
    assert_eq!(count("circle"), cls(-1) + membranes(-1));
    assert!(cls(1) > 20 && cls(-1) > 20);
}

#[test]
fn odd_sizes_are_drawn() {
    for (steps, tokens, width) in [(1, 1, 1), (1, 3, 2), (2, 1, 70), (3000, 1, 3)] {
        let svg = draw(&fixture::sized(steps, tokens, width, ""));
        assert!(texts(&svg).len() > 30, "T={steps} L={tokens} width={width}");
        assert!(!svg.contains("NaN"), "T={steps} L={tokens} width={width}");
    }
}
