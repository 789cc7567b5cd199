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

impl TracedText {
    /// The picture: one SVG with rates, distances to equilibrium, membranes and a raster.
    pub fn picture(&self) -> String {
        draw(self)
    }
}

/// Draws `traced` as SVG, without reference to anything outside the file.
fn draw(traced: &TracedText) -> String {
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
mod tests;
