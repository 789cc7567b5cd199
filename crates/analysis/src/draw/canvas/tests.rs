use super::*;

#[test]
fn text_is_cut_and_cleaned() {
    assert_eq!(printable("a\u{0}b\nc\u{1b}", 10), "a b c ");
    assert_eq!(printable("ééééé", 5), "ééééé");
    assert_eq!(printable("éééééé", 5), "éééé…");
}

#[test]
fn areas_are_parted_without_gaps() {
    let (head, rest) = Area::new(100.0, 50.0).split(20.0);
    assert_eq!((head.height, rest.y, rest.height), (20.0, 20.0, 30.0));
    let parts = rest.grid(2, 2);
    assert_eq!(parts[3], Area { x: 50.0, y: 35.0, width: 50.0, height: 15.0 });
}

#[test]
fn a_document_is_well_formed_and_keeps_markup_as_text() {
    let mut canvas = Canvas::default();
    canvas.text((1.0, 2.04), "<b> & \"c\"\u{1}", Font::new(9.0, "#000").bold());
    canvas.line([(0.0, -0.01), (f64::NAN, 1.0), (2.0, 3.0)], Stroke::new("red", 1.0).dashed(2.0, 1.0));
    let svg = canvas.document(Area::new(10.0, 20.0));
    let document = roxmltree::Document::parse(&svg).unwrap();
    let find = |tag: &str| document.descendants().find(|node| node.has_tag_name(tag)).unwrap();
    assert_eq!(find("text").text(), Some("<b> & \"c\" "));
    assert_eq!((find("text").attribute("y"), find("text").attribute("font-weight")), (Some("2"), Some("bold")));
    assert_eq!(find("polyline").attribute("points"), Some("0,0 2,3"));
    assert_eq!(document.root_element().attribute("viewBox"), Some("0 0 10 20"));
}
