//! Lines, marks and texts, written one after another as SVG.

use maud::{PreEscaped, html};

/// A part of a canvas, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Area {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Area {
    /// A whole canvas.
    pub fn new(width: f64, height: f64) -> Self {
        Self { x: 0.0, y: 0.0, width, height }
    }

    /// The upper `height` pixels, and the rest.
    pub fn split(self, height: f64) -> (Self, Self) {
        (Self { height, ..self }, Self { y: self.y + height, height: self.height - height, ..self })
    }

    /// Equal parts, row by row.
    pub fn grid(self, rows: usize, columns: usize) -> Vec<Self> {
        let (width, height) = (self.width / columns as f64, self.height / rows as f64);
        let part = |i: usize| Self {
            x: self.x + (i % columns) as f64 * width,
            y: self.y + (i / columns) as f64 * height,
            width,
            height,
        };
        (0..rows * columns).map(part).collect()
    }

    /// The point `(x, y)` pixels right of and below the upper left corner.
    pub fn at(self, x: f64, y: f64) -> (f64, f64) {
        (self.x + x, self.y + y)
    }
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Stroke<'a> {
    pub colour: &'a str,
    /// Its width in pixels.
    pub width: f64,
    /// Pixels drawn and left out in turn; `None` for a whole line.
    pub dash: Option<(f64, f64)>,
    /// 1 hides what is below, 0 shows nothing.
    pub opacity: f64,
}

impl<'a> Stroke<'a> {
    /// A whole, opaque line.
    pub fn new(colour: &'a str, width: f64) -> Self {
        Self { colour, width, dash: None, opacity: 1.0 }
    }

    /// The same with gaps.
    pub fn dashed(self, drawn: f64, gap: f64) -> Self {
        Self { dash: Some((drawn, gap)), ..self }
    }

    /// The same with what is below shining through.
    pub fn opacity(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }
}

/// How a mark is drawn: whole, or as its outline of so many pixels.
#[derive(Debug, Clone, Copy)]
pub enum Paint<'a> {
    /// Filled.
    Full(&'a str),
    /// Hollow.
    Outline(&'a str, f64),
}

/// Where a text stands from its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// It has its middle there.
    Middle,
    /// It ends there.
    End,
}

/// How a text is set.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Font<'a> {
    /// Height of letters in pixels.
    pub size: f64,
    pub colour: &'a str,
    /// Whether it is bold.
    pub bold: bool,
    /// Where it stands.
    pub anchor: Anchor,
}

impl<'a> Font<'a> {
    /// Plain text that begins at its point.
    pub fn new(size: f64, colour: &'a str) -> Self {
        Self { size, colour, bold: false, anchor: Anchor::Start }
    }

    /// The same in bold.
    pub fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// The same at another place from its point.
    pub fn anchor(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }
}

/// A picture in the making.
#[derive(Debug, Default)]
pub struct Canvas {
    body: String,
}

impl Canvas {
    /// A line through `points`; those that are not finite are left out.
    pub fn line(&mut self, points: impl IntoIterator<Item = (f64, f64)>, stroke: Stroke<'_>) {
        let Stroke { colour, width, dash, opacity } = stroke;
        let dash = dash.map(|(drawn, gap)| format!("{} {}", pixels(drawn), pixels(gap)));
        let opacity = (opacity < 1.0).then_some(opacity);
        self.add(html! {
            polyline points=(path(points)) fill="none" stroke=(colour) stroke-width=(pixels(width))
                stroke-dasharray=[dash] opacity=[opacity] {}
        });
    }

    /// A rectangle.
    pub fn rectangle(&mut self, area: Area, paint: Paint<'_>) {
        let (fill, stroke, width) = colours(paint);
        self.add(html! {
            rect x=(pixels(area.x)) y=(pixels(area.y)) width=(pixels(area.width)) height=(pixels(area.height))
                fill=(fill) stroke=[stroke] stroke-width=[width] {}
        });
    }

    /// A disc or a ring.
    pub fn circle(&mut self, (x, y): (f64, f64), radius: f64, paint: Paint<'_>) {
        let (fill, stroke, width) = colours(paint);
        self.add(html! {
            circle cx=(pixels(x)) cy=(pixels(y)) r=(pixels(radius)) fill=(fill) stroke=[stroke] stroke-width=[width] {}
        });
    }

    /// A triangle that points up, of a circle's `radius` around its middle.
    pub fn triangle(&mut self, (x, y): (f64, f64), radius: f64, paint: Paint<'_>) {
        let (fill, stroke, width) = colours(paint);
        let (half, low) = (0.866 * radius, 0.5 * radius);
        let corners = [(x, y - radius), (x - half, y + low), (x + half, y + low)];
        self.add(html! {
            polygon points=(path(corners)) fill=(fill) stroke=[stroke] stroke-width=[width] {}
        });
    }

    /// A text with its middle line at the point's height.
    pub fn text(&mut self, at: (f64, f64), text: &str, font: Font<'_>) {
        self.write(at, text, font, None);
    }

    /// A text that reads upwards.
    pub fn upward_text(&mut self, at: (f64, f64), text: &str, font: Font<'_>) {
        self.write(at, text, font, Some(format!("rotate(-90 {} {})", pixels(at.0), pixels(at.1))));
    }

    fn write(&mut self, (x, y): (f64, f64), text: &str, font: Font<'_>, transform: Option<String>) {
        let anchor = match font.anchor {
            Anchor::Start => None,
            Anchor::Middle => Some("middle"),
            Anchor::End => Some("end"),
        };
        let weight = font.bold.then_some("bold");
        self.add(html! {
            text x=(pixels(x)) y=(pixels(y)) dy="0.35em" font-size=(pixels(font.size)) fill=(font.colour)
                font-weight=[weight] text-anchor=[anchor] transform=[transform] { (printable(text, usize::MAX)) }
        });
    }

    fn add(&mut self, markup: maud::Markup) {
        self.body += &markup.0;
        self.body.push('\n');
    }

    /// The picture as a document of its own, `area` pixels large, on white.
    pub fn document(self, area: Area) -> String {
        let mut paper = Self::default();
        paper.rectangle(area, Paint::Full("#FFFFFF"));
        let (width, height) = (pixels(area.width), pixels(area.height));
        let page = html! {
            svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) }
                font-family="sans-serif" { (PreEscaped(paper.body)) (PreEscaped(self.body)) }
        };
        page.into_string() + "\n"
    }

    /// The picture as a part of a page, which decides on its size; `description` is for those who do not see it.
    pub fn figure(self, area: Area, description: &str) -> String {
        let size = format!("0 0 {} {}", pixels(area.width), pixels(area.height));
        let figure = html! {
            svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label=(printable(description, usize::MAX))
                viewBox=(size) font-family="sans-serif" { (PreEscaped(self.body)) }
        };
        figure.into_string()
    }
}

fn colours(paint: Paint<'_>) -> (&str, Option<&str>, Option<f64>) {
    match paint {
        Paint::Full(colour) => (colour, None, None),
        Paint::Outline(colour, width) => ("none", Some(colour), Some(pixels(width))),
    }
}

fn path(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut text = String::new();
    for (x, y) in points.into_iter().filter(|(x, y)| x.is_finite() && y.is_finite()) {
        let space = if text.is_empty() { "" } else { " " };
        text += &format!("{space}{},{}", pixels(x), pixels(y));
    }
    text
}

/// To a tenth of a pixel.
fn pixels(x: f64) -> f64 {
    // Adding 0 turns -0 into 0.
    (x * 10.0).round() / 10.0 + 0.0
}

/// `text` in at most `most` characters, and without those that XML does not have.
pub fn printable(text: &str, most: usize) -> String {
    let allowed = |c: char| if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') { ' ' } else { c };
    let clean: String = text.chars().map(allowed).take(most.saturating_add(1)).collect();
    match clean.char_indices().nth(most) {
        Some(_) => clean.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        None => clean,
    }
}

#[cfg(test)]
mod tests;
