//! The picture of a trace: rates, distances to equilibrium, membranes and a raster, below each other.

use super::traced::TracedText;
use super::{neurons, panels};
use crate::draw::{Area, Canvas, Font, Theme, printable};

/// Width of the drawing, and heights of its head and of each section's heading.
const WIDTH: f64 = 1200.0;
const HEAD: f64 = 75.0;
const SECTION: f64 = 42.0;

/// Sizes of the title and of headings.
const TITLE: f64 = 19.4;
const HEADING: f64 = 14.5;

type Drawing = fn(&TracedText, &mut Canvas, Area);

/// Draws `traced` as SVG, without reference to anything outside the file.
pub(super) fn draw(traced: &TracedText) -> String {
    let sections: [(&str, String, f64, Drawing); 4] = [
        (
            "Firing rates",
            "mean |rate| of each population up to step t, one line a layer; dashed: at equilibrium".into(),
            panels::rates_height(traced),
            panels::rates,
        ),
        (
            "Distance to equilibrium",
            "of the rates of single neurons up to step t, one line a population; dashed grey: 1/t".into(),
            340.0,
            panels::distances,
        ),
        ("Membranes", neurons::membranes_explanation(traced), neurons::membranes_height(traced), neurons::membranes),
        ("Spikes", neurons::raster_explanation(traced), neurons::raster_height(traced), neurons::raster),
    ];
    let theme = Theme::PAPER;
    let all = Area::new(WIDTH, HEAD + sections.iter().map(|section| SECTION + section.2).sum::<f64>());
    let mut canvas = Canvas::default();
    let (head, mut rest) = all.split(HEAD);
    draw_head(traced, &mut canvas, head);
    for (heading, explanation, height, draw) in &sections {
        let (line, below) = rest.split(SECTION);
        let (panel, below) = below.split(*height);
        canvas.text(line.at(15.0, 22.0), heading, Font::new(HEADING, theme.ink).bold());
        // Bold letters are at most 0.7 em wide on average; nothing here can measure text.
        let x = 25.0 + heading.len() as f64 * HEADING * 0.7;
        canvas.text(line.at(x, 23.0), explanation, Font::new(theme.body, theme.faint));
        draw(traced, &mut canvas, panel);
        rest = below;
    }
    canvas.document(all)
}

fn draw_head(traced: &TracedText, canvas: &mut Canvas, area: Area) {
    let (summary, theme) = (&traced.summary, Theme::PAPER);
    let sentence = match &summary.text2 {
        Some(second) => format!("{} | {second}", summary.text),
        None => summary.text.clone(),
    };
    canvas.text(area.at(15.0, 28.0), &printable(&sentence, 100), Font::new(TITLE, theme.ink).bold());
    let leak = if summary.beta == 1.0 { String::new() } else { format!(", beta = {}", summary.beta) };
    let about = format!(
        "{}   ·   {}, T = {}{leak}, {} reset   ·   answer {}, phased {}",
        printable(&summary.model, 60),
        summary.dynamics,
        summary.time_steps,
        summary.reset,
        printable(&summary.answer.to_string(), 50),
        printable(&summary.phased.to_string(), 50),
    );
    canvas.text(area.at(15.0, 55.0), &about, Font::new(theme.body, theme.ink));
}

#[cfg(test)]
mod tests {
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
}
