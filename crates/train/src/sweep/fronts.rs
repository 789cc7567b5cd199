//! Pareto fronts: the combinations that no other beats in both the metric and a cost.

use super::groups::Group;

/// A cost to weigh the metric against.
pub(super) struct Cost {
    /// Its mark in the table.
    pub(super) name: &'static str,
    /// Its column.
    pub(super) column: &'static str,
    /// What it is, with its unit.
    pub(super) title: &'static str,
}

/// The costs.
pub(super) const COSTS: [Cost; 4] = [
    Cost { name: "energy", column: "energy_uj", title: "microjoules a sentence, operations at 45 nm" },
    Cost { name: "spikes", column: "spikes_per_token", title: "spikes per token" },
    Cost { name: "latency", column: "latency_ms", title: "milliseconds a sentence" },
    Cost { name: "size", column: "packed_bytes", title: "bytes of the packed file" },
];

/// Whether each group is on the front of the best metric against `cost`, by means over seeds: no other has at least its metric
/// at no more cost and is better in one of the two. A silent one is on none, and keeps no other off.
pub(super) fn front(groups: &[Group], cost: &Cost) -> Vec<bool> {
    let place = |group: &Group| match group.silent {
        true => None,
        false => Some((group.get("best")?.mean, group.get(cost.column)?.mean)),
    };
    let places: Vec<Option<(f64, f64)>> = groups.iter().map(place).collect();
    let beaten = |(metric, cost): (f64, f64)| {
        let better = |&(m, c): &(f64, f64)| m >= metric && c <= cost && (m > metric || c < cost);
        places.iter().flatten().any(better)
    };
    places.iter().map(|place| place.is_some_and(|place| !beaten(place))).collect()
}

/// The fronts that each group is on, as words.
pub(super) fn marks(groups: &[Group]) -> Vec<String> {
    let fronts: Vec<(&Cost, Vec<bool>)> = COSTS.iter().map(|cost| (cost, front(groups, cost))).collect();
    let mark = |i: usize| {
        let names: Vec<&str> = fronts.iter().filter(|(_, front)| front[i]).map(|(cost, _)| cost.name).collect();
        names.join(" ")
    };
    (0..groups.len()).map(mark).collect()
}
