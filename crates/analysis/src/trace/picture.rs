//! The picture of a trace: one SVG with rates, distances to equilibrium, membranes and a raster.

use anyhow::Result;
use plotters::prelude::*;

use super::style::WIDTH;
use super::{Report, panels};
use crate::chart::style::{Area, BODY, FAINT, HEADING, INK, SCALE, TITLE, bold, printable, text};

/// Heights of the head and of each section's heading.
const HEAD: u32 = 150;
const SECTION: u32 = 84;

/// A section: heading, explanation, height of its panels, what draws them.
struct Section<'a> {
    heading: String,
    explanation: String,
    height: u32,
    draw: Drawing<'a>,
}

type Drawing<'a> = Box<dyn Fn(&Area<'_>) -> Result<()> + 'a>;

/// Draws a report as SVG, without reference to anything outside the file.
pub(crate) fn draw(report: &Report) -> Result<String> {
    let sections = [
        Section {
            heading: "Firing rates".into(),
            explanation: "mean |rate| of each population up to step t, one line a layer; dashed: at equilibrium".into(),
            height: panels::rates_height(report),
            draw: Box::new(|area| panels::rates(report, area)),
        },
        Section {
            heading: "Distance to equilibrium".into(),
            explanation: "of the rates of single neurons up to step t, one line a population; dashed grey: 1/t".into(),
            height: 680,
            draw: Box::new(|area| panels::distances(report, area)),
        },
        Section {
            heading: "Membranes".into(),
            explanation: panels::membranes_explanation(report),
            height: panels::membranes_height(report),
            draw: Box::new(|area| panels::membranes(report, area)),
        },
        Section {
            heading: "Spikes".into(),
            explanation: panels::raster_explanation(report),
            height: panels::raster_height(report),
            draw: Box::new(|area| panels::raster(report, area)),
        },
    ];
    let height = HEAD + sections.iter().map(|section| SECTION + section.height).sum::<u32>();
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        root.fill(&WHITE)?;
        let (head, mut rest) = root.split_vertically(HEAD);
        draw_head(report, &head)?;
        for section in &sections {
            let (heading, below) = rest.split_vertically(SECTION);
            let (panel, below) = below.split_vertically(section.height);
            heading.draw_text(&section.heading, &bold(HEADING), (30, 44))?;
            // Bold letters are at most 0.85 em wide on average; the library cannot measure text.
            let x = 50 + section.heading.len() as i32 * HEADING as i32 * 85 / 124;
            heading.draw_text(&section.explanation, &text(BODY, FAINT), (x, 46))?;
            (section.draw)(&panel)?;
            rest = below;
        }
        root.present()?;
    }
    let drawn = format!("width=\"{WIDTH}\" height=\"{height}\"");
    let shown = format!("width=\"{}\" height=\"{}\"", WIDTH / SCALE, height / SCALE);
    Ok(svg.replacen(&drawn, &shown, 1))
}

fn draw_head(report: &Report, area: &Area<'_>) -> Result<()> {
    let summary = &report.summary;
    let sentence = match &summary.text2 {
        Some(second) => format!("{} | {second}", summary.text),
        None => summary.text.clone(),
    };
    area.draw_text(&printable(&sentence, 100), &bold(TITLE), (30, 56))?;
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
    area.draw_text(&about, &text(BODY, INK), (30, 110))?;
    Ok(())
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
        let report = fixture::report(64, 6, "is <b>this</b> & \"that\" \u{1b}[0m'fine'?");
        let svg = draw(&report).unwrap();
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
        let report = fixture::sized(16, 3, 24, "x");
        let svg = draw(&report).unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let count = |tag: &str| document.descendants().filter(|node| node.has_tag_name(tag)).count();
        let population = report.trace.populations.last().unwrap();
        let cls = |sign: i8| population.events(3).filter(|s| s.token == 0 && s.sign == sign).count();
        let membranes = |sign: i8| -> usize {
            let populations = report.trace.populations.iter();
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
            let svg = draw(&fixture::sized(steps, tokens, width, "")).unwrap();
            assert!(texts(&svg).len() > 30, "T={steps} L={tokens} width={width}");
            assert!(!svg.contains("NaN"), "T={steps} L={tokens} width={width}");
        }
    }
}
