//! The counts of a population that follows GELU, found by comparing its currents with the few places where the count changes.

use crate::arithmetic::gelu;
use crate::neuron::Equilibrium;
use crate::order::sorted_by_key;

/// Most places: beyond them comparing takes longer than the polynomial.
const MOST: usize = 8;

/// Magnitude from which on the polynomial itself is asked: far from 0 its tail, 1e-7 of the current, is no longer nothing.
const FAR: f32 = 4096.0;

/// Values that are computed together, and again where one of them falls where the polynomial wavers.
const BLOCK: usize = 256;

/// Steps of `f32` within which two changes belong to one place.
const NEAR: i32 = 1 << 12;

/// Steps of `f32` around a place in which the count must stay what it is, and the widest place.
const SETTLED: i32 = 256;
const WIDEST: i32 = 1 << 18;

/// `count(gelu(x))` of one neuron as a function of few steps.
///
/// GELU falls to its least value at -0.75 and rises from there on, so that the count changes a few times only. In `f32` the
/// polynomial wavers by some units in the last place, and so does the count where it changes: each place is therefore an interval,
/// outside of which comparing gives the count, and inside of which, as far from 0, the polynomial itself is asked. Counts are thereby those of
/// `count(gelu(x))` for every `f32`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GeluCounts {
    neuron: Equilibrium,
    /// The count below the first place.
    first: f32,
    used: usize,
    /// Ends of the places, ascending: below `from[i]` the count is that before the change, from `to[i]` on that after it.
    from: [f32; MOST],
    to: [f32; MOST],
    /// By how much the count changes.
    jump: [f32; MOST],
}

impl GeluCounts {
    /// Finds the places; none if there are more than are worth comparing with.
    pub(crate) fn of(neuron: &Equilibrium) -> Option<Self> {
        let reference = |place: i32| neuron.count_as_float(gelu(value(place)));
        // The least value of GELU is between the two halves, on each of which the count moves one way but for the wavering.
        let bounds = [place(-FAR), place(-0.751_791_5), place(FAR)];
        // From 0 to its largest every unary count has a place of its own, so that nothing has to be searched to know of too many.
        if neuron.config().levels.is_unary() && reference(bounds[2]) > MOST as f32 {
            return None;
        }
        let mut changes = Vec::new();
        for half in bounds.windows(2) {
            find(half[0], half[1], &reference, &mut changes);
            if changes.len() > 64 * MOST {
                return None;
            }
        }
        let changes = sorted_by_key(&changes, |change| change);
        let mut found = Self {
            neuron: *neuron,
            first: reference(bounds[0]),
            used: 0,
            from: [f32::INFINITY; MOST],
            to: [f32::INFINITY; MOST],
            jump: [0.0; MOST],
        };
        let (mut rest, mut before) = (changes.as_slice(), found.first);
        while let [begin, ..] = *rest {
            let (mut from, mut to) = (begin, begin);
            // The place grows until the count has settled on both sides, and takes in what it meets.
            loop {
                let met = rest.iter().take_while(|&&change| change <= to.saturating_add(NEAR)).count();
                if met > 0 {
                    to = to.max(rest[met - 1]);
                    rest = &rest[met..];
                }
                let after = reference(to.saturating_add(SETTLED));
                let left = (1..=SETTLED).rev().find(|&i| reference(from - i) != before);
                let right = (0..SETTLED).rev().find(|&i| reference(to.saturating_add(i)) != after);
                from -= left.unwrap_or(0);
                to = to.saturating_add(right.map_or(0, |i| i + 1));
                if to.saturating_sub(from) > WIDEST {
                    return None;
                }
                if left.is_none() && right.is_none() && rest.first().is_none_or(|&next| next > to.saturating_add(NEAR))
                {
                    if found.used == MOST {
                        return None;
                    }
                    (found.from[found.used], found.to[found.used]) = (value(from), value(to));
                    found.jump[found.used] = after - before;
                    found.used += 1;
                    before = after;
                    break;
                }
            }
        }
        Some(found)
    }

    /// Replaces finite currents by counts.
    #[inline(always)]
    pub(crate) fn count(&self, x: &mut [f32]) {
        let mut given = [0.0; BLOCK];
        for block in x.chunks_mut(BLOCK) {
            given[..block.len()].copy_from_slice(block);
            let mut wavers = 0;
            for x in block.iter_mut() {
                let (mut count, mut begun, mut ended) = (self.first, 0, 0);
                for i in 0..self.used {
                    let after = *x >= self.to[i];
                    count += if after { self.jump[i] } else { 0.0 };
                    begun += i32::from(*x >= self.from[i]);
                    ended += i32::from(after);
                }
                wavers |= (begun - ended) | i32::from(x.abs() >= FAR);
                *x = count;
            }
            if wavers != 0 {
                for (x, given) in block.iter_mut().zip(given) {
                    *x = self.neuron.count_as_float(gelu(given));
                }
            }
        }
    }

    /// Places at which the count changes.
    #[cfg(test)]
    fn places(&self) -> impl Iterator<Item = (f32, f32)> {
        self.from.into_iter().zip(self.to).take(self.used)
    }
}

/// Where the count of `reference` changes between `low` and `high`, at least once for each two neighbours found to differ.
fn find(low: i32, high: i32, reference: &impl Fn(i32) -> f32, changes: &mut Vec<i32>) {
    if changes.len() > 64 * MOST || reference(low) == reference(high) {
        return;
    }
    if high == low + 1 {
        return changes.push(high);
    }
    // Two places may be further apart than an `i32` counts.
    let middle = (i64::from(low) + i64::from(high)).div_euclid(2) as i32;
    find(low, middle, reference, changes);
    find(middle, high, reference, changes);
}

/// A number's place among all `f32`: neighbours differ by 1, and both zeros are 0.
fn place(x: f32) -> i32 {
    let magnitude = (x.to_bits() & 0x7fff_ffff) as i32;
    if x.is_sign_negative() { -magnitude } else { magnitude }
}

fn value(place: i32) -> f32 {
    let magnitude = f32::from_bits(place.unsigned_abs().min(f32::MAX.to_bits()));
    if place < 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neuron::{Levels, NeuronConfig};

    fn neurons() -> Vec<Equilibrium> {
        let mut neurons = Vec::new();
        for signed in [true, false] {
            for theta in [0.05, 0.3, 0.68, 0.9, 1.0, 2.0, 3.7, 40.0] {
                for (levels, time_steps) in [
                    (Levels::Single, 1),
                    (Levels::Single, 4),
                    (Levels::Single, 16),
                    (Levels::Unary, 2),
                    (Levels::Unary, 5),
                ] {
                    neurons.push(Equilibrium::new(NeuronConfig { levels, time_steps, signed, theta }).unwrap());
                }
            }
        }
        neurons
    }

    fn same(counts: &GeluCounts, places: impl Iterator<Item = i32>) {
        let currents: Vec<f32> = places.map(value).collect();
        let mut found = currents.clone();
        counts.count(&mut found);
        for (x, found) in currents.iter().zip(found) {
            assert_eq!(found, counts.neuron.count_as_float(gelu(*x)), "{x:e}, {:?}", counts.neuron.config());
        }
    }

    #[test]
    fn every_f32_near_a_change_has_the_count_of_the_polynomial() {
        let mut compared = 0;
        for neuron in neurons() {
            let Some(counts) = GeluCounts::of(&neuron) else { continue };
            compared += 1;
            for (from, to) in counts.places() {
                let reach = 1 << 14;
                same(&counts, place(from).saturating_sub(reach)..place(to).saturating_add(reach).min(place(f32::MAX)));
            }
        }
        assert!(compared > 50, "only {compared} neurons have few places");
    }

    #[test]
    fn so_has_every_other_f32_as_far_as_a_wide_net_tells() {
        for neuron in neurons() {
            let Some(counts) = GeluCounts::of(&neuron) else { continue };
            // All of the range in uneven strides, then the part where GELU bends.
            same(&counts, (place(f32::MIN)..place(f32::MAX)).step_by(65_521));
            let bends = [-6.0, -0.01, 0.01, 6.0].map(place);
            same(&counts, (bends[0]..bends[1]).step_by(1009));
            same(&counts, (bends[2]..bends[3]).step_by(1009));
        }
    }

    #[test]
    fn a_block_with_one_current_far_away_is_right_as_a_whole() {
        let neuron = NeuronConfig { levels: Levels::Single, time_steps: 4, signed: true, theta: 2.0 };
        let counts = GeluCounts::of(&Equilibrium::new(neuron).unwrap()).unwrap();
        assert_eq!(counts.used, 3, "0 to 1, 1 to 2, 2 to 4");
        // Far from 0 the polynomial itself is asked.
        let from = -3e5;
        let mut row: Vec<f32> = (0..700).map(|i| i as f32 / 100.0 - 3.5).collect();
        row[300] = from;
        let expected: Vec<f32> = row.iter().map(|&x| counts.neuron.count_as_float(gelu(x))).collect();
        counts.count(&mut row);
        assert_eq!(row, expected);
    }

    #[test]
    fn a_neuron_of_many_counts_keeps_the_polynomial() {
        let neuron = NeuronConfig { levels: Levels::Unary, time_steps: 127, signed: true, theta: 2.0 };
        assert_eq!(GeluCounts::of(&Equilibrium::new(neuron).unwrap()), None);
    }
}
