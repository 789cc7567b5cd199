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
