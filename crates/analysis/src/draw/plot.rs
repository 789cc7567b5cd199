//! A chart's frame: caption, two axes with a grid behind the data, and the way from values to pixels.

use super::{Anchor, Area, Axis, Canvas, Font, Stroke, Theme};

/// Room beside the data in pixels: left, above, right, below.
const MARGINS: [f64; 4] = [47.0, 22.0, 15.0, 43.0];

/// A frame on a canvas.
#[derive(Debug)]
pub struct Plot<'a> {
    /// Where it is drawn.
    pub canvas: &'a mut Canvas,
    inner: Area,
    x: Axis,
    y: Axis,
}

impl<'a> Plot<'a> {
    /// Draws the frame into `area`.
    pub fn new(canvas: &'a mut Canvas, area: Area, (caption, theme): (&str, &Theme), [x, y]: [Axis; 2]) -> Self {
        let [left, top, right, below] = MARGINS;
        let top = if caption.is_empty() { 8.0 } else { top };
        let inner = Area {
            x: area.x + left,
            y: area.y + top,
            width: area.width - left - right,
            height: area.height - top - below,
        };
        let mut plot = Self { canvas, inner, x, y };
        plot.frame(caption, theme);
        plot
    }

    fn frame(&mut self, caption: &str, theme: &Theme) {
        let Area { x: left, y: top, width, height } = self.inner;
        let (right, bottom) = (left + width, top + height);
        let label = Font::new(theme.label, theme.ink);
        let (grid, axis) = (Stroke::new(theme.grid, 1.0), Stroke::new(theme.faint, 1.0));
        for (value, text) in self.x.ticks() {
            let x = left + width * self.x.place(value);
            self.canvas.line([(x, top), (x, bottom)], grid);
            self.canvas.line([(x, bottom), (x, bottom + 3.0)], axis);
            self.canvas.text((x, bottom + 11.0), &text, label.anchor(Anchor::Middle));
        }
        for (value, text) in self.y.ticks() {
            let y = bottom - height * self.y.place(value);
            self.canvas.line([(left, y), (right, y)], grid);
            self.canvas.line([(left - 3.0, y), (left, y)], axis);
            self.canvas.text((left - 6.0, y), &text, label.anchor(Anchor::End));
        }
        self.canvas.line([(left, top), (left, bottom), (right, bottom)], axis);
        let middle = (left + width / 2.0, bottom + 32.0);
        self.canvas.text(middle, &self.x.name, label.anchor(Anchor::Middle));
        if !self.y.name.is_empty() {
            let at = (left - MARGINS[0] + 8.0, top + height / 2.0);
            self.canvas.upward_text(at, &self.y.name, label.anchor(Anchor::Middle));
        }
        if !caption.is_empty() {
            let font = Font::new(theme.body, theme.ink).anchor(Anchor::Middle);
            self.canvas.text((left + width / 2.0, top - 11.0), caption, font);
        }
    }

    /// Where the values are on the canvas.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let Area { x: left, y: top, width, height } = self.inner;
        (left + width * self.x.place(x), top + height * (1.0 - self.y.place(y)))
    }

    /// A line through values.
    pub fn line(&mut self, points: impl IntoIterator<Item = (f64, f64)>, stroke: Stroke<'_>) {
        let points: Vec<_> = points.into_iter().map(|(x, y)| self.at(x, y)).collect();
        self.canvas.line(points, stroke);
    }
}
