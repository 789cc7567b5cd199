//! Pictures as plain SVG: a canvas, axes, colours. Every drawing of this project is made here.
//!
//! A picture refers to nothing outside itself. Texts are escaped, and characters that XML does not have are left out.

mod axis;
mod canvas;
mod colour;
mod plot;
mod scatter;

pub use axis::{Axis, tick};
pub use canvas::{Anchor, Area, Canvas, Font, Paint, Stroke, printable};
pub use colour::{KINDS, NEGATIVE, PAGE_SERIES, POSITIVE, Theme, shade};
pub use plot::Plot;
pub use scatter::{Panel, ScatterPoint, Spread, fronts};
