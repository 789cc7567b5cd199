//! How the picture of a text looks: its size, the colours of spikes, kinds and layers, the steps that are drawn.

use plotters::prelude::*;

use crate::chart::style::SCALE;

/// Width of the drawing.
pub(crate) const WIDTH: u32 = 1200 * SCALE;

/// Spikes +1 and -1: blue and vermilion of Okabe and Ito.
pub(crate) const POSITIVE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
pub(crate) const NEGATIVE: RGBColor = RGBColor(0xD5, 0x5E, 0x00);

/// Colours of the kinds of population, in the order of computation: those of Okabe and Ito without the yellow, which a white
/// page swallows.
const KINDS: [RGBColor; 7] = [
    RGBColor(0x00, 0x00, 0x00),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0x56, 0xB4, 0xE9),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0x00, 0x72, 0xB2),
];

/// Colour of the `i`-th kind.
pub(crate) fn kind_colour(i: usize) -> RGBColor {
    KINDS[i % KINDS.len()]
}

/// Shade of layer `i` of `layers`: viridis without its light end.
pub(crate) fn layer_colour(i: usize, layers: usize) -> RGBColor {
    let position = if layers < 2 { 0.35 } else { 0.82 * i as f32 / (layers - 1) as f32 };
    ViridisRGB.get_color_normalized(position, 0.0, 1.0)
}

/// Steps to draw of `1..=t`: all of them, or a thousand that are dense at the beginning.
pub(crate) fn drawn_steps(t: u32) -> Vec<u32> {
    const ALL: u32 = 1024;
    if t <= ALL {
        return (1..=t).collect();
    }
    let (even, growing) = (ALL / 2, ALL / 2);
    let spread = (1..=even).map(|i| (u64::from(t) * u64::from(i) / u64::from(even)) as u32);
    let ratio = f64::from(t).powf(1.0 / f64::from(growing));
    let powers = (0..growing).map(|i| ratio.powf(f64::from(i)).round() as u32);
    let mut steps: Vec<u32> = spread.chain(powers).filter(|step| (1..=t).contains(step)).collect();
    steps.sort_unstable();
    steps.dedup();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_traces_are_thinned_at_the_end_alone() {
        assert_eq!(drawn_steps(1), [1]);
        assert_eq!(drawn_steps(1024).len(), 1024);
        for t in [1025, 4096, 65_536] {
            let steps = drawn_steps(t);
            assert!(steps.len() <= 1024 && steps.len() > 600, "{}", steps.len());
            assert_eq!((steps[0], *steps.last().unwrap()), (1, t));
            assert!(steps.windows(2).all(|pair| pair[0] < pair[1]));
            assert_eq!(steps[..20], (1..=20).collect::<Vec<_>>());
        }
    }
}
