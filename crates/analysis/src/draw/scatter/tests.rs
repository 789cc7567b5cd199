use super::*;

#[test]
fn every_point_has_a_mark_and_names_stay_text() {
    let point = |name: &str, cost: f64, on_front| ScatterPoint {
        name: name.into(),
        cost: Spread { mean: cost, deviation: 2.0 * cost },
        gain: Spread { mean: 0.9, deviation: 0.001 },
        repeated: true,
        on_front,
    };
    for costs in [&[100.0, 5000.0][..], &[7.0], &[7.0, 7.0], &[0.0, 1e9]] {
        let points = costs.iter().enumerate().map(|(i, &cost)| point("<b>&", cost, i == 0)).collect();
        let panel = Panel { caption: "a".into(), cost: "bytes".into(), gain: "accuracy".into(), points };
        let svg = fronts("sst2 & others", "about", &[panel.clone(), panel]);
        let document = roxmltree::Document::parse(&svg).expect("well-formed");
        assert_eq!(document.root_element().attribute("width"), Some("800"));
        let circles = document.descendants().filter(|node| node.has_tag_name("circle")).count();
        assert_eq!(circles, 2 * costs.len());
        assert!(document.descendants().any(|node| node.text() == Some("<b>&")));
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{costs:?}");
    }
    assert!(roxmltree::Document::parse(&fronts("nothing yet", "", &[])).is_ok());
}
