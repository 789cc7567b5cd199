//! The Pareto fronts as a picture: one SVG with a panel a cost.

use bitspike_analysis::draw::{Panel, ScatterPoint, Spread, fronts};

use super::fronts::{COSTS, Cost, front};
use super::groups::Group;

/// Draws the fronts of `groups` as SVG, without reference to anything outside the file; `keys` name the labels of the groups.
pub(super) fn draw(groups: &[Group], keys: &[String], about: &str) -> String {
    let panels: Vec<Panel> = COSTS.iter().filter_map(|cost| panel(groups, cost)).collect();
    let names = if keys.is_empty() { String::new() } else { format!("; names: {}", keys.join(" · ")) };
    let line = format!("blue: no other is better in both; bars: one standard deviation over seeds{names}");
    fronts(about, &line, &panels)
}

/// The groups that have both the metric and the cost; none without any.
fn panel(groups: &[Group], cost: &Cost) -> Option<Panel> {
    let spread = |spread: super::groups::Spread| Spread { mean: spread.mean, deviation: spread.deviation };
    let point = |(group, on_front): (&Group, bool)| {
        let gain = group.get("best")?;
        Some(ScatterPoint {
            name: group.labels.join(" · "),
            cost: spread(group.get(cost.column)?),
            gain: spread(gain),
            repeated: gain.count > 1,
            on_front,
        })
    };
    let points: Vec<ScatterPoint> = groups.iter().zip(front(groups, cost)).filter_map(point).collect();
    let metric = &groups.first().filter(|_| !points.is_empty())?.metric;
    let caption = format!("{metric} against {}", cost.title);
    Some(Panel { caption, cost: cost.title.to_owned(), gain: format!("best {metric} on dev"), points })
}

#[cfg(test)]
mod tests;
