//! Charts for a page: SVG that takes its colours from the page, so that it is legible in light, dark and print, with its numbers
//! as CSV. Series differ by their marks, too.

mod bars;
mod lines;

pub use bars::Bars;
pub use lines::{Lines, Series};

use bitspike_data::table::{Cell, Column, Form, TableWriter};

/// Width of a chart in pixels: two stand side by side on a desk, one fills a phone.
const WIDTH: f64 = 480.0;

/// A finished chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// The same in a sentence, for those who do not see it.
    pub description: String,
    /// An `svg` element without size of its own; colours are the variables `--ink`, `--faint`, `--grid` and `--s0` to `--s5`.
    pub svg: String,
    /// Its numbers, with a line of headings.
    pub csv: String,
}

/// A table of texts and numbers as CSV.
pub fn csv<R: IntoIterator<Item = String>>(head: R, rows: impl IntoIterator<Item = R>) -> String {
    let mut out = Vec::new();
    let columns = head.into_iter().map(Column::text).collect();
    let written = TableWriter::create(&mut out, Form::Csv, columns).and_then(|mut writer| {
        rows.into_iter().try_for_each(|row| writer.write(row.into_iter().map(Cell::Text).collect()))?;
        writer.finish()
    });
    written.expect("memory takes everything");
    String::from_utf8(out).expect("texts and numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_are_well_formed_and_take_the_colours_of_the_page() {
        let series = |name: &str| Series {
            name: name.into(),
            points: (1..50).map(|i| (f64::from(i), 1.0 / f64::from(i))).collect(),
        };
        let chart = Lines {
            title: "a <b>\"title\"</b>".into(),
            x: "step & more".into(),
            y: "loss".into(),
            series: vec![series("one"), series("<two>")],
            log_x: true,
        }
        .draw()
        .unwrap();
        let document = roxmltree::Document::parse(&chart.svg).expect("well-formed");
        assert!(document.root_element().attribute("viewBox").is_some());
        assert!(document.root_element().attribute("width").is_none());
        assert!(chart.svg.contains("var(--s0)") && chart.svg.contains("var(--s1)") && !chart.svg.contains('#'));
        let texts: Vec<&str> = document.descendants().filter_map(|node| node.text()).collect();
        assert!(["step & more", "loss", "<two>", "32"].iter().all(|text| texts.contains(text)), "{texts:?}");
        assert!(chart.csv.starts_with("step & more,one,<two>\n1,1,1\n2,0.5,0.5\n"), "{}", &chart.csv[..80]);
        let chart = Bars {
            title: "energy".into(),
            unit: "uJ".into(),
            parts: vec!["adds, all".into(), "bytes".into()],
            rows: vec![("student".into(), vec![1.0, 2.0]), ("teacher".into(), vec![30.0, f64::NAN])],
        }
        .draw()
        .unwrap();
        roxmltree::Document::parse(&chart.svg).expect("well-formed");
        assert_eq!(chart.csv, "uJ,\"adds, all\",bytes\nstudent,1,2\nteacher,30,NaN\n");
        let nothing = Bars { title: String::new(), unit: String::new(), parts: Vec::new(), rows: Vec::new() };
        assert_eq!(nothing.draw(), None);
    }
}
